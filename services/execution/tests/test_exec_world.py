"""Execution and the simulated venue together, on a small log of their own.

``World`` is the scheduler in twenty lines. ``Twin`` believes only what the broker says: cash and holdings from fills,
fees and settlements. Random scripts of frames, approvals, exits, halts and settlements must leave both in agreement,
with one order per intent, no fill that the quotes do not allow, and every requested exit closed once quotes return.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.chain import contract_key
from contango_common.domain.instrument import option_id, parse_option_id
from contango_common.events.base import Event
from contango_common.events.market import (
    AssetListed,
    Bars,
    ChainFrame,
    FeedState,
    RootListed,
    SessionTable,
    SettlementPrint,
    Tick,
)
from contango_common.events.order import (
    Accepted,
    AccountSnapshot,
    Cancelled,
    Expired,
    Filled,
    OrderCancelled,
    OrderDone,
    OrderSubmitted,
    Rejected,
    WorkingPriceMoved,
)
from contango_common.events.risk import Approved, ExitRequested, TradingHalted, TradingResumed
from contango_common.events.system import Halt, ParametersChanged, Resume
from contango_common.runtime.fold import evolve, step
from contango_common.runtime.schedule import matches
from contango_common.runtime.snapshot import StateCodec
from contango_execution import fold, venue

MINUTE_NS = 60_000_000_000
OPEN_NS = 1_521_034_200_000_000_000  # 2018-03-14 13:30 UTC, the New York open
DAY_NS = 86_400_000_000_000
CLOSE_NS = OPEN_NS + 390 * MINUTE_NS
EXPIRY = {20180316: CLOSE_NS + 2 * DAY_NS, 20180323: CLOSE_NS + 9 * DAY_NS}
Quote = tuple[int, int, int, int]


def put(strike: int, date: int = 20180316) -> str:
    return option_id("SPXW", date, "P", strike * 1_000)


def call(strike: int, date: int = 20180316) -> str:
    return option_id("SPXW", date, "C", strike * 1_000)


CONDOR = (put(2_600), put(2_650), call(2_800), call(2_850))
CONDOR_RATIOS = (1, -1, -1, 1)
QUOTES: dict[str, Quote] = {
    CONDOR[0]: (90, 110, 20, 20),
    CONDOR[1]: (200, 220, 10, 10),
    CONDOR[2]: (150, 170, 30, 30),
    CONDOR[3]: (50, 60, 40, 40),
}


def chain(quotes: dict[str, Quote]) -> ChainFrame:
    """A frame with these quotes: bid, ask (ticks), bid size, ask size."""
    parts = [(parse_option_id(name), quotes[name]) for name in sorted(quotes)]
    contracts = {
        "key": [contract_key(0, date, right == "C", strike) for (_, date, right, strike), _ in parts],
        "root": [0 for _ in parts],
        "expiry_date": [date for (_, date, _, _), _ in parts],
        "expiry_ns": [EXPIRY[date] for (_, date, _, _), _ in parts],
        "last_trade_ns": [EXPIRY[date] for (_, date, _, _), _ in parts],
        "strike_millis": [strike for (_, _, _, strike), _ in parts],
        "is_call": [right == "C" for (_, _, right, _), _ in parts],
    }
    names = ("bid_ticks", "ask_ticks", "bid_size", "ask_size")
    frame = ChainFrame(
        underlying="SPX", spot=2_750.0, roots=("SPXW",), contracts="c", quotes="q", rows=len(parts), session_date=0
    )
    frame.attach(
        {
            "c": {name: np.array(column, dtype="<i8") for name, column in contracts.items()},
            "q": {name: np.array([quote[i] for _, quote in parts], dtype="<i4") for i, name in enumerate(names)},
        }
    )
    return frame


def bars(symbol: str, price: float, timeframe_s: int = 900) -> Bars:
    one = (price,)
    return Bars(timeframe_s=timeframe_s, symbols=(symbol,), open=one, high=one, low=one, close=one)


def listing() -> list[Event]:
    days = range(12)
    return [
        RootListed(
            root="SPXW", underlying="SPX", style="european", settlement="pm", delivery="cash", increment_ticks=5
        ),
        AssetListed(symbol="SPX", kind="index"),
        AssetListed(symbol="SPY", kind="stock"),
        AssetListed(symbol="BTCUSDT", kind="spot", lot_micros=10_000),
        SessionTable(
            calendar="XNYS",
            date=tuple(20180314 + d for d in days),
            open_ns=tuple(OPEN_NS + d * DAY_NS for d in days),
            close_ns=tuple(CLOSE_NS + d * DAY_NS for d in days),
        ),
    ]


def approved(position_id: str, **changes: Any) -> Approved:
    values: dict[str, Any] = {
        "proposal_id": position_id,
        "position_id": position_id,
        "strategy": "iron_condor",
        "underlying": "SPX",
        "instruments": CONDOR,
        "ratios": CONDOR_RATIOS,
        "multiplier": 100,
        "tick_micros": 10_000,
        "quantity": 5,
        "limit_ticks": -200,
        "max_loss_micros": 1,
        "sizes": {},
        "limits": {},
        "valid_until_ns": OPEN_NS + 30 * DAY_NS,
    }
    return Approved(**(values | changes))


def exit_requested(opening: Approved, **changes: Any) -> ExitRequested:
    values: dict[str, Any] = {
        name: getattr(opening, name)
        for name in ("position_id", "underlying", "instruments", "ratios", "multiplier", "tick_micros", "quantity")
    }
    values |= {"reason": "stop", "all_true": ("stop",), "closing_debit_ticks": 217.1}
    return ExitRequested(**(values | changes))


def order(order_id: str, **changes: Any) -> OrderSubmitted:
    values: dict[str, Any] = {
        "order_id": order_id,
        "position_id": "p",
        "purpose": "open",
        "underlying": "SPX",
        "instruments": CONDOR,
        "ratios": CONDOR_RATIOS,
        "multiplier": 100,
        "tick_micros": 10_000,
        "quantity": 5,
        "limit_ticks": -200,
        "valid_until_ns": None,
    }
    return OrderSubmitted(**(values | changes))


@dataclass
class World:
    """Venue and fold on one log. ``reload`` replaces every state by what its bytes say after each message."""

    parts: tuple[Any, ...] = (venue, fold)
    reload: bool = False
    log: list[tuple[str, int, list[Event]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.states = [part.initial() for part in self.parts]
        self.codecs = [StateCodec(part) for part in self.parts]
        self.cursor = 0

    def put(self, subject: str, ts_ns: int, *events: Event) -> list[Event]:
        """Append a message, let everyone handle what follows from it, and return all that was said."""
        start = len(self.log) + 1
        self.log.append((subject, ts_ns, list(events)))
        while self.cursor < len(self.log):
            assert len(self.log) - start < 64, "a cascade without end: two participants answer each other"
            self._handle(*self.log[self.cursor])
        return [event for _, _, said in self.log[start:] for event in said]

    def _handle(self, subject: str, ts_ns: int, events: Sequence[Event]) -> None:
        self.cursor += 1
        at = At(ts_ns, self.cursor, subject)
        for index, part in enumerate(self.parts):
            if not any(matches(pattern, subject) for pattern in part.READS):
                continue
            facts, _ = step(part, self.states[index], events, at)
            if facts:
                self.log.append((f"log.{part.NAME}", ts_ns, facts))
            if self.reload:
                self.states[index] = self.codecs[index].load(self.codecs[index].dump(self.states[index]))

    def said(self, kind: type[Event]) -> list[Any]:
        return [event for _, _, events in self.log for event in events if isinstance(event, kind)]

    def bytes(self) -> list[bytes]:
        return [codec.dump(state) for codec, state in zip(self.codecs, self.states, strict=True)]


def started(params: dict[str, Any] | None = None, **how: Any) -> World:
    world = World(**how)
    world.put("log.control.research", OPEN_NS - MINUTE_NS, ParametersChanged(params=params or {}, reason="start"))
    world.put("log.reference", OPEN_NS - MINUTE_NS, *listing())
    return world


def minute(n: int) -> int:
    return OPEN_NS + n * MINUTE_NS


@dataclass
class Twin:
    """The account as told by the broker alone."""

    cash: int = 0
    held: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @staticmethod
    def of(world: World) -> "Twin":
        twin = Twin()
        for subject, _, events in world.log:
            for event in events if subject == "log.broker" else []:
                twin.hear(event)
        return twin

    def hear(self, event: Event) -> None:
        if isinstance(event, AccountSnapshot):
            self.cash += event.cash_micros
        elif isinstance(event, Filled):
            legs = zip(event.leg_quantities, event.leg_price_micros, strict=True)
            assert event.cash_micros == sum(-q * price * 100 for q, price in legs), "exact from the leg prices"
            self.cash += event.cash_micros - event.fees_micros
            for name, quantity in zip(event.instruments, event.leg_quantities, strict=True):
                self.held[name] += quantity
        elif isinstance(event, Expired):
            assert event.cash_micros == sum(event.leg_cash_micros)
            self.cash += event.cash_micros - event.fees_micros
            for name, quantity in zip(event.instruments, event.quantities, strict=True):
                self.held[name] -= quantity

    def holdings(self) -> dict[str, int]:
        return {name: quantity for name, quantity in self.held.items() if quantity}


# --- random scripts --------------------------------------------------------------------------------------------------

CALENDAR = (put(2_700), put(2_700, 20180323))
BUTTERFLY = (put(2_600), put(2_650), put(2_700))
STRUCTURES = (
    (CONDOR, CONDOR_RATIOS),
    (CALENDAR, (-1, 1)),
    (BUTTERFLY, (1, -2, 1)),
    ((put(2_650), put(2_600)), (-1, 1)),
)
ALL = tuple(dict.fromkeys(name for names, _ in STRUCTURES for name in names))


def random_quotes(rng: random.Random) -> dict[str, Quote]:
    """Good, absent, crossed, one-sided and thin quotes, as they come."""
    quotes: dict[str, Quote] = {}
    for name in ALL:
        bid = rng.choice([0, 40, 90, 200, rng.randrange(1, 400), rng.randrange(1, 400)])
        ask = bid + rng.randrange(1, 30)
        if rng.random() < 0.15:
            ask = rng.choice([bid, -1, bid - 5])
        if rng.random() < 0.95:
            quotes[name] = (bid, ask, rng.choice([-1, 0, 2, 3, 5, 50]), rng.choice([-1, 1, 2, 4, 50]))
    return quotes


def good_quotes(rng: random.Random) -> dict[str, Quote]:
    return {name: (bid := rng.randrange(5, 300), bid + rng.randrange(1, 30), 999, -1) for name in ALL}


OFTEN = ["frame", "good", "approve"] * 5 + ["exit", "night", "resume", "risk-resume"] * 2
ACTIONS = st.sampled_from([*OFTEN, "bars", "emergency", "halt", "risk-halt", "feed", "repeat", "foreign-cancel"])
SCRIPTS = st.tuples(st.integers(0, 2**32), st.lists(ACTIONS, min_size=5, max_size=40))


@dataclass
class Script:
    """Plays actions, 15 minutes apart, and remembers the approvals. ``calm`` leaves the broker undisturbed."""

    world: World
    rng: random.Random
    ts_ns: int = OPEN_NS
    approvals: list[Approved] = field(default_factory=list)
    halted: set[str] = field(default_factory=set)

    def play(self, action: str) -> None:
        if action in ("frame", "good", "bars"):
            self.later(15 * MINUTE_NS)
        elif action == "night":
            self.later(405 * MINUTE_NS)
        quotes = good_quotes(self.rng) if action == "good" else random_quotes(self.rng)
        if action in ("frame", "good"):
            self.world.put("log.md", self.ts_ns, chain(quotes))
        elif action == "bars":
            self.world.put("log.md", self.ts_ns, bars("SPX", 2_750.0))
        elif action == "approve":
            self.approve()
        elif action in ("exit", "emergency") and self.approvals:
            self.exit(self.rng.choice(self.approvals), "emergency" if action == "emergency" else "normal")
        elif action == "feed":
            state = self.rng.choice(["live", "stale", "live"])
            self.world.put("log.md", self.ts_ns, FeedState(underlying="SPX", state=state))
        elif action == "repeat":
            self.repeat()
        elif action == "foreign-cancel":
            self.foreign_cancel()
        else:
            self.control(action)

    def later(self, wait_ns: int) -> None:
        """Time passes; after the close comes the next session's open. Prints that became due are given."""
        before_ns, self.ts_ns = self.ts_ns, self.ts_ns + wait_ns
        if (self.ts_ns - OPEN_NS) % DAY_NS > 390 * MINUTE_NS:
            self.ts_ns = OPEN_NS + ((self.ts_ns - OPEN_NS) // DAY_NS + 1) * DAY_NS
        for expiry_ns in EXPIRY.values():
            if before_ns < expiry_ns <= self.ts_ns:
                self.settle(expiry_ns)

    def settle(self, expiry_ns: int) -> list[Event]:
        price = round(self.rng.uniform(2_550, 2_900), 2)
        event = SettlementPrint(underlying="SPX", root="SPXW", expiry_ns=expiry_ns, price=price)
        return self.world.put("log.reference", max(self.ts_ns, expiry_ns), event)

    def approve(self) -> None:
        names, ratios = self.rng.choice(STRUCTURES)
        event = approved(
            f"p{len(self.approvals)}",
            instruments=names,
            ratios=ratios,
            quantity=self.rng.randrange(1, 8),
            limit_ticks=self.rng.randrange(-300, 900),
            valid_until_ns=self.ts_ns + self.rng.choice([-5, 20, 200, 2_000]) * MINUTE_NS,
        )
        self.approvals.append(event)
        self.world.put("log.risk", self.ts_ns, event)

    def exit(self, opening: Approved, urgency: str) -> None:
        debit = self.rng.choice([None, self.rng.uniform(-300, 300)])
        self.world.put("log.risk", self.ts_ns, exit_requested(opening, closing_debit_ticks=debit, urgency=urgency))

    def repeat(self) -> None:
        """An approval that comes twice must not become a second order."""
        if self.approvals:
            self.world.put("log.risk", self.ts_ns, self.rng.choice(self.approvals))

    def foreign_cancel(self) -> None:
        """Somebody takes an order back behind execution's back, in words the venue understands."""
        working = list(self.world.states[0].orders)
        if working:
            said = OrderCancelled(order_id=self.rng.choice(working), reason="foreign")
            facts, _ = step(venue, self.world.states[0], [said], At(self.ts_ns, self.world.cursor, "foreign"))
            self.world.put("log.broker", self.ts_ns, *facts)

    def control(self, action: str) -> None:
        subject, event = {
            "halt": ("log.control.gateway", Halt(reason="person")),
            "resume": ("log.control.gateway", Resume(reason="person")),
            "risk-halt": ("log.risk", TradingHalted(reason="drawdown", until_ns=None)),
            "risk-resume": ("log.risk", TradingResumed(reason="new day")),
        }.get(action, ("", None))
        if event is None:
            return
        self.world.put(subject, self.ts_ns, event)
        if action.endswith("halt"):
            self.halted.add(action)
        else:
            self.halted.discard(action.replace("resume", "halt"))


def played(seed: int, actions: Sequence[str], **how: Any) -> Script:
    script = Script(started({"execution": {"open_deadline_minutes": 240}}, **how), random.Random(seed))
    for action in actions:
        before = len(script.world.said(OrderSubmitted))
        script.play(action)
        opened = [o for o in script.world.said(OrderSubmitted)[before:] if o.purpose == "open"]
        assert not (opened and script.halted), "a halt forbids new risk"
    return script


@settings(max_examples=120, deadline=None)
@given(SCRIPTS)
def test_cash_and_holdings_are_conserved(script: tuple[int, list[str]]) -> None:
    world = played(*script).world
    twin = Twin.of(world)
    journal = world.states[0]
    assert journal.cash_micros == twin.cash
    assert journal.holdings == twin.holdings()
    held: dict[str, int] = defaultdict(int)
    for position in world.states[1].positions.values():
        for name, ratio in zip(position.instruments, position.ratios, strict=True):
            held[name] += ratio * position.held
    assert {name: q for name, q in held.items() if q} == journal.holdings, "execution knows what the account holds"


@settings(max_examples=120, deadline=None)
@given(SCRIPTS)
def test_one_order_per_intent_and_one_end_per_order(script: tuple[int, list[str]]) -> None:
    world = played(*script).world
    submitted = [o.order_id for o in world.said(OrderSubmitted)]
    accepted = [o.order_id for o in world.said(Accepted)]
    done = [o.order_id for o in world.said(OrderDone)]
    assert len(set(submitted)) == len(submitted)
    assert len(set(accepted)) == len(accepted)
    assert len(set(done)) == len(done)
    assert {o for o in submitted if o not in done} == set(world.states[1].orders) == set(world.states[0].orders)
    opens = [o.position_id for o in world.said(OrderSubmitted) if o.purpose == "open"]
    assert len(set(opens)) == len(opens)


@settings(max_examples=120, deadline=None)
@given(SCRIPTS)
def test_no_fill_that_the_quotes_do_not_allow(script: tuple[int, list[str]]) -> None:
    """Later than the order, within natural and mid, not worse than the limit in force, in ratio, within size."""
    world = played(*script).world
    orders: dict[str, OrderSubmitted] = {}
    since: dict[str, int] = {}
    limits: dict[str, int | None] = {}
    filled: dict[str, int] = defaultdict(int)
    frame: ChainFrame | None = None
    for _, ts_ns, events in world.log:
        for event in events:
            if isinstance(event, ChainFrame):
                frame = event
            elif isinstance(event, OrderSubmitted):
                orders[event.order_id], since[event.order_id] = event, ts_ns
                limits[event.order_id] = event.limit_ticks
            elif isinstance(event, WorkingPriceMoved):
                limits[event.order_id] = event.limit_ticks
            elif isinstance(event, Filled):
                of = orders[event.order_id]
                filled[event.order_id] += event.quantity
                assert ts_ns > since[event.order_id]
                assert (ts_ns - OPEN_NS) % DAY_NS >= 15 * MINUTE_NS, "nothing in the first minutes"
                assert event.leg_quantities == tuple(r * event.quantity for r in of.ratios)
                assert event.remaining == of.quantity - filled[event.order_id] >= 0
                assert event.natural_cash_micros <= event.cash_micros
                assert event.fees_micros == 650_000 * sum(abs(q) for q in event.leg_quantities)
                assert_quotes_allow(event, limits[event.order_id], frame)


def assert_quotes_allow(fill: Filled, limit_ticks: int | None, frame: ChainFrame | None) -> None:
    assert frame is not None
    net_micros = -fill.cash_micros // (100 * fill.quantity)
    assert limit_ticks is None or net_micros <= limit_ticks * 10_000
    keys, quotes = frame.contract_columns()["key"], frame.quote_columns()
    given_away = False
    for name, quantity, price in zip(fill.instruments, fill.leg_quantities, fill.leg_price_micros, strict=True):
        _, date, right, strike = parse_option_id(name)
        row = list(keys).index(contract_key(0, date, right == "C", strike))
        bid, ask = int(quotes["bid_ticks"][row]), int(quotes["ask_ticks"][row])
        size = int(quotes["ask_size" if quantity > 0 else "bid_size"][row])
        assert 0 <= bid <= ask
        given_away |= quantity < 0 and bid == 0
        assert bid * 10_000 <= price <= ask * 10_000
        assert size < 0 or abs(quantity) <= size or (quantity < 0 and bid == 0)
    assert given_away or fill.cash_micros <= fill.mid_cash_micros, "mid is never bettered"


@settings(max_examples=120, deadline=None)
@given(SCRIPTS)
def test_every_exit_gets_done_when_quotes_return(script: tuple[int, list[str]]) -> None:
    run = played(*script)
    run.world.put("log.md", run.ts_ns, FeedState(underlying="SPX", state="live"))
    for opening in run.approvals:
        run.exit(opening, "normal")
    for _ in range(8):
        run.play("good")
    assert run.world.states[0].holdings == {}
    state = run.world.states[1]
    assert (state.orders, state.positions, state.closing, state.unknown) == ({}, {}, [], {})


@settings(max_examples=60, deadline=None)
@given(SCRIPTS)
def test_a_restart_at_any_cut_changes_nothing(script: tuple[int, list[str]]) -> None:
    calm = [action for action in script[1] if action != "foreign-cancel"]
    straight = played(script[0], calm).world
    cut = played(script[0], calm, reload=True).world
    assert [(s, t, [e.model_dump() for e in es]) for s, t, es in cut.log] == [
        (s, t, [e.model_dump() for e in es]) for s, t, es in straight.log
    ]
    assert cut.bytes() == straight.bytes()


@settings(max_examples=60, deadline=None)
@given(SCRIPTS)
def test_facts_alone_rebuild_both_states(script: tuple[int, list[str]]) -> None:
    """Recovery folds inputs and own facts with ``evolve``: whatever ``decide`` changed in secret would be missing."""
    calm = [action for action in script[1] if action != "foreign-cancel"]
    world = played(script[0], calm).world
    again = World()
    for index, part in enumerate(again.parts):
        refold(part, again.states[index], world.log)
    assert again.bytes() == world.bytes()


def refold(part: Any, state: Any, log: list[tuple[str, int, list[Event]]]) -> None:
    """Evolve ``state`` from facts, as bytes would give them; a probe that decides tells which fact followed what."""
    probe = part.initial()
    for seq, (subject, ts_ns, events) in enumerate(log, start=1):
        at = At(ts_ns, seq, subject)
        for event in events if any(matches(pattern, subject) for pattern in part.READS) else []:
            evolve(part, state, event, at)
            for fact in step(part, probe, [event], at)[0]:
                evolve(part, state, type(fact).model_validate_json(fact.model_dump_json()), at)


# --- examples by hand ------------------------------------------------------------------------------------------------


def test_a_condor_by_hand() -> None:
    """Sold at 53 % of each spread: 1.006 − 2.094 − 1.594 + 0.553 = −2.129 a unit."""
    world = started()
    world.put("log.risk", minute(30), approved("p", limit_ticks=-210))
    world.put("log.md", minute(45), bars("SPX", 2_750.0))
    said = world.put("log.md", minute(60), chain(QUOTES))
    fill = next(event for event in said if isinstance(event, Filled))
    assert fill.leg_price_micros == (1_006_000, 2_094_000, 1_594_000, 553_000)
    assert fill.cash_micros == 5 * 212_900_000
    assert fill.mid_cash_micros == 5 * 215_000_000
    assert fill.natural_cash_micros == 5 * 180_000_000
    assert fill.fees_micros == 5 * 4 * 650_000
    assert world.states[0].cash_micros == 1_000_000_000_000 + fill.cash_micros - fill.fees_micros


def test_nothing_fills_on_the_frame_of_the_order() -> None:
    world = started()
    world.put("log.md", minute(60), chain(QUOTES))
    world.put("log.risk", minute(60), approved("p"))
    assert world.put("log.md", minute(60), chain(QUOTES)) == []
    assert world.said(Filled) == []


def test_displayed_size_gives_whole_units_and_the_rest_later() -> None:
    """Ten contracts bid on the short put: 10 of 15 units now, the rest at the next frame."""
    world = started()
    world.put("log.risk", minute(30), approved("p", quantity=15))
    world.put("log.md", minute(60), chain(QUOTES))
    world.put("log.md", minute(75), chain(QUOTES))
    assert [(f.quantity, f.remaining) for f in world.said(Filled)] == [(10, 5), (5, 0)]


def test_two_orders_share_the_displayed_size() -> None:
    world = started()
    world.put("log.risk", minute(30), approved("p", quantity=8), approved("q", quantity=8))
    world.put("log.md", minute(60), chain(QUOTES))
    assert [(f.order_id, f.quantity) for f in world.said(Filled)] == [("p:o1", 8), ("q:o1", 2)]


def test_an_exit_takes_the_opening_order_back_and_closes_what_is_held() -> None:
    world = started()
    opening = approved("p", quantity=15)
    world.put("log.risk", minute(30), opening)
    world.put("log.md", minute(60), chain(QUOTES))
    said = world.put("log.risk", minute(60), exit_requested(opening))
    assert [type(event).__name__ for event in said] == [
        "OrderCancelled",
        "OrderSubmitted",
        "Cancelled",
        "Accepted",
        "OrderDone",
    ]
    closing = world.said(OrderSubmitted)[-1]
    assert (closing.order_id, closing.purpose, closing.quantity, closing.limit_ticks) == ("p:x1", "reduce", 10, 220)
    assert closing.ratios == (-1, 1, 1, -1)
    world.put("log.md", minute(90), chain(QUOTES))
    assert world.states[0].holdings == {}
    assert world.states[1].positions == {}


def test_a_fill_that_crosses_the_exit_is_closed_too() -> None:
    """The opening order fills at the very frame at which the exit is asked for."""
    world = started()
    opening = approved("p", quantity=15)
    world.put("log.risk", minute(30), opening)
    world.put("log.risk", minute(45), exit_requested(opening))
    assert [d.state for d in world.said(OrderDone)] == ["cancelled"]
    assert world.states[1].positions == {}
    alone = World(parts=(fold,))
    alone.put("log.reference", OPEN_NS, *listing())
    alone.put("log.risk", minute(30), opening)
    alone.put("log.broker", minute(30), Accepted(order_id="p:o1", venue_id="V1"))
    said = alone.put("log.risk", minute(45), exit_requested(opening))
    assert [type(event).__name__ for event in said] == ["OrderCancelled"]
    late = fill_of("p:o1", 4, 11)
    said = alone.put("log.broker", minute(45), late)
    assert [(o.purpose, o.quantity) for o in said if isinstance(o, OrderSubmitted)] == [("reduce", 4)]
    said = alone.put("log.broker", minute(45), Cancelled(order_id="p:o1", reason="asked"))
    assert [(d.state, d.filled) for d in said if isinstance(d, OrderDone)] == [("cancelled", 4)]


def fill_of(order_id: str, quantity: int, remaining: int) -> Filled:
    return Filled(
        order_id=order_id,
        fill_id=f"{order_id}:f1",
        quantity=quantity,
        instruments=CONDOR,
        leg_quantities=tuple(r * quantity for r in CONDOR_RATIOS),
        leg_price_micros=(0, 0, 0, 0),
        cash_micros=0,
        mid_cash_micros=0,
        natural_cash_micros=0,
        fees_micros=0,
        remaining=remaining,
    )


def test_a_closing_order_that_is_refused_comes_again_once_a_frame() -> None:
    alone = World(parts=(fold,))
    alone.put("log.reference", OPEN_NS, *listing())
    alone.put("log.risk", minute(30), approved("p"))
    alone.put("log.broker", minute(45), fill_of("p:o1", 5, 0))
    alone.put("log.risk", minute(60), exit_requested(approved("p")))
    for frame in range(3):
        at_ns = minute(60 + 15 * frame)
        said = alone.put("log.broker", at_ns, Rejected(order_id=f"p:x{frame + 1}", reasons=("busy",)))
        assert [type(event).__name__ for event in said] == ["OrderDone"]
        said = alone.put("log.md", at_ns + 15 * MINUTE_NS, bars("SPX", 2_750.0))
        assert [o.order_id for o in said if isinstance(o, OrderSubmitted)] == [f"p:x{frame + 2}"]


def test_the_ladder_climbs_from_achievable_over_natural_to_market() -> None:
    world = started()
    opening = approved("p")
    world.put("log.risk", minute(30), opening)
    world.put("log.md", minute(60), chain(QUOTES))
    world.put("log.risk", minute(60), exit_requested(opening, closing_debit_ticks=100.0))
    dear = {name: (bid + 300 * k, ask + 300 * k, 50, 50) for k, (name, (bid, ask, _, _)) in enumerate(QUOTES.items())}
    thin = dear | {CONDOR[1]: (500, 520, 50, 0)}
    for frame in range(4):
        world.put("log.md", minute(90 + 30 * frame), chain(thin))
    moves = [m for m in world.said(WorkingPriceMoved) if m.order_id == "p:x1"]
    natural = -90 + 520 + (170 + 600) - (50 + 900)
    assert [(m.reason, m.limit_ticks) for m in moves] == [
        ("natural", natural),
        ("market", None),
    ]
    world.put("log.md", minute(210), chain(dear))
    assert world.states[0].holdings == {}


def test_a_halt_takes_back_openings_and_leaves_exits() -> None:
    world = started()
    first, second = approved("p"), approved("q")
    world.put("log.risk", minute(30), first)
    world.put("log.md", minute(60), chain(QUOTES))
    world.put("log.risk", minute(60), second, exit_requested(first))
    world.put("log.control.gateway", minute(61), Halt(reason="person"))
    assert [c.order_id for c in world.said(OrderCancelled)] == ["q:o1"]
    said = world.put("log.risk", minute(62), approved("r"))
    assert [(type(d).__name__, d.state, d.filled) for d in said if isinstance(d, OrderDone)] == [
        ("OrderDone", "cancelled", 0)
    ]
    world.put("log.md", minute(90), chain(QUOTES))
    assert world.states[0].holdings == {}


def test_an_opening_order_ends_at_its_deadline() -> None:
    world = started({"execution": {"open_deadline_minutes": 60}})
    world.put("log.risk", minute(30), approved("p", limit_ticks=-500))
    assert [type(e).__name__ for e in world.put("log.md", minute(60), chain(QUOTES))] == ["WorkingPriceMoved"]
    assert isinstance(world.put("log.md", minute(90), chain(QUOTES))[0], OrderCancelled)
    assert [(c.order_id, c.reason) for c in world.said(OrderCancelled)] == [("p:o1", "deadline")]
    assert [(d.state, d.filled, d.reason) for d in world.said(OrderDone)] == [("cancelled", 0, "deadline")]


def test_the_same_order_id_is_answered_and_never_traded_twice() -> None:
    world = World(parts=(venue,))
    world.put("log.control.x", OPEN_NS, ParametersChanged(params={}, reason=""))
    world.put("log.reference", OPEN_NS, *listing())
    (first,) = world.put("log.execution", minute(30), order("a"))
    assert world.put("log.execution", minute(31), order("a", quantity=9)) == [first]
    world.put("log.md", minute(60), chain(QUOTES))
    assert world.put("log.execution", minute(61), order("a")) == [first]
    world.put("log.md", minute(90), chain(QUOTES))
    assert [(f.order_id, f.quantity) for f in world.said(Filled)] == [("a", 5)]
    (refused,) = world.put("log.execution", minute(91), order("b", limit_ticks=-201))
    assert world.put("log.execution", minute(92), order("b", limit_ticks=-200)) == [refused]
    assert isinstance(refused, Rejected)


def test_a_refusal_names_every_reason() -> None:
    world = World(parts=(venue,))
    world.put("log.reference", OPEN_NS, *listing())
    bad = order(
        "bad",
        instruments=(put(2_600, 20180309), "NDXP180316P06500000"),
        ratios=(0, 1),
        limit_ticks=-203,
        multiplier=10,
        valid_until_ns=minute(29),
    )
    (refused,) = world.put("log.execution", minute(30), bad)
    assert isinstance(refused, Rejected)
    text = " | ".join(refused.reasons)
    for words in ("ratio 0", "valid_until", "multiplier 100", "expired", "unknown instrument NDXP", "multiple of 5"):
        assert words in text
    (index,) = world.put("log.execution", minute(30), order("i", instruments=("SPX",), ratios=(1,), multiplier=1))
    assert isinstance(index, Rejected)
    assert "cannot be traded" in index.reasons[0]


def test_cancelling_what_is_over_is_silent_and_what_never_came_is_refused() -> None:
    world = World(parts=(venue,))
    world.put("log.reference", OPEN_NS, *listing())
    world.put("log.execution", minute(30), order("a"))
    world.put("log.md", minute(60), chain(QUOTES))
    assert world.put("log.execution", minute(60), OrderCancelled(order_id="a", reason="x")) == []
    (answer,) = world.put("log.execution", minute(60), OrderCancelled(order_id="ghost", reason="x"))
    assert isinstance(answer, Rejected)
    (again,) = world.put("log.execution", minute(61), order("ghost"))
    assert isinstance(again, Rejected), "the id was spent by the answer"


@pytest.mark.parametrize(("limit_ticks", "fills"), [(-210, True), (-215, False)])
def test_the_limit_is_kept_to_the_tick(limit_ticks: int, fills: bool) -> None:
    """The condor brings 212.9 ticks."""
    world = World(parts=(venue,))
    world.put("log.reference", OPEN_NS, *listing())
    world.put("log.execution", minute(30), order("a", limit_ticks=limit_ticks))
    world.put("log.md", minute(60), chain(QUOTES))
    assert bool(world.said(Filled)) is fills


def test_a_market_order_pays_the_natural_price() -> None:
    world = World(parts=(venue,))
    world.put("log.reference", OPEN_NS, *listing())
    world.put("log.execution", minute(30), order("a", limit_ticks=None))
    world.put("log.md", minute(60), chain(QUOTES))
    assert [f.cash_micros for f in world.said(Filled)] == [5 * 180_000_000]


@pytest.mark.parametrize("purpose", ["open", "reduce"])
def test_what_is_not_held_cannot_be_given_away(purpose: Any) -> None:
    world = World(parts=(venue,))
    world.put("log.reference", OPEN_NS, *listing())
    closing = order("a", purpose=purpose, ratios=(-1, 1, 1, -1), limit_ticks=None)
    world.put("log.execution", minute(30), closing)
    world.put("log.md", minute(60), chain(QUOTES | {CONDOR[0]: (0, 5, 0, 50)}))
    assert world.said(Filled) == []


def test_the_venue_lets_a_stale_order_lapse_by_itself() -> None:
    world = World(parts=(venue,))
    world.put("log.reference", OPEN_NS, *listing())
    world.put("log.execution", minute(30), order("a", valid_until_ns=minute(45)))
    said = world.put("log.md", minute(46), chain(QUOTES))
    assert [(type(e).__name__, e.reason) for e in said if isinstance(e, Cancelled)] == [
        ("Cancelled", "valid until passed")
    ]
    assert world.said(Filled) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({CONDOR[1]: (200, -1, 10, 10)}, "no usable quote"),
        ({CONDOR[1]: (230, 220, 10, 10)}, "crossed"),
        ({CONDOR[1]: (0, 220, 10, 10)}, "nobody bids for what is sold"),
        ({CONDOR[1]: (200, 220, 0, 10)}, "nothing displayed"),
    ],
)
def test_no_fill_on_a_bad_leg(change: dict[str, Quote], why: str) -> None:
    world = started()
    world.put("log.risk", minute(30), approved("p", limit_ticks=500))
    world.put("log.md", minute(60), chain(QUOTES | change))
    assert world.said(Filled) == [], why


@pytest.mark.parametrize("state", ["stale", "halted", "refused"])
def test_no_fill_while_the_feed_is_not_live(state: Any) -> None:
    world = started()
    world.put("log.risk", minute(30), approved("p"))
    world.put("log.md", minute(60), FeedState(underlying="SPX", state=state), chain(QUOTES))
    assert world.said(Filled) == []
    world.put("log.md", minute(75), FeedState(underlying="SPX", state="live"), chain(QUOTES))
    assert len(world.said(Filled)) == 1


def test_the_first_fifteen_minutes_and_the_night_are_quiet() -> None:
    world = started({"execution": {"open_deadline_minutes": 1_440}})
    world.put("log.risk", OPEN_NS - 5 * MINUTE_NS, approved("p"))
    for n in (-1, 0, 14):
        world.put("log.md", minute(n), chain(QUOTES))
    assert world.said(Filled) == []
    world.put("log.md", minute(15), chain(QUOTES))
    assert len(world.said(Filled)) == 1


def test_worthless_longs_are_given_away_with_the_structure_only() -> None:
    world = started()
    opening = approved("p")
    world.put("log.risk", minute(30), opening)
    world.put("log.md", minute(60), chain(QUOTES))
    world.put("log.risk", minute(60), exit_requested(opening))
    worthless = QUOTES | {CONDOR[0]: (0, 5, 0, 50), CONDOR[3]: (0, 5, 0, 50)}
    world.put("log.md", minute(90), chain(worthless))
    world.put("log.md", minute(120), chain(worthless))
    closing = world.said(Filled)[-1]
    assert closing.order_id == "p:x1"
    assert (closing.leg_price_micros[0], closing.leg_price_micros[3]) == (0, 0)
    assert world.states[0].holdings == {}


def test_the_fill_models_by_hand() -> None:
    nets = {}
    for model in ("default", "natural", "stress"):
        world = started({"venue": {"fill_model": model, "stress_slippage_ticks": 5}})
        world.put("log.risk", minute(30), approved("p", quantity=1, limit_ticks=0))
        world.put("log.md", minute(60), chain(QUOTES))
        nets[model] = world.said(Filled)[0].cash_micros
    assert nets == {"default": 212_900_000, "natural": 180_000_000, "stress": 160_000_000}


# --- settlement ------------------------------------------------------------------------------------------------------


def held_after_one_frame(**changes: Any) -> World:
    world = started()
    world.put("log.risk", minute(30), approved("p", **changes))
    quotes = dict.fromkeys(ALL, (100, 110, 999, 999))
    world.put("log.md", minute(60), chain(quotes))
    assert world.said(Filled)
    return world


@settings(max_examples=60, deadline=None)
@given(st.floats(2_000, 3_500, allow_nan=False), st.integers(1, 50))
def test_a_vertical_never_pays_more_than_its_width(price: float, quantity: int) -> None:
    """Both legs settle on one print in one fact: 0 … 50 points, whatever the print."""
    names = (put(2_650), put(2_600))
    world = held_after_one_frame(instruments=names, ratios=(1, -1), limit_ticks=100, quantity=quantity)
    expiry_ns = EXPIRY[20180316]
    event = SettlementPrint(underlying="SPX", root="SPXW", expiry_ns=expiry_ns, price=price)
    (expired,) = [e for e in world.put("log.reference", expiry_ns, event) if isinstance(e, Expired)]
    assert expired.instruments == names
    assert expired.quantities == (quantity, -quantity)
    assert 0 <= expired.cash_micros <= quantity * 50 * 100 * 1_000_000
    if price <= 2_600:
        assert expired.cash_micros == quantity * 50 * 100 * 1_000_000
    assert world.states[0].holdings == {}
    assert world.states[1].positions == {}


def test_settlement_by_hand_and_before_any_order_of_the_instant() -> None:
    world = held_after_one_frame(quantity=3, limit_ticks=100)
    expiry_ns = EXPIRY[20180316]
    world.put("log.risk", expiry_ns - 30 * MINUTE_NS, exit_requested(approved("p", quantity=3)))
    event = SettlementPrint(underlying="SPX", root="SPXW", expiry_ns=expiry_ns, price=2_630.25)
    said = world.put("log.reference", expiry_ns, event)
    assert [type(e).__name__ for e in said] == ["Cancelled", "Expired", "OrderDone"]
    expired = next(e for e in said if isinstance(e, Expired))
    assert expired.leg_cash_micros == (0, -3 * 100 * 19_750_000, 0, 0)
    world.put("log.md", expiry_ns, chain(QUOTES))
    assert len(world.said(Filled)) == 1
    assert world.states[0].holdings == {}
    assert world.states[1].closing == []
    (late,) = world.put("log.execution", expiry_ns + 1, order("late"))[:1]
    assert isinstance(late, Rejected)
    assert "expired" in late.reasons[0]


def test_nothing_trades_at_the_expiry_instant_even_before_the_print() -> None:
    world = started({"execution": {"open_deadline_minutes": 1_440}})
    expiry_ns = EXPIRY[20180316]
    world.put("log.risk", expiry_ns - 30 * MINUTE_NS, approved("p"))
    world.put("log.md", expiry_ns, chain(QUOTES))
    assert world.said(Filled) == []


def test_a_calendar_lives_on_with_its_far_leg_and_can_be_closed() -> None:
    world = held_after_one_frame(instruments=CALENDAR, ratios=(-1, 1), limit_ticks=100, quantity=2)
    near_ns = EXPIRY[20180316]
    world.put("log.risk", near_ns, approved("q", instruments=CALENDAR, ratios=(-1, 1)))
    event = SettlementPrint(underlying="SPX", root="SPXW", expiry_ns=near_ns, price=2_690.0)
    said = world.put("log.reference", near_ns, event)
    assert [c.order_id for c in said if isinstance(c, Cancelled)] == ["q:o1"], "one expired leg ends the order"
    assert [e.cash_micros for e in said if isinstance(e, Expired)] == [-2 * 100 * 10_000_000]
    assert world.states[0].holdings == {CALENDAR[1]: 2}
    ask = approved("p", instruments=CALENDAR, ratios=(-1, 1), quantity=2)
    world.put("log.risk", near_ns, exit_requested(ask, closing_debit_ticks=None))
    world.put("log.md", near_ns + DAY_NS - 60 * MINUTE_NS, chain({CALENDAR[1]: (100, 110, 50, 50)}))
    assert world.states[0].holdings == {}
    assert world.states[1].positions == {}


def test_an_exit_under_way_goes_on_with_the_leg_that_is_left() -> None:
    """The calendar's limit prices nothing any more: what is left goes to the market at the next frame."""
    world = held_after_one_frame(instruments=CALENDAR, ratios=(-1, 1), limit_ticks=100, quantity=2)
    near_ns = EXPIRY[20180316]
    ask = approved("p", instruments=CALENDAR, ratios=(-1, 1), quantity=2)
    world.put("log.risk", near_ns - 30 * MINUTE_NS, exit_requested(ask, closing_debit_ticks=-5_000.0))
    event = SettlementPrint(underlying="SPX", root="SPXW", expiry_ns=near_ns, price=2_690.0)
    world.put("log.reference", near_ns, event)
    morning_ns = near_ns + DAY_NS - 300 * MINUTE_NS
    said = world.put("log.md", morning_ns, chain({CALENDAR[1]: (100, 110, 50, 50)}))
    again = next(event for event in said if isinstance(event, OrderSubmitted))
    assert (again.instruments, again.ratios, again.limit_ticks) == ((CALENDAR[1],), (-1,), None)
    world.put("log.md", morning_ns + 30 * MINUTE_NS, chain({CALENDAR[1]: (100, 110, 50, 50)}))
    assert world.states[0].holdings == {}
    assert world.states[1].positions == {}


def test_the_frame_of_the_exit_itself_is_no_attempt() -> None:
    world = held_after_one_frame(limit_ticks=100)
    world.put("log.risk", minute(60), exit_requested(approved("p")))
    assert world.put("log.md", minute(60), chain(QUOTES)) == []
    assert world.states[1].positions["p"].exit_frames == 0


# --- assets ----------------------------------------------------------------------------------------------------------


def stock(position_id: str, **changes: Any) -> Approved:
    values: dict[str, Any] = {
        "underlying": "SPY",
        "instruments": ("SPY",),
        "ratios": (1,),
        "multiplier": 1,
        "quantity": 100,
        "limit_ticks": 30_000,
    }
    return approved(position_id, **(values | changes))


def test_a_stock_fills_at_the_open_of_the_next_bar() -> None:
    world = started({"venue": {"stock_commission_per_unit_usd": 0.005, "stock_slippage_ticks": 1}})
    world.put("log.md", minute(30), bars("SPY", 270.0))
    world.put("log.risk", minute(30), stock("p"))
    world.put("log.md", minute(30), bars("SPY", 250.0, timeframe_s=86_400))
    world.put("log.md", minute(45), bars("QQQ", 160.0))
    assert world.said(Filled) == []
    world.put("log.md", minute(45), bars("SPY", 271.25))
    (fill,) = world.said(Filled)
    assert fill.leg_price_micros == (271_260_000,)
    assert fill.cash_micros == -100 * 271_260_000
    assert fill.fees_micros == 500_000


def test_a_daily_bar_that_began_before_the_order_fills_nothing() -> None:
    world = started({"execution": {"open_deadline_minutes": 1_440}})
    world.put("log.risk", minute(360), stock("p"))
    world.put("log.md", CLOSE_NS, bars("SPY", 260.0, timeframe_s=86_400))
    assert world.said(Filled) == []
    world.put("log.md", CLOSE_NS + DAY_NS - 31 * MINUTE_NS, bars("SPY", 265.0, timeframe_s=86_400))
    assert [f.leg_price_micros for f in world.said(Filled)] == [(265_000_000,)]


def test_a_limit_holds_for_assets_and_closing_goes_to_the_market() -> None:
    world = started()
    world.put("log.risk", minute(30), stock("p", limit_ticks=27_000))
    world.put("log.md", minute(45), bars("SPY", 271.0))
    assert world.said(Filled) == []
    world.put("log.md", minute(60), bars("SPY", 269.0))
    world.put("log.risk", minute(60), exit_requested(stock("p"), closing_debit_ticks=-27_500.0))
    world.put("log.md", minute(75), bars("SPY", 200.0))
    assert [f.cash_micros for f in world.said(Filled)] == [-100 * 269_000_000, 100 * 200_000_000]
    assert world.states[0].holdings == {}


def test_lots_of_a_spot_pair_are_exact_and_trade_at_night() -> None:
    """Three lots of 0.01 at 9,123.45 cost 273.7035."""
    world = started()
    pair = stock("p", underlying="BTCUSDT", instruments=("BTCUSDT",), quantity=3, limit_ticks=1_000_000)
    world.put("log.risk", CLOSE_NS + 60 * MINUTE_NS, pair)
    world.put("log.md", CLOSE_NS + 75 * MINUTE_NS, bars("BTCUSDT", 9_123.45))
    (fill,) = world.said(Filled)
    assert fill.leg_quantities == (3,)
    assert fill.cash_micros == -273_703_500


# --- ticks: they take overdue openings back, and do nothing else -----------------------------------------------------


@dataclass
class Ticked(Script):
    """Time passes with ticks at random instants, none of them the instant of a frame."""

    dice: random.Random = field(default_factory=random.Random)

    def later(self, wait_ns: int) -> None:
        waits = sorted(self.dice.randrange(1, wait_ns) for _ in range(self.dice.randrange(4)))
        for wait in waits:
            self.world.put("log.clock", self.ts_ns + wait, Tick())
        super().later(wait_ns)


def ticked(seed: int, actions: Sequence[str], **how: Any) -> World:
    script = Ticked(started(**how), random.Random(seed), dice=random.Random(seed + 1))
    for action in actions:
        script.play(action)
    return script.world


def untold(world: World, kind: type[Event]) -> list[tuple[int, Event]]:
    """What was said of one kind and when, without the numbers that only say where in the log it stands."""
    found = [(ts_ns, e) for _, ts_ns, events in world.log for e in events if isinstance(e, kind)]
    return [(ts, e.model_copy(update={"venue_id": ""}) if isinstance(e, Accepted) else e) for ts, e in found]


def ends(world: World) -> dict[str, tuple[int, int]]:
    return {e.order_id: (ts, e.filled) for _, ts, events in world.log for e in events if isinstance(e, OrderDone)}


@settings(max_examples=80, deadline=None)
@given(SCRIPTS)
def test_ticks_beside_a_living_feed_only_end_overdue_openings_earlier(script: tuple[int, list[str]]) -> None:
    seed, actions = script[0], [a for a in script[1] if a != "foreign-cancel"]
    plain = Script(started(), random.Random(seed))
    for action in actions:
        plain.play(action)
    world = ticked(seed, actions)
    for kind in (OrderSubmitted, Accepted, Rejected, Filled, Expired, WorkingPriceMoved):
        assert untold(world, kind) == untold(plain.world, kind)
    assert Twin.of(world).holdings() == Twin.of(plain.world).holdings()
    before, after = ends(plain.world), ends(world)
    for order_id, (ts_ns, filled) in before.items():
        assert after[order_id][1] == filled
        assert after[order_id][0] <= ts_ns
    overdue = {e.order_id for e in world.said(OrderCancelled) if e.reason == "deadline"}
    assert set(after) - set(before) <= overdue


@settings(max_examples=40, deadline=None)
@given(SCRIPTS)
def test_a_restart_at_any_cut_changes_nothing_with_ticks(script: tuple[int, list[str]]) -> None:
    kept, reloaded = ticked(*script), ticked(*script, reload=True)
    assert facts_of(kept) == facts_of(reloaded)
    assert kept.bytes() == reloaded.bytes()


def facts_of(world: World) -> list[tuple[str, int, list[Event]]]:
    return [row for row in world.log if row[0] in ("log.execution", "log.broker")]


def test_an_opening_order_ends_at_its_deadline_by_the_clock_alone() -> None:
    world = started()
    world.put("log.risk", minute(30), approved("p"))
    assert world.put("log.clock", minute(89), Tick()) == []  # minute 40 would have walked to the bound on a bar
    said = world.put("log.clock", minute(90), Tick())
    assert [type(e) for e in said] == [OrderCancelled, Cancelled, OrderDone]
    assert said[0].reason == "deadline"
    assert world.put("log.clock", minute(91), Tick()) == []


def test_the_closing_ladder_does_not_climb_on_ticks() -> None:
    opening = approved("p", instruments=CALENDAR, ratios=(-1, 1), limit_ticks=30)
    world = held_after_one_frame(instruments=CALENDAR, ratios=(-1, 1), limit_ticks=30)
    world.put("log.risk", minute(31), exit_requested(opening))
    before = world.bytes()[1]
    for n in range(32, 300, 10):
        assert world.put("log.clock", minute(n), Tick()) == []
    assert world.bytes()[1] == before
