"""Structures with a stock leg and of two expiries, from the proposal to the last micro: venue, risk and execution.

``World`` is the scheduler in twenty lines with all three on one log, restarted from their bytes after every message.
Whatever happens, the account, the ledger and the independent twin of the research room agree, no order is larger than
what is held, and all that is held is closed once quotes return.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.chain import contract_key
from contango_common.domain.instrument import is_option_id, option_id, parse_option_id
from contango_common.domain.structure import calendar, covered_call, diagonal, protective_put, vertical
from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.events.market import (
    AssetListed,
    Bars,
    ChainFrame,
    RateSet,
    RootListed,
    SessionTable,
    SettlementPrint,
)
from contango_common.events.order import Accepted, Cancelled, Expired, Filled, OrderSubmitted, Rejected
from contango_common.events.risk import Approved, ExitRequested, PortfolioMarked, Refused, TradeClosed
from contango_common.events.signal import Proposal
from contango_common.events.system import CloseOrdered, ParametersChanged, TradingStarted
from contango_common.runtime.fold import step
from contango_common.runtime.schedule import matches
from contango_common.runtime.snapshot import StateCodec
from contango_execution import fold, venue
from contango_execution.quotes import LegQuote, spot_quote
from contango_quant.pricing.black import black_price
from contango_research.conservation import Twin
from contango_risk import fold as risk
from contango_risk.ledger import net_holdings

MINUTE_NS = 60_000_000_000
DAY_NS = 86_400_000_000_000
OPEN_NS = 1_521_034_200_000_000_000  # 2018-03-14 13:30 UTC, the New York open
CLOSE_NS = OPEN_NS + 390 * MINUTE_NS
NEAR, FAR = 20180316, 20180323
EXPIRY = {NEAR: CLOSE_NS + 2 * DAY_NS, FAR: CLOSE_NS + 9 * DAY_NS}
STRIKES = tuple(range(255, 300, 5))
CASH = 1_000_000 * 1_000_000
PARAMS: dict[str, Any] = {
    "risk": {
        "limits": {"greek_caps": False, "heat_fraction": 1.0},
        "risk_per_trade_fraction": 0.1,
        "exits": {"dte": None, "monitor_dte": None, "profit_target": None, "stop": None, "stop_debit": None},
    },
    "execution": {"open_walk_minutes": (0,), "open_walk_ticks": (0,)},
}
Quotes = dict[str, tuple[int, int]]


def call(strike: int, date: int = NEAR) -> str:
    return option_id("SPY", date, "C", strike * 1_000)


def put(strike: int, date: int = NEAR) -> str:
    return option_id("SPY", date, "P", strike * 1_000)


STRUCTURES = (
    covered_call("SPY", call=call(280)),
    covered_call("SPY", call=call(285, FAR)),
    protective_put("SPY", put=put(270)),
    calendar("SPY", near=call(280), far=call(280, FAR)),
    calendar("SPY", near=put(270), far=put(270, FAR)),
    diagonal("SPY", near=call(280), far=call(275, FAR)),
    vertical("SPY", bought=call(280), sold=call(275)),
)


def black_quotes(spot: float, ts_ns: int, vol: float = 0.2) -> Quotes:
    """Every contract that has not expired, at a flat volatility, a few ticks wide."""
    found = {}
    for date, expiry_ns in EXPIRY.items():
        t = (expiry_ns - ts_ns) / (365 * DAY_NS)
        for strike in STRIKES if t >= 0 else ():
            for right, name in (("C", call(strike, date)), ("P", put(strike, date))):
                ticks = 100 * black_price(spot, float(strike), max(t, 1e-9), vol, 1.0, right == "C")
                found[name] = (max(0, math.floor(ticks) - 1), math.ceil(ticks) + 1)
    return found


def chain(spot: float, quotes: Quotes, session_date: int = 20180314) -> ChainFrame:
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
    sides = {"bid_ticks": [q[0] for _, q in parts], "ask_ticks": [q[1] for _, q in parts]}
    sides |= {"bid_size": [-1] * len(parts), "ask_size": [-1] * len(parts)}
    listing = f"c{len(parts)}:{min(quotes, default='')}"
    frame = ChainFrame(
        underlying="SPY",
        spot=spot,
        roots=("SPY",),
        contracts=listing,
        quotes="q",
        rows=len(parts),
        session_date=session_date,
    )
    columns = {name: np.array(column, dtype="<i8") for name, column in contracts.items()}
    frame.attach({listing: columns, "q": {name: np.array(column, dtype="<i4") for name, column in sides.items()}})
    return frame


def listing(delivery: Any = "cash", lot_micros: int = 1_000_000) -> list[Event]:
    days = range(12)
    return [
        AssetListed(symbol="SPY", kind="stock", lot_micros=lot_micros),
        RootListed(root="SPY", underlying="SPY", style="american", settlement="pm", delivery=delivery),
        RateSet(underlying="SPY", rate_annual=0.0, div_yield_annual=0.0),
        SessionTable(
            calendar="XNYS",
            date=tuple(20180314 + d for d in days),
            open_ns=tuple(OPEN_NS + d * DAY_NS for d in days),
            close_ns=tuple(CLOSE_NS + d * DAY_NS for d in days),
        ),
    ]


@dataclass
class World:
    """Venue, risk and execution on one log, each restarted from its bytes after every message."""

    parts: tuple[Any, ...] = (venue, risk, fold)
    log: list[tuple[str, int, int, list[Event]]] = field(default_factory=list)
    ts_ns: int = OPEN_NS

    def __post_init__(self) -> None:
        self.states = [part.initial() for part in self.parts]
        self.codecs = [StateCodec(part) for part in self.parts]
        self.cursor = 0

    def put(self, subject: str, *events: Event) -> list[Event]:
        """Append a message, let everyone handle what follows from it, and return all that was said."""
        start = len(self.log) + 1
        self.log.append((subject, self.ts_ns, 0, list(events)))
        while self.cursor < len(self.log):
            assert len(self.log) - start < 64, "a cascade without end"
            self._handle(*self.log[self.cursor])
        return [event for _, _, _, said in self.log[start:] for event in said]

    def _handle(self, subject: str, ts_ns: int, cause: int, events: Sequence[Event]) -> None:
        self.cursor += 1
        at = At(ts_ns, self.cursor, subject)
        for index, part in enumerate(self.parts):
            if any(matches(pattern, subject) for pattern in part.READS):
                facts, _ = step(part, self.states[index], events, at)
                if facts:
                    self.log.append((f"log.{part.NAME}", ts_ns, at.seq, facts))
                self.states[index] = self.codecs[index].load(self.codecs[index].dump(self.states[index]))

    def said(self, kind: type[Event]) -> list[Any]:
        return [event for _, _, _, events in self.log for event in events if isinstance(event, kind)]

    @property
    def holdings(self) -> dict[str, int]:
        held: dict[str, int] = self.states[0].holdings
        return held

    @property
    def positions(self) -> dict[str, Any]:
        held: dict[str, Any] = self.states[1].ledger.positions
        return held

    # -- what happens ------------------------------------------------------------------------------------------------

    def later(self, minutes: int) -> None:
        """Time passes; after the close comes the next session. Contracts that expire on the way are settled."""
        before_ns, self.ts_ns = self.ts_ns, self.ts_ns + minutes * MINUTE_NS
        if (self.ts_ns - OPEN_NS) % DAY_NS > 390 * MINUTE_NS:
            self.ts_ns = OPEN_NS + ((self.ts_ns - OPEN_NS) // DAY_NS + 1) * DAY_NS + 30 * MINUTE_NS
        self.settled_until(before_ns)

    def settled_until(self, before_ns: int, price: float = 282.4) -> None:
        now_ns = self.ts_ns
        for date, expiry_ns in EXPIRY.items():
            if before_ns < expiry_ns <= now_ns:
                self.ts_ns = expiry_ns
                event = SettlementPrint(
                    underlying="SPY", root="SPY", expiry_ns=expiry_ns, price=price, expiry_date=date
                )
                self.put("log.reference", event)
                self.frame(price)
        self.ts_ns = now_ns

    def frame(self, spot: float = 275.0, quotes: Quotes | None = None) -> list[Event]:
        date = 20180314 + (self.ts_ns - OPEN_NS) // DAY_NS
        return self.put("log.md", chain(spot, black_quotes(spot, self.ts_ns) if quotes is None else quotes, date))

    def bars(self, price: float) -> list[Event]:
        one = (price,)
        return self.put("log.md", Bars(timeframe_s=900, symbols=("SPY",), open=one, high=one, low=one, close=one))

    def propose(self, structure: Any, limit_ticks: int, **over: Any) -> list[Event]:
        """A proposal of this structure at this limit; what risk and the venue said to it."""
        names = tuple(leg.instrument for leg in structure.legs)
        expiries = [EXPIRY[parse_option_id(name)[1]] for name in names if is_option_id(name)]
        values: dict[str, Any] = {
            "proposal_id": f"{structure.kind}:{len(self.log)}",
            "strategy": structure.kind,
            "kind": structure.kind,
            "underlying": "SPY",
            "instruments": names,
            "ratios": tuple(leg.ratio for leg in structure.legs),
            "multiplier": 100,
            "tick_micros": 10_000,
            "expiry_ns": min(expiries),
            "last_trade_ns": min(expiries),
            "mid_ticks": float(limit_ticks),
            "natural_ticks": limit_ticks,
            "limit_ticks": limit_ticks,
            "max_loss_ticks": 0,
            "score": 1.0,
            "gates": {},
            "why": {},
            "regime": "LOW_VOL_RANGE",
            "valid_until_ns": self.ts_ns + 200 * MINUTE_NS,
            "quantity_cap": 2,
        }
        return self.put("log.signals", Proposal(**(values | over)))

    def agreed(self) -> None:
        """The account and the ledger agree to the micro; every fill's cash is exact from its prices."""
        account, ledger = self.states[0], self.states[1].ledger
        assert ledger.cash_micros == account.cash_micros
        assert net_holdings(ledger) == dict(sorted(account.holdings.items()))
        assert ledger.unattributed_micros == 0
        for fill in self.said(Filled):
            legs = zip(fill.leg_quantities, fill.leg_price_micros, strict=True)
            assert fill.cash_micros == -sum(quantity * price for quantity, price in legs) * 100

    def conserved(self) -> None:
        """So does the independent twin, with every mark and every closed trade."""
        self.agreed()
        twin = Twin()
        for seq, (subject, ts_ns, cause, events) in enumerate(self.log, 1):
            source = subject.removeprefix("log.")
            twin.take(seq, Envelope(ts_ns, source, cause, tuple(events), (0,) * len(events), "b"))
        assert twin.violations() == []


def started(params: dict[str, Any] | None = None, **how: Any) -> World:
    world = World()
    world.ts_ns = OPEN_NS - MINUTE_NS
    merged = {key: {**value, **(params or {}).get(key, {})} for key, value in ({"venue": {}} | PARAMS).items()}
    world.put("log.control.research", ParametersChanged(params=merged, reason="start"), TradingStarted())
    world.put("log.reference", *listing(**how))
    world.ts_ns = OPEN_NS + 30 * MINUTE_NS
    world.frame()
    return world


def opened(structure: Any, limit_ticks: int, spot: float = 275.0, **how: Any) -> World:
    """Approved at one frame and filled at the next."""
    world = started(**how)
    said = world.propose(structure, limit_ticks)
    assert [type(e) for e in said if isinstance(e, Approved | Refused)] == [Approved], said
    world.later(30)
    world.frame(spot)
    assert len(world.said(Filled)) == 1
    world.conserved()
    return world


# --- random scripts ---------------------------------------------------------------------------------------------------

OFTEN = ["frame", "frame", "frame", "propose", "propose"] * 2
ACTIONS = st.lists(
    st.sampled_from([*OFTEN, "bad", "bars", "night", "night", "close", "flatten"]), min_size=5, max_size=30
)


def played(seed: int, actions: Sequence[str]) -> World:
    rng, spot = random.Random(seed), 275.0
    costs = {"commission_per_contract_usd": 0.65, "stock_commission_per_unit_usd": 0.005, "stock_slippage_ticks": 1}
    world = started({"venue": costs})
    for action in actions:
        spot = round(min(290.0, max(262.0, spot + rng.uniform(-4, 4))), rng.choice([2, 4]))
        if action == "night":
            world.later(420)
        elif action in ("frame", "bad", "bars"):
            world.later(30)
        if world.ts_ns > EXPIRY[FAR]:
            break
        if action == "frame":
            world.frame(spot)
        elif action == "bad":
            world.frame(spot, {name: q for name, q in black_quotes(spot, world.ts_ns).items() if rng.random() < 0.6})
        elif action == "bars":
            world.bars(spot)
        elif action == "propose":
            world.propose(rng.choice(STRUCTURES), rng.choice([80, 150, 27_300, 27_600, 28_500]))
        elif action == "close" and world.positions:
            key = rng.choice(sorted(world.positions))
            world.put("log.control.gateway", CloseOrdered(position_id=key, reason="person"))
        elif action == "flatten":
            world.put("log.control.gateway", CloseOrdered(position_id=None, reason="person"))
    return world


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), ACTIONS)
def test_no_micro_is_lost_and_everything_is_closed_when_quotes_return(seed: int, actions: list[str]) -> None:
    world = played(seed, actions)
    world.agreed()
    for mark in world.said(PortfolioMarked):
        assert mark.equity_micros == mark.cash_micros + mark.mid_micros
    for ordered in (False, False, False, True, False, False, False, False):  # openings end by themselves first
        world.later(30)
        world.frame()
        if ordered:
            world.put("log.control.gateway", CloseOrdered(position_id=None, reason="end"))
    world.conserved()
    assert world.positions == {}
    assert world.holdings == {}
    assert world.states[2].positions == {}
    assert world.states[0].orders == {}


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), ACTIONS)
def test_no_closing_order_is_ever_refused(seed: int, actions: list[str]) -> None:
    """Above all not for a leg that has expired, be it one that two positions held against each other."""
    world = played(seed, actions)
    openings = [o.order_id for o in world.said(OrderSubmitted) if o.purpose == "open"]
    assert [r.order_id for r in world.said(Rejected) if r.order_id not in openings] == []


# --- stock and option in one order -----------------------------------------------------------------------------------


def test_a_buy_write_by_hand() -> None:
    """275.004 is quoted 275.00 / 275.01, the call 1.00 / 1.20, two legs give up 66 % of the spread."""
    world = started({"venue": {"stock_commission_per_unit_usd": 0.005, "stock_slippage_ticks": 1}})
    structure = covered_call("SPY", call=call(280))
    said = world.propose(structure, 27_410, quantity_cap=1)
    (approved,) = [e for e in said if isinstance(e, Approved)]
    assert approved.max_loss_micros == approved.quantity * 274_100_000 * 100, "all that is paid, at a price of 0"
    world.later(30)
    world.frame(275.004, {call(280): (100, 120)})
    (fill,) = world.said(Filled)
    stock, sold = 275_006_600 + 10_000, 1_200_000 - 132_000
    assert fill.leg_price_micros == (stock, sold)
    assert fill.leg_quantities == (1, -1)
    assert fill.cash_micros == -100 * (stock - sold)
    assert fill.mid_cash_micros == -100 * (275_005_000 - 1_100_000)
    assert fill.natural_cash_micros == -100 * (275_010_000 - 1_000_000)
    assert fill.fees_micros == 650_000 + 500_000
    assert world.holdings == {"SPY": 100, call(280): -1}
    world.conserved()


def test_all_legs_or_none_at_one_frame() -> None:
    world = started()
    world.propose(covered_call("SPY", call=call(280)), 28_000)
    world.later(30)
    world.bars(274.0)
    world.frame(275.0, {call(285): (10, 20)})
    assert world.said(Filled) == []
    world.later(30)
    world.frame()
    assert [len(fill.instruments) for fill in world.said(Filled)] == [2]


def test_the_net_limit_holds_for_both_legs_together() -> None:
    world = started()
    world.propose(covered_call("SPY", call=call(280)), 27_300)
    world.later(30)
    world.frame(275.0, {call(280): (100, 120)})
    assert world.said(Filled) == []
    world.later(30)
    world.frame(274.0, {call(280): (100, 120)})
    assert len(world.said(Filled)) == 1


@pytest.mark.parametrize(
    ("over", "how", "words"),
    [
        ({"underlying": "SPX"}, {}, "SPX"),
        ({"instruments": ("QQQ", call(280))}, {}, "only the underlying"),
        ({}, {"lot_micros": 10_000}, "only whole units"),
        ({"tick_micros": 1_000}, {}, "tick"),
    ],
)
def test_the_venue_names_why_a_stock_leg_cannot_be_traded(over: Any, how: Any, words: str) -> None:
    world = started(**how)
    world.put("log.reference", AssetListed(symbol="QQQ", kind="stock"))
    values: dict[str, Any] = {
        "order_id": "a",
        "position_id": "p",
        "purpose": "open",
        "underlying": "SPY",
        "instruments": ("SPY", call(280)),
        "ratios": (1, -1),
        "multiplier": 100,
        "tick_micros": 10_000,
        "quantity": 1,
        "limit_ticks": None,
        "valid_until_ns": None,
    }
    world.put("log.execution", OrderSubmitted(**(values | over)))
    (refused,) = world.said(Rejected)
    assert words in " | ".join(refused.reasons)


def test_an_index_beside_its_options_is_refused_as_ever() -> None:
    world = started()
    world.put("log.reference", AssetListed(symbol="SPY", kind="index"))
    world.propose(covered_call("SPY", call=call(280)), 28_000)
    (refused,) = world.said(Rejected)
    assert refused.reasons == ("SPY is an index and cannot be traded",)


@pytest.mark.parametrize(
    ("over", "reason"),
    [({"instruments": ("QQQ", call(280))}, "stock_leg_not_underlying"), ({}, "stock_lot_not_one")],
)
def test_risk_refuses_stock_legs_by_name(over: dict[str, Any], reason: str) -> None:
    world = started(**({} if over else {"lot_micros": 10_000}))
    said = world.propose(covered_call("SPY", call=call(280)), 28_000, **over)
    (refused,) = [e for e in said if isinstance(e, Refused)]
    assert reason in refused.reasons


def test_a_covered_call_is_marked_and_measured() -> None:
    world = opened(covered_call("SPY", call=call(280)), 27_600)
    world.later(30)
    world.frame(276.0)
    (position,) = world.positions.values()
    bid, ask = black_quotes(276.0, world.ts_ns)[call(280)]
    assert position.units == 2
    assert position.marks.mid_micros == 2 * 100 * (276_000_000 - (bid + ask) * 5_000)
    assert position.marks.stale_legs == 0
    assert 100 < position.greeks.delta < 200
    assert position.greeks.vega < 0 < position.greeks.theta
    assert position.max_loss_micros == -position.open_cash_micros, "all that was paid, at a price of 0"


def test_a_protective_put_loses_no_more_than_down_to_its_strike() -> None:
    world = opened(protective_put("SPY", put=put(270)), 27_800)
    (position,) = world.positions.values()
    assert position.max_loss_micros == -position.open_cash_micros - 270_000_000 * 100 * position.units
    assert position.units == 2
    assert position.greeks is None, "no smile was fitted: nothing is made up before the first frame"
    world.later(30)
    world.frame()
    assert 100 < position_of(world).greeks.delta < 200


def position_of(world: World) -> Any:
    (position,) = world.positions.values()
    return position


def test_an_exit_closes_stock_and_option_in_one_order() -> None:
    world = opened(covered_call("SPY", call=call(280)), 27_600)
    world.put("log.control.gateway", CloseOrdered(position_id=next(iter(world.positions)), reason="person"))
    world.later(30)
    world.frame(276.0)
    world.later(30)
    world.frame(276.0)
    reduce = [o for o in world.said(OrderSubmitted) if o.purpose == "reduce"]
    assert [(o.instruments, o.ratios) for o in reduce] == [(("SPY", call(280)), (-1, 1))]
    assert world.holdings == {}
    (trade,) = world.said(TradeClosed)
    assert trade.exit_reason == "manual"
    world.conserved()


def test_days_to_expiry_are_those_of_the_option() -> None:
    world = opened(covered_call("SPY", call=call(285, FAR)), 27_600, params={"risk": {"exits": {"dte": 7}}})
    world.later(420)
    world.frame()
    world.later(420)
    said = world.frame()
    assert [e.reason for e in said if isinstance(e, ExitRequested)] == ["dte"]


def test_physically_settled_legs_leave_before_their_last_trade() -> None:
    world = opened(covered_call("SPY", call=call(280)), 27_600, delivery="physical")
    world.later(420)
    said = world.frame()
    assert [e.reason for e in said if isinstance(e, ExitRequested)] == ["last_trade"]
    world.later(30)
    world.frame()
    assert world.holdings == {}


@pytest.mark.parametrize("by", ["frame", "bars"])
def test_the_stock_left_by_a_settlement_is_sold_when_the_market_opens(by: str) -> None:
    """Held to the print of 282.40: the call costs 2.40, and the shares go at the next frame or bar."""
    world = opened(covered_call("SPY", call=call(280)), 27_600)
    world.later(420)
    world.later(420)
    world.later(420)
    assert [e.cash_micros for e in world.said(Expired)] == [-480_000_000]
    assert world.holdings == {"SPY": 200}
    (asked,) = world.said(ExitRequested)
    assert (asked.reason, asked.instruments, asked.ratios, asked.urgency) == ("remnant", ("SPY",), (1,), "emergency")
    assert asked.quantity == 2
    world.later(15)
    world.frame(281.5) if by == "frame" else world.bars(281.5)
    fill = world.said(Filled)[-1]
    assert (fill.instruments, fill.leg_quantities, fill.cash_micros) == (("SPY",), (-2,), 56_300_000_000)
    assert world.holdings == {}
    (trade,) = world.said(TradeClosed)
    assert trade.exit_reason == "remnant"
    world.conserved()


def test_the_quote_of_the_underlying_only_and_only_with_a_price() -> None:
    frame = chain(275.004, {call(280): (1, 2)})
    assert spot_quote(frame, "QQQ", 10_000) is None
    quote = spot_quote(frame, "SPY", 10_000)
    assert isinstance(quote, LegQuote)
    assert (quote.bid_ticks, quote.ask_ticks, quote.bid_size) == (27_500, 27_501, -1)
    assert spot_quote(chain(0.004, {call(280): (1, 2)}), "SPY", 10_000) is None


# --- two expiries -----------------------------------------------------------------------------------------------------


def test_a_calendar_opens_is_marked_and_leaves_by_its_front_expiry() -> None:
    world = opened(calendar("SPY", near=call(280), far=call(280, FAR)), 150, params={"risk": {"exits": {"dte": 1}}})
    (position,) = world.positions.values()
    assert position.max_loss_micros == -position.open_cash_micros > 0, "the debit"
    world.later(30)
    world.frame()
    position = position_of(world)
    assert position.marks.mid_micros is not None
    assert position.greeks.vega > 0 > position.greeks.gamma
    world.later(420)
    said = world.frame()
    assert [e.reason for e in said if isinstance(e, ExitRequested)] == ["dte"]
    world.later(30)
    world.frame()
    assert world.holdings == {}
    world.conserved()


@pytest.mark.parametrize(
    "structure",
    [calendar("SPY", near=call(280), far=call(280, FAR)), diagonal("SPY", near=call(280), far=call(275, FAR))],
    ids=lambda s: s.kind,
)
def test_the_far_leg_left_by_a_settlement_is_closed(structure: Any) -> None:
    world = opened(structure, 500)
    world.later(420)
    world.later(420)
    world.later(420)
    assert len(world.said(Expired)) == 1
    (asked,) = world.said(ExitRequested)
    assert (asked.reason, asked.instruments, asked.ratios) == ("remnant", (structure.legs[1].instrument,), (1,))
    world.frame(281.0)
    assert world.holdings == {}
    (trade,) = world.said(TradeClosed)
    assert trade.exit_reason == "remnant"
    assert world.states[2].positions == {}
    world.conserved()


def test_a_front_leg_held_against_another_position_settles_unseen_and_the_far_leg_is_closed() -> None:
    """The account holds none of the near call, so no settlement names it: risk settles it, and tells execution."""
    world = opened(calendar("SPY", near=call(280), far=call(280, FAR)), 150)
    world.propose(vertical("SPY", bought=call(280), sold=call(275)), -50)
    world.later(30)
    world.frame()
    assert call(280) not in world.holdings
    world.later(420)
    world.later(420)
    world.later(420)
    for _ in range(3):
        world.frame(281.0)
        world.later(30)
    assert world.holdings == {}
    assert {t.exit_reason for t in world.said(TradeClosed)} == {"remnant", "expiry"}
    assert world.states[2].positions == {}
    world.conserved()


def test_an_exit_that_stands_at_the_settlement_goes_on_with_what_is_left() -> None:
    world = opened(calendar("SPY", near=call(280), far=call(280, FAR)), 150)
    world.later(420)
    world.later(420)
    world.frame(275.0, {})
    world.put("log.control.gateway", CloseOrdered(position_id=next(iter(world.positions)), reason="person"))
    world.later(420)
    assert {type(e) for e in world.said(Cancelled)} == {Cancelled}
    assert [e.reason for e in world.said(ExitRequested)] == ["manual", "remnant"]
    world.frame(281.0)
    world.later(30)
    world.frame(281.0)
    assert world.holdings == {}
    assert len(world.said(Accepted)) == 3
    world.conserved()
