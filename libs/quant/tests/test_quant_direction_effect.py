"""What a probability of rising does: it raises confidence above 0.7, cuts size below 0.3, and closes on a reversal."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_quant.stats.direction_effect import effect, reversal

P = st.floats(0.0, 1.0)
BOOST, REDUCE = st.floats(1.0, 10.0), st.floats(0.0, 1.0)


@given(st.one_of(st.floats(max_value=0.0, exclude_max=True), st.floats(min_value=1.0, exclude_min=True)))
def test_property_11_what_is_no_probability_is_refused(p: float) -> None:
    for wrong in (p, math.nan):
        with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
            effect(wrong)
        with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
            reversal(wrong, "long")


@given(P, BOOST, REDUCE)
def test_property_12_above_seven_tenths_confidence_is_not_lowered(p: float, boost: float, reduce: float) -> None:
    confidence, size = effect(p, boost=boost, reduce=reduce)
    assert confidence == (boost if p > 0.7 else 1.0)
    assert confidence >= 1.0
    if p > 0.7:
        assert size == 1.0


@given(P, BOOST, REDUCE)
def test_property_13_below_three_tenths_size_is_cut(p: float, boost: float, reduce: float) -> None:
    confidence, size = effect(p, boost=boost, reduce=reduce)
    assert size == (reduce if p < 0.3 else 1.0)
    assert 0.0 <= size <= 1.0
    if p < 0.3:
        assert confidence == 1.0


@given(P, P)
def test_a_likelier_rise_never_means_less_confidence_or_less_size(p: float, q: float) -> None:
    low, high = effect(min(p, q)), effect(max(p, q))
    assert low[0] <= high[0]
    assert low[1] <= high[1]


def test_at_the_limits_nothing_happens() -> None:
    assert effect(0.7) == effect(0.3) == effect(0.5) == (1.0, 1.0)
    assert effect(math.nextafter(0.7, 1.0)) == (1.25, 1.0)
    assert effect(math.nextafter(0.3, 0.0)) == (1.0, 0.5)
    assert reversal(0.8, "short") is False
    assert reversal(math.nextafter(0.8, 1.0), "short") is True


@given(P, st.floats(0.5, 1.0))
def test_a_reversal_is_of_one_side_and_mirrored(p: float, above: float) -> None:
    """Whoever is closed long would not be closed short; the one side's word is the other's of the complement."""
    assert not (reversal(p, "long", above) and reversal(p, "short", above))
    assert reversal(1.0 - p, "short", above) == reversal(p, "long", above)


@pytest.mark.parametrize("wrong", [{"boost": 0.99}, {"boost": math.nan}, {"reduce": -0.01}, {"reduce": 1.01}])
def test_a_boost_that_lowers_and_a_cut_that_raises_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="boost must be at least 1"):
        effect(0.5, **wrong)
