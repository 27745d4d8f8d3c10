"""ADF and KPSS: statsmodels and arch as witnesses, published critical values, size and power, equivariances."""

import math
import warnings

import numpy as np
import pytest
from arch.unitroot import ADF
from arch.unitroot import KPSS as ArchKPSS
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tools.sm_exceptions import InterpolationWarning
from statsmodels.tsa import stattools
from statsmodels.tsa.adfvalues import mackinnonp

from contango_quant.stats import stationarity
from contango_quant.stats.stationarity import adf, kpss, kpss_p, mackinnon_p

SEEDS = st.integers(0, 2**32 - 1)


def series(seed: int, n: int, b: float) -> np.ndarray:
    """An autoregression with coefficient b and normal shocks, long begun (b = 1: a walk from 0)."""
    noise = np.random.default_rng(seed).normal(size=n + 200)
    x = np.zeros(n + 200)
    for t in range(1, x.size):
        x[t] = b * x[t - 1] + noise[t]
    return x[200:] if b < 1.0 else np.cumsum(noise[:n])


def witness_adf(x: np.ndarray, lags: int) -> tuple[float, float]:
    found = stattools.adfuller(x, maxlag=lags, regression="c", autolag=None, result_object=True)
    return float(found.statistic), float(found.pvalue)


def witness_kpss(x: np.ndarray, lags: int) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterpolationWarning)
        found = stattools.kpss(x, regression="c", nlags=lags, result_object=True)
    return float(found.statistic), float(found.pvalue)


# Witnesses


@given(SEEDS, st.integers(40, 300), st.sampled_from((0.0, 0.5, 0.9, 0.98, 1.0)), st.integers(0, 10))
@settings(max_examples=60)
def test_both_are_those_of_statsmodels(seed: int, n: int, b: float, lags: int) -> None:
    x = series(seed, n, b)
    one, other = adf(x, lags=lags), kpss(x, lags=lags)
    assert (one.statistic, one.p) == pytest.approx(witness_adf(x, lags), rel=1e-7, abs=1e-12)
    assert (other.statistic, other.p) == pytest.approx(witness_kpss(x, lags), rel=1e-9)
    assert (one.lags, other.lags) == (lags, lags)
    assert (one.reason, other.reason) == (None, None)


@pytest.mark.parametrize("b", [0.5, 0.95, 1.0])
@pytest.mark.parametrize("n", [60, 252, 700])
def test_both_are_those_of_arch(n: int, b: float) -> None:
    x = series(5, n, b)
    one, other = adf(x), kpss(x)
    witness, level = ADF(x, lags=one.lags, trend="c"), ArchKPSS(x, lags=other.lags, trend="c")
    assert (one.statistic, one.p) == pytest.approx((witness.stat, witness.pvalue), rel=1e-7)
    assert other.statistic == pytest.approx(level.stat, rel=1e-9)


@given(st.floats(-25.0, 5.0) | st.sampled_from((2.74, -18.83, -1.61)))
def test_the_response_surface_is_that_of_statsmodels(t: float) -> None:
    assert mackinnon_p(t) == pytest.approx(float(mackinnonp(t, regression="c", N=1)), abs=1e-12)


# J. G. MacKinnon, "Critical values for cointegration tests", 2010 (QED working paper 1227), table 2, constant, N = 1,
# β∞; W. A. Fuller, Introduction to Statistical Time Series (1976), table 8.5.2, p. 373, prints the same to 0.01.
@pytest.mark.parametrize(("critical", "level"), [(-3.43035, 0.01), (-2.86154, 0.05), (-2.56677, 0.10)])
def test_published_critical_values_of_the_unit_root(critical: float, level: float) -> None:
    assert mackinnon_p(critical) == pytest.approx(level, abs=0.0015)


# D. Kwiatkowski et al., Journal of Econometrics 54 (1992), table 1, p. 166, η_μ.
@pytest.mark.parametrize(("critical", "level"), [(0.347, 0.10), (0.463, 0.05), (0.574, 0.025), (0.739, 0.01)])
def test_published_critical_values_of_the_level(critical: float, level: float) -> None:
    assert kpss_p(critical) == pytest.approx(level)


@given(st.floats(0.0, 5.0), st.floats(0.0, 5.0))
def test_p_falls_as_the_statistic_moves_away_from_the_null(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    assert 0.01 <= kpss_p(high) <= kpss_p(low) <= 0.10
    assert 0.0 <= mackinnon_p(-high) <= mackinnon_p(-low) + 1e-3 <= 1.0 + 1e-3  # the two halves of the surface meet


# What they say


def test_a_walk_is_seldom_rejected_and_a_strong_reversion_nearly_always() -> None:
    walks = [adf(series(seed, 250, 1.0), lags=2) for seed in range(400)]
    reverting = [adf(series(seed, 250, 0.5), lags=2) for seed in range(100)]
    rejected = sum((found.p or 0.0) < 0.05 for found in walks)
    assert 8 <= rejected <= 36  # 20 expected, standard deviation 4.4
    assert sum((found.p or 0.0) < 0.05 for found in reverting) >= 98


def test_a_level_is_seldom_rejected_and_a_walk_nearly_always() -> None:
    still = [kpss(series(seed, 250, 0.0), lags=4) for seed in range(400)]
    walks = [kpss(series(seed, 250, 1.0), lags=4) for seed in range(100)]
    assert 8 <= sum((found.p or 0.0) < 0.05 for found in still) <= 36
    assert sum((found.p or 0.0) < 0.05 for found in walks) >= 88


@given(SEEDS, st.sampled_from((0.3, 0.9, 1.0)), st.floats(1e-6, 1e6), st.floats(-100.0, 100.0), st.booleans())
@settings(max_examples=40)
def test_unit_level_and_sign_do_not_matter(seed: int, b: float, scale: float, level: float, mirrored: bool) -> None:
    x = series(seed, 120, b)
    other = (level + x) * (-scale if mirrored else scale)
    for test in (adf, kpss):
        one, moved = test(x), test(other)
        assert moved.statistic == pytest.approx(one.statistic, rel=1e-6, abs=1e-7)
        assert moved.p == pytest.approx(one.p, rel=1e-5, abs=1e-7)
        assert moved.lags == one.lags


@given(SEEDS)
@settings(max_examples=20)
def test_the_level_test_does_not_know_the_direction_of_time(seed: int) -> None:
    x = series(seed, 100, 0.8)
    assert kpss(x[::-1]).statistic == pytest.approx(kpss(x).statistic)


# By hand


def test_the_level_statistic_by_hand() -> None:
    """−1, 1 in turn, 20 times: partial sums −1, 0, −1, 0 …; Σ S² = 10, s² = 1 without lags: 10/(400·1)."""
    assert kpss([-1.0, 1.0] * 10, lags=0).statistic == pytest.approx(0.025)
    # One lag: γ₁ = −19/20, weight ½, so s² = 1 − 19/20 = 0.05.
    assert kpss([-1.0, 1.0] * 10, lags=1).statistic == pytest.approx(0.5)


def test_the_unit_root_statistic_by_hand() -> None:
    """Without lags the t of one slope: b/√(s²/Σ(x − x̄)²)."""
    x = series(9, 50, 0.7)
    before, change = x[:-1], np.diff(x)
    off = before - before.mean()
    slope = float(off @ change / (off @ off))
    errors = change - change.mean() - slope * off
    t = slope / math.sqrt(float(errors @ errors) / (len(change) - 2) / float(off @ off))
    assert adf(x, lags=0).statistic == pytest.approx(t)


@pytest.mark.parametrize(("n", "down", "up"), [(100, 12, 12), (252, 15, 16), (500, 17, 18), (30, 8, 9)])
def test_the_usual_lags_are_those_of_schwert(n: int, down: int, up: int) -> None:
    """12·(n/100)^¼: 12, 15.12, 17.94, 8.88."""
    x = series(2, n, 0.5)
    assert (adf(x).lags, kpss(x).lags) == (down, up)


def test_lags_end_where_the_sample_does() -> None:
    x = series(2, 24, 0.5)
    assert adf(x, lags=100).lags == 8
    assert kpss(x, lags=100).lags == 23


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0, 2.0] * 9,
        [1.0] * 50,
        [*range(30), math.nan],
        [*range(30), math.inf],
        np.zeros((30, 2)),
    ],
)
@pytest.mark.parametrize("test", [adf, kpss])
def test_what_cannot_be_tested_has_a_reason_and_no_number(test: object, values: list[float]) -> None:
    assert callable(test)
    found = test(values)
    assert (found.statistic, found.p, found.lags) == (None, None, 0)
    assert str(stationarity.LEAST) in found.reason


def test_a_line_without_noise_determines_no_regression() -> None:
    found = adf(np.arange(40.0), lags=1)
    assert (found.statistic, found.p, found.reason) == (None, None, "the regression is not determined")


@given(st.lists(st.sampled_from((0.0, 1.0, -1.0, 2.5)), min_size=20, max_size=60))
def test_there_is_a_number_or_a_reason_never_both_nor_a_nan(values: list[float]) -> None:
    for found in (adf(values), kpss(values)):
        assert (found.statistic is None) == (found.p is None) == (found.reason is not None)
        if found.statistic is not None and found.p is not None:
            assert math.isfinite(found.statistic)
            assert 0.0 <= found.p <= 1.0
