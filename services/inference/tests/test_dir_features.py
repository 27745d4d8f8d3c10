"""The twenty features: by name and by instant; what is missing is said, and a gap is not another look-back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_inference.direction.features import (
    FEATURES,
    HOUR_NS,
    MEMORY_HOURS,
    Memory,
    close_at,
    features_of,
    remember,
)

NAMES = (
    *("rvol_1h", "atr_percent_1h", "atr_pctl_1h", "bb_width_1h", "bb_position_1h", "rsi_1h", "macd_hist_1h"),
    *("squeeze_on_1h", "adx_1h", "plus_di_1h", "minus_di_1h", "sma_distance_4h", "vwap_1h"),
)


def row(close: float, **changes: float | None) -> dict[str, float | None]:
    known: dict[str, float | None] = dict.fromkeys(NAMES, 2.0)
    return {**known, "vwap_1h": close, "close": close, "volume": 10.0, **changes}


def remembered(closes: dict[int, float]) -> Memory:
    memory = Memory()
    for hour, close in closes.items():
        remember(memory, hour * HOUR_NS, row(close))
    return memory


DAY = {hour: 100.0 + hour for hour in range(30)}
NOW = 29 * HOUR_NS


def test_there_are_twenty_with_names_of_their_own() -> None:
    assert len(FEATURES) == len(set(FEATURES)) == 20


def test_returns_are_those_of_the_exact_hours() -> None:
    found = features_of(remembered(DAY), NOW, row(129.0))
    assert not isinstance(found, str)
    assert found[:3] == pytest.approx([math.log(129.0 / (129.0 - h)) for h in (1, 4, 24)])
    assert found[FEATURES.index("macd")] == pytest.approx(2.0 / 129.0)
    assert found[FEATURES.index("trend")] == 0.0


@pytest.mark.parametrize(("gone", "name"), [(28, "return_1h"), (25, "return_4h"), (5, "return_24h")])
def test_a_missing_hour_is_a_missing_return_and_not_a_longer_one(gone: int, name: str) -> None:
    memory = remembered({hour: close for hour, close in DAY.items() if hour != gone})
    assert features_of(memory, NOW, row(129.0)) == f"feature {name} is missing"


@pytest.mark.parametrize("name", NAMES)
def test_every_input_that_is_missing_is_said(name: str) -> None:
    for value in (None, math.nan, math.inf):
        found = features_of(remembered(DAY), NOW, row(129.0, **{name: value}))
        assert isinstance(found, str)
        assert found.startswith("feature ")


@given(st.permutations(sorted(row(1.0))), st.floats(-1e6, 1e6))
def test_order_and_strangers_do_not_matter(order: list[str], stranger: float) -> None:
    plain = row(129.0)
    shuffled = {"stranger": stranger, **{name: plain[name] for name in order}}
    assert features_of(remembered(DAY), NOW, shuffled) == features_of(remembered(DAY), NOW, plain)


@given(st.floats(1e-3, 1e3))
def test_another_unit_of_price_changes_nothing_that_is_relative(unit: float) -> None:
    scaled = remembered({hour: close * unit for hour, close in DAY.items()})
    ours = features_of(scaled, NOW, row(129.0 * unit, macd_hist_1h=2.0 * unit))
    theirs = features_of(remembered(DAY), NOW, row(129.0))
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def at_hour(hour: int) -> list[float] | str:
    memory = remembered(dict.fromkeys(range(hour - 24, hour + 1), 100.0))
    return features_of(memory, hour * HOUR_NS, row(100.0))


@given(st.integers(0, 10_000))
def test_the_calendar_is_on_circles_and_continuous_over_midnight(hour: int) -> None:
    here, next_ = at_hour(hour + 24), at_hour(hour + 25)
    assert not isinstance(here, str)
    assert not isinstance(next_, str)
    for sin, cos in (("hour_sin", "hour_cos"), ("weekday_sin", "weekday_cos")):
        i, j = FEATURES.index(sin), FEATURES.index(cos)
        assert here[i] ** 2 + here[j] ** 2 == pytest.approx(1.0)
    i, j = FEATURES.index("hour_sin"), FEATURES.index("hour_cos")
    assert math.hypot(here[i] - next_[i], here[j] - next_[j]) == pytest.approx(2.0 * math.sin(math.pi / 24))


def test_the_memory_is_a_day_long_and_takes_no_row_twice() -> None:
    memory = remembered({hour: 1.0 + hour for hour in range(200)})
    assert len(memory.ts_ns) == MEMORY_HOURS + 1
    remember(memory, memory.ts_ns[-1], row(5.0))
    remember(memory, memory.ts_ns[-1] + HOUR_NS, {**row(5.0), "close": None})
    assert len(memory.ts_ns) == MEMORY_HOURS + 1
    assert close_at(memory, 199 * HOUR_NS) == 200.0
    assert close_at(memory, 199 * HOUR_NS + 1) is None
