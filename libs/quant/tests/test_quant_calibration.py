"""Calibration: curves that count, temperatures that keep the likeliest class, isotonic maps that are monotone."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression

from contango_quant.stats import calibration as cal
from contango_quant.stats import forecast_scores as scores


@st.composite
def told(draw, most=60):
    """Probabilities on a grid, so that ties occur, and what happened."""
    rows = draw(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=most))
    return np.array([p / 40 for p, _ in rows]), np.array([o for _, o in rows])


@st.composite
def logit_case(draw):
    n = draw(st.integers(1, 40))
    z = draw(hnp.arrays(np.float64, (n, 3), elements=st.floats(-30.0, 30.0)))
    return z, draw(hnp.arrays(np.int64, n, elements=st.integers(0, 2)))


# Laws


@given(told(), st.integers(1, 20), st.randoms(use_true_random=False))
def test_curve_counts_every_row_and_does_not_mind_their_order(case, bins, random):
    p, o = case
    curve = cal.reliability(p, o, bins=bins)
    assert sum(b.rows for b in curve) == p.size
    assert sum(b.rows * b.frequency for b in curve) == pytest.approx(o.sum())
    assert all(b.low <= b.frequency <= b.high for b in curve)
    assert [b.mean_prob for b in curve] == sorted(b.mean_prob for b in curve)
    turned = list(range(p.size))
    random.shuffle(turned)
    for one, other in zip(curve, cal.reliability(p[turned], o[turned], bins=bins), strict=True):
        assert one == pytest.approx(other)


@given(told(), st.integers(1, 20))
def test_error_is_that_of_the_curve(case, bins):
    p, o = case
    by_curve = sum(b.rows * abs(b.frequency - b.mean_prob) for b in cal.reliability(p, o, bins=bins)) / p.size
    got = cal.expected_calibration_error(p, o, bins=bins)
    assert got == pytest.approx(by_curve, abs=1e-12)
    assert 0.0 <= got <= 1.0
    # Finer bins cannot hide what coarser ones show.
    assert cal.expected_calibration_error(p, o, bins=2 * bins) >= got - 1e-12


@given(logit_case())
def test_temperature_keeps_the_order_and_never_loses_on_its_own_rows(case):
    z, o = case
    t = cal.temperature_fit(z, o)
    assert cal.COLDEST <= t <= cal.HOTTEST
    cooled, plain = cal.temperature_apply(z, t), cal.temperature_apply(z, 1.0)
    assert (np.take_along_axis(cooled, z.argmax(axis=1)[:, None], axis=1)[:, 0] == cooled.max(axis=1)).all()
    assert _loss(z, o, t) <= _loss(z, o, 1.0)
    np.testing.assert_allclose(cooled.sum(axis=1), 1.0)
    np.testing.assert_allclose(plain, special.softmax(z, axis=1))


@given(logit_case(), st.floats(0.06, 15.0))
def test_no_other_temperature_is_better(case, other):
    z, o = case
    assert _loss(z, o, cal.temperature_fit(z, o)) <= _loss(z, o, other) + 1e-7


@given(told())
def test_isotonic_is_monotone_idempotent_and_keeps_the_mean(case):
    p, o = case
    knots = cal.isotonic_fit(p, o)
    assert (np.diff(knots.x) > 0.0).all()
    assert (np.diff(knots.y) >= 0.0).all()
    fitted = cal.isotonic_apply(knots, p)
    assert fitted.mean() == pytest.approx(o.mean(), abs=1e-9)
    assert scores.binary_brier(np.clip(fitted, 0, 1), o).mean() <= scores.binary_brier(p, o).mean() + 1e-12
    again = cal.isotonic_fit(np.clip(fitted, 0.0, 1.0), o)
    np.testing.assert_allclose(cal.isotonic_apply(again, fitted), fitted, atol=1e-9)
    assert (np.diff(cal.isotonic_apply(knots, np.linspace(-1.0, 2.0, 301))) >= 0.0).all()


@given(told(), st.randoms(use_true_random=False))
def test_isotonic_does_not_mind_the_order_of_rows(case, random):
    p, o = case
    turned = list(range(p.size))
    random.shuffle(turned)
    one, other = cal.isotonic_fit(p, o), cal.isotonic_fit(p[turned], o[turned])
    assert one.x.tolist() == other.x.tolist()
    np.testing.assert_allclose(one.y, other.y, atol=1e-12)


# Known values and twins


@given(told())
def test_isotonic_is_scikit_learns(case):
    p, o = case
    theirs = IsotonicRegression(out_of_bounds="clip").fit(p, o.astype(float))
    at = np.linspace(0.0, 1.0, 83)
    # Between rows both go straight; scikit-learn keeps the same ends of level stretches.
    np.testing.assert_allclose(cal.isotonic_apply(cal.isotonic_fit(p, o), at), theirs.predict(at), atol=1e-6)


def test_isotonic_of_barlow_by_slow_pooling():
    """Min-max form of the regression (Barlow et al. 1972): y_i = max over a ≤ i of min over b ≥ i of mean a..b."""
    rng = np.random.default_rng(3)
    o = (rng.random(40) < np.linspace(0.1, 0.9, 40)).astype(float)
    p = np.linspace(0.0, 1.0, 40)
    slow = [max(min(o[a : b + 1].mean() for b in range(i, 40)) for a in range(i + 1)) for i in range(40)]
    np.testing.assert_allclose(cal.isotonic_apply(cal.isotonic_fit(p, o), p), slow, atol=1e-12)


def test_curve_is_scikit_learns():
    rng = np.random.default_rng(0)
    p = rng.random(500)
    o = rng.random(500) < p
    frequency, mean = calibration_curve(o, p, n_bins=10)
    curve = cal.reliability(p, o)
    np.testing.assert_allclose([b.frequency for b in curve], frequency)
    np.testing.assert_allclose([b.mean_prob for b in curve], mean)


def test_temperature_is_found_again():
    """Outcomes drawn from softmax(z / 2.5): the fit says so within its spread, and honest logits stay as they are."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(20_000, 3)) * 3.0
    for true in (0.4, 1.0, 2.5):
        p = special.softmax(z / true, axis=1)
        o = (rng.random((len(z), 1)) > np.cumsum(p, axis=1)).sum(axis=1)
        assert cal.temperature_fit(z, np.minimum(o, 2)) == pytest.approx(true, rel=0.04)


def test_calibration_error_of_perfect_and_of_sure_forecasts():
    rng = np.random.default_rng(2)
    p = rng.random(50_000)
    o = rng.random(50_000) < p
    assert cal.expected_calibration_error(p, o) < 0.01
    assert cal.expected_calibration_error(np.ones(4), [1, 0, 1, 0]) == 0.5
    curve = cal.reliability(p, o)
    assert sum(b.low <= b.mean_prob <= b.high for b in curve) >= 8


def test_no_rows_is_none_or_unchanged():
    assert cal.isotonic_fit([], []) is None
    assert cal.expected_calibration_error([], []) is None
    assert cal.reliability([], []) == []
    assert cal.temperature_fit(np.empty((0, 3)), []) == 1.0
    # Logits that say nothing: every temperature is as good, and they are left alone.
    assert cal.temperature_fit(np.zeros((4, 3)), [0, 1, 2, 0]) == 1.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cal.reliability([0.5], [0.5]), r"happened must be 0 or 1, got 0.5 at position 0"),
        (lambda: cal.reliability([0.5], [1], bins=0), r"bins must be an integer of at least 1, got 0"),
        (lambda: cal.temperature_fit([1.0], [0]), r"logits must have shape \(n, K\)"),
        (lambda: cal.temperature_fit([[1.0, math.inf]], [0]), r"logits must be finite, got inf"),
        (lambda: cal.temperature_fit([[1.0, 0.0]], [2]), r"outcome must be a class from 0 to 1"),
        (lambda: cal.temperature_apply([[1.0, 0.0]], 0.0), r"temperature must be finite and above 0, got 0.0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def _loss(z, o, t):
    return float((special.logsumexp(z / t, axis=1) - z[np.arange(o.size), o] / t).mean())
