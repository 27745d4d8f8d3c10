"""Answers: probabilities that are some, quantiles that never cross, calibration that does what it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from contango_inference.models.answer import Answer, answer_of, log_ratios_of, logits_of, probabilities
from contango_inference.models.manifest import Calibration, Contract
from contango_inference.models.window import HIGHEST_ANNUAL, LOWEST_ANNUAL
from support import model_cases as small

CONTRACT = Contract.model_validate(small.contract())
PLAIN = Calibration()
any_outputs = arrays.arrays(np.float32, 9, elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
outputs = arrays.arrays(np.float64, 9, elements=st.floats(-5, 5))
anchors, temperatures = st.floats(LOWEST_ANNUAL, HIGHEST_ANNUAL), st.floats(0.0, 1e6, exclude_min=True)
shifts = st.lists(st.lists(st.floats(-3, 3), min_size=3, max_size=3), min_size=2, max_size=2)


def answer(raw, anchor=0.2, calibration=PLAIN) -> Answer:
    found = answer_of(raw, anchor, CONTRACT, calibration)
    assert isinstance(found, Answer), found
    return found


# --- laws -------------------------------------------------------------------------------------------------------------


@given(any_outputs, anchors, temperatures)
def test_probabilities_are_some_and_quantiles_never_cross(raw, anchor, temperature):
    found = answer(raw, anchor, Calibration(temperature=temperature))
    assert all(0.0 <= p <= 1.0 for p in found.prob)
    assert math.fsum(found.prob) == pytest.approx(1.0, abs=1e-12)
    assert len(found.variance) == 2
    for row in found.variance:
        assert len(row) == 3
        assert all(0.0 < v < math.inf for v in row)
        assert list(row) == sorted(row)


@given(any_outputs, anchors, shifts)
def test_quantiles_do_not_cross_whatever_is_shifted(raw, anchor, shift):
    for row in answer(raw, anchor, Calibration(shift=shift)).variance:
        assert all(0.0 < v < math.inf for v in row)
        assert list(row) == sorted(row)


@given(outputs, anchors, st.floats(1e-6, 1e6))
def test_the_answer_is_the_definition(raw, anchor, temperature):
    found = answer(raw, anchor, Calibration(temperature=temperature))
    weights = [math.exp(max((v - max(raw[:3])) / temperature, -700.0)) for v in raw[:3]]
    assert found.prob == pytest.approx([w / math.fsum(weights) for w in weights], abs=1e-12)
    for h in range(2):
        level = raw[3 + 3 * h]
        for q in range(3):
            level += math.log1p(math.exp(raw[3 + 3 * h + q])) if q else 0.0
            assert found.variance[h][q] == pytest.approx(anchor**2 * math.exp(level), rel=1e-12)


@given(outputs, temperatures, temperatures)
def test_a_higher_temperature_is_less_confident_and_turns_no_order(raw, one, other):
    low, high = sorted([one, other])
    cold, warm = (answer(raw, calibration=Calibration(temperature=t)).prob for t in (low, high))
    assert max(warm) <= max(cold) + 1e-12
    for prob in (cold, warm):
        for i in range(3):
            for j in range(3):
                assert raw[i] > raw[j] or prob[i] <= prob[j]


@given(outputs, st.floats(-50, 50))
def test_a_constant_added_to_all_logits_changes_nothing(raw, constant):
    moved = raw.copy()
    moved[:3] += constant
    assert answer(moved).prob == pytest.approx(answer(raw).prob, abs=1e-9)


@given(outputs, st.floats(-2, 2))
def test_one_shift_for_all_levels_multiplies_their_variances(raw, shift):
    moved = answer(raw, calibration=Calibration(shift=((shift,) * 3,) * 2))
    for mine, yours in zip(moved.variance, answer(raw).variance, strict=True):
        assert mine == pytest.approx([v * math.exp(shift) for v in yours], rel=1e-9)
    assert moved.prob == answer(raw).prob


@given(outputs, shifts)
def test_a_shift_that_keeps_the_order_is_added_to_its_own_level(raw, shift):
    ordered = [sorted(row) for row in shift]
    moved, plain = answer(raw, calibration=Calibration(shift=ordered)), answer(raw)
    for h in range(2):
        for q in range(3):
            assert moved.variance[h][q] == pytest.approx(plain.variance[h][q] * math.exp(ordered[h][q]), rel=1e-9)


@given(outputs, anchors, st.floats(0.1, 10.0))
def test_variances_go_with_the_square_of_the_anchor(raw, anchor, factor):
    for mine, yours in zip(answer(raw, anchor * factor).variance, answer(raw, anchor).variance, strict=True):
        assert mine == pytest.approx([v * factor**2 for v in yours], rel=1e-9)


@given(arrays.arrays(np.float64, (4, 9), elements=st.floats(-5, 5)), st.floats(0.1, 10.0))
def test_batches_are_their_rows(raw, temperature):
    ratios, prob = log_ratios_of(raw, CONTRACT), probabilities(logits_of(raw), temperature)
    assert ratios.shape == (4, 2, 3)
    for i, row in enumerate(raw):
        np.testing.assert_array_equal(log_ratios_of(row, CONTRACT), ratios[i])
        np.testing.assert_allclose(probabilities(logits_of(row), temperature), prob[i], rtol=1e-14)


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_by_hand():
    raw = [math.log(2.0), 0.0, 0.0, math.log(0.5), 0.0, 0.0, 0.0, -40.0, 0.0]
    found = answer(raw, 0.2)
    assert found.prob == pytest.approx((0.5, 0.25, 0.25))
    assert found.variance[0] == pytest.approx((0.02, 0.04, 0.08))  # softplus(0) = ln 2 doubles each
    assert found.variance[1] == pytest.approx((0.04, 0.04, 0.08))


def test_a_crossing_shift_is_lifted_to_the_level_below():
    raw = np.zeros(9)
    found = answer(raw, 1.0, Calibration(shift=((5.0, 0.0, 0.0), (0.0, 0.0, 0.0))))
    assert found.variance[0] == pytest.approx([math.exp(5.0)] * 3)
    assert found.variance[1] == pytest.approx([1.0, 2.0, 4.0])


# --- reasons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (8,), (10,), (1, 9), (9, 1), (0,)])
def test_a_wrong_shape_is_said(shape):
    said = answer_of(np.zeros(shape), 0.2, CONTRACT, PLAIN)
    assert isinstance(said, str)
    assert str(shape) in said
    assert "(9,)" in said


@given(outputs, st.integers(0, 8), st.sampled_from([math.nan, math.inf, -math.inf]))
def test_a_number_that_is_not_finite_is_said(raw, at, value):
    raw[at] = value
    assert answer_of(raw, 0.2, CONTRACT, PLAIN) == "the model answered with a number that is not finite"
