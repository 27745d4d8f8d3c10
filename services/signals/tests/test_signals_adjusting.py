"""Rolls and hedges of what is open: each by hand, once, never on nothing, and always with a bounded loss."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import erf, exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.instrument import parse_option_id
from contango_common.events.base import Event
from contango_common.events.market import FeedState
from contango_common.events.risk import ExitRequested, Refused, TradeClosed, TradingHalted
from contango_common.events.signal import FeatureFailed, Proposal, Scan
from contango_common.events.system import Halt
from contango_common.runtime.fold import evolve, step
from contango_common.runtime.snapshot import StateCodec
from contango_signals import adjusting, fold
from contango_signals.adjust import AdjustParams, delta_of, wanted
from contango_signals.params import SignalsParams
from contango_signals.state import State
from contango_signals.strategies.spec import Held, View
from support.chain_views import NOW_NS, view_of
from support.signals_world import (
    DAY_NS,
    MINUTE_NS,
    RATE,
    START,
    Market,
    approved,
    bars,
    book,
    date_of,
    frame,
    opened,
    play,
    setup,
    wave,
)

HOUR_NS = 60 * MINUTE_NS
SPOT, VOL = 2000.0, 0.2
FLAT = Market(spots=(SPOT,), vix=(18.0,), vol=VOL, skew=0.0, half_ticks=0, strike_step=5, expiry_days=(10, 18, 46, 74))
VIEW = view_of(FLAT, "LOW_VOL_RANGE")
ROLLED = frozenset({"iron_condor", "put_credit_spread", "call_credit_spread"})
NO_ROLL = AdjustParams(rolled=())
NO_HEDGE = AdjustParams(hedged=())


def partly(kind: Any, **known: Any) -> Event:
    """A fact of another fold with those fields alone that this one looks at."""
    fact = kind.model_construct(**known)
    assert isinstance(fact, Event)
    return fact


def trade_closed(position_id: str) -> Event:
    return partly(TradeClosed, position_id=position_id)


def option(days: int, right: str, strike: float) -> str:
    return f"SPXW{str(date_of(START + days))[2:]}{right}{round(strike * 1000):08d}"


def condor(put: float, call: float, days: int = 46, wing: float = 40.0) -> tuple[str, ...]:
    """Bought put, sold put, sold call, bought call."""
    legs = (("P", put - wing), ("P", put), ("C", call), ("C", call + wing))
    return tuple(option(days, right, strike) for right, strike in legs)


CONDOR_RATIOS = (1, -1, -1, 1)


def held(
    instruments: tuple[str, ...],
    ratios: tuple[int, ...] = CONDOR_RATIOS,
    *,
    strategy: str = "iron_condor",
    adjusted: tuple[str, ...] = (),
    position_id: str = "p1",
) -> Held:
    return Held(position_id, strategy, strategy, instruments, ratios, 3, NOW_NS - 86_400 * 10**9, -5.0, adjusted)


def wants(p: AdjustParams, *positions: Held, view: View = VIEW) -> list[tuple[str, str]]:
    """(position, mark) of the changes wanted."""
    found = wanted(replace(view, positions=positions), p, ROLLED)
    assert found == wanted(replace(view, positions=positions), p, ROLLED)
    return [(want.held.position_id, want.mark) for want in found]


# What is wanted, by hand


@pytest.mark.parametrize(
    ("put", "call", "margin", "mark"),
    [
        (1900.0, 2100.0, 0.0, None),
        (1995.0, 2100.0, 0.0, None),  # near is not breached without a margin
        (2000.0, 2100.0, 0.0, "roll_breach:P"),  # the strike itself is
        (2010.0, 2100.0, 0.0, "roll_breach:P"),  # so is what lies beyond
        (1900.0, 2000.0, 0.0, "roll_breach:C"),
        (1900.0, 1990.0, 0.0, "roll_breach:C"),
        (1980.0, 2100.0, 0.01, "roll_breach:P"),  # 20 points of 2000 are the margin of 1 %
        (1975.0, 2100.0, 0.01, None),
        (1900.0, 2020.0, 0.01, "roll_breach:C"),
        (1900.0, 2025.0, 0.01, None),
    ],
)
def test_a_breach_is_a_spot_within_the_margin_of_a_sold_strike(
    put: float, call: float, margin: float, mark: str | None
) -> None:
    p = AdjustParams(hedged=(), breach_margin=margin)
    assert wants(p, held(condor(put, call))) == ([] if mark is None else [("p1", mark)])


def test_bought_strikes_are_never_breached() -> None:
    """Both wings of this condor lie inside the spot's reach, the sold strikes do not."""
    names = (option(46, "P", 2050.0), option(46, "P", 1900.0), option(46, "C", 2100.0), option(46, "C", 1950.0))
    assert wants(NO_HEDGE, held(names)) == []


@pytest.mark.parametrize(
    ("days", "roll_dte", "mark"),
    [(18, 10, None), (10, 10, "roll_dte:"), (18, 18, "roll_dte:"), (18, 17, None), (10, None, None), (46, 45, None)],
)
def test_days_to_expiry_at_or_under_the_limit_roll(days: int, roll_dte: int | None, mark: str | None) -> None:
    p = AdjustParams(hedged=(), roll_dte=roll_dte)
    assert wants(p, held(condor(1900.0, 2100.0, days))) == ([] if mark is None else [("p1", mark)])


def test_the_first_sold_expiry_counts_and_bought_ones_do_not() -> None:
    sold_late = (option(10, "P", 1860.0), option(46, "P", 1900.0))
    sold_early = (option(46, "P", 1860.0), option(10, "P", 1900.0))
    put_spread: dict[str, Any] = {"ratios": (1, -1), "strategy": "put_credit_spread"}
    assert wants(NO_HEDGE, held(sold_late, **put_spread)) == []
    assert wants(NO_HEDGE, held(sold_early, **put_spread)) == [("p1", "roll_dte:")]


def black_delta(right: str, strike: float, days: int) -> float:
    """Spot delta without a dividend: N(d1) of a call, N(d1) − 1 of a put, by the error function."""
    t_years = (days * DAY_NS + 6 * HOUR_NS) / (365 * DAY_NS)  # from 15:00 to 21:00 UTC of the last day
    d1 = (log(SPOT / strike) + (RATE + 0.5 * VOL * VOL) * t_years) / (VOL * sqrt(t_years))
    return 0.5 * (1.0 + erf(d1 / sqrt(2.0))) - (right == "P")


def unit_delta(instruments: Sequence[str], ratios: Sequence[int]) -> float:
    total = 0.0
    for name, ratio in zip(instruments, ratios, strict=True):
        _, date, right, millis = parse_option_id(name)
        days = next(days for days in FLAT.expiry_days if date_of(START + days) == date)
        total += ratio * black_delta(right, millis / 1000.0, days)
    return total


LONG_SIDE, SHORT_SIDE = condor(1980.0, 2200.0, wing=60.0), condor(1800.0, 2020.0, wing=60.0)


@pytest.mark.parametrize(
    ("legs", "side"),
    [(LONG_SIDE, "P"), (SHORT_SIDE, "C"), (condor(1880.0, 2130.0), None)],
    ids=["long", "short", "flat"],
)
def test_delta_beyond_the_limit_is_hedged_on_the_side_that_hurts(legs: tuple[str, ...], side: str | None) -> None:
    by_hand = unit_delta(legs, CONDOR_RATIOS)
    found = delta_of(VIEW, held(legs))
    assert found == pytest.approx(by_hand, abs=3e-3)
    assert (abs(by_hand) >= 0.10) == (side is not None)
    assert wants(NO_ROLL, held(legs)) == ([] if side is None else [("p1", f"hedge_delta:{side}")])


def test_the_limit_of_the_delta_itself_counts() -> None:
    known = delta_of(VIEW, held(LONG_SIDE))
    assert known is not None
    for limit, marks in ((known, [("p1", "hedge_delta:P")]), (known * 1.0001, [])):
        assert wants(AdjustParams(rolled=(), hedge_delta=limit), held(LONG_SIDE)) == marks


def test_without_a_smile_for_every_leg_no_delta_is_known_and_none_is_hedged() -> None:
    stranger = tuple(name.replace("SPXW150220", "SPXW150227") for name in LONG_SIDE)
    assert delta_of(VIEW, held(stranger)) is None
    assert wants(NO_ROLL, held(stranger)) == []


@pytest.mark.parametrize(
    ("legs", "mark"),
    [
        (condor(2010.0, 2200.0, 10), "roll_breach:P"),  # breached, near expiry and long delta
        (condor(1990.0, 2200.0, 10), "roll_dte:"),  # near expiry and long delta
        (LONG_SIDE, "hedge_delta:P"),
    ],
)
def test_breach_before_days_before_delta_and_one_change_a_structure(legs: tuple[str, ...], mark: str) -> None:
    assert wants(AdjustParams(), held(legs)) == [("p1", mark)]


@pytest.mark.parametrize("legs", [condor(2010.0, 2200.0), condor(1900.0, 2100.0, 10), LONG_SIDE])
def test_what_was_done_for_a_structure_is_not_done_again(legs: tuple[str, ...]) -> None:
    ((_, mark),) = wants(AdjustParams(), held(legs))
    assert (mark, wants(AdjustParams(), held(legs, adjusted=(mark,)))) == (mark, [])


def test_the_other_side_of_a_rolled_structure_may_be_rolled_once_as_well() -> None:
    done = ("roll_breach:P",)
    assert wants(NO_HEDGE, held(condor(1800.0, 1990.0), adjusted=done)) == [("p1", "roll_breach:C")]


def test_only_named_strategies_are_rolled_or_hedged() -> None:
    breached = condor(2010.0, 2200.0)
    p = AdjustParams(rolled=("put_credit_spread",), hedged=())
    assert wants(p, held(breached)) == []
    spread = held((option(46, "P", 1970.0), option(46, "P", 2010.0)), (1, -1), strategy="put_credit_spread")
    assert wants(p, spread) == [("p1", "roll_breach:P")]
    assert wanted(replace(VIEW, positions=(spread,)), p, frozenset({"iron_condor"})) == [], "not in this book"


strikes = st.integers(370, 430).map(lambda k: 5.0 * k)
positions = st.builds(
    lambda put, call, days, adjusted: held(condor(put, call, days), adjusted=tuple(sorted(adjusted))),
    strikes,
    strikes,
    st.sampled_from(FLAT.expiry_days),
    st.frozensets(st.sampled_from(("roll_breach:P", "roll_breach:C", "roll_dte:", "hedge_delta:P", "hedge_delta:C"))),
)


@given(st.lists(positions, max_size=3))
def test_at_most_one_change_a_structure_never_one_it_had_and_always_for_its_reason(found: list[Held]) -> None:
    numbered = [replace(h, position_id=f"p{i}") for i, h in enumerate(found)]
    p = AdjustParams()
    changes = wanted(replace(VIEW, positions=tuple(numbered)), p, ROLLED)
    ids = [want.held.position_id for want in changes]
    assert ids == [h.position_id for h in numbered if h.position_id in ids], "in order, each at most once"
    for want in changes:
        assert want.mark not in want.held.adjusted
        _, date, _, put = parse_option_id(want.held.instruments[1])
        call = parse_option_id(want.held.instruments[2])[3]
        if want.adjustment == "roll_breach":
            assert put / 1000 >= SPOT if want.side == "P" else call / 1000 <= SPOT
        elif want.adjustment == "roll_dte":
            assert date == date_of(START + 10)
            assert want.side == ""
        else:
            delta = delta_of(VIEW, want.held)
            assert delta == want.number
            assert delta is not None
            assert abs(delta) >= p.hedge_delta
            assert want.side == ("P" if delta > 0 else "C")


# What the fold proposes


@dataclass
class World:
    """The fold with one position on its book, and a frame to look at on a session of its own."""

    state: State
    market: Market
    seq: int = 50
    session: int = 0

    @property
    def now_ns(self) -> int:
        return NOW_NS + self.session * DAY_NS

    def hear(self, *events: Event, source: str = "risk") -> None:
        self.seq += 1
        for event in events:
            evolve(fold, self.state, event, At(self.now_ns - HOUR_NS, self.seq, source))

    def look(self, spot: float = SPOT) -> list[Event]:
        """The first frame of the session; what follows from it for open structures."""
        self.seq += 1
        day = START + self.session
        event = frame(self.market, np.datetime64(day), self.now_ns, spot)
        seen = (bars(900, SPX=spot, VIX=self.market.vix[0]), event)
        facts, _ = step(fold, self.state, seen, At(self.now_ns, self.seq, "md"))
        self.session += 1
        changes: list[Event] = []
        for fact in facts:
            assert not isinstance(fact, FeatureFailed), fact
            if (isinstance(fact, Scan) and ":" in fact.strategy) or (isinstance(fact, Proposal) and fact.adjusts):
                changes.append(fact)
        return changes


def params(adjust: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    switches = {"adjustments": "on", **keys.pop("switches", {})}
    return book(min_sessions_between=900, adjust=adjust or {}, switches=switches, **keys)


def hold(
    world: World, position_id: str, legs: tuple[str, ...], ratios: tuple[int, ...] = CONDOR_RATIOS, **changes: Any
) -> None:
    known: dict[str, Any] = {"instruments": legs, "ratios": ratios, "quantity": 3, **changes}
    strategy = known.pop("strategy", "iron_condor")
    world.hear(
        approved(position_id, strategy, "SPX", world.now_ns, **known), opened(position_id, strategy, "SPX", quantity=3)
    )


def world_with(
    legs: tuple[str, ...], ratios: tuple[int, ...] = CONDOR_RATIOS, strategy: str = "iron_condor", **changes: Any
) -> World:
    market = replace(FLAT, **{"params": params(), **changes})
    world = World(fold.initial(), market)
    play(fold, world.state, setup(market))
    hold(world, "p1", legs, ratios, strategy=strategy)
    return world


def parts(facts: list[Event]) -> tuple[Scan, Proposal]:
    scan, proposal = facts
    assert isinstance(scan, Scan)
    assert isinstance(proposal, Proposal)
    return scan, proposal


def loss_by_hand(proposal: Proposal) -> float:
    """Largest loss at expiry over a grid that holds every strike, in ticks, at the limit."""
    prices = np.arange(0.0, 4000.0, 5.0)
    worth = np.zeros_like(prices)
    for name, ratio in zip(proposal.instruments, proposal.ratios, strict=True):
        _, _, right, millis = parse_option_id(name)
        strike = millis / 1000.0
        worth += ratio * (np.maximum(strike - prices, 0.0) if right == "P" else np.maximum(prices - strike, 0.0))
    return float(-(worth.min() * 100.0 - proposal.limit_ticks))


BREACHED = condor(2010.0, 2200.0)


@pytest.mark.parametrize(
    ("legs", "adjust", "adjustment", "side"),
    [
        (BREACHED, {}, "roll_breach", "P"),
        (condor(1800.0, 1990.0), {}, "roll_breach", "C"),
        (condor(1900.0, 2100.0, 18), {"roll_dte": 18, "hedged": []}, "roll_dte", ""),
    ],
)
def test_a_roll_is_the_same_kind_at_the_target_expiry_and_closes_what_it_replaces(
    legs: tuple[str, ...], adjust: dict[str, Any], adjustment: str, side: str
) -> None:
    scan, proposal = parts(world_with(legs, params=params(adjust)).look())
    assert (scan.strategy, scan.proposed) == (f"iron_condor:{adjustment}", True)
    assert (proposal.adjusts, proposal.adjustment, proposal.closes) == ("p1", adjustment, True)
    assert (proposal.strategy, proposal.kind, proposal.ratios) == ("iron_condor", "iron_condor", CONDOR_RATIOS)
    assert proposal.quantity_cap is not None
    assert 1 <= proposal.quantity_cap <= 3, "a roll never grows what it replaces"
    assert proposal.instruments != legs
    found = [parse_option_id(name) for name in proposal.instruments]
    assert {date for _, date, _, _ in found} == {date_of(START + 46)}
    low, put, call, high = (millis / 1000 for _, _, _, millis in found)
    assert low < put < SPOT < call < high, "the new strikes are not breached"
    assert proposal.max_loss_ticks == pytest.approx(loss_by_hand(proposal))
    assert proposal.max_loss_ticks > 0
    assert proposal.limit_ticks < 0
    assert all(scan.gates.values())
    assert proposal.gates.items() <= scan.gates.items()
    assert f":{adjustment}:{side}:" in proposal.proposal_id


@pytest.mark.parametrize(("legs", "side"), [(LONG_SIDE, "P"), (SHORT_SIDE, "C")])
def test_a_hedge_is_a_debit_spread_against_the_delta_beside_what_it_hedges(legs: tuple[str, ...], side: str) -> None:
    scan, proposal = parts(world_with(legs, params=params({"rolled": []})).look())
    assert (scan.strategy, proposal.adjustment, proposal.closes) == ("iron_condor:hedge_delta", "hedge_delta", False)
    assert (proposal.kind, proposal.ratios) == ("vertical", (1, -1))
    near, far = (parse_option_id(name) for name in proposal.instruments)
    t_years = (46 * DAY_NS + 6 * HOUR_NS) / (365 * DAY_NS)
    forward = SPOT * exp(RATE * t_years)
    assert near[2] == far[2] == side
    assert near[3] / 1000 == min((5.0 * k for k in range(300, 500)), key=lambda k: abs(k - forward))
    assert far[3] - near[3] == (40_000 if side == "C" else -40_000), "2 % of the spot"
    assert proposal.limit_ticks > 0, "a hedge is paid for"
    assert proposal.max_loss_ticks == proposal.limit_ticks == pytest.approx(loss_by_hand(proposal))
    before, of_hedge = unit_delta(legs, CONDOR_RATIOS), unit_delta(proposal.instruments, proposal.ratios)
    assert before * of_hedge < 0.0
    assert abs(before + of_hedge) < abs(before)
    assert scan.why["wanted"] == pytest.approx(before, abs=3e-3)


def test_a_put_spread_that_is_breached_is_rolled_into_a_put_spread() -> None:
    legs = (option(46, "P", 1970.0), option(46, "P", 2010.0))
    own = params(strategies={"put_credit_spread": {"min_sessions_between": 900}})
    _, proposal = parts(world_with(legs, (1, -1), "put_credit_spread", params=own).look())
    assert (proposal.strategy, proposal.kind, proposal.adjusts) == ("put_credit_spread", "vertical", "p1")
    assert {parse_option_id(name)[2] for name in proposal.instruments} == {"P"}
    assert max(parse_option_id(name)[3] for name in proposal.instruments) < SPOT * 1000
    assert proposal.max_loss_ticks == pytest.approx(loss_by_hand(proposal))


def test_the_same_again_gives_the_same_bytes() -> None:
    for legs in (BREACHED, LONG_SIDE, condor(1900.0, 2100.0, 10)):
        one, other = world_with(legs), world_with(legs)
        first, second = one.look(), other.look()
        assert [fact.model_dump_json() for fact in first] == [fact.model_dump_json() for fact in second]
        assert StateCodec(fold).dump(one.state) == StateCodec(fold).dump(other.state)
        assert len(first) == 2


def test_a_frame_later_in_the_session_is_not_looked_at() -> None:
    world = world_with(BREACHED)
    assert len(world.look()) == 2
    world.session -= 1
    again = frame(world.market, START, world.now_ns + HOUR_NS, SPOT)
    facts, _ = step(fold, world.state, (bars(900, SPX=SPOT, VIX=18.0), again), At(world.now_ns + HOUR_NS, 99, "md"))
    assert not [fact for fact in facts if isinstance(fact, Proposal) and fact.adjusts]


# Not while one is under way


def approve(world: World, proposal: Proposal, position_id: str) -> None:
    legs = {"instruments": proposal.instruments, "ratios": proposal.ratios, "quantity": 3}
    changes = {"proposal_id": proposal.proposal_id, **legs}
    world.hear(approved(position_id, proposal.strategy, "SPX", world.now_ns + 6 * HOUR_NS, **changes))


@pytest.mark.parametrize("legs", [BREACHED, condor(1900.0, 2100.0, 10), LONG_SIDE], ids=["breach", "dte", "delta"])
def test_not_again_while_what_was_approved_is_under_way(legs: tuple[str, ...]) -> None:
    world = world_with(legs)
    _, proposal = parts(world.look())
    approve(world, proposal, "p2")
    assert world.look() == [], "approved, not yet filled, the old one not yet closed"


def test_a_change_that_risk_refused_is_asked_for_again_on_the_next_session() -> None:
    world = world_with(BREACHED)
    _, first = parts(world.look())
    world.hear(
        Refused(
            proposal_id=first.proposal_id,
            strategy=first.strategy,
            underlying="SPX",
            reasons=("heat",),
            limits={},
        )
    )
    _, second = parts(world.look())
    assert second.adjusts == "p1"
    assert second.proposal_id != first.proposal_id


def test_a_side_is_rolled_once_whoever_holds_it_now() -> None:
    world = world_with(BREACHED, params=params({"hedged": []}))
    _, proposal = parts(world.look())
    approve(world, proposal, "p2")
    world.hear(opened("p2", "iron_condor", "SPX", quantity=3), trade_closed("p1"), source="risk")
    put, call = (parse_option_id(proposal.instruments[i])[3] / 1000 for i in (1, 2))
    assert world.look(spot=put - 5.0) == [], "its puts were rolled before"
    _, other = parts(world.look(spot=call + 5.0))
    assert (other.adjusts, other.adjustment) == ("p2", "roll_breach")
    assert ":roll_breach:C:" in other.proposal_id


def test_what_was_closed_or_never_filled_is_not_changed() -> None:
    closed = world_with(BREACHED)
    closed.hear(trade_closed("p1"))
    assert closed.look() == []
    waiting = World(fold.initial(), replace(FLAT, params=params()))
    play(fold, waiting.state, setup(waiting.market))
    shape = {"instruments": BREACHED, "ratios": CONDOR_RATIOS, "quantity": 3}
    waiting.hear(approved("p1", "iron_condor", "SPX", waiting.now_ns + HOUR_NS, **shape))
    assert waiting.look() == []


# Never on nothing


def refused(facts: list[Event], gate: str) -> None:
    (scan,) = facts
    assert isinstance(scan, Scan)
    assert not scan.proposed
    assert scan.gates[gate] is False


@pytest.mark.parametrize("legs", [BREACHED, LONG_SIDE], ids=["roll", "hedge"])
def test_no_change_on_a_stale_chain(legs: tuple[str, ...]) -> None:
    world = world_with(legs)
    world.hear(FeedState(underlying="SPX", state="stale"), source="md")
    refused(world.look(), "feed_live")
    world.hear(FeedState(underlying="SPX", state="live"), source="md")
    assert len(world.look()) == 2, "and again when the feed is back"


@pytest.mark.parametrize(
    ("event", "source"),
    [
        (Halt(reason="a person"), "control.gateway"),
        (partly(TradingHalted, reason="drawdown", until_ns=None), "risk"),
    ],
)
def test_no_change_while_trading_is_halted(event: Event, source: str) -> None:
    world = world_with(BREACHED)
    world.hear(event, source=source)
    refused(world.look(), "not_halted")


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"started": False}, "trading_started"),
        ({"half_ticks": 400}, "spread_to_mid"),
        ({"size": 0}, "displayed_size"),
        ({"expiry_days": (10, 18)}, "legs_quoted"),
        ({"params": params(no_opening_minutes=60)}, "session_time"),
    ],
)
def test_gates_against_trading_on_nothing_are_asked(changes: dict[str, Any], gate: str) -> None:
    refused(world_with(condor(2010.0, 2200.0, 18), **changes).look(), gate)


@pytest.mark.parametrize(
    "changes",
    [
        {"params": params(max_vix=12.0)},
        {"vix_history": tuple(wave(260, 30.0, 0.2))},
        {"forecast_vol": 0.4},
        {"history": tuple(2600.0 - 2.0 * i for i in range(260))},
    ],
    ids=["vix cap", "iv rank", "breach odds", "regime"],
)
def test_gates_that_look_for_a_good_moment_to_open_are_not(changes: dict[str, Any]) -> None:
    """The structure is open already: a bad moment to sell is when it needs its roll."""
    _, proposal = parts(world_with(BREACHED, **changes).look())
    assert proposal.adjustment == "roll_breach"


@pytest.mark.parametrize(("switch", "scans"), [("off", 0), ("shadow", 1), ("on", 1)])
def test_in_shadow_a_change_is_on_record_and_not_proposed(switch: str, scans: int) -> None:
    facts = world_with(BREACHED, params=params(switches={"adjustments": switch})).look()
    found = [fact for fact in facts if isinstance(fact, Scan)]
    assert len(found) == scans
    assert [scan.proposed for scan in found] == [switch == "on"] * scans
    assert [scan.gates["switched_on"] for scan in found] == [switch == "on"] * scans
    assert len(facts) - scans == (switch == "on")


def test_adjustments_are_shipped_in_shadow() -> None:
    assert SignalsParams().switch("adjustments") == "shadow"


def test_a_structure_is_not_rolled_into_itself() -> None:
    """What the strategy would propose now is the structure that is held: there is nothing to roll it into."""
    _, first = parts(world_with(BREACHED, params=params({"hedged": []}, short_delta_step=0.0)).look())
    same = world_with(first.instruments, params=params({"hedged": [], "roll_dte": 46}, short_delta_step=0.0))
    refused(same.look(), "legs_quoted")


def test_one_that_raises_stops_adjustments_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(*args: Any) -> Any:
        raise RuntimeError("planted")

    world = world_with(BREACHED)
    monkeypatch.setattr(adjusting, "wanted", raising)
    event = frame(world.market, START, NOW_NS, SPOT)
    facts, _ = step(fold, world.state, (bars(900, SPX=SPOT, VIX=18.0), event), At(NOW_NS, 99, "md"))
    assert [fact.feature for fact in facts if isinstance(fact, FeatureFailed)] == ["adjustments"]
    assert [fact.strategy for fact in facts if isinstance(fact, Scan)] == ["iron_condor"]


# Found by the tests above


def test_a_position_whose_exit_was_asked_for_is_not_changed_any_more() -> None:
    world = world_with(BREACHED, params=params({"roll_dte": 46}))
    _, proposal = parts(world.look())
    approve(world, proposal, "p2")
    world.hear(partly(ExitRequested, position_id="p1"))
    later = [fact for fact in world.look(spot=2050.0) if isinstance(fact, Proposal)]
    assert "p1" not in [fact.adjusts for fact in later]


def test_a_breach_that_was_rolled_hides_neither_the_other_side_nor_the_days() -> None:
    rolled = ("roll_breach:P",)
    assert wants(NO_HEDGE, held(condor(2010.0, 2200.0, 10), adjusted=rolled)) == [("p1", "roll_dte:")]
    assert wants(NO_HEDGE, held(condor(2010.0, 1990.0), adjusted=rolled)) == [("p1", "roll_breach:C")]


def test_every_candidate_of_a_change_is_on_record() -> None:
    scan, _ = parts(world_with(BREACHED).look())
    assert scan.candidates > 1
    assert scan.references() == (scan.block,)
    recorded = scan.candidate_columns()
    assert {len(column) for column in recorded.values()} == {scan.candidates}
    assert len(scan.rows) == min(scan.candidates, 8)
