"""The independent twin of the ledger: it reads ``log.broker`` alone and must arrive at what risk says.

    cash     = initial cash + Σ fill cash − Σ fees + Σ settlements          (against every PortfolioMarked)
    equity   = cash + marks at mid                                          (within every PortfolioMarked)
    P&L      = Σ cash flows of the position, after fees                     (against every TradeClosed)

Broker facts name orders, so a position is what precedes the last colon of an order's id. Contracts that two positions
hold against each other never reach a settlement; such trades are compared in sum once their lots cancel out.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

from contango_common.events.codec import Envelope
from contango_common.events.order import AccountSnapshot, Assigned, Expired, Filled
from contango_common.events.risk import PortfolioMarked, TradeClosed

Lots = dict[str, int]


@dataclass(slots=True)
class Book:
    """Cash flows and signed lots of one position, as the broker's facts tell them."""

    cash_micros: int = 0
    fees_micros: int = 0
    lots: Lots = field(default_factory=dict)


@dataclass(slots=True)
class Twin:
    """Feed ``take`` with every message in log order, then ask ``violations``."""

    cash_micros: int | None = None
    marks_checked: int = 0
    trades_checked: int = 0
    _books: dict[str, Book] = field(default_factory=dict)
    _fills: set[str] = field(default_factory=set)
    _cash_seqs: list[int] = field(default_factory=list)
    _cash_after: list[int] = field(default_factory=list)
    _open_sum: list[tuple[str, int]] = field(default_factory=list)
    _found: list[str] = field(default_factory=list)

    def take(self, seq: int, envelope: Envelope) -> None:
        if envelope.source == "broker":
            for event in envelope.events:
                self._take_broker(seq, event)
        elif envelope.source == "risk":
            for event in envelope.events:
                if type(event) is PortfolioMarked:
                    self._check_mark(seq, envelope.cause, event)
                elif type(event) is TradeClosed:
                    self._check_trade(seq, event)

    def violations(self) -> list[str]:
        """What does not add up, in order of the log; empty when everything is conserved."""
        return [*self._found, *self._check_netted()]

    # -- the broker's facts ----------------------------------------------------------------------------------------

    def _take_broker(self, seq: int, event: object) -> None:
        if type(event) is AccountSnapshot:
            self._snapshot(seq, event)
        elif type(event) is Filled:
            self._fill(event)
        elif type(event) is Expired:
            self._expiry(seq, event)
        elif type(event) is Assigned:
            self._assignment(event)
        else:
            return
        self._cash_seqs.append(seq)
        self._cash_after.append(self.cash_micros or 0)

    def _snapshot(self, seq: int, event: AccountSnapshot) -> None:
        if self.cash_micros is None:
            self.cash_micros = event.cash_micros
        elif event.cash_micros != self.cash_micros:
            self._differs(seq, "cash of the account", event.cash_micros, self.cash_micros)

    def _fill(self, event: Filled) -> None:
        if event.fill_id in self._fills:
            return
        self._fills.add(event.fill_id)
        book = self._books.setdefault(event.order_id.rpartition(":")[0], Book())
        self._flow(book, event.cash_micros, event.fees_micros)
        for name, lots in zip(event.instruments, event.leg_quantities, strict=True):
            book.lots[name] = book.lots.get(name, 0) + lots

    def _expiry(self, seq: int, event: Expired) -> None:
        if sum(event.leg_cash_micros) != event.cash_micros:
            self._differs(seq, f"settlement of {event.root}", event.cash_micros, sum(event.leg_cash_micros))
        fees = event.fees_micros
        for name, held, cash in zip(event.instruments, event.quantities, event.leg_cash_micros, strict=True):
            holders = [book for book in self._books.values() if book.lots.get(name)]
            total = sum(book.lots[name] for book in holders)
            if total != held:
                self._differs(seq, f"holding of {name} at its settlement", held, total)
            for book in holders:
                self._flow(book, cash * book.lots[name] // (held or total), fees)
                book.lots[name] = fees = 0

    def _assignment(self, event: Assigned) -> None:
        left, fees = event.quantity, event.fees_micros
        for book in self._books.values():
            taken = min(left, -book.lots.get(event.instrument, 0))
            if taken > 0:
                self._flow(book, event.cash_micros * taken // event.quantity, fees)
                book.lots[event.instrument] += taken
                left, fees = left - taken, 0

    def _flow(self, book: Book, cash_micros: int, fees_micros: int) -> None:
        book.cash_micros += cash_micros
        book.fees_micros += fees_micros
        self.cash_micros = (self.cash_micros or 0) + cash_micros - fees_micros

    # -- what risk says --------------------------------------------------------------------------------------------

    def _check_mark(self, seq: int, cause: int, event: PortfolioMarked) -> None:
        """Risk had seen the broker's facts up to the message it answers, not those published meanwhile."""
        self.marks_checked += 1
        at = bisect_right(self._cash_seqs, cause)
        cash = self._cash_after[at - 1] if at else 0
        if event.cash_micros != cash:
            self._differs(seq, "cash", event.cash_micros, cash)
        if event.equity_micros != event.cash_micros + event.mid_micros:
            self._differs(seq, "equity", event.equity_micros, event.cash_micros + event.mid_micros)

    def _check_trade(self, seq: int, event: TradeClosed) -> None:
        self.trades_checked += 1
        book = self._books.get(event.position_id)
        if book is None:
            self._found.append(f"message {seq}: {event.position_id} was closed, but the broker never filled it")
            return
        if any(book.lots.values()):
            self._open_sum.append((event.position_id, event.pnl_micros))
            return
        if event.pnl_micros != book.cash_micros - book.fees_micros:
            flows = book.cash_micros - book.fees_micros
            self._differs(seq, f"P&L of {event.position_id}", event.pnl_micros, flows)
        if event.fees_micros != book.fees_micros:
            self._differs(seq, f"fees of {event.position_id}", event.fees_micros, book.fees_micros)

    def _check_netted(self) -> list[str]:
        """Trades whose contracts met in the account: their lots must cancel, and their sums agree."""
        lots: Lots = {}
        said = flows = 0
        for position_id, pnl_micros in self._open_sum:
            book = self._books[position_id]
            said, flows = said + pnl_micros, flows + book.cash_micros - book.fees_micros
            for name, count in book.lots.items():
                lots[name] = lots.get(name, 0) + count
        names = ", ".join(position_id for position_id, _ in self._open_sum)
        left = {name: count for name, count in lots.items() if count}
        if left:
            return [f"{names}: closed, but by the broker's facts still holding {left}"]
        return [] if said == flows else [f"P&L of {names}: risk says {said} micros, the broker's facts {flows}"]

    def _differs(self, seq: int, what: str, said: int, facts: int) -> None:
        self._found.append(f"message {seq}: {what}: {said} is said, the broker's facts make it {facts}")
