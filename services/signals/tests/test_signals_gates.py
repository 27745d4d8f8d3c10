"""Every gate by table: one circumstance changed, one verdict turned."""

from typing import Any

import pytest

from contango_common.domain.at import At
from contango_common.events.risk import TradeClosed
from contango_common.events.signal import Proposal, Scan
from contango_common.runtime.fold import evolve
from contango_signals import fold
from contango_signals.gates import CANDIDATE_GATES, GATES, LAST_GATES, SCAN_GATES
from contango_signals.names import ALWAYS_ON, GATE_NAMES
from contango_signals.strategies.registry import STRATEGIES
from support.signals_world import Market, approved, book, messages_of, opened, play, setup, wave

HOUR_NS = 3_600_000_000_000
FALLING = tuple(2600.0 - 2.0 * i for i in range(260))

# Gate to what makes it refuse: changes of the market, and parameters.
REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "trading_started": ({"started": False}, {}),
    "feed_live": ({"feed": "stale"}, {}),
    "session_time": ({}, {"no_opening_minutes": 60}),
    "history_ready": ({"history": tuple(wave(50, 2000.0, 0.01))}, {}),
    "regime_known": ({"history": tuple(wave(50, 2000.0, 0.01))}, {}),
    "regime_allowed": ({"history": FALLING}, {}),
    "vix_cap": ({}, {"max_vix": 17.0}),
    "iv_rank": ({"vix_history": tuple(wave(260, 30.0, 0.2))}, {}),
    "forecast_fresh": ({}, {"forecast_max_age_hours": 0.1}),
    "legs_quoted": ({"expiry_days": (18, 74)}, {}),
    "credit_to_width": ({}, {"min_credit_to_width": 0.5}),
    "spread_to_mid": ({"half_ticks": 80}, {}),
    "displayed_size": ({"size": 0}, {}),
    "breach_odds": ({"forecast_vol": 0.4}, {}),
    "vrp": ({"forecast_vol": 0.25}, {}),
    "premium_sign": ({"half_ticks": 300}, {"f_limit": 1.0}),
}


def run(changes: dict[str, Any], params: dict[str, Any]) -> tuple[Scan, list[Proposal]]:
    market = Market(**{"spots": (2000.0,), "vix": (18.0,), **changes, "params": book(**params)})
    facts = [fact for _, fact in play(fold, fold.initial(), messages_of(market))]
    (scan,) = [fact for fact in facts if isinstance(fact, Scan)]
    return scan, [fact for fact in facts if isinstance(fact, Proposal)]


def test_all_pass_in_the_plain_world() -> None:
    scan, proposed = run({}, {})
    assert all(scan.gates.values())
    assert set(scan.gates) == set(GATE_NAMES) - {"confidence"}  # the feature is off in this book
    (proposal,) = proposed
    assert proposal.gates == scan.gates
    assert set(scan.why) <= set(proposal.why)


@pytest.mark.parametrize("gate", sorted(REFUSALS))
def test_each_gate_refuses(gate: str) -> None:
    changes, params = REFUSALS[gate]
    scan, proposed = run(changes, params)
    assert scan.gates[gate] is False
    assert not scan.proposed
    assert proposed == []
    if scan.candidates:  # none cuts another short; the rank is among those that pass all others
        assert set(scan.gates) == set(GATE_NAMES) - {"rank", "confidence"}
        assert scan.kills[gate] >= 1


@pytest.mark.parametrize("gate", sorted(set(REFUSALS) - ALWAYS_ON - {"history_ready", "regime_known"}))
def test_a_gate_that_is_off_does_not_refuse_and_stays_on_record(gate: str) -> None:
    changes, params = REFUSALS[gate]
    also = ["vrp", "credit_to_width", "breach_odds"]  # wide quotes or wild forecasts turn several
    scan, _ = run(changes, params | {"gates_off": sorted({gate, *also})})
    assert gate not in scan.gates
    assert scan.why[f"off.{gate}"] == 0.0


@pytest.mark.parametrize(
    ("filled", "closed", "spacing", "room"),
    [(True, False, False, False), (True, True, False, True), (False, False, True, True)],
)
def test_spacing_and_room_count_what_was_opened(filled: bool, closed: bool, spacing: bool, room: bool) -> None:
    """An order that lapsed unfilled blocks nothing; a position that was closed frees its place, not the calendar."""
    market = Market(params=book(max_open=1))
    messages, state = messages_of(market), fold.initial()
    cut = len(setup(market)) + 26  # the first session
    play(fold, state, messages[:cut])
    at = At(messages[cut - 1].ts_ns - 6 * HOUR_NS, cut, "risk")
    legs = ("SPXW180316P02500000", "SPXW180316P02550000")
    evolve(fold, state, approved("p1", "iron_condor", "SPX", at.ts_ns + HOUR_NS, instruments=legs), at)
    if filled:
        evolve(fold, state, opened("p1", "iron_condor", "SPX"), at)
    if closed:
        evolve(fold, state, TradeClosed.model_construct(position_id="p1"), at)
    scan = next(fact for _, fact in play(fold, state, messages[cut:], cut + 1) if isinstance(fact, Scan))
    assert scan.gates["entry_spacing"] is spacing
    assert scan.gates["max_open"] is room


def test_tables_and_names_agree() -> None:
    assert tuple(gate.name for gate in GATES) == GATE_NAMES
    assert all(name == spec.name for name, spec in STRATEGIES.items())
    assert set(GATE_NAMES) >= ALWAYS_ON
    assert len(SCAN_GATES) + len(CANDIDATE_GATES) + len(LAST_GATES) + 1 == len(set(GATE_NAMES))
    assert all(gate.meaning for gate in GATES)
