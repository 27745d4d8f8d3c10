"""Levels of the volume profile: when it is due, which level a price is at, low-volume areas; with the real kernel."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contango_quant.stream import volume_profile
from contango_signals.profile import HOUR_NS, Levels, ProfileParams, in_low_volume, is_due, key_level, size_factor

P = ProfileParams()
LENGTH_NS = P.refresh_hours * HOUR_NS
instants = st.integers(0, 4 * 10**18)


@given(instants, st.integers(0, 3 * LENGTH_NS))
def test_due_exactly_once_in_each_stretch_from_midnight(built_ns: int, later_ns: int) -> None:
    now_ns = built_ns + later_ns
    assert is_due(built_ns, now_ns, P) == (now_ns // LENGTH_NS != built_ns // LENGTH_NS)
    assert not is_due(now_ns, now_ns, P)


def test_due_at_once_when_none_was_built_and_at_four_hours() -> None:
    assert is_due(None, 1, P)
    built_ns = 3 * HOUR_NS  # 03:00 UTC
    assert [is_due(built_ns, hour * HOUR_NS, P) for hour in (3, 4, 5)] == [False, True, True]
    assert not is_due(built_ns, 4 * HOUR_NS - 1, P)


@pytest.mark.parametrize(
    ("price", "level"),
    [
        (100.0, "poc"),
        (100.5, "poc"),
        (100.51, None),
        (110.5, "value_high"),
        (90.3, "value_low"),
        (95.0, None),
    ],
)
def test_the_level_a_price_is_at(price: float, level: str | None) -> None:
    assert key_level(Levels(100.0, 90.0, 110.0), price, P) == level


@given(st.floats(1e-6, 1e6), st.floats(0.0, 0.02))
def test_the_nearest_level_wins_whatever_the_scale(poc: float, away: float) -> None:
    """A coin below a cent has the same zones as an index."""
    levels = Levels(poc, poc * 0.995, poc * 1.004)
    price = poc * (1.0 + away)
    level = key_level(levels, price, P)
    distances = {
        "poc": abs(price / levels.poc - 1.0),
        "value_low": abs(price / levels.value_low - 1.0),
        "value_high": abs(price / levels.value_high - 1.0),
    }
    if level is None:
        assert min(distances.values()) > P.key_tolerance
    else:
        assert distances[level] == min(distances.values()) <= P.key_tolerance


def test_areas_are_closed_below_and_open_above() -> None:
    levels = Levels(100.0, 95.0, 105.0, [[96.0, 97.0], [97.0, 98.0]])
    assert [in_low_volume(levels, x) for x in (95.99, 96.0, 97.0, 97.99, 98.0)] == [False, True, True, True, False]


def test_the_factor_is_a_parameter_and_outside_an_area_nothing_is_taken() -> None:
    levels = Levels(100.0, 95.0, 105.0, [[96.0, 97.0]])
    assert size_factor(levels, 96.5, ProfileParams(low_volume_factor=0.25)) == 0.25
    assert size_factor(levels, 99.0, ProfileParams(low_volume_factor=0.25)) == 1.0
    assert size_factor(Levels(100.0, 95.0, 105.0), 96.5, P) == 1.0


bars = st.lists(
    st.tuples(st.floats(90.0, 110.0), st.floats(0.0, 0.03), st.integers(1, 1000).map(float)), min_size=1, max_size=40
)


@settings(deadline=None)
@given(bars)
def test_the_kernels_levels_are_key_levels_and_its_poor_bins_halve(rows: list[tuple[float, float, float]]) -> None:
    record = volume_profile.init(volume_profile.Params(100, P.bin_fraction))
    for low, width, volume in rows:
        volume_profile.step(record, low * (1.0 + width), low, volume)
    found = volume_profile.profile_of(record)
    assert found is not None
    levels = Levels(found.poc, found.value_low, found.value_high, [list(area) for area in found.low_areas], 1)
    assert found.value_low <= found.poc <= found.value_high
    assert key_level(levels, found.poc, P) is not None
    for low, high in found.low_areas:
        assert size_factor(levels, math.sqrt(low * high), P) == 0.5
    assert not in_low_volume(levels, found.poc)
    assert not in_low_volume(levels, found.value_high * 2.0)
    codec = TypeAdapter(Levels)
    assert codec.validate_json(codec.dump_json(levels)) == levels
