"""Losses of forecasts: proper, of the right size in known cases, equal to slow twins and to scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import integrate, stats
from sklearn import metrics

from contango_quant.stats import forecast_scores as scores

REAL = st.floats(-1e6, 1e6)
LEVELS = st.lists(st.integers(1, 99), min_size=1, max_size=9, unique=True).map(lambda x: [i / 100 for i in sorted(x)])


@st.composite
def simplex(draw, n=1):
    """Rows of three probabilities."""
    raw = draw(hnp.arrays(np.float64, (n, 3), elements=st.floats(0.01, 1.0)))
    return raw / raw.sum(axis=1, keepdims=True)


@st.composite
def quantile_case(draw):
    levels = draw(LEVELS)
    n = draw(st.integers(1, 6))
    q = np.sort(draw(hnp.arrays(np.float64, (n, len(levels)), elements=REAL)), axis=1)
    return draw(hnp.arrays(np.float64, n, elements=REAL)), q, levels


# Laws


@given(simplex(), simplex())
def test_no_probabilities_are_expected_to_lose_less_than_the_true_ones(true, said):
    """The expectation is exact: every outcome's loss times its true probability."""
    for loss in (scores.brier, scores.log_loss):
        honest, other = (float(true[0] @ loss(np.repeat(p, 3, axis=0), [0, 1, 2])) for p in (true, said))
        assert honest <= other + 1e-12
    p, q = float(true[0, 0]), float(said[0, 0])
    honest, other = ((1.0 - p) * x**2 + p * (1.0 - x) ** 2 for x in (p, q))
    two = scores.binary_brier([q, q], [0, 1])
    assert (1.0 - p) * two[0] + p * two[1] == pytest.approx(other)
    assert other - honest == pytest.approx((p - q) ** 2, abs=1e-12)


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=REAL), st.integers(1, 99), REAL)
def test_no_value_is_expected_to_lose_less_than_the_quantile(values, percent, other):
    """Over a sample as the law, its own quantile is best."""
    level = percent / 100

    def loss(q):
        return float(scores.pinball(values, np.full((values.size, 1), q), [level]).mean())

    own = float(np.quantile(values, level, method="inverted_cdf"))
    assert loss(own) <= loss(other) * (1.0 + 1e-9) + 1e-9


@given(quantile_case(), st.floats(-1e3, 1e3), st.floats(0.01, 100.0))
def test_pinball_and_crps_are_not_negative_and_keep_units(case, shift, scale):
    y, q, levels = case
    plain = scores.pinball(y, q, levels)
    assert (plain >= 0.0).all()
    assert (scores.crps(y, q, levels) >= 0.0).all()
    moved = scores.crps(scale * y + shift, scale * q + shift, levels)
    np.testing.assert_allclose(moved, scale * scores.crps(y, q, levels), rtol=1e-9, atol=1e-6)


@given(REAL, REAL, st.integers(1, 12))
def test_crps_of_one_sure_value_is_its_distance(x, y, pairs):
    at = [i / (2 * pairs + 1) for i in range(1, 2 * pairs + 1)]
    assert scores.crps([y], [[x] * len(at)], at)[0] == pytest.approx(abs(x - y), rel=1e-12, abs=1e-12)


@given(simplex(n=5), st.permutations(range(5)), st.permutations(range(3)))
def test_order_of_rows_and_names_of_classes_do_not_matter(prob, rows, kinds):
    outcome = np.array([0, 1, 2, 1, 0])
    back = np.argsort(kinds)
    for loss in (scores.brier, scores.log_loss):
        np.testing.assert_allclose(loss(prob[rows], outcome[rows]), loss(prob, outcome)[rows], rtol=1e-13)
        np.testing.assert_allclose(loss(prob[:, kinds], back[outcome]), loss(prob, outcome), rtol=1e-13)


@given(LEVELS)
def test_levels_stand_for_everything(levels):
    widths = scores.level_widths(levels)
    assert (widths > 0.0).all()
    assert widths.sum() == pytest.approx(1.0)


@given(st.integers(1, 500), st.data())
def test_wilsons_interval_holds_the_share_and_mirrors(n, data):
    hits = data.draw(st.integers(0, n))
    got, other = scores.wilson(hits, n), scores.wilson(n - hits, n)
    assert 0.0 <= got.low <= got.share <= got.high <= 1.0
    assert (got.low, got.high) == pytest.approx((1.0 - other.high, 1.0 - other.low), abs=1e-12)


# Known values and twins


@pytest.mark.parametrize(("hits", "of", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)])
def test_wilsons_interval_of_newcombe(hits, of, low, high):
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""
    got = scores.wilson(hits, of)
    assert (round(got.low, 4), round(got.high, 4)) == (low, high)


@given(simplex(n=4), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_twins_of_scikit_learn(prob, outcome):
    whole = metrics.log_loss(outcome, prob, labels=[0, 1, 2])
    assert scores.log_loss(prob, outcome).mean() == pytest.approx(whole, rel=1e-9)
    happened = np.array(outcome) == 0
    p = prob[:, 0]
    assert scores.binary_brier(p, happened).mean() == pytest.approx(metrics.brier_score_loss(happened, p), rel=1e-9)
    both = scores.brier(np.column_stack([p, 1.0 - p]), np.where(happened, 0, 1))
    np.testing.assert_allclose(both, 2.0 * scores.binary_brier(p, happened), rtol=1e-12, atol=1e-15)


@given(quantile_case())
def test_pinball_twin(case):
    y, q, levels = case
    slow = [
        [(a * (y[i] - q[i][j]) if y[i] >= q[i][j] else (1 - a) * (q[i][j] - y[i])) for j, a in enumerate(levels)]
        for i in range(len(y))
    ]
    np.testing.assert_allclose(scores.pinball(y, q, levels), slow, rtol=1e-12, atol=1e-9)
    for j, a in enumerate(levels):
        theirs = metrics.mean_pinball_loss(y, q[:, j], alpha=a)
        assert scores.pinball(y, q, levels)[:, j].mean() == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("y", [-2.0, 0.0, 0.3, 1.7])
def test_crps_of_the_normal_law_with_many_levels(y):
    """Gneiting and Raftery (2007), section 4.2, with the sign of a loss: y (2Φ(y) − 1) + 2φ(y) − 1/√π."""
    levels = (np.arange(2000) + 0.5) / 2000
    closed = y * (2.0 * stats.norm.cdf(y) - 1.0) + 2.0 * stats.norm.pdf(y) - 1.0 / math.sqrt(math.pi)
    assert scores.crps([y], [stats.norm.ppf(levels)], levels)[0] == pytest.approx(closed, abs=1e-3)
    area = integrate.quad(lambda x: (stats.norm.cdf(x) - (x >= y)) ** 2, -9.0, 9.0, points=[y])[0]
    assert closed == pytest.approx(area, abs=1e-6)


def test_coverage_counts_ends_and_needs_rows():
    got = scores.coverage([0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 2.5, 0.0], [1.0, 1.0, 3.0, 2.0])
    assert (got.share, got.rows) == (0.5, 4)
    assert scores.coverage([], [], []) is None


def test_a_probability_of_zero_costs_much_and_not_everything():
    assert scores.log_loss([[1.0, 0.0]], [1])[0] == pytest.approx(-math.log(1e-12))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: scores.brier([[0.5, 0.4]], [0]), r"prob must sum to 1 in every row, got 0.9 in row 0"),
        (lambda: scores.brier([[1.5, -0.5]], [0]), r"prob must be from 0 to 1, got \[1.5, -0.5\] in row 0"),
        (lambda: scores.brier([0.5, 0.5], [0]), r"prob must have shape \(n, K\)"),
        (lambda: scores.brier([[0.5, 0.5]], [2]), r"outcome must be a class from 0 to 1, got 2.0 at position 0"),
        (lambda: scores.brier([[0.5, 0.5]], [0, 1]), r"outcome must have a number a row, got 2 for 1 rows"),
        (lambda: scores.log_loss([[math.nan, 0.5]], [0]), r"prob must be finite, got nan"),
        (lambda: scores.binary_brier([1.2], [0]), r"prob must be from 0 to 1, got 1.2 at position 0"),
        (lambda: scores.binary_brier([0.2], [0.5]), r"happened must be 0 or 1, got 0.5 at position 0"),
        (lambda: scores.pinball([1.0], [[1.0]], [0.2, 0.4]), r"quantiles must have shape \(1, 2\), got \(1, 1\)"),
        (lambda: scores.pinball([1.0], [[1.0, 2.0]], [0.4, 0.2]), r"levels must be ascending inside 0 to 1"),
        (lambda: scores.wilson(3, 2), r"hits must be from 0 to 2, got 3"),
        (lambda: scores.wilson(0, 0), r"of must be an integer of at least 1, got 0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
