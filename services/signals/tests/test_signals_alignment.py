"""Agreement of the timeframes: ties by weight, symmetry of up and down, what is missing, and directions by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contango_signals.alignment import LENGTH_NS, TIMEFRAMES, AlignmentParams, Reading, align, direction_of

P = AlignmentParams()
NOW = 10 * LENGTH_NS["4h"]
directions = st.none() | st.sampled_from([-1, 0, 1])
worlds = st.fixed_dictionaries(dict.fromkeys(TIMEFRAMES, directions))


def readings(found: dict[str, int | None]) -> dict[str, Reading | None]:
    return {name: None if d is None else Reading(d, NOW) for name, d in found.items()}


@pytest.mark.parametrize(
    ("found", "direction", "aligned", "confidence", "weighted"),
    [
        ({"5m": 1, "15m": 1, "1h": 1, "4h": 1}, 1, 4, 1.0, 1.0),
        ({"5m": -1, "15m": 1, "1h": 1, "4h": 1}, 1, 3, 0.7, 0.9),
        ({"5m": 1, "15m": 1, "1h": 1, "4h": -1}, 1, 3, 0.7, 0.6),
        ({"5m": -1, "15m": -1, "1h": -1}, -1, 3, 0.7, 0.6),
        ({"5m": 1, "15m": 1, "1h": -1, "4h": -1}, -1, 2, 0.0, 0.7),
        ({"5m": 1, "4h": 1, "15m": -1, "1h": -1}, 0, 0, 0.0, 0.0),
        ({"5m": 0, "15m": 0, "1h": 0, "4h": 0}, 0, 0, 0.0, 0.0),
        ({}, 0, 0, 0.0, 0.0),
    ],
)
def test_by_hand(
    found: dict[str, int | None], direction: int, aligned: int, confidence: float, weighted: float
) -> None:
    """Two against two goes to the heavier side, and 0.5 against 0.5 to none."""
    seen = align(readings(found), NOW, P)
    assert (seen.direction, seen.aligned, seen.confidence) == (direction, aligned, confidence)
    assert seen.weighted_confidence == pytest.approx(weighted)


@given(worlds)
def test_up_and_down_are_treated_alike(found: dict[str, int | None]) -> None:
    seen = align(readings(found), NOW, P)
    other = align(readings({name: None if d is None else -d for name, d in found.items()}), NOW, P)
    assert other.direction == -seen.direction
    assert (other.aligned, other.confidence, other.weighted_confidence) == (
        seen.aligned,
        seen.confidence,
        seen.weighted_confidence,
    )


@given(worlds, st.permutations(TIMEFRAMES))
def test_the_order_of_the_readings_does_not_matter(found: dict[str, int | None], order: list[str]) -> None:
    given_ = readings(found)
    assert align({name: given_[name] for name in order}, NOW, P) == align(given_, NOW, P)


@given(worlds, st.sampled_from(TIMEFRAMES))
def test_a_timeframe_that_goes_missing_raises_no_confidence(found: dict[str, int | None], name: str) -> None:
    """Nor does a flat one count for either side."""
    whole = align(readings(found), NOW, P)
    for value in (None, 0):
        assert align(readings({**found, name: value}), NOW, P).confidence <= whole.confidence


@given(worlds, st.sets(st.sampled_from(TIMEFRAMES)))
def test_a_stale_timeframe_counts_exactly_as_a_missing_one(found: dict[str, int | None], old: set[str]) -> None:
    given_ = readings(found)
    late = {
        name: Reading(r.direction, NOW - 2 * LENGTH_NS[name] - 1) if r is not None and name in old else r
        for name, r in given_.items()
    }
    gone = {name: None if name in old else r for name, r in given_.items()}
    a, b = align(late, NOW, P), align(gone, NOW, P)
    assert (a.direction, a.aligned, a.confidence, a.weighted_confidence, a.directions) == (
        b.direction,
        b.aligned,
        b.confidence,
        b.weighted_confidence,
        b.directions,
    )
    assert set(a.missing) | set(a.stale) == set(b.missing)
    assert not set(a.missing) & set(a.stale)


@pytest.mark.parametrize("factor", [1.0, 2.0, 3.5])
@pytest.mark.parametrize("name", TIMEFRAMES)
def test_a_bar_is_fresh_up_to_the_very_instant(name: str, factor: float) -> None:
    p, age_ns = AlignmentParams(stale_factor=factor), int(factor * LENGTH_NS[name])
    assert align({name: Reading(1, NOW - age_ns)}, NOW, p).stale == ()
    assert align({name: Reading(1, NOW - age_ns - 1)}, NOW, p).stale == (name,)


@pytest.mark.parametrize(
    ("fast", "slow", "distance", "direction"),
    [
        (2.0, 1.0, 0.1, 1),
        (1.0, 2.0, -0.1, -1),
        (2.0, 1.0, -0.1, 0),
        (1.0, 2.0, 0.1, 0),
        (1.0, 1.0, 0.1, 0),
        (2.0, 1.0, 0.0, 0),
        (None, 1.0, 0.1, None),
        (2.0, None, 0.1, None),
        (2.0, 1.0, None, None),
    ],
)
def test_direction_of_one_timeframe(
    fast: float | None, slow: float | None, distance: float | None, direction: int | None
) -> None:
    assert direction_of({"ema_fast": fast, "ema_slow": slow, "sma_distance": distance}) == direction


@pytest.mark.parametrize(
    "keys",
    [
        {"weights": {"4h": 1.0}},
        {"weights": {"4h": 0.4, "1h": 0.3, "15m": 0.2, "5m": -0.1}},
        {"weights": {"4h": 0.4, "1h": 0.3, "15m": 0.2, "1m": 0.1}},
        {"confidence_3": 1.1},
        {"stale_factor": 0.0},
    ],
)
def test_parameters_that_make_no_sense_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AlignmentParams(**keys)
