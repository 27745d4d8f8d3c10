"""The fold against an independent twin: conservation, restart at any cut, exits, halts and the named regressions."""

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contango_common.domain.at import At
from contango_common.domain.chain import NO_QUOTE, contract_key
from contango_common.domain.instrument import option_id, parse_option_id
from contango_common.domain.sessions import days_between
from contango_common.events import market, order, risk, signal, system
from contango_common.events.base import Event
from contango_common.runtime.fold import evolve, step
from contango_common.runtime.snapshot import StateCodec
from contango_quant.pricing.black import black_price
from contango_risk import fold
from contango_risk.state import Position

DAY = 86_400_000_000_000
HALF_HOUR = 1_800_000_000_000
DATES = (20180301, 20180302, 20180305, 20180306, 20180307, 20180308, 20180309)
OPENS = tuple(1_519_914_600_000_000_000 + d * DAY for d in (0, 1, 4, 5, 6, 7, 8))  # 14:30 UTC
CLOSES = tuple(ts + 13 * HALF_HOUR for ts in OPENS)
EXPIRY, EXPIRY_NS = 20180420, 1_524_254_400_000_000_000
STRIKES = tuple(range(2200, 2901, 25))
CASH = 1_000_000 * 1_000_000


def opt(right: str, strike: int, root: str = "SPXW", expiry: int = EXPIRY) -> str:
    return option_id(root, expiry, right, strike * 1000)


CONDOR = (opt("P", 2400), opt("P", 2450), opt("C", 2800), opt("C", 2850))


class World:
    """A tiny log: sends messages to the fold, and the same ones to a copy that is restarted before each of them."""

    def __init__(self, params: dict[str, Any] | None = None, expiry_ns: int = EXPIRY_NS) -> None:
        self.state, self.shadow = fold.initial(), fold.initial()
        self.codec, self.seq, self.session, self.slot = StateCodec(fold), 0, 0, 0
        self.expiry_ns, self.facts, self.broker = expiry_ns, list[Event](), list[Event]()
        self.clock_ns: int | None = None
        self.tables = market.SessionTable(calendar="XNYS", date=DATES, open_ns=OPENS, close_ns=CLOSES)
        self.send(
            system.ParametersChanged(params={"risk": params or {}}, reason="start"),
            self.tables,
            market.AssetListed(symbol="SPX", kind="index", spy_equivalent=10.0),
            self.root("SPXW", "pm", "cash"),
            market.RateSet(underlying="SPX", rate_annual=0.02, div_yield_annual=0.02),
            system.TradingStarted(),
        )
        self.send(order.AccountSnapshot(cash_micros=CASH, instruments=(), quantities=()))

    @staticmethod
    def root(root: str, settlement: Any, delivery: Any) -> market.RootListed:
        return market.RootListed(
            root=root, underlying="SPX", style="european", settlement=settlement, delivery=delivery
        )

    @property
    def ts_ns(self) -> int:
        return OPENS[self.session] + (self.slot + 1) * HALF_HOUR

    def send(self, *events: Event) -> list[Event]:
        self.seq += 1
        at = At(self.clock_ns or self.ts_ns, self.seq, "test")
        self.broker += [e for e in events if type(e).FAMILY == "broker"]
        facts, _ = step(fold, self.state, events, at)
        self.shadow = self.codec.load(self.codec.dump(self.shadow))
        again, _ = step(fold, self.shadow, events, at)
        assert again == facts
        assert self.codec.dump(self.shadow) == self.codec.dump(self.state)
        self.facts += facts
        return facts

    def tick(self) -> None:
        """The next half hour of a session, or the next session."""
        self.slot += 1
        if self.slot >= 13:
            self.session, self.slot = self.session + 1, 0

    def clock(self, ts_ns: int) -> list[Event]:
        """A tick of the clock edge, whatever the feed does."""
        self.clock_ns = ts_ns
        try:
            return self.send(market.Tick())
        finally:
            self.clock_ns = None

    def frame(self, spot: float = 2650.0, vol: float = 0.2, dead: tuple[str, ...] = (), **over: Any) -> list[Event]:
        """Quotes of every strike at a flat volatility; ``dead`` contracts have none, ``over`` sets (bid, ask) ticks."""
        rows = [(k, right) for k in STRIKES for right in "CP"]
        t = max(0.0, (self.expiry_ns - self.ts_ns) / (365 * DAY))
        mids = [black_price(spot, float(k), t, vol, math.exp(-0.02 * t), right == "C") for k, right in rows]
        bids = np.array([max(0, math.floor(m * 98)) for m in mids], dtype=np.int32)
        asks = np.array([math.ceil(m * 102) + 5 for m in mids], dtype=np.int32)
        for i, (k, right) in enumerate(rows):
            name = opt(right, k)
            if name in dead:
                asks[i] = NO_QUOTE
            bids[i], asks[i] = over.get(name, (bids[i], asks[i]))
        keys = [contract_key(0, EXPIRY, right == "C", k * 1000) for k, right in rows]
        contracts = {
            "key": np.array(keys),
            "root": np.zeros(len(rows), np.int32),
            "expiry_date": np.full(len(rows), EXPIRY, np.int32),
            "expiry_ns": np.full(len(rows), self.expiry_ns),
            "last_trade_ns": np.full(len(rows), self.expiry_ns),
            "strike_millis": np.array([k * 1000 for k, _ in rows], np.int32),
            "is_call": np.array([right == "C" for _, right in rows], np.int8),
        }
        event = market.ChainFrame(
            underlying="SPX",
            spot=spot,
            roots=("SPXW",),
            contracts="c",
            quotes="q",
            rows=len(rows),
            session_date=DATES[self.session],
            closing=self.slot == 12,
        )
        event.attach({"c": contracts, "q": {"bid_ticks": bids, "ask_ticks": asks}})
        return self.send(event)

    def propose(
        self, legs: tuple[str, ...] = CONDOR, ratios: tuple[int, ...] = (1, -1, -1, 1), limit: int = -1000, **over: Any
    ) -> Event:
        fields: dict[str, Any] = {
            "proposal_id": f"condor:SPX:{self.seq + 1}",
            "strategy": "condor",
            "kind": "iron_condor",
            "underlying": "SPX",
            "instruments": legs,
            "ratios": ratios,
            "multiplier": 100,
            "tick_micros": 10_000,
            "expiry_ns": self.expiry_ns,
            "last_trade_ns": self.expiry_ns,
            "mid_ticks": float(limit),
            "natural_ticks": limit,
            "limit_ticks": limit,
            "max_loss_ticks": 0,
            "score": 1.0,
            "gates": {},
            "why": {"short_put_vol": 0.2, "short_call_vol": 0.2},
            "regime": "LOW_VOL_RANGE",
            "valid_until_ns": self.ts_ns + 2 * HALF_HOUR,
        }
        fact, *exits = self.send(signal.Proposal(**(fields | over)))
        assert not exits or over.get("closes")
        return fact

    def fill(
        self, a: Any, order_id: str, units: int, net_ticks: int, side: int, left: int, fee: int = 650_000
    ) -> list[Event]:
        """A fill of ``units`` at a net price for one unit *as traded* (side −1: the holding's reverse)."""
        cash = -net_ticks * a.tick_micros * a.multiplier * units
        return self.send(
            order.Filled(
                order_id=order_id,
                fill_id=f"{order_id}:f{self.seq}",
                quantity=units,
                instruments=tuple(a.instruments),
                leg_quantities=tuple(side * r * units for r in a.ratios),
                leg_price_micros=tuple(0 for _ in a.ratios),
                cash_micros=cash,
                mid_cash_micros=cash + 2_000_000 * units,
                natural_cash_micros=cash - 3_000_000 * units,
                fees_micros=fee * units,
                remaining=left,
            )
        )

    def submit(self, a: Any, order_id: str, purpose: Any, quantity: int) -> None:
        side = 1 if purpose == "open" else -1
        self.send(
            order.OrderSubmitted(
                order_id=order_id,
                position_id=a.position_id,
                purpose=purpose,
                underlying="SPX",
                instruments=tuple(a.instruments),
                ratios=tuple(side * r for r in a.ratios),
                multiplier=a.multiplier,
                tick_micros=a.tick_micros,
                quantity=quantity,
                limit_ticks=None,
                valid_until_ns=None,
            )
        )

    def done(self, position_id: str, order_id: str, purpose: Any, filled: int, quantity: int) -> list[Event]:
        state = "filled" if filled == quantity else "cancelled"
        return self.send(
            order.OrderDone(
                order_id=order_id,
                position_id=position_id,
                purpose=purpose,
                underlying="SPX",
                state=state,
                filled=filled,
                quantity=quantity,
                reason="",
            )
        )

    def open(self, limit: int = -1000, **over: Any) -> Position:
        """A position opened whole at its limit."""
        a = self.propose(limit=limit, **over)
        assert isinstance(a, risk.Approved), a
        oid = f"{a.position_id}:o1"
        self.submit(a, oid, "open", a.quantity)
        self.fill(a, oid, a.quantity, limit, 1, 0)
        self.done(a.position_id, oid, "open", a.quantity, a.quantity)
        return self.state.ledger.positions[a.position_id]

    def close(self, position: Position, net_ticks: int) -> list[Event]:
        e, n = position.entry, position.legs[0].lots // position.entry.ratios[0]
        oid = f"{e.position_id}:x1"
        self.submit(e, oid, "reduce", n)
        facts = self.fill(e, oid, n, net_ticks, -1, 0)
        self.done(e.position_id, oid, "reduce", n, n)
        return facts

    def of(self, kind: type[Any]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


def report(label: str | None, detector: str = "s2", symbol: str = "SPX") -> signal.RegimeReport:
    return signal.RegimeReport(
        symbol=symbol,
        detector=detector,
        version=1,
        label=label,
        previous=None,
        posterior={} if label is None else {label: 1.0},
        as_of_ns=OPENS[0],
        stable_since_ns=OPENS[0],
        abstain="too few bars" if label is None else None,
        why={},
    )


def twin_cash(broker: list[Event]) -> int:
    """Cash by the broker's facts alone: the witness shares no line with the ledger."""
    cash, funded, seen = 0, False, []
    for e in broker:
        if isinstance(e, order.AccountSnapshot) and not funded:
            cash, funded = e.cash_micros, True
        elif isinstance(e, order.Filled) and e.fill_id not in seen:
            seen.append(e.fill_id)
            cash += e.cash_micros - e.fees_micros
        elif isinstance(e, order.Expired | order.Assigned):
            cash += e.cash_micros - e.fees_micros
    return cash


def twin_trade(broker: list[Event], position_id: str) -> int:
    """Flows of the orders whose ids begin with the position's, each fill once."""
    mine = {e.fill_id: e for e in broker if isinstance(e, order.Filled) and e.order_id.startswith(position_id + ":")}
    return sum(e.cash_micros - e.fees_micros for e in mine.values())


@settings(max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
class Book(RuleBasedStateMachine):
    """Whatever happens, no micro is lost and a restarted fold says the same."""

    @initialize(heat=st.sampled_from([0.05, 0.1, 0.5]))
    def begin(self, heat: float) -> None:
        self.w = World({"limits": {"heat_fraction": heat}, "risk_per_trade_fraction": 0.02})
        self.working: dict[str, list[Any]] = {}
        self.settled: dict[str, int] = {}
        self.w.frame()

    @rule(spot=st.floats(2500, 2800), vol=st.floats(0.1, 0.5), dead=st.sampled_from([(), (CONDOR[1],), CONDOR]))
    def frame(self, spot: float, vol: float, dead: tuple[str, ...]) -> None:
        if self.w.session < len(DATES) - 1:
            self.w.tick()
        for fact in self.w.frame(spot, vol, dead):
            if isinstance(fact, risk.PortfolioMarked):
                assert fact.equity_micros == fact.cash_micros + fact.mid_micros
                assert fact.cash_micros == twin_cash(self.w.broker)

    @rule(limit=st.integers(-2500, 200), cap=st.none() | st.integers(1, 5), low=st.integers(0, 3))
    def propose(self, limit: int, cap: int | None, low: int) -> None:
        legs = (opt("P", 2400 - 25 * low), opt("P", 2450), opt("C", 2800), opt("C", 2850))
        fact = self.w.propose(legs, limit=limit, quantity_cap=cap)
        if isinstance(fact, risk.Approved):
            assert fact.quantity == min(fact.sizes.values()) >= 1
            assert cap is None or fact.quantity <= cap
            oid = f"{fact.position_id}:o1"
            self.w.submit(fact, oid, "open", fact.quantity)
            self.working[oid] = [fact, "open", fact.quantity, 0, fact.quantity]
        else:
            assert isinstance(fact, risk.Refused)
            assert fact.reasons

    @precondition(lambda self: self.working)
    @rule(data=st.data(), net=st.integers(-100, 300))
    def fill(self, data: st.DataObject, net: int) -> None:
        oid = data.draw(st.sampled_from(sorted(self.working)))
        a, purpose, left, filled, quantity = self.working[oid]
        units = data.draw(st.integers(1, left))
        price = a.limit_ticks if purpose == "open" else net
        self.w.fill(a, oid, units, price, 1 if purpose == "open" else -1, left - units)
        if data.draw(st.booleans()):
            self.w.send(self.w.broker[-1])  # told twice
        self.working[oid] = [a, purpose, left - units, filled + units, quantity]
        if left == units:
            self.finish(oid)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.finish(data.draw(st.sampled_from(sorted(self.working))))

    def finish(self, oid: str) -> None:
        a, purpose, _, filled, quantity = self.working.pop(oid)
        self.w.done(a.position_id, oid, purpose, filled, quantity)

    @rule(data=st.data())
    def close_one(self, data: st.DataObject) -> None:
        busy = {row[0].position_id for row in self.working.values()}
        open_ones = [k for k, p in self.w.state.ledger.positions.items() if k not in busy and not p.flat]
        if not open_ones:
            return
        key = data.draw(st.sampled_from(open_ones))
        p = self.w.state.ledger.positions[key]
        n = p.legs[0].lots // p.entry.ratios[0]
        oid = f"{key}:x{self.w.seq}"
        self.w.submit(p.entry, oid, "reduce", n)
        self.working[oid] = [p.entry, "reduce", n, 0, n]

    @rule(event=st.sampled_from(["halt", "resume", "flatten", "signal", "crash", "calm", "stale", "live"]))
    def world(self, event: str) -> None:
        why: dict[str, Any] = {"symbol": "SPX", "detector": "s2", "version": 1, "previous": None, "why": {}}
        self.w.send(
            {
                "halt": system.Halt(reason="me"),
                "resume": system.Resume(reason="me"),
                "flatten": system.CloseOrdered(position_id=None, reason="me"),
                "signal": signal.ExitSignal(underlying="SPX", strategy="condor", why={}),
                "crash": report("CRASH_MODE"),
                "calm": signal.RegimeChanged(label="LOW_VOL_RANGE", **why),
                "stale": market.FeedState(underlying="SPX", state="stale"),
                "live": market.FeedState(underlying="SPX", state="live"),
            }[event]
        )

    @rule(price=st.floats(2300, 2900), fee=st.integers(0, 5_000_000))
    def expire(self, price: float, fee: int) -> None:
        """All contracts settle on one print."""
        held: dict[str, int] = {}
        for p in self.w.state.ledger.positions.values():
            for leg in p.legs:
                held[leg.instrument] = held.get(leg.instrument, 0) + leg.lots
        held = {k: v for k, v in sorted(held.items()) if v}
        if self.working or not held:
            return
        cash = []
        for name, lots in held.items():
            _, _, right, strike = parse_option_id(name)
            inside = round(price * 1e6) - strike * 1000
            cash.append(lots * 100 * max(0, inside if right == "C" else -inside))
        before = {k: p.units for k, p in self.w.state.ledger.positions.items()}
        facts = self.w.send(
            order.Expired(
                underlying="SPX",
                root="SPXW",
                expiry_ns=EXPIRY_NS,
                print_price=price,
                instruments=tuple(held),
                quantities=tuple(held.values()),
                leg_cash_micros=tuple(cash),
                cash_micros=sum(cash),
                fees_micros=fee,
            )
        )
        closed = [f for f in facts if isinstance(f, risk.TradeClosed)]
        fills = sum(twin_trade(self.w.broker, k) for k in before)
        assert sum(f.pnl_micros for f in closed) == fills + sum(cash) - fee
        assert all(f.exit_reason == "expiry" for f in closed)
        self.settled |= {f.position_id: 1 for f in closed}

    @invariant()
    def conserved(self) -> None:
        if not hasattr(self, "w"):
            return
        ledger = self.w.state.ledger
        assert ledger.cash_micros == twin_cash(self.w.broker)
        assert ledger.unattributed_micros == 0
        trades = self.w.of(risk.TradeClosed)
        for t in trades:
            if t.position_id not in self.settled:
                assert t.pnl_micros == twin_trade(self.w.broker, t.position_id)
            assert t.pnl_micros == t.entry_net_micros + t.exit_net_micros - t.fees_micros
        flows = sum(t.pnl_micros for t in trades) + sum(
            p.open_cash_micros + p.close_cash_micros - p.fees_micros for p in ledger.positions.values()
        )
        assert ledger.cash_micros == CASH + flows
        assert len({t.position_id for t in trades}) == len(trades)

    @invariant()
    def exits_are_asked_once(self) -> None:
        if not hasattr(self, "w"):
            return
        asked: dict[str, list[str]] = {}
        for fact in self.w.of(risk.ExitRequested):
            asked.setdefault(fact.position_id, []).append(fact.urgency)
        assert all(a in (["normal"], ["emergency"], ["normal", "emergency"]) for a in asked.values())


TestBook = Book.TestCase


def test_opened_and_closed_trade_is_the_sum_of_its_flows() -> None:
    w = World()
    w.frame()
    p = w.open(limit=-1000)
    n = p.units
    (opened,) = w.of(risk.PositionOpened)
    assert (opened.quantity, opened.entry_net_ticks) == (n, -1000.0)
    assert p.max_loss_micros == n * (5_000 - 1_000) * 1_000_000
    w.tick()
    w.frame()
    facts = w.close(p, 400)
    (trade,) = [f for f in facts if isinstance(f, risk.TradeClosed)]
    assert trade.pnl_micros == n * 600 * 1_000_000 - 2 * 650_000 * n
    assert trade.max_loss_micros == n * 4_000_000_000
    assert trade.exit_reason == "unrequested"
    assert not w.state.ledger.positions
    assert not w.state.ledger.orders


def test_size_is_the_smallest_and_says_which() -> None:
    w = World()
    w.frame()
    a = w.propose()
    assert isinstance(a, risk.Approved)
    assert a.sizes["risk_budget"] == 5  # 2 % of 1,000,000 over 4,000
    assert a.quantity == 5
    assert a.max_loss_micros == 5 * 4_000 * 1_000_000
    assert set(a.sizes) >= {
        "heat",
        "trade_delta",
        "trade_vega",
        "book_delta",
        "book_gamma",
        "book_vega",
        "max_quantity",
    }


def test_zero_is_refused_and_never_floored_up() -> None:
    w = World({"risk_per_trade_fraction": 0.001})
    w.frame()
    r = w.propose()
    assert isinstance(r, risk.Refused)
    assert r.reasons == ("size_risk_budget",)


def test_refusal_lists_every_reason() -> None:
    w = World()
    w.frame()
    w.send(system.Halt(reason="lunch"), market.FeedState(underlying="SPX", state="stale"))
    r = w.propose(legs=(opt("C", 2800),), ratios=(-1,), limit=-1000, why={}, valid_until_ns=w.ts_ns - 1)
    assert isinstance(r, risk.Refused)
    assert set(r.reasons) == {
        "halted",
        "feed_not_live",
        "proposal_expired",
        "max_loss_not_finite",
        "greeks_unknown",
    }


def test_reservation_counts_as_heat_until_the_order_is_done() -> None:
    w = World({"limits": {"heat_fraction": 0.03}})
    w.frame()
    a = w.propose()
    b = w.propose()
    assert isinstance(a, risk.Approved)
    assert isinstance(b, risk.Approved)
    assert (a.quantity, b.quantity, b.sizes["heat"]) == (5, 2, 2)
    w.done(a.position_id, f"{a.position_id}:o1", "open", 0, 5)
    c = w.propose()
    assert isinstance(c, risk.Approved)
    assert c.sizes["heat"] == 5


def test_unknown_order_stops_new_risk_on_its_underlying_until_it_is_done() -> None:
    w = World()
    w.frame()
    w.send(order.OrderUnknown(order_id="z:o1", underlying="SPX", state="done", report="Filled"))
    r = w.propose()
    assert isinstance(r, risk.Refused)
    assert r.reasons == ("order_unknown",)
    w.done("z", "z:o1", "open", 0, 1)
    assert isinstance(w.propose(), risk.Approved)


def test_profit_target_at_the_achievable_price() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None}})
    w.frame()
    p = w.open(limit=-1000)
    w.tick()
    w.frame(vol=0.20)
    assert not w.of(risk.ExitRequested)
    w.tick()
    w.frame(vol=0.08)
    (x,) = w.of(risk.ExitRequested)
    assert x.reason == "profit"
    assert x.ratios == (1, -1, -1, 1)
    assert x.quantity == p.units
    assert x.closing_debit_ticks is not None
    assert x.closing_debit_ticks <= 500
    w.tick()
    w.frame(vol=0.08)
    assert len(w.of(risk.ExitRequested)) == 1  # it stands


def test_zero_quotes_are_no_instant_profit_target() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None}})
    w.frame()
    w.open(limit=-1000)
    w.tick()
    w.frame(dead=CONDOR)
    assert not w.of(risk.ExitRequested)
    assert w.of(risk.PortfolioMarked)[-1].stale_marks == 4
    w.tick()
    zero = dict.fromkeys(CONDOR, (0, 900))
    w.frame(**zero)  # no bid anywhere: sold legs cost the ask, bought legs are worth nothing
    assert not w.of(risk.ExitRequested)
    p = next(iter(w.state.ledger.positions.values()))
    assert p.marks.mid_micros == p.marks.achievable_micros == -1_800 * p.units * 1_000_000


def test_stop_needs_confirmation_and_fresh_legs() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None, "stop_confirm_n": 2, "stop_confirm_m": 3}})
    w.frame()
    w.open(limit=-1000)
    bad = {CONDOR[1]: (3600, 3700)}
    for dead, expected in (((), 0), ((CONDOR[0],), 0), ((), 1)):
        w.tick()
        w.frame(dead=dead, **bad)
        assert len(w.of(risk.ExitRequested)) == expected
    assert w.of(risk.ExitRequested)[0].reason == "stop"


@pytest.mark.parametrize(
    ("basis", "stop", "loss_usd"),
    [("loss_x_credit", 2.0, 2000), ("price_x_credit", 2.0, 1000), ("pct_max_loss", 0.5, 2000)],
)
def test_stop_bases(basis: str, stop: float, loss_usd: int) -> None:
    from contango_risk.exits import stop_loss_micros

    w = World({"exits": {"stop": stop, "stop_basis": basis}})
    w.frame()
    p = w.open(limit=-1000)
    assert stop_loss_micros(p, w.state.params.exits) == loss_usd * p.units * 1e6


def test_crash_is_first_and_escalates_a_standing_exit() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None}})
    w.frame()
    w.open(limit=-1000)
    w.send(signal.ExitSignal(underlying="SPX", strategy="condor", why={"z": 1.0}))
    why: dict[str, Any] = {"symbol": "SPX", "detector": "s2", "version": 1, "previous": None, "why": {}}
    facts = w.send(signal.RegimeChanged(label="CRASH_MODE", **why))
    assert [f.reason for f in w.of(risk.ExitRequested)] == ["signal", "crash"]
    (x,) = facts
    assert isinstance(x, risk.ExitRequested)
    assert x.urgency == "emergency"
    assert x.all_true == ("crash", "signal")
    assert not w.send(system.CloseOrdered(position_id=None, reason="all"))


def test_time_exits() -> None:
    w = World({"exits": {"dte": 50, "monitor_dte": None}})
    w.frame()
    w.open()
    w.tick()
    w.frame()
    (x,) = w.of(risk.ExitRequested)
    assert x.reason == "dte"


@pytest.mark.parametrize(("settlement", "delivery"), [("am", "cash"), ("pm", "physical")])
def test_contracts_that_must_not_reach_settlement_are_closed_before_their_last_trade(
    settlement: str, delivery: str
) -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None, "profit_target": None, "stop": None}}, expiry_ns=CLOSES[3])
    w.send(w.root("SPXW", settlement, delivery))
    w.frame()
    w.open()
    for _ in range(13 * 2 - 1):
        w.tick()
        w.frame()
    assert not w.of(risk.ExitRequested)  # still in the session two before the last
    w.tick()
    w.frame()
    assert [x.reason for x in w.of(risk.ExitRequested)] == ["last_trade"]


def test_exits_are_not_refused_by_halts_or_stale_feeds() -> None:
    w = World()
    w.frame()
    w.open()
    w.send(system.Halt(reason="stop"), market.FeedState(underlying="SPX", state="halted"))
    w.send(system.CloseOrdered(position_id=None, reason="out"))
    (x,) = w.of(risk.ExitRequested)
    assert (x.reason, x.urgency) == ("emergency", "emergency")


def test_daily_drawdown_halts_until_the_next_session_opens() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None, "stop": None}})
    w.frame()
    w.open()
    w.tick()
    w.frame(**{CONDOR[1]: (7000, 7100)})
    (halt,) = w.of(risk.TradingHalted)
    assert (halt.reason, halt.until_ns) == ("daily_drawdown", OPENS[1])
    w.tick()
    w.frame()
    assert isinstance(w.propose(), risk.Refused)
    w.session, w.slot = 1, 0
    w.frame()
    assert [f.reason for f in w.of(risk.TradingResumed)] == ["next_session"]
    assert isinstance(w.propose(), risk.Approved)
    high = w.state.equity.high_water_micros
    assert high >= CASH


def test_delta_of_a_sold_put_is_positive_and_units_are_spy() -> None:
    w = World({"limits": {"greek_caps": False}})
    w.frame()
    w.open(legs=(opt("P", 2600), opt("P", 2650)), ratios=(1, -1), limit=-1500)
    p = next(iter(w.state.ledger.positions.values()))
    w.tick()
    (mark,) = [f for f in w.frame() if isinstance(f, risk.PortfolioMarked)]
    t = (EXPIRY_NS - w.ts_ns) / (365 * DAY)

    def price(strike: float, spot: float, vol: float) -> float:
        return black_price(spot, strike, t, vol, math.exp(-0.02 * t), False)

    def book(spot: float, vol: float) -> float:
        return (price(2600, spot, vol) - price(2650, spot, vol)) * 100 * p.units

    h = 0.5
    delta = (book(2650 + h, 0.2) - book(2650 - h, 0.2)) / (2 * h)
    gamma = (book(2650 + h, 0.2) - 2 * book(2650, 0.2) + book(2650 - h, 0.2)) / h**2
    vega = (book(2650, 0.201) - book(2650, 0.199)) / 0.2
    assert delta > 0
    assert mark.delta_spy_shares == pytest.approx(10 * delta, rel=0.02)
    assert mark.gamma_spy_shares == pytest.approx(100 * gamma, rel=0.2)
    assert mark.vega_usd_per_point == pytest.approx(vega, rel=0.2)


def test_risk_per_trade_compares_dollars_with_dollars() -> None:
    """4,000 USD a lot, not 40 USD a share, against 2 % of equity."""
    w = World()
    w.frame()
    a = w.propose()
    assert isinstance(a, risk.Approved)
    assert a.limits["unit_max_loss_usd"] == 4_000.0


def test_no_volatility_is_ever_made_up() -> None:
    w = World()
    w.frame()
    r = w.propose(why={})
    assert isinstance(r, risk.Refused)
    assert r.reasons == ("greeks_unknown",)


def test_closing_frame_is_marked_without_positions() -> None:
    w = World()
    for _ in range(13):
        w.frame()
        w.tick()
    assert len(w.of(risk.PortfolioMarked)) == 1
    assert w.of(risk.PortfolioMarked)[0].equity_micros == CASH


def test_invalid_parameters_keep_the_last_good_ones_and_stop_new_risk() -> None:
    w = World()
    w.frame()
    w.send(system.ParametersChanged(params={"risk": {"no_such": 1}}, reason="typo"))
    r = w.propose()
    assert isinstance(r, risk.Refused)
    assert r.reasons == ("parameters_invalid",)


def test_account_that_differs_from_the_ledger_stops_new_risk() -> None:
    w = World()
    w.frame()
    assert not w.send(order.AccountSnapshot(cash_micros=CASH, instruments=(), quantities=()))
    (halt,) = w.send(order.AccountSnapshot(cash_micros=CASH - 1, instruments=(), quantities=()))
    assert isinstance(halt, risk.TradingHalted)
    assert isinstance(w.propose(), risk.Refused)


def test_positions_against_each_other_settle_among_themselves() -> None:
    w = World({"limits": {"greek_caps": False}, "exits": {"dte": None}}, expiry_ns=CLOSES[1])
    w.frame()
    a = w.open(legs=(opt("P", 2600), opt("P", 2650)), ratios=(1, -1), limit=-1500, quantity_cap=1)
    b = w.open(legs=(opt("P", 2650), opt("P", 2600)), ratios=(1, -1), limit=1600, quantity_cap=1)
    w.tick()
    w.frame()  # learns the expiry instants
    w.session, w.slot = 1, 12
    w.send(market.SettlementPrint(underlying="SPX", root="SPXW", expiry_ns=CLOSES[1], price=2630.0, expiry_date=EXPIRY))
    w.frame(spot=2630.0)
    trades = {t.position_id: t.exit_net_micros for t in w.of(risk.TradeClosed)}
    assert trades == {a.entry.position_id: -2_000_000_000, b.entry.position_id: 2_000_000_000}
    assert w.state.ledger.cash_micros == twin_cash(w.broker)


def test_stock_book_is_marked_on_bars_and_left_by_signal() -> None:
    w = World({"bar_mark_every_s": 1})
    w.send(market.AssetListed(symbol="ABC", kind="stock"))

    def bar(price: float) -> list[Event]:
        one = (price,)
        w.tick()
        return w.send(market.Bars(timeframe_s=300, symbols=("ABC",), open=one, high=one, low=one, close=one))

    bar(100.0)
    a = w.propose(
        legs=("ABC",),
        ratios=(1,),
        limit=10_100,
        underlying="ABC",
        strategy="ema",
        multiplier=1,
        expiry_ns=None,
        last_trade_ns=None,
        why={},
        kind="single",
    )
    assert isinstance(a, risk.Approved), a
    assert a.quantity == 100  # max_quantity; the budget of 20,000 USD over 101 would allow 198
    w.submit(a, f"{a.position_id}:o1", "open", a.quantity)
    w.fill(a, f"{a.position_id}:o1", a.quantity, 10_050, 1, 0, fee=0)
    w.done(a.position_id, f"{a.position_id}:o1", "open", a.quantity, a.quantity)
    (mark,) = bar(110.0)
    assert isinstance(mark, risk.PortfolioMarked)
    assert mark.equity_micros == CASH + 100 * 9_500_000
    assert mark.delta_spy_shares == 100.0
    (x,) = w.send(signal.ExitSignal(underlying="ABC", strategy="ema", why={}))
    assert isinstance(x, risk.ExitRequested)
    w.close(w.state.ledger.positions[a.position_id], -11_000)
    assert w.of(risk.TradeClosed)[0].pnl_micros == 950_000_000 - 65_000_000


def test_a_fill_that_nobody_asked_for_is_adopted_and_flattened() -> None:
    w = World()
    w.frame()
    fill = order.Filled(
        order_id="ghost",
        fill_id="ghost:f1",
        quantity=2,
        instruments=(CONDOR[1],),
        leg_quantities=(-2,),
        leg_price_micros=(10_000_000,),
        cash_micros=2_000_000_000,
        mid_cash_micros=2_000_000_000,
        natural_cash_micros=2_000_000_000,
        fees_micros=0,
        remaining=0,
    )
    facts = w.send(fill)
    assert [type(f) for f in facts] == [risk.PositionOpened, risk.ExitRequested]
    (x,) = w.of(risk.ExitRequested)
    assert (x.underlying, x.ratios, x.quantity, x.urgency) == ("SPX", (-1,), 2, "emergency")
    assert w.state.ledger.cash_micros == twin_cash(w.broker)


def test_assignment_leaves_no_micro_behind_and_flattens_the_rest() -> None:
    w = World()
    w.frame()
    p = w.open()
    n = p.units
    w.send(order.Assigned(instrument=CONDOR[1], quantity=1, cash_micros=-7_000_000_001, fees_micros=5))
    assert w.state.ledger.cash_micros == twin_cash(w.broker)
    assert [leg.lots for leg in p.legs] == [n, 1 - n, -n, n]
    (x,) = w.of(risk.ExitRequested)
    assert (x.reason, x.ratios, x.quantity) == ("emergency", (n, 1 - n, -n, n), 1)


def test_settlement_cash_is_shared_by_lots_to_the_last_micro() -> None:
    w = World()
    w.frame()
    a, b = w.open(quantity_cap=1), w.open(quantity_cap=2)
    cash = (0, -3_000_000_001, 0, 0)
    w.send(
        order.Expired(
            underlying="SPX",
            root="SPXW",
            expiry_ns=EXPIRY_NS,
            print_price=2440.0,
            instruments=CONDOR,
            quantities=(3, -3, -3, 3),
            leg_cash_micros=cash,
            cash_micros=sum(cash),
        )
    )
    exits = {t.position_id: t.exit_net_micros for t in w.of(risk.TradeClosed)}
    assert exits == {a.entry.position_id: -1_000_000_001, b.entry.position_id: -2_000_000_000}


def test_warm_up_opens_nothing_and_marks_nothing() -> None:
    w = World()
    w.state.started = w.shadow.started = False
    for _ in range(13):
        w.frame()
        w.tick()
    r = w.propose()
    assert isinstance(r, risk.Refused)
    assert "not_started" in r.reasons
    assert not w.of(risk.PortfolioMarked)


def test_stale_leg_keeps_its_last_good_mark_and_its_volatility() -> None:
    w = World()
    w.frame()
    p = w.open()
    w.tick()
    w.frame()
    before, iv = (p.legs[0].bid_ticks, p.legs[0].quoted_ns), p.legs[0].iv_annual
    w.tick()
    crossed = {CONDOR[0]: (900, 800)}
    w.frame(vol=0.4, **crossed)
    assert p.legs[0].stale
    assert (p.legs[0].bid_ticks, p.legs[0].quoted_ns) == before
    assert p.legs[0].iv_annual == iv == pytest.approx(0.2, rel=0.05)
    assert p.greeks is not None


def test_parity_gives_the_forward_where_no_rate_is_known() -> None:
    w, blind = World(), World()
    blind.state.assets["SPX"].rate_annual = blind.shadow.assets["SPX"].rate_annual = None
    for each in (w, blind):
        each.frame()
        each.open(why={"short_put_vol": 0.2, "short_call_vol": 0.2, "forward": 2650.0})
        each.tick()
        each.frame()
    ours, theirs = (next(iter(each.state.ledger.positions.values())).greeks for each in (w, blind))
    assert ours is not None
    assert theirs is not None
    assert theirs.delta == pytest.approx(ours.delta, abs=3.0)
    assert theirs.vega == pytest.approx(ours.vega, rel=0.02)


def test_a_stop_is_a_loss_and_not_a_gain() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None, "profit_target": None}})
    w.frame()
    p = w.open(limit=-1000)
    for _ in range(3):
        w.tick()
        w.frame(vol=0.12)
    assert p.stop_hits == [False, False, False]
    assert not w.of(risk.ExitRequested)


def test_a_person_halts_and_resumes() -> None:
    w = World()
    w.frame()
    (halted,) = w.send(system.Halt(reason="lunch"))
    assert halted == risk.TradingHalted(reason="lunch", until_ns=None, kind="manual")
    refused = w.propose()
    assert isinstance(refused, risk.Refused)
    assert refused.reasons == ("halted",)
    (resumed,) = w.send(system.Resume(reason="back"))
    assert isinstance(resumed, risk.TradingResumed)
    assert isinstance(w.propose(), risk.Approved)


def test_a_persons_halt_is_a_persons_halt_whatever_reason_it_gives() -> None:
    """The words risk uses for its own halt and its end are free for people to use."""
    w = World()
    w.frame()
    (halted,) = w.send(system.Halt(reason="daily_drawdown"))
    assert isinstance(halted, risk.TradingHalted)
    assert (halted.kind, w.state.halts.manual, w.state.halts.drawdown) == ("manual", "daily_drawdown", False)
    w.session, w.slot = 1, 0
    w.frame()
    refused = w.propose()
    assert isinstance(refused, risk.Refused)
    assert refused.reasons == ("halted",)
    (resumed,) = w.send(system.Resume(reason="next_session"))
    assert isinstance(resumed, risk.TradingResumed)
    assert resumed.kind == "manual"
    assert isinstance(w.propose(), risk.Approved)


def test_a_persons_resume_cannot_end_a_drawdown_halt_in_any_order() -> None:
    state = fold.initial()
    drawdown = risk.TradingHalted(reason="daily_drawdown", until_ns=OPENS[1], kind="drawdown")
    at = At(OPENS[0], 1, "risk")
    for fact in (drawdown, risk.TradingResumed(reason="next_session", kind="manual")):
        evolve(fold, state, fact, at)
    assert state.halts.drawdown
    evolve(fold, state, risk.TradingResumed(reason="over", kind="drawdown"), at)
    assert not state.halts.drawdown


def test_a_log_from_before_halts_had_kinds_is_read_by_its_reasons() -> None:
    state = fold.initial()
    at = At(OPENS[0], 1, "risk")
    evolve(fold, state, risk.TradingHalted(reason="daily_drawdown", until_ns=OPENS[1]), at)
    evolve(fold, state, risk.TradingHalted(reason="lunch", until_ns=None), at)
    assert (state.halts.drawdown, state.halts.manual) == (True, "lunch")
    evolve(fold, state, risk.TradingResumed(reason="next_session"), at)
    assert (state.halts.drawdown, state.halts.manual) == (False, "lunch")


def test_marks_of_a_condor_by_hand() -> None:
    """Mid, and closing at 53 % of each spread: bought legs sold under their ask, sold legs bought over their bid."""
    w = World()
    w.frame()
    p = w.open(limit=-1000, quantity_cap=1)
    w.tick()
    quotes = dict(zip(CONDOR, [(200, 300), (600, 700), (500, 540), (0, 80)], strict=True))
    w.frame(**quotes)
    mid = 250 - 650 - 520 + 0
    achievable = (300 - 53) - (600 + 53) - (500 + 21.2) + 0
    natural = 200 - 700 - 540 + 0
    assert p.marks.mid_micros == mid * 1_000_000
    assert p.marks.achievable_micros == pytest.approx(achievable * 1_000_000, abs=1)
    assert p.marks.natural_micros == natural * 1_000_000
    (mark,) = [f for f in w.of(risk.PortfolioMarked) if f.open_positions][-1:]
    assert mark.equity_micros == CASH + 1_000_000_000 - 650_000 + mid * 1_000_000


def test_flat_with_an_opening_order_at_work_is_not_yet_closed() -> None:
    w = World()
    w.frame()
    a = w.propose()
    assert isinstance(a, risk.Approved)
    opening = f"{a.position_id}:o1"
    w.submit(a, opening, "open", a.quantity)
    w.fill(a, opening, 1, -1000, 1, a.quantity - 1)
    w.submit(a, f"{a.position_id}:x1", "reduce", 1)
    assert not w.fill(a, f"{a.position_id}:x1", 1, 400, -1, 0)
    facts = w.done(a.position_id, opening, "open", 1, a.quantity)
    assert [type(f) for f in facts] == [risk.TradeClosed]


def test_part_of_a_holding_keeps_its_part_of_the_mark_until_the_next_frame() -> None:
    w = World()
    w.frame()
    p = w.open(limit=-1000)
    n = p.units
    w.tick()
    w.frame()
    mid = p.marks.mid_micros
    assert mid is not None
    oid = f"{p.entry.position_id}:x1"
    w.submit(p.entry, oid, "reduce", 1)
    w.fill(p.entry, oid, 1, 700, -1, 0)
    assert p.legs[0].lots == n - 1
    assert p.marks.mid_micros == mid + 700_000_000 - 2_000_000  # less what that unit would have brought at mid


def test_near_expiry_a_part_of_the_target_is_enough() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": 60, "monitor_pnl": 0.4, "profit_target": 0.9}})
    w.frame()
    w.open(limit=-1000)
    w.tick()
    w.frame(vol=0.12)
    (x,) = w.of(risk.ExitRequested)
    assert x.all_true == ("monitor",)


def test_an_underlying_not_seen_for_long_opens_nothing() -> None:
    w = World()
    w.frame()
    w.session = 1
    r = w.propose()
    assert isinstance(r, risk.Refused)
    assert r.reasons == ("frame_stale",)


@pytest.mark.parametrize(("now", "unit", "units"), [(0, 10, 200), (1500, 10, 50), (-1500, 10, 350), (2500, 10, 0)])
@pytest.mark.parametrize("sign", [1, -1])
def test_book_cap_leaves_room_on_the_side_the_trade_goes(now: float, unit: float, units: int, sign: int) -> None:
    from contango_risk.look import look
    from contango_risk.portfolio import equity_micros
    from contango_risk.proposals import draft_of
    from contango_risk.sizing import sizes
    from contango_risk.state import Greeks

    w = World()
    w.frame()
    w.open()
    next(iter(w.state.ledger.positions.values())).greeks = Greeks(delta=sign * now)
    keys = ("unit_delta_spy_shares", "unit_gamma_spy_shares", "unit_vega_usd_per_point", "unit_theta_usd_per_day")
    proposal = signal.Proposal.model_validate(
        {
            "proposal_id": "x",
            "strategy": "s",
            "kind": "iron_condor",
            "underlying": "SPX",
            "instruments": CONDOR,
            "ratios": (1, -1, -1, 1),
            "multiplier": 100,
            "tick_micros": 10_000,
            "expiry_ns": EXPIRY_NS,
            "last_trade_ns": EXPIRY_NS,
            "mid_ticks": -1.0,
            "natural_ticks": -1,
            "limit_ticks": -1000,
            "max_loss_ticks": 0,
            "score": 0.0,
            "gates": {},
            "why": dict(zip(keys, (sign * unit, 0.0, 0.0, 0.0), strict=True)),
            "regime": "",
            "valid_until_ns": 0,
        }
    )
    entry = draft_of(w.state, proposal, w.ts_ns)
    cap = 2_000 * equity_micros(w.state.ledger) / CASH  # 200 shares per 100,000 USD of equity
    got = sizes(look(w.state, entry, w.ts_ns))["book_delta"]
    assert got == max(0, math.floor((cap - now) / unit))
    assert got == pytest.approx(units, abs=1)


# --- ticks: time goes on without the feed. Every message also goes to a fold restarted from its bytes. ---------------

SECOND = 1_000_000_000
AGE = 3_900 * SECOND  # max_frame_age_s


def scripted(seed: int, with_ticks: bool) -> list[Event]:
    """Two random sessions with a frame every half hour, and, when asked for, ticks at random instants between."""
    rng, dice = random.Random(seed), random.Random(seed + 1)
    w = World({"risk_per_trade_fraction": 0.03, "exits": {"dte": rng.choice([43, 44, 46, None]), "monitor_dte": None}})
    missed = False
    while w.session < 2:
        last_ns = w.ts_ns
        missed = not missed and rng.random() < 0.1  # one missing frame is no silence, two are
        if not missed:
            act(w, rng)
        w.tick()
        if with_ticks:
            for ts_ns in sorted(dice.randrange(last_ns, w.ts_ns) for _ in range(dice.randrange(3))):
                w.clock(ts_ns)
    return w.facts


def act(w: World, rng: random.Random) -> None:
    """A frame, and what may follow from it at the same instant."""
    wild = rng.random() < 0.15
    w.frame(rng.uniform(2600, 2700), rng.uniform(0.1, 0.3), **({CONDOR[1]: (9000, 9100)} if wild else {}))
    action = rng.choice(["open", "open", "open", "close", "signal", "crash", "calm", "halt", "resume", "none"])
    why: dict[str, Any] = {"symbol": "SPX", "detector": "s2", "version": 1, "previous": None, "why": {}}
    if action == "open":
        a = w.propose(limit=-rng.randrange(500, 1500), quantity_cap=9, proposal_id=f"p{w.session}:{w.slot}")
        if isinstance(a, risk.Approved):
            w.submit(a, f"{a.position_id}:o1", "open", a.quantity)
            w.fill(a, f"{a.position_id}:o1", a.quantity, a.limit_ticks, 1, 0)
            w.done(a.position_id, f"{a.position_id}:o1", "open", a.quantity, a.quantity)
    elif action == "close":
        for position in [p for p in w.state.ledger.positions.values() if p.exit]:
            w.close(position, 1000)
    elif action in ("signal", "crash", "calm"):
        w.send(
            {
                "signal": signal.ExitSignal(underlying="SPX", strategy="condor", why={}),
                "crash": report("CRASH_MODE"),
                "calm": signal.RegimeChanged(label="LOW_VOL_RANGE", **why),
            }[action]
        )
    elif action in ("halt", "resume"):
        w.send(system.Halt(reason="me") if action == "halt" else system.Resume(reason="me"))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_ticks_beside_a_living_feed_change_nothing_but_the_instant_at_which_a_halt_lapses(seed: int) -> None:
    without, ticked = scripted(seed, False), scripted(seed, True)

    def decided(facts: list[Event]) -> list[Event]:
        halts = (risk.TradingResumed, risk.TradingHalted)
        return [f for f in facts if not isinstance(f, halts) or getattr(f, "reason", "") == "daily_drawdown"]

    assert decided(ticked) == decided(without)
    # a halt that has lapsed between two frames may be called again by the second: more often, and no other one
    assert {f.model_dump_json() for f in ticked} == {f.model_dump_json() for f in without}


def dead(params: dict[str, Any], session: int, slot: int, instants: list[float], expiry_ns: int, am: bool) -> World:
    """A position, a last frame at ``session`` and ``slot``, and from then on nothing but ticks; the last is at the end.

    ``instants`` are fractions of the stretch from that frame to the last session's close.
    """
    w = World({"exits": {"profit_target": None, "stop": None, "monitor_dte": None} | params}, expiry_ns=expiry_ns)
    w.send(w.root("SPXW", "am" if am else "pm", "cash"))
    w.frame()
    w.open()
    while (w.session, w.slot) < (session, slot):
        w.tick()
        w.frame()
    assert not w.of(risk.ExitRequested)
    began_ns = w.ts_ns
    for part in [*sorted(instants), 1.0]:
        ts_ns = began_ns + round(part * (CLOSES[-1] - began_ns))
        expected = exit_due(w, ts_ns, began_ns, params.get("dte"), None if not am else expiry_ns)
        asked = bool(w.of(risk.ExitRequested))
        assert bool(w.clock(ts_ns)) == (expected and not asked), (ts_ns, expected, asked)
    return w


def exit_due(w: World, ts_ns: int, seen_ns: int, dte: int | None, last_trade_ns: int | None) -> bool:
    """By the calendar on the wall: in session, long enough without a frame, and the day has come."""
    running = [i for i in range(len(DATES)) if OPENS[i] <= ts_ns <= CLOSES[i]]
    if not running or ts_ns - max(seen_ns, OPENS[running[0]]) <= AGE:
        skipped = running and any(seen_ns < OPENS[i] for i in range(running[0]))
        if not skipped:
            return False
    if last_trade_ns is not None:
        return CLOSES.index(last_trade_ns) - running[0] <= 1
    assert dte is not None
    return days_between(DATES[running[0]], EXPIRY) <= dte


CUTS: Any = {"slot": st.integers(1, 12), "instants": st.lists(st.floats(0, 1), max_size=40)}


@settings(max_examples=40, deadline=None)
@given(day=st.integers(1, 6), **CUTS)
def test_the_time_exit_is_asked_for_by_ticks_alone(day: int, slot: int, instants: list[float]) -> None:
    w = dead({"dte": days_between(DATES[day], EXPIRY)}, 0, slot, instants, EXPIRY_NS, am=False)
    (x,) = w.of(risk.ExitRequested)
    assert (x.reason, x.all_true, x.urgency) == ("dte", ("dte",), "normal")
    (held,) = w.state.ledger.positions.values()
    assert held.exit is not None
    assert held.exit.why["achievable_pnl_usd"] is None  # the last mark is no evidence of a price now
    assert w.clock(CLOSES[-1]) == []
    w.clock_ns = CLOSES[-1]
    r = w.propose()
    assert isinstance(r, risk.Refused)
    assert "frame_stale" in r.reasons


@settings(max_examples=40, deadline=None)
@given(last=st.integers(2, 6), **CUTS)
def test_the_exit_before_the_last_trade_is_asked_for_by_ticks_alone(
    last: int, slot: int, instants: list[float]
) -> None:
    w = dead({"dte": None}, 0, slot, instants, CLOSES[last], am=True)
    assert [x.reason for x in w.of(risk.ExitRequested)] == ["last_trade"]


def test_price_rules_are_not_judged_on_a_tick() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None, "stop_confirm_n": 1, "stop_confirm_m": 1}})
    w.frame()
    position = w.open(limit=-1000)
    w.tick()
    w.frame()
    position.stop_hits = [True]
    w.shadow = w.codec.load(w.codec.dump(w.state))
    assert w.clock(w.ts_ns + AGE + 1) == []
    assert w.clock(OPENS[1] + AGE + 1) == []


def test_a_crash_before_the_fill_is_left_on_a_tick() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None}})
    why: dict[str, Any] = {"symbol": "SPX", "detector": "s2", "version": 1, "previous": None, "why": {}}
    w.frame()
    w.send(signal.RegimeChanged(label="CRASH_MODE", **why))
    w.open(limit=-1000)  # nothing but a frame or a tick judges it now
    assert w.clock(w.ts_ns + AGE) == []
    (x,) = w.clock(w.ts_ns + AGE + 1)
    assert isinstance(x, risk.ExitRequested)
    assert (x.reason, x.all_true, x.urgency) == ("crash", ("crash",), "emergency")


def test_a_limit_longer_than_a_session_waits_for_one_missed_session() -> None:
    w = World({"limits": {"max_frame_age_s": 30_000}, "exits": {"dte": days_between(DATES[1], EXPIRY)}})
    w.frame()
    w.open()
    w.slot = 12
    w.frame(vol=0.2)
    assert w.clock(CLOSES[1]) == []  # one frame a session, at its close, is a living feed
    (x,) = w.clock(OPENS[2])
    assert isinstance(x, risk.ExitRequested)
    assert x.reason == "dte"


def test_a_drawdown_halt_ends_at_the_first_tick_of_the_next_session() -> None:
    w = World({"exits": {"dte": None, "monitor_dte": None, "stop": None}})
    w.frame()
    w.open()
    w.tick()
    w.frame(**{CONDOR[1]: (7000, 7100)})
    assert w.clock(OPENS[1] - 1) == []
    assert w.clock(OPENS[1]) == [risk.TradingResumed(reason="next_session", kind="drawdown")]
    assert w.clock(OPENS[1] + SECOND) == []


def test_a_loss_at_the_first_mark_halts_again_with_or_without_a_tick_before_it() -> None:
    for ticks in (0, 1):
        w = World({"exits": {"dte": None, "monitor_dte": None, "stop": None}})
        w.frame()
        w.open()
        w.tick()
        w.frame(**{CONDOR[1]: (7000, 7100)})
        for _ in range(ticks):
            w.clock(OPENS[1])
        w.session, w.slot = 1, 0
        w.frame(**{CONDOR[1]: (11000, 11100)})
        assert [f.until_ns for f in w.of(risk.TradingHalted)] == [OPENS[1], OPENS[2]]
        assert len(w.of(risk.TradingResumed)) == 1


def test_a_tick_that_concerns_nobody_leaves_the_state_as_it_was() -> None:
    w = World()
    w.frame()
    w.open()
    before = w.codec.dump(w.state)
    for ts_ns in (w.ts_ns + SECOND, CLOSES[0] + 1, OPENS[1] + SECOND, CLOSES[1] + 1):
        assert w.clock(ts_ns) == []
        assert w.codec.dump(w.state) == before


# --- multipliers ------------------------------------------------------------------------------------------------------

FACTORS = st.dictionaries(st.sampled_from(["vix", "regime_s0", "volatile"]), st.floats(0, 3), max_size=3)


@settings(max_examples=150, deadline=None)
@given(FACTORS, FACTORS, st.integers(1, 60))
def test_the_smallest_factor_scales_what_risk_found_and_never_enlarges_it(
    factors: dict[str, float], shadow: dict[str, float], cap: int
) -> None:
    w = World({"risk_per_trade_fraction": 0.2, "limits": {"greek_caps": False, "heat_fraction": 0.5}})
    w.frame()
    plain = w.propose(quantity_cap=cap)
    assert isinstance(plain, risk.Approved)
    w.done(plain.position_id, f"{plain.position_id}:o1", "open", 0, plain.quantity)
    found = w.propose(quantity_cap=cap, multipliers=factors, shadow_multipliers=shadow)
    smallest = min(1.0, min(factors.values(), default=1.0))
    wanted = math.floor(plain.quantity * Fraction(repr(smallest)))
    if wanted == 0:
        assert isinstance(found, risk.Refused)
        assert found.reasons == (f"size_multiplier_{min(factors, key=lambda name: (factors[name], name))}",)
        assert found.limits["multiplier"] == smallest
        return
    assert isinstance(found, risk.Approved)
    assert found.quantity == wanted <= plain.quantity
    assert found.max_loss_micros * plain.quantity == plain.max_loss_micros * wanted
    assert found.limits["multiplier"] == (smallest if factors else None)
    assert found.sizes == plain.sizes | ({"multiplied": wanted} if factors else {})
    entry = w.state.ledger.pending[found.position_id].entry
    assert {k: v for k, v in entry.why.items() if k.startswith("shadow.")} == {
        f"shadow.{name}": factor for name, factor in shadow.items()
    }


def test_a_factor_counts_as_the_decimal_it_is_written_as() -> None:
    """100 × 0.29 is 28.999… in binary; a one-lot is never floored up."""
    w = World({"risk_per_trade_fraction": 0.9, "limits": {"greek_caps": False, "heat_fraction": 0.9}})
    w.frame()
    approved = w.propose(quantity_cap=100, multipliers={"vix": 0.29})
    assert isinstance(approved, risk.Approved)
    assert approved.quantity == 29
    refused = w.propose(quantity_cap=1, multipliers={"vix": 0.99, "regime_s0": 1.0})
    assert isinstance(refused, risk.Refused)
    assert refused.reasons == ("size_multiplier_vix",)


def test_what_has_no_size_is_refused_for_that_and_not_for_its_multiplier() -> None:
    w = World({"risk_per_trade_fraction": 1e-9})
    w.frame()
    refused = w.propose(multipliers={"vix": 0.5})
    assert isinstance(refused, risk.Refused)
    assert refused.reasons == ("size_risk_budget",)


# --- adjustments ------------------------------------------------------------------------------------------------------


def held(w: World, **over: Any) -> str:
    return w.open(quantity_cap=2, **over).entry.position_id


@pytest.mark.parametrize("closes", [True, False])
def test_what_changes_nothing_that_is_open_is_refused(closes: bool) -> None:
    w = World()
    w.frame()
    refused = w.propose(adjusts="nobody", adjustment="roll_breach", closes=closes)
    assert isinstance(refused, risk.Refused)
    assert "adjusted_position_unknown" in refused.reasons


def test_a_roll_closes_the_old_position_when_it_is_approved_and_only_then() -> None:
    w = World()
    w.frame()
    old = held(w)
    refused = w.propose(adjusts=old, adjustment="roll_breach", closes=True, valid_until_ns=w.ts_ns - 1)
    assert isinstance(refused, risk.Refused)
    assert w.of(risk.ExitRequested) == []
    approved = w.propose(adjusts=old, adjustment="roll_breach", closes=True, quantity_cap=2)
    assert isinstance(approved, risk.Approved)
    (asked,) = w.of(risk.ExitRequested)
    assert (asked.position_id, asked.reason, asked.all_true, asked.urgency) == (old, "roll", ("roll",), "normal")
    assert (asked.instruments, asked.ratios, asked.quantity) == (CONDOR, (1, -1, -1, 1), 2)
    again = w.propose(adjusts=old, adjustment="roll_breach", closes=True)
    assert isinstance(again, risk.Refused)
    assert {"adjusted_position_closing", "adjustment_under_way"} <= set(again.reasons)
    w.close(w.state.ledger.positions[old], 400)
    assert w.of(risk.TradeClosed)[0].exit_reason == "roll"


def test_a_hedge_closes_nothing_and_one_change_waits_for_the_other() -> None:
    w = World()
    w.frame()
    old = held(w)
    spread: dict[str, Any] = {"legs": (opt("P", 2600), opt("P", 2550)), "ratios": (1, -1), "limit": 900}
    first = w.propose(adjusts=old, adjustment="hedge_delta", quantity_cap=1, **spread)
    assert isinstance(first, risk.Approved)
    assert w.of(risk.ExitRequested) == []
    second = w.propose(adjusts=old, adjustment="hedge_delta", quantity_cap=1, **spread)
    assert isinstance(second, risk.Refused)
    assert second.reasons == ("adjustment_under_way",)
    w.done(first.position_id, f"{first.position_id}:o1", "open", 0, 1)
    assert isinstance(w.propose(adjusts=old, adjustment="hedge_delta", quantity_cap=1, **spread), risk.Approved)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.005, 0.05), st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_a_roll_exceeds_no_limit_with_both_positions_open(heat: float, first: int, second: int, fills: bool) -> None:
    """Heat counts the old position until its close has filled, however the orders come."""
    w = World({"limits": {"heat_fraction": heat, "greek_caps": False}})
    w.frame()
    a = w.propose(quantity_cap=first)
    if not isinstance(a, risk.Approved):
        return
    w.submit(a, f"{a.position_id}:o1", "open", a.quantity)
    w.fill(a, f"{a.position_id}:o1", a.quantity, -1000, 1, 0, fee=0)
    w.done(a.position_id, f"{a.position_id}:o1", "open", a.quantity, a.quantity)
    b = w.propose(adjusts=a.position_id, adjustment="roll_dte", closes=True, quantity_cap=second)
    if isinstance(b, risk.Approved) and fills:
        w.submit(b, f"{b.position_id}:o1", "open", b.quantity)
        w.fill(b, f"{b.position_id}:o1", b.quantity, -1000, 1, 0, fee=0)
    if isinstance(b, risk.Approved):
        equity_usd = b.limits["equity_usd"]
        assert equity_usd is not None
        assert a.max_loss_micros + b.max_loss_micros <= heat * equity_usd * 1e6 + 1
    asked = [x.position_id for x in w.of(risk.ExitRequested)]
    assert asked == ([a.position_id] if isinstance(b, risk.Approved) else [])


def test_a_full_book_does_not_roll() -> None:
    w = World({"limits": {"max_open_positions": 1}})
    w.frame()
    refused = w.propose(adjusts=held(w), adjustment="roll_dte", closes=True)
    assert isinstance(refused, risk.Refused)
    assert "max_open_positions" in refused.reasons


def test_the_context_of_a_trade_travels_unchanged() -> None:
    w = World()
    w.frame()
    context: dict[str, dict[str, Any]] = {
        "entry_parameters": {"short_delta": 0.16, "mode": "wide", "off": None},
        "module_specific_params": {"iv_rank": 31.5},
        "market_context": {"regime": "LOW_VOL_RANGE", "live": True},
        "alternatives": {"vix_at": 18.25},
    }
    old = held(w)
    p = w.open(quantity_cap=1, adjusts=old, adjustment="hedge_delta", shadow_multipliers={"vix": 0.5}, **context)
    w.close(p, 400)
    (trade,) = w.of(risk.TradeClosed)
    assert {name: getattr(trade, name) for name in context} == context
    assert trade.adjusts == old
    assert trade.entry_why["shadow.vix"] == 0.5


# --- regimes ----------------------------------------------------------------------------------------------------------


def test_a_report_is_taken_like_a_change_and_an_abstention_ends_the_label() -> None:
    w = World()
    w.frame()
    w.send(report("LOW_VOL_RANGE"), report("bull_low_vol", "s0"))
    assert w.state.regimes["SPX"] == {"s2": "LOW_VOL_RANGE", "s0": "bull_low_vol"}
    w.send(report(None))
    assert w.state.regimes["SPX"] == {"s0": "bull_low_vol"}
    w.send(report(None, "s1"))
    assert w.state.regimes["SPX"] == {"s0": "bull_low_vol"}


@pytest.mark.parametrize(
    ("labels", "at_exit"),
    [
        ([("BULL_TREND", "s2"), ("bull_low_vol", "s0")], "BULL_TREND"),
        ([("bull_low_vol", "s0"), ("TRENDING", "s1")], "TRENDING"),
        ([("BULL_TREND", "s2"), ("bull_low_vol", "s0"), (None, "s2")], "bull_low_vol"),
        ([], None),
    ],
)
def test_the_regime_at_exit_is_the_daily_rules_else_the_last(labels: list[Any], at_exit: str | None) -> None:
    w = World()
    w.frame()
    p = w.open(quantity_cap=1)
    for label, detector in labels:
        w.send(report(label, detector))
    w.close(p, 400)
    assert w.of(risk.TradeClosed)[0].regime_at_exit == at_exit


@pytest.mark.parametrize("kind", ["report", "change"])
def test_a_crash_is_left_by_report_and_by_an_old_logs_change(kind: str) -> None:
    w = World()
    w.frame()
    w.open(quantity_cap=1)
    change = signal.RegimeChanged(symbol="SPX", detector="s2", version=1, label="CRASH_MODE", previous=None, why={})
    assert w.send(report("CRASH_MODE", symbol="VIX")) == []
    (asked,) = w.send(report("CRASH_MODE") if kind == "report" else change)
    assert isinstance(asked, risk.ExitRequested)
    assert (asked.reason, asked.urgency) == ("crash", "emergency")


# --- what a settlement leaves -----------------------------------------------------------------------------------------


def settlement(names: tuple[str, ...], quantities: tuple[int, ...]) -> order.Expired:
    return order.Expired(
        underlying="SPX",
        root="SPXW",
        expiry_ns=EXPIRY_NS,
        print_price=2650.0,
        instruments=names,
        quantities=quantities,
        leg_cash_micros=tuple(0 for _ in names),
        cash_micros=0,
    )


def test_what_a_settlement_leaves_is_closed_at_once_and_once() -> None:
    """The puts of one instant settle; the calls live on (their expiry is known from the frame) and are asked for."""
    w = World()
    w.frame()
    p = w.open(quantity_cap=1)
    w.tick()
    w.frame()
    (asked,) = w.send(settlement(CONDOR[:2], (1, -1)))
    assert isinstance(asked, risk.ExitRequested)
    assert (asked.reason, asked.instruments, asked.ratios) == ("remnant", CONDOR[2:], (-1, 1))
    assert asked.urgency == "emergency"
    w.tick()
    w.frame()
    assert len(w.of(risk.ExitRequested)) == 1
    assert w.state.ledger.positions[p.entry.position_id].exit is not None


def test_a_leg_that_still_waits_for_its_settlement_is_not_asked_for() -> None:
    """Its instant is past, and no venue would take an order; or it was never seen."""
    w = World({"exits": {"dte": None, "profit_target": None, "stop": None}}, expiry_ns=CLOSES[0])
    w.frame()
    w.open(quantity_cap=1)
    assert w.send(settlement(CONDOR[:2], (1, -1))) == []
    w.slot = 12
    w.frame()
    assert w.of(risk.ExitRequested) == []
