"""Shrunk correlations: the paper's formulas element by element, a proper matrix, nearer to the truth."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stats import correlation


def table(seed, n, p, common=0.6):
    rng = np.random.default_rng(seed)
    return common * rng.normal(size=(n, 1)) + rng.normal(size=(n, p))


def paper(rows):
    """Ledoit and Wolf (2004), appendix B, on standardised series: sums over elements as printed."""
    n, p = rows.shape
    y = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    s = y.T @ y / n
    mean = sum(2.0 * s[i, j] / ((p - 1) * p) for i in range(p - 1) for j in range(i + 1, p))
    target = np.full((p, p), mean)
    np.fill_diagonal(target, 1.0)
    pi = np.array([[np.mean((y[:, i] * y[:, j] - s[i, j]) ** 2) for j in range(p)] for i in range(p)])

    def theta(i, j):
        return np.mean((y[:, i] ** 2 - s[i, i]) * (y[:, i] * y[:, j] - s[i, j]))

    off = sum(
        mean / 2.0 * (math.sqrt(s[j, j] / s[i, i]) * theta(i, j) + math.sqrt(s[i, i] / s[j, j]) * theta(j, i))
        for i in range(p)
        for j in range(p)
        if i != j
    )
    gamma = np.sum((target - s) ** 2)
    delta = max(0.0, min((pi.sum() - pi.trace() - off) / gamma / n, 1.0))
    return delta * target + (1.0 - delta) * s, delta


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(4, 60), st.integers(3, 6), st.floats(0.0, 2.0))
def test_shrinkage_is_the_papers(seed, n, p, common):
    rows = table(seed, n, p, common)
    got = correlation.shrunk_correlation(rows)
    want, delta = paper(rows)
    assert got.intensity == pytest.approx(delta, abs=1e-9)
    np.testing.assert_allclose(got.correlation, want, atol=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(3, 20), st.integers(2, 8))
def test_result_is_a_correlation_matrix(seed, n, p):
    got = correlation.shrunk_correlation(table(seed, n, p)).correlation
    assert (np.diag(got) == 1.0).all()
    np.testing.assert_array_equal(got, got.T)
    assert np.linalg.eigvalsh(got).min() > -1e-12
    assert np.abs(got).max() <= 1.0


@settings(max_examples=20)
@given(st.integers(0, 1000), st.lists(st.floats(1e-200, 1e200), min_size=4, max_size=4), st.floats(-1e3, 1e3))
def test_units_signs_and_order_do_not_matter(seed, scales, shift):
    rows = table(seed, 40, 4)
    base = correlation.shrunk_correlation(rows)
    other = correlation.shrunk_correlation(rows * np.array(scales))
    np.testing.assert_allclose(other.correlation, base.correlation, atol=1e-9)
    np.testing.assert_allclose(
        correlation.shrunk_correlation(rows + shift).correlation, base.correlation, atol=1e-9 * (1 + abs(shift))
    )
    turned = [2, 0, 3, 1]
    permuted = correlation.shrunk_correlation(rows[::-1, turned])
    np.testing.assert_allclose(permuted.correlation, base.correlation[np.ix_(turned, turned)], atol=1e-9)


def test_shrunk_matrices_are_nearer_to_the_truth():
    p, n, rho = 10, 30, 0.4
    truth = np.full((p, p), rho)
    truth[:5, 5:] = truth[5:, :5] = 0.2
    np.fill_diagonal(truth, 1.0)
    root, rng = np.linalg.cholesky(truth), np.random.default_rng(5)
    plain = shrunk = 0.0
    for _ in range(100):
        rows = rng.normal(size=(n, p)) @ root.T
        plain += np.sum((np.corrcoef(rows.T) - truth) ** 2)
        shrunk += np.sum((correlation.shrunk_correlation(rows).correlation - truth) ** 2)
    assert shrunk < 0.6 * plain


def test_shrinkage_fades_with_samples_unless_the_target_is_the_truth():
    blocks = np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 1.0]])
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(20_000, 3)) @ np.linalg.cholesky(blocks).T
    assert correlation.shrunk_correlation(rows).intensity < 0.01
    assert correlation.shrunk_correlation(rows[:40]).intensity > 0.03


def test_rolling_matrices_are_those_of_each_window():
    rows = table(7, 60, 4)
    got = correlation.rolling_shrunk_correlation(rows, window=25)
    assert np.isnan(got[:24]).all()
    for end in (25, 40, 60):
        np.testing.assert_array_equal(got[end - 1], correlation.shrunk_correlation(rows[end - 25 : end]).correlation)


def test_rolling_correlation_of_two_is_that_of_pandas():
    x, y = table(8, 300, 2).T
    got = correlation.rolling_correlation(x, y, window=20)
    np.testing.assert_allclose(got, pd.Series(x).rolling(20).corr(pd.Series(y)), rtol=1e-8)
    assert correlation.shrunk_correlation(np.column_stack([x, y])).intensity == 1.0


def test_a_still_series_has_no_correlation():
    rows = table(9, 30, 3)
    rows[10:20, 1] = 0.1
    got = correlation.rolling_shrunk_correlation(rows, window=5)
    assert np.isnan(got[14:20]).all()
    assert np.isfinite(got[20:]).all()
    assert correlation.shrunk_correlation(rows[10:20]) is None


def test_fisher_interval_covers():
    rng, hits = np.random.default_rng(10), 0
    for _ in range(1000):
        x, y = rng.normal(size=(2, 40))
        low, high = correlation.fisher_interval(float(np.corrcoef(x, 0.5 * x + y)[0, 1]), samples=40)
        hits += low < 0.5 / math.sqrt(1.25) < high
    assert hits / 1000 == pytest.approx(0.9, abs=0.03)
    assert correlation.fisher_interval(0.5, samples=3) is None


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"returns must be a table .* got shape \(3,\)"):
        correlation.shrunk_correlation([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"returns must be finite, got nan"):
        correlation.shrunk_correlation([[1.0, math.nan]])
    with pytest.raises(ValueError, match=r"window must be an integer of at least 3, got 2"):
        correlation.rolling_correlation([1.0], [1.0], window=2)
    with pytest.raises(ValueError, match=r"correlation must be from -1 to 1, got 1.5"):
        correlation.fisher_interval(1.5, samples=10)
