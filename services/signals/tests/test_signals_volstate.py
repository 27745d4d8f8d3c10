"""The volatility index among its own closes, the term structure, spreads, reversion and premium."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contango_signals.history import KEPT, day_of
from contango_signals.volindex import IvRank, VolIndex, iv_rank, new_vol_index, take_close, take_daily, take_history
from contango_signals.volstate import (
    NO_TERM,
    VolParams,
    is_stationary,
    iv_rv_spread,
    ou_signal,
    ou_z,
    term_state,
    vrp_ratio,
)

P = VolParams()
DAY_NS = 86_400_000_000_000
CLOSES = st.lists(st.integers(90, 600).map(lambda x: x / 10.0), min_size=1, max_size=40)
CLOSE = st.integers(90, 600).map(lambda x: x / 10.0)


# The index


def block(closes: list[float], first: int = 1) -> dict[str, np.ndarray]:
    days = np.arange(first, first + len(closes), dtype=np.int64) * DAY_NS
    return {"ts_ns": days, "close": np.array(closes)}


def daily(closes: list[float], window: int, least: int | None = None) -> VolIndex:
    v = new_vol_index(window, least)
    for i, close in enumerate(closes, 1):
        take_daily(v, close, i * DAY_NS)
    return v


def place(closes: list[float]) -> tuple[float | None, float | None]:
    """Rank and percentile of the last, by their definitions."""
    x, low, high = closes[-1], min(closes), max(closes)
    rank = 100.0 * (x - low) / (high - low) if high > low else 50.0  # among equals it stands in the middle
    return rank, 100.0 * sum(y < x for y in closes) / (len(closes) - 1)


@given(CLOSES, st.integers(2, 15), st.integers(2, 15), st.none() | CLOSE)
def test_rank_and_percentile_by_their_definitions(
    closes: list[float], window: int, least: int, now: float | None
) -> None:
    """The window ends with the current value: the last close, or one of the day that is not over."""
    least = min(least, window)
    v = daily(closes, window, least)
    if now is not None:
        take_close(v, now, len(closes) * DAY_NS + 1)
    seen = ([*closes, now] if now is not None else closes)[-window:]
    found = iv_rank(v)
    assert found.count == len(seen)
    if len(seen) < least:
        assert (found.rank, found.percentile) == (None, None)
        return
    rank, percentile = place(seen)
    assert found.rank == (None if rank is None else pytest.approx(rank))
    assert found.percentile == pytest.approx(percentile)
    assert found.percentile is not None
    assert found.rank is not None
    assert 0.0 <= found.percentile <= 100.0
    assert 0.0 <= found.rank <= 100.0


@given(CLOSES, st.integers(2, 15), st.sampled_from((0.5, 2.0, 4.0)))
def test_the_unit_of_the_index_does_not_matter(closes: list[float], window: int, scale: float) -> None:
    one, other = iv_rank(daily(closes, window, 2)), iv_rank(daily([scale * x for x in closes], window, 2))
    assert one == other


@given(CLOSES, st.integers(0, 40), st.integers(2, 15))
def test_history_is_as_if_every_day_had_been_seen(closes: list[float], cut: int, window: int) -> None:
    """In one block, in two that overlap, or day by day."""
    once, twice, days = new_vol_index(window, 2), new_vol_index(window, 2), daily(closes, window, 2)
    take_history(once, block(closes))
    take_history(twice, block(closes[:cut] or closes[:1]))
    take_history(twice, block(closes))
    for v in (once, twice):
        assert iv_rank(v) == iv_rank(days)
        assert (v.close, v.close_ns, v.daily_close, v.daily_ns) == (
            days.close,
            days.close_ns,
            days.daily_close,
            days.daily_ns,
        )
        assert v.closes == days.closes == closes[-window:]
    take_history(once, block(closes))
    assert iv_rank(once) == iv_rank(days)
    assert once.closes == days.closes


@given(CLOSES, CLOSE)
def test_asking_changes_nothing_and_late_news_is_no_news(closes: list[float], late: float) -> None:
    v = daily(closes, 10, 2)
    before, found = v.rank.copy(), iv_rank(v)
    assert iv_rank(v) == found
    take_close(v, late, len(closes) * DAY_NS)
    take_daily(v, late, len(closes) * DAY_NS)
    assert iv_rank(v) == found
    assert (v.rank == before).all()


@given(CLOSES, st.lists(CLOSE, min_size=1, max_size=5))
def test_intraday_values_do_not_enter_the_window(closes: list[float], intraday: list[float]) -> None:
    v, n = daily(closes, 10, 2), len(closes)
    for i, x in enumerate(intraday, 1):
        take_close(v, x, n * DAY_NS + i)
    assert v.close == intraday[-1]
    assert v.closes == closes[-10:]
    take_daily(v, 20.0, (n + 1) * DAY_NS)
    assert iv_rank(v) == iv_rank(daily([*closes, 20.0], 10, 2))


def test_the_index_by_hand() -> None:
    v = daily([12.0, 30.0, 18.0, 15.0], 5)
    assert iv_rank(v) == IvRank(None, None, 4)
    take_close(v, 21.0, 4 * DAY_NS + 1)  # (21 − 12)/(30 − 12), three of the four others below
    assert iv_rank(v) == IvRank(50.0, 75.0, 5)
    take_daily(v, 24.0, 5 * DAY_NS)
    assert iv_rank(v).rank == pytest.approx(100.0 * 12 / 18)
    assert (iv_rank(v).percentile, iv_rank(v).count) == (75.0, 5)
    take_close(v, 30.0, 5 * DAY_NS + 1)  # the 12 leaves: 15 … 30
    assert iv_rank(v) == IvRank(100.0, 75.0, 5)


def test_an_index_never_seen_has_no_place() -> None:
    assert iv_rank(new_vol_index(5, None)) == IvRank(None, None, 0)


def test_days_before_are_kept_by_day_and_bounded() -> None:
    v = new_vol_index(252, None)
    closes = [10.0 + i / 100.0 for i in range(KEPT + 20)]
    take_history(v, block(closes))
    assert len(v.by_day) == KEPT
    assert v.by_day[day_of((KEPT + 20) * DAY_NS)] == closes[-1]
    assert day_of(21 * DAY_NS) in v.by_day
    assert day_of(20 * DAY_NS) not in v.by_day


# The term structure


def days(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(d / 365.0, vol) for d, vol in points]


@given(st.floats(0.05, 1.5), st.permutations([7.0, 20.0, 30.0, 45.0, 90.0]))
def test_one_volatility_everywhere_is_flat_in_any_order(vol: float, order: list[float]) -> None:
    found = term_state(days(*((d, vol) for d in order)), P)
    assert found.ratio == pytest.approx(1.0)
    assert found.near_iv == pytest.approx(vol)
    assert found.far_iv == pytest.approx(vol)
    assert (found.regime, found.reason) == ("flat", None)


@given(
    st.lists(st.floats(0.001, 0.02), min_size=4, max_size=4),
    st.floats(0.5, 2.0),
)
@settings(max_examples=60)
def test_total_variance_is_linear_in_time(steps: list[float], scale: float) -> None:
    """Vols from a rising total variance at 10, 30, 40 and 80 days; 20 and 45 days lie between."""
    at, w = (10.0, 30.0, 40.0, 80.0), np.cumsum(steps)
    points = days(*((d, math.sqrt(x / (d / 365.0))) for d, x in zip(at, w, strict=True)))
    found = term_state(points, P)
    near = math.sqrt(float(np.interp(20.0, at, w)) / (20.0 / 365.0))
    far = math.sqrt(float(np.interp(45.0, at, w)) / (45.0 / 365.0))
    assert found.near_iv == pytest.approx(near)
    assert found.far_iv == pytest.approx(far)
    assert found.ratio == pytest.approx(near / far)
    assert found.regime == ("contango" if near / far < 0.95 else "backwardation" if near / far > 1.05 else "flat")
    assert term_state([(t, scale * vol) for t, vol in points], P).ratio == pytest.approx(near / far)


@pytest.mark.parametrize(
    ("near", "far", "regime"),
    [
        (0.189, 0.2, "contango"),
        (0.191, 0.2, "flat"),
        (0.209, 0.2, "flat"),
        (0.211, 0.2, "backwardation"),
    ],
)
def test_regimes_by_hand(near: float, far: float, regime: str) -> None:
    found = term_state(days((20.0, near), (45.0, far)), P)
    assert found.regime == regime
    assert found.ratio == pytest.approx(near / far)


@pytest.mark.parametrize(
    "points",
    [
        days((25.0, 0.2), (60.0, 0.2)),  # nothing before 25 days
        days((10.0, 0.2), (40.0, 0.2)),  # nothing beyond 40
        days((30.0, 0.2)),
        days((10.0, 0.8), (30.0, 0.2), (60.0, 0.2)),  # total variance falls: a calendar spread for nothing
    ],
)
def test_what_is_not_between_expiries_is_not_made_up(points: list[tuple[float, float]]) -> None:
    found = term_state(points, P)
    assert (found.ratio, found.regime) == (None, None)
    assert found.reason


@pytest.mark.parametrize("points", [[], [(0.0, 0.2)], [(0.1, 0.0)], [(-0.1, 0.2)], [(0.1, math.nan)]])
def test_points_that_are_none_are_left_out(points: list[tuple[float, float]]) -> None:
    assert term_state(points, P) == NO_TERM
    good = days((20.0, 0.18), (45.0, 0.2))
    assert term_state([*points, *good], P) == term_state(good, P)


@pytest.mark.parametrize("wrong", [{"near_days": 45.0}, {"far_days": 20.0}, {"ou_z_entry": 0.0}, {"near_days": 0.0}])
def test_impossible_parameters_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        VolParams.model_validate(wrong)


# Spread, reversion, premium

KNOWN = st.floats(1.0, 100.0)
MAYBE = st.none() | KNOWN


@given(MAYBE, MAYBE, MAYBE)
def test_what_lacks_an_input_is_none_and_never_a_nan(a: float | None, b: float | None, c: float | None) -> None:
    for found, inputs in (
        (iv_rv_spread(a, b), (a, b)),
        (vrp_ratio(a, b), (a, b)),
        (ou_z(a, b, c), (a, b, c)),
    ):
        assert (found is None) == (None in inputs)
        assert found is None or math.isfinite(found)


@given(KNOWN, st.floats(0.01, 2.0))
def test_spread_and_premium_by_formula(index: float, realised: float) -> None:
    assert iv_rv_spread(index, realised) == pytest.approx(index / 100.0 - realised)
    assert iv_rv_spread(index, index / 100.0) == 0.0
    assert vrp_ratio(index, (index / 100.0) ** 2) == pytest.approx(1.0)
    assert vrp_ratio(2.0 * index, realised) == pytest.approx(4.0 * (vrp_ratio(index, realised) or 0.0))


@given(KNOWN, st.floats(0.5, 2.0), st.floats(0.05, 1.0), st.floats(0.1, 10.0))
def test_a_deviation_is_of_the_logarithm(index: float, mean: float, sd: float, scale: float) -> None:
    z = ou_z(index, mean, sd)
    assert z == pytest.approx((math.log(index) - mean) / sd)
    assert ou_z(scale * index, mean + math.log(scale), sd) == pytest.approx(z, abs=1e-9)
    assert ou_z(math.exp(mean), mean, sd) == pytest.approx(0.0, abs=1e-12)


def test_spread_reversion_and_premium_by_hand() -> None:
    assert iv_rv_spread(20.0, 0.15) == pytest.approx(0.05)
    assert vrp_ratio(20.0, 0.032) == pytest.approx(1.25)
    assert ou_z(math.exp(3.5), 3.0, 0.25) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("index", "mean", "sd"), [(0.0, 3.0, 0.2), (-1.0, 3.0, 0.2), (20.0, None, 0.2), (20.0, 3.0, 0.0)]
)
def test_no_reversion_is_no_deviation(index: float, mean: float | None, sd: float) -> None:
    assert ou_z(index, mean, sd) is None


@given(st.floats(-10.0, 10.0), st.floats(0.1, 5.0))
def test_a_dear_index_is_sold_and_a_cheap_one_bought(z: float, entry: float) -> None:
    p = VolParams(ou_z_entry=entry)
    assert ou_signal(z, p) == (-1.0 if z >= entry else 1.0 if z <= -entry else 0.0)
    assert ou_signal(None, p) is None


@given(st.floats(0.0, 1.0), st.floats(0.01, 0.10))
def test_a_level_is_believed_when_both_tests_say_so(adf_p: float, kpss_p: float) -> None:
    assert is_stationary(adf_p, kpss_p, P) == (adf_p <= 0.05 and kpss_p >= 0.02)
    if is_stationary(adf_p, kpss_p, P):  # stronger evidence never turns it
        assert is_stationary(adf_p / 2.0, min(2.0 * kpss_p, 0.1), P)
    assert is_stationary(0.01, None, P) is False, "a test that could not be made has shown nothing"
    assert is_stationary(0.06, None, P) is False
    assert is_stationary(None, 0.01, P) is False
