"""The selector, alerts about gates that kill nearly everything, and an index against its future."""

import calendar
import math
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.signal import Scan
from contango_signals.divergence import DAY_NS, Divergence, new_divergence, with_prices, years_to_expiry
from contango_signals.feasibility import KEPT, alerts, share_key, with_kills
from contango_signals.gates import CANDIDATE_GATES
from contango_signals.select import SelectParams, selected
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.strategies.screen import REGIMES

SPECS = tuple(spec for spec in STRATEGIES.values() if spec.on == "chain")
STATES = st.none() | st.sampled_from(REGIMES)
LEVELS = st.fixed_dictionaries({spec.name: st.sampled_from(("off", "shadow", "on")) for spec in SPECS})
ALLOWED = st.fixed_dictionaries(
    {spec.name: st.lists(st.sampled_from(REGIMES), unique=True).map(tuple) for spec in SPECS}
)
OFF = st.lists(st.sampled_from(("regime_known", "regime_allowed", "iv_rank")), unique=True).map(tuple)


def params_of(allowed: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {name: SimpleNamespace(regimes_allowed=regimes) for name, regimes in allowed.items()}


def chosen_of(
    allowed: dict[str, tuple[str, ...]], levels: dict[str, str], state: str | None, off: tuple[str, ...] = ()
) -> tuple[list[str], dict[str, str]]:
    chosen, excluded = selected(SPECS, params_of(allowed), levels, state, off)
    return [spec.name for spec in chosen], excluded


# The selector


@given(ALLOWED, LEVELS, STATES, OFF)
def test_every_strategy_looks_or_has_a_reason(
    allowed: dict[str, tuple[str, ...]], levels: dict[str, str], state: str | None, off: tuple[str, ...]
) -> None:
    chosen, excluded = chosen_of(allowed, levels, state, off)
    names = [spec.name for spec in SPECS]
    assert chosen == [name for name in names if name not in excluded]
    assert list(excluded) == [name for name in names if name not in chosen]
    assert all(excluded.values())


@given(ALLOWED, LEVELS, STATES)
def test_a_strategy_looks_where_it_trades_the_state(
    allowed: dict[str, tuple[str, ...]], levels: dict[str, str], state: str | None
) -> None:
    chosen, excluded = chosen_of(allowed, levels, state)
    for name, regimes in allowed.items():
        assert (name in chosen) == (levels[name] != "off" and state is not None and state in regimes)
        if levels[name] == "off":
            assert excluded[name] == "switched off"
        elif state is None:
            assert "not known" in excluded[name]
        elif state not in regimes:
            assert state in excluded[name]


@given(ALLOWED, LEVELS, STATES)
def test_a_book_that_does_not_ask_for_a_regime_lets_all_look(
    allowed: dict[str, tuple[str, ...]], levels: dict[str, str], state: str | None
) -> None:
    chosen, _ = chosen_of(allowed, levels, state, ("regime_known", "regime_allowed"))
    assert chosen == [spec.name for spec in SPECS if levels[spec.name] != "off"]


def test_each_of_the_two_gates_asks_its_own_question() -> None:
    """One asks whether the regime is known, the other whether it is among those of the strategy."""
    allowed: dict[str, tuple[str, ...]] = {spec.name: ("BULL_TREND",) for spec in SPECS}
    on, names = dict.fromkeys(allowed, "on"), [spec.name for spec in SPECS]
    assert chosen_of(allowed, on, None, ("regime_known",))[0] == names
    assert chosen_of(allowed, on, None, ("regime_allowed",))[0] == []
    assert chosen_of(allowed, on, "BEAR_TREND", ("regime_known",))[0] == []
    assert chosen_of(allowed, on, "BEAR_TREND", ("regime_allowed",))[0] == names


@given(ALLOWED, LEVELS, st.sampled_from(REGIMES), st.sampled_from(REGIMES))
def test_a_regime_more_never_loses_a_strategy(
    allowed: dict[str, tuple[str, ...]], levels: dict[str, str], state: str, more: str
) -> None:
    wider = {name: (*regimes, more) for name, regimes in allowed.items()}
    assert set(chosen_of(allowed, levels, state)[0]) <= set(chosen_of(wider, levels, state)[0])


def test_the_states_and_their_strategies_as_shipped() -> None:
    """A condor is for ranges; nothing but what says so itself opens in a crash."""
    shipped: dict[str, Any] = {spec.name: spec.params() for spec in SPECS}
    on = dict.fromkeys(shipped, "on")
    for state in REGIMES:
        chosen, excluded = selected(SPECS, shipped, on, state, ())
        assert [spec.name for spec in chosen] == [n for n, p in shipped.items() if state in p.regimes_allowed]
        assert all(excluded[name] == f"it does not trade {state}" for name in excluded)
    crash = [spec.name for spec in selected(SPECS, shipped, on, "CRASH_MODE", ())[0]]
    assert "crash_put" in crash
    assert not {"iron_condor", "put_credit_spread", "call_credit_spread", "calendar"} & set(crash)
    for state in ("LOW_VOL_RANGE", "HIGH_VOL_RANGE"):
        assert "iron_condor" in [spec.name for spec in selected(SPECS, shipped, on, state, ())[0]]


# Gates that kill nearly everything

GATES = tuple(gate.name for gate in CANDIDATE_GATES)
SCANS = st.lists(
    st.tuples(
        st.sampled_from(("a", "a", "a", "b")),
        st.sampled_from(("SPX", "SPX", "SPX", "XSP")),
        st.sampled_from((10, 10, 10, 4, 0)),
        st.fixed_dictionaries({name: st.sampled_from((8, 9, 10)) for name in GATES[:2]}),
    ),
    max_size=40,
)


def scan_of(strategy: str, underlying: str, candidates: int, kills: dict[str, int]) -> Scan:
    some = {name: n for name, k in kills.items() if (n := min(k, candidates))}
    return Scan(
        underlying=underlying,
        strategy=strategy,
        candidates=candidates,
        proposed=False,
        gates={},
        kills=some,
        why={},
    )


def brute(before: list[Scan], now: Scan, gate: str, p: SelectParams) -> list[float]:
    """Shares killed in the unbroken run above the limit that ends with this scan; empty: no such run."""
    same = [s for s in (*before, now) if (s.strategy, s.underlying) == (now.strategy, now.underlying) and s.candidates]
    run: list[float] = []
    for s in same if now.candidates else []:
        share = s.kills.get(gate, 0) / s.candidates
        run = [*run, share] if share > p.alert_share else []
    return run


@given(SCANS, st.integers(1, 4), st.sampled_from((0.5, 0.75, 0.8, 0.9)))
@settings(max_examples=60)
def test_alerts_are_those_of_a_slow_look_at_the_whole_record(
    rows: list[tuple[str, str, int, dict[str, int]]], sessions: int, limit: float
) -> None:
    p = SelectParams(alert_sessions=sessions, alert_share=limit)
    killed: dict[str, list[float]] = {}
    alerted: dict[str, bool] = {}
    before: list[Scan] = []
    for row in rows:
        scan = scan_of(*row)
        found = alerts(killed, alerted, scan, p)
        runs = {gate: brute(before, scan, gate, p) for gate in GATES}
        assert [alert.gate for alert in found] == [gate for gate in GATES if len(runs[gate]) == sessions]
        for alert in found:
            assert (alert.strategy, alert.underlying, alert.limit) == (scan.strategy, scan.underlying, limit)
            assert alert.sessions == sessions
            assert alert.killed_share == pytest.approx(math.fsum(runs[alert.gate]) / sessions)
            assert limit < alert.killed_share <= 1.0
        with_kills(killed, alerted, scan, p)
        for alert in found:
            alerted[share_key(scan, alert.gate)] = True
        before.append(scan)


@pytest.mark.parametrize(
    ("kills", "told"),
    [
        ([9, 9, 9, 9], [1]),  # once a run
        ([9, 8, 9, 8], []),  # four fifths are not more than four fifths, and break the run
        ([9, 9, 8, 9, 9], [1, 4]),  # again after a scan that let more pass
        ([8, 9, 9], [2]),
    ],
)
def test_alerts_of_two_scans_by_hand(kills: list[int], told: list[int]) -> None:
    p, gate = SelectParams(alert_sessions=2), GATES[0]
    killed: dict[str, list[float]] = {}
    alerted: dict[str, bool] = {}
    found = []
    for i, n in enumerate(kills):
        scan = scan_of("a", "SPX", 10, {gate: n})
        if alerts(killed, alerted, scan, p):
            found.append(i)
        with_kills(killed, alerted, scan, p)
        if i in found:
            alerted[share_key(scan, gate)] = True
    assert found == told


def test_what_is_remembered_is_bounded() -> None:
    killed: dict[str, list[float]] = {}
    for _ in range(3 * KEPT):
        with_kills(killed, {}, scan_of("a", "SPX", 4, {GATES[0]: 4}), SelectParams())
    assert killed == {f"a:SPX:{GATES[0]}": [1.0] * KEPT}


# An index against its future

MINUTE_NS = 60_000_000_000


def third_fridays(year: int) -> list[date]:
    weeks = [calendar.Calendar().monthdatescalendar(year, month) for month in (3, 6, 9, 12)]
    return [
        [week[4] for week in month if week[4].month == quarter][2]
        for month, quarter in zip(weeks, (3, 6, 9, 12), strict=True)
    ]


def ns_of(day: date, seconds: int = 0) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(midnight.timestamp()) * 1_000_000_000 + seconds * 1_000_000_000


@given(st.dates(date(2000, 1, 1), date(2040, 12, 31)), st.integers(0, 60), st.integers(0, 86_399))
def test_the_expiry_is_the_first_third_friday_far_enough_away(day: date, roll: int, seconds: int) -> None:
    ahead = [d for year in (day.year, day.year + 1) for d in third_fridays(year) if d >= day + timedelta(days=roll)]
    assert 365.0 * years_to_expiry(ns_of(day, seconds), roll) == pytest.approx((min(ahead) - day).days)


@pytest.mark.parametrize(
    ("day", "roll", "days"),
    [
        (date(2024, 12, 20), 0, 0),  # the day itself
        (date(2024, 12, 21), 0, 90),  # 21 March 2025
        (date(2024, 12, 12), 8, 8),
        (date(2024, 12, 12), 9, 99),
        (date(2025, 11, 30), 60, 110),  # over the turn of the year: 20 March 2026
    ],
)
def test_expiries_by_hand(day: date, roll: int, days: int) -> None:
    assert 365.0 * years_to_expiry(ns_of(day), roll) == pytest.approx(days)


def fed(bases: np.ndarray, spot: float = 500.0, carry: float = 0.0) -> Divergence:
    d = new_divergence(40)
    for i, b in enumerate(bases, 1):
        d = with_prices(d, spot, spot * math.exp(b + carry), i * MINUTE_NS, carry)
    return d


def quiet(seed: int = 1, n: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=1e-4, size=n)


@given(st.floats(-0.02, 0.02), st.floats(-0.05, 0.05), st.integers(0, 1000))
@settings(max_examples=40)
def test_positive_when_the_fund_is_rich_whatever_the_carry(by: float, carry: float, seed: int) -> None:
    past = quiet(seed)
    d = with_prices(fed(past, carry=carry), 500.0 * math.exp(by), 500.0 * math.exp(carry), 99 * MINUTE_NS, carry)
    assert d.deviation == pytest.approx(by + past.mean(), abs=1e-9)
    assert d.z == pytest.approx((by + past.mean()) / past.std(ddof=1), rel=1e-5, abs=1e-5)
    assert d.plain == pytest.approx(10.0 * math.exp(by - carry) - 1.0)


def test_the_pair_is_looked_at_when_both_have_closed_at_one_instant() -> None:
    """One message or two, in either order: the same record; a bar of one alone leaves what was said."""
    at, past = 99 * MINUTE_NS, quiet()
    both = with_prices(fed(past), 501.0, 500.0, at, 0.0)
    spot_first = with_prices(with_prices(fed(past), 501.0, None, at, 0.0), None, 500.0, at, 0.0)
    future_first = with_prices(with_prices(fed(past), None, 500.0, at, 0.0), 501.0, None, at, 0.0)
    for other in (spot_first, future_first):
        assert other.record.tobytes() == both.record.tobytes()
        assert (other.deviation, other.z, other.plain) == (both.deviation, both.z, both.plain)
    alone = with_prices(both, 505.0, None, at + MINUTE_NS, 0.0)
    assert alone.record.tobytes() == both.record.tobytes()
    assert (alone.deviation, alone.spot_ns, alone.future_ns) == (both.deviation, at + MINUTE_NS, at)


def test_a_state_is_replaced_and_never_changed() -> None:
    d = fed(quiet())
    before = d.record.copy()
    with_prices(d, 505.0, 500.0, 99 * MINUTE_NS, 0.0)
    assert (d.record == before).all()
    assert d.spot == 500.0


def test_nothing_is_said_before_the_basis_is_known() -> None:
    d = fed(quiet(n=39))
    assert (d.deviation, d.z) == (None, None)
    assert with_prices(new_divergence(40), 500.0, None, MINUTE_NS, 0.0).plain is None


def test_days_are_counted_in_nanoseconds() -> None:
    assert ns_of(date(1970, 1, 2)) == DAY_NS
