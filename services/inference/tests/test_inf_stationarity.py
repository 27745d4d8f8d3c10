"""ADF and KPSS: what they say of walks and reverting series, equivariance, and the label of low power."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tools.sm_exceptions import InterpolationWarning
from statsmodels.tsa.stattools import adfuller, kpss

from contango_inference.stationarity import stationarity


def series(seed, n, b):
    noise = np.random.default_rng(seed).normal(size=n + 200)
    x = np.zeros(n + 200)
    for t in range(1, x.size):
        x[t] = b * x[t - 1] + noise[t]
    return x[200:]


@pytest.mark.parametrize(("b", "verdict"), [(0.2, "stationary"), (1.0, "unit_root")])
def test_long_series_are_told_apart(b, verdict):
    found = [stationarity(series(seed, 600, b), half_life_samples=20.0) for seed in range(10)]
    assert sum(f.verdict == verdict for f in found) >= 8
    assert not any(f.low_power for f in found)


def test_figures_are_those_of_statsmodels():
    x = series(1, 300, 0.9)
    got = stationarity(x, half_life_samples=10.0)
    adf = adfuller(x, regression="c", autolag="AIC", result_object=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterpolationWarning)
        level = kpss(x, regression="c", nlags="auto", result_object=True)
    assert (got.adf_statistic, got.adf_p) == (pytest.approx(adf.statistic), pytest.approx(adf.pvalue))
    assert (got.kpss_statistic, got.kpss_p) == (pytest.approx(level.statistic), pytest.approx(level.pvalue))


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(1e-100, 1e100), st.booleans())
def test_units_and_sign_do_not_matter(seed, scale, mirrored):
    x = series(seed, 80, 0.9)
    one = stationarity(x, half_life_samples=10.0)
    other = stationarity(x * (-scale if mirrored else scale), half_life_samples=10.0)
    assert other.verdict == one.verdict
    assert other.adf_statistic == pytest.approx(one.adf_statistic, rel=1e-6)
    assert other.kpss_statistic == pytest.approx(one.kpss_statistic, rel=1e-6)


def test_power_is_what_happens_and_a_year_of_days_has_little():
    """Half-life 60 days: the plain test rejects a random walk one time in ten."""
    b = 0.5 ** (1.0 / 60.0)
    label = stationarity(series(0, 252, b), half_life_samples=60.0)
    assert label.low_power
    rejected = 0
    for seed in range(300):
        x = series(seed, 252, b)
        rejected += adfuller(x, regression="c", maxlag=0, autolag=None, result_object=True).pvalue < 0.05
    # The coefficient's test and the t test that is counted here are near each other, not the same.
    assert label.power == pytest.approx(rejected / 300, abs=0.06)


@settings(max_examples=15)
@given(st.floats(1.0, 200.0), st.integers(20, 200))
def test_power_falls_with_the_half_life_and_never_below_the_size(half_life, n):
    x = series(0, n, 0.5)
    near, far = (stationarity(x, half_life_samples=h).power for h in (half_life, 2.0 * half_life))
    assert 0.05 - 1e-6 <= far <= near <= 1.0
    assert stationarity(x, half_life_samples=half_life).low_power == (near < 0.8)


def test_clipped_p_values_are_said_to_be_so():
    quiet = stationarity(series(3, 500, 0.0), half_life_samples=5.0)
    assert (quiet.kpss_p, quiet.kpss_p_clipped, quiet.verdict) == (0.10, True, "stationary")
    wide = stationarity(series(3, 500, 0.0), half_life_samples=5.0, size=0.10)
    assert wide.verdict == "stationary"  # a p-value above 0.10 shows as 0.10
    walk = stationarity(series(4, 500, 1.0), half_life_samples=5.0, size=0.01)
    assert (walk.kpss_p, walk.verdict) == (0.01, "unit_root")  # and one below 0.01 as 0.01


def test_too_little_is_none_and_bad_input_is_named():
    assert stationarity([1.0, 2.0, 3.0], half_life_samples=5.0) is None
    assert stationarity([0.3] * 50, half_life_samples=5.0) is None
    with pytest.raises(ValueError, match=r"values must be finite, got nan at position 1"):
        stationarity([1.0, math.nan], half_life_samples=5.0)
    with pytest.raises(ValueError, match=r"half_life_samples must be above 0, got 0.0"):
        stationarity([1.0], half_life_samples=0.0)
    with pytest.raises(ValueError, match=r"size must be from 0.01 to 0.10, got 0.2"):
        stationarity([1.0], half_life_samples=5.0, size=0.2)
