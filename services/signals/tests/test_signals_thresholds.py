"""Adapted thresholds: the map by hand, hysteresis as a law, the hourly look, and what parameters are refused."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contango_signals.thresholds import (
    HOUR_NS,
    NAMES,
    ThresholdParams,
    ThresholdState,
    adapted,
    apply,
    band_of,
    changes,
    threshold,
)

P = ThresholdParams()
percentiles = st.floats(0.0, 100.0)
bands = st.integers(0, len(P.edges))
positive = st.floats(0.1, 100.0)


@pytest.mark.parametrize(
    ("percentile", "adx", "rvol"),
    [(0.0, 17.5, 1.05), (20.0, 21.25, 1.275), (40.0, 25.0, 1.5), (60.0, 28.75, 1.725), (100.0, 32.5, 1.95)],
)
def test_the_map_by_hand(percentile: float, adx: float, rvol: float) -> None:
    """Bands are closed below: 20 lies in the second."""
    multiplier = P.multipliers[band_of(percentile, None, P)]
    assert adapted("adx", multiplier, P) == pytest.approx(adx)
    assert adapted("rvol", multiplier, P) == pytest.approx(rvol)


@given(percentiles, bands)
def test_a_band_is_left_only_beyond_the_hysteresis(percentile: float, standing: int) -> None:
    band = band_of(percentile, standing, P)
    plain = band_of(percentile, None, P)
    assert band in (standing, plain)
    if band != plain:
        assert min(abs(percentile - edge) for edge in P.edges) <= P.hysteresis
    if min(abs(percentile - edge) for edge in P.edges) > P.hysteresis:
        assert band == plain


@given(st.sampled_from(range(len(P.edges))), st.floats(0.0, 0.999 * P.hysteresis))
def test_near_an_edge_either_neighbour_stays(i: int, away: float) -> None:
    for x in (P.edges[i] - away, P.edges[i] + away):
        assert [band_of(x, standing, P) for standing in (i, i + 1)] == [i, i + 1]


@given(percentiles, st.none() | bands)
def test_a_second_look_at_the_same_percentile_moves_nothing(percentile: float, standing: int | None) -> None:
    band = band_of(percentile, standing, P)
    assert band_of(percentile, band, P) == band


@given(percentiles, bands)
def test_without_hysteresis_the_standing_band_does_not_count(percentile: float, standing: int) -> None:
    plain = ThresholdParams(hysteresis=0.0)
    assert band_of(percentile, standing, plain) == band_of(percentile, None, plain)


@given(positive, positive, st.tuples(positive, positive).map(sorted))
def test_a_threshold_lies_inside_any_bounds(base: float, multiplier: float, bounds: list[float]) -> None:
    low, high = bounds
    value = threshold(base, multiplier, low, high)
    assert low <= value <= high
    assert value == base * multiplier or value in (low, high)


def test_a_bound_that_binds_is_told_as_the_new_threshold() -> None:
    p = ThresholdParams(adx_max=30.0)
    told = {c.threshold: c.new for c in changes(ThresholdState(), 95.0, HOUR_NS, p)}
    assert told["adx"] == 30.0


def test_one_look_an_hour_and_none_without_a_percentile() -> None:
    found = changes(ThresholdState(), 95.0, HOUR_NS, P)
    assert [(c.threshold, c.old, c.multiplier) for c in found] == [("adx", 25.0, 1.3), ("rvol", 1.5, 1.3)]
    state = ThresholdState()
    for c in found:
        state = apply(state, c.threshold, c.new, c.percentile, HOUR_NS, P)
    assert changes(state, 5.0, 2 * HOUR_NS - 1, P) == []
    assert changes(state, None, 2 * HOUR_NS, P) == []
    assert [c.multiplier for c in changes(state, 5.0, 2 * HOUR_NS, P)] == [0.7, 0.7]


def test_the_usual_volatility_changes_nothing() -> None:
    assert changes(ThresholdState(), 50.0, HOUR_NS, P) == []


@given(percentiles, st.permutations(NAMES))
def test_the_order_in_which_changes_are_told_does_not_matter(percentile: float, order: list[str]) -> None:
    start = ThresholdState({"adx": 21.25, "rvol": 1.275}, 1, 0)
    found = {c.threshold: c for c in changes(start, percentile, HOUR_NS, P)}
    ends = []
    for names in (NAMES, order):
        state = start
        for name in (name for name in names if name in found):
            state = apply(state, name, found[name].new, percentile, HOUR_NS, P)
        ends.append(state)
    assert ends[0] == ends[1]
    assert changes(ends[0], percentile, 2 * HOUR_NS, P) == []


def test_the_state_before_a_change_stays_as_it_was_and_states_are_json() -> None:
    before = ThresholdState({"adx": 25.0}, 2, 7)
    copy = asdict(before)
    after = apply(before, "adx", 32.5, 95.0, HOUR_NS, P)
    assert asdict(before) == copy
    assert after == ThresholdState({"adx": 32.5}, 4, HOUR_NS)
    codec = TypeAdapter(ThresholdState)
    assert codec.validate_json(codec.dump_json(after)) == after


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"multipliers": (1.0, 1.3)}, "one more than edges"),
        ({"edges": (20.0, 20.0, 60.0, 80.0)}, "edges must ascend"),
        ({"multipliers": (1.3, 1.15, 1.0, 0.85, 0.7)}, "multipliers must not fall"),
        ({"rvol_max": 1.2}, "rvol_min <= rvol_base <= rvol_max"),
        ({"adx_min": 26.0}, "adx_min <= adx_base <= adx_max"),
    ],
)
def test_parameters_out_of_order_are_refused(keys: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        ThresholdParams(**keys)
