"""Halts of opening risk. Exits never ask here.

The session's loss is measured from the equity at the end of the session before; the high-water mark is never reset. A
drawdown halt ends by itself when the next session opens (and begins again at the first mark that is as bad, so it makes
no difference whether a tick or that mark ended it); a halt by a person, or for an account that differs from the
ledger, ends only by a person. Which of the two a fact is about is its ``kind``, never its reason: a person may halt
with the words that risk uses itself. Only facts without a kind, on logs from before there was one, are told by the
reason.
"""

from contango_common.events.base import Event
from contango_common.events.risk import TradingHalted, TradingResumed
from contango_risk.sessions import next_open_ns
from contango_risk.state import RiskState

DAILY_DRAWDOWN = "daily_drawdown"
NEXT_SESSION = "next_session"


def new_session(state: RiskState, date: int) -> None:
    """The equity of the last mark becomes the base of the session's loss."""
    state.equity.session_date = date
    state.equity.session_base_micros = state.equity.equity_micros


def note_equity(state: RiskState, equity: int) -> None:
    known = state.equity
    known.equity_micros = equity
    if equity > known.high_water_micros:
        known.high_water_micros = equity


def decide_halts(state: RiskState, ts_ns: int) -> list[Event]:
    """Resume when the next session is open; halt when this one has lost too much."""
    over = resumed(state, ts_ns) if state.halts.drawdown else []
    if state.halts.drawdown and not over:
        return []
    base, limit = state.equity.session_base_micros, state.params.limits.daily_drawdown_halt
    if base <= 0 or state.equity.equity_micros > base * (1.0 - limit):
        return over
    return [*over, drawdown_halt(next_open_ns(state.calendar, ts_ns))]


def resumed(state: RiskState, ts_ns: int) -> list[Event]:
    """The end of a drawdown halt whose session is over; a person's halt under it is said again."""
    halts = state.halts
    if not halts.drawdown:
        return []
    over = ts_ns >= halts.until_ns if halts.until_ns is not None else state.equity.session_date != halts.session_date
    if not over:
        return []
    facts: list[Event] = [TradingResumed(reason=NEXT_SESSION, kind="drawdown")]
    if halts.manual is not None:
        facts.append(manual_halt(halts.manual))
    return facts


def drawdown_halt(until_ns: int | None) -> TradingHalted:
    return TradingHalted(reason=DAILY_DRAWDOWN, until_ns=until_ns, kind="drawdown")


def manual_halt(reason: str) -> TradingHalted:
    return TradingHalted(reason=reason, until_ns=None, kind="manual")


def is_drawdown(fact: TradingHalted | TradingResumed) -> bool:
    """Whether the fact begins or ends the drawdown halt.

    >>> is_drawdown(manual_halt("daily_drawdown")), is_drawdown(drawdown_halt(None))
    (False, True)
    """
    if fact.kind is not None:
        return fact.kind == "drawdown"
    return fact.reason == (DAILY_DRAWDOWN if isinstance(fact, TradingHalted) else NEXT_SESSION)


def take_halted(state: RiskState, fact: TradingHalted) -> None:
    if not is_drawdown(fact):
        state.halts.manual = fact.reason
        return
    state.halts.drawdown, state.halts.until_ns = True, fact.until_ns
    state.halts.session_date = state.equity.session_date


def take_resumed(state: RiskState, fact: TradingResumed) -> None:
    if is_drawdown(fact):
        state.halts.drawdown, state.halts.until_ns = False, None
