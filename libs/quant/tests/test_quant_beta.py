"""Beta: equal to pandas and statsmodels, honest errors, joined by time, never made up."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stats import align, beta, ewma

PAIRS = st.integers(2, 60).flatmap(lambda n: st.tuples(*[st.lists(st.floats(-0.2, 0.2), min_size=n, max_size=n)] * 2))


def market(seed, n, slope=1.3, noise=0.01, df=5):
    rng = np.random.default_rng(seed)
    x = 0.01 * rng.standard_t(df, size=n)
    return x, slope * x + noise * rng.standard_t(df, size=n)


def closes(returns):
    return 100.0 * np.exp(np.concatenate(([0.0], np.cumsum(returns))))


@settings(max_examples=40)
@given(PAIRS, st.floats(0.5, 60.0))
def test_ewma_moments_are_those_of_pandas(pair, halflife):
    x, y = (pd.Series(p) for p in pair)
    got = ewma.moments(x, y, halflife=halflife)
    kernel = {"halflife": halflife, "adjust": True}
    np.testing.assert_allclose(got.cov, x.ewm(**kernel).cov(y, bias=True), rtol=1e-7, atol=1e-15)
    np.testing.assert_allclose(got.var_x, x.ewm(**kernel).var(bias=True), rtol=1e-7, atol=1e-15)


@pytest.mark.parametrize("halflife", [5.0, 20.0])
def test_ewma_beta_and_correlation_are_those_of_pandas(halflife):
    x, y = (pd.Series(s) for s in market(1, 400))
    kernel = {"halflife": halflife, "adjust": True}
    cov, var = y.ewm(**kernel).cov(x, bias=True), x.ewm(**kernel).var(bias=True)
    np.testing.assert_allclose(ewma.ewma_beta(y, x, halflife=halflife)[1:], (cov / var)[1:], rtol=1e-12)
    want = y.ewm(**kernel).corr(x)
    np.testing.assert_allclose(ewma.ewma_correlation(y, x, halflife=halflife)[1:], want[1:], rtol=1e-12)


@pytest.mark.parametrize("window", [2, 20, 60])
def test_rolling_beta_is_that_of_pandas(window):
    x, y = (pd.Series(s) for s in market(2, 300))
    want = y.rolling(window).cov(x) / x.rolling(window).var()
    got = beta.rolling_beta(y, x, window=window)
    np.testing.assert_allclose(got, want, rtol=1e-7)


def blend_of(x, y, ts=None):
    ts = np.arange(len(x) + 1) if ts is None else ts
    return beta.dynamic_beta(ts, closes(y), ts, closes(x))


def test_blend_is_the_weighted_sum_of_the_three():
    x, y = market(3, 250)
    got = blend_of(x, y)
    assert got.ewma.beta == pytest.approx(ewma.ewma_beta(y, x, halflife=20.0)[-1], rel=1e-9)
    assert got.rolling_20.beta == pytest.approx(np.polyfit(x[-20:], y[-20:], 1)[0], rel=1e-9)
    assert got.rolling_60.beta == pytest.approx(np.polyfit(x[-60:], y[-60:], 1)[0], rel=1e-9)
    want = 0.5 * got.ewma.beta + 0.3 * got.rolling_20.beta + 0.2 * got.rolling_60.beta
    assert got.blend.beta == pytest.approx(want, rel=1e-12)
    assert got.correlation == pytest.approx(np.corrcoef(x[-60:], y[-60:])[0, 1], rel=1e-9)
    assert (got.returns, got.reason) == (250, None)


def test_errors_of_rolling_betas_are_hc3():
    x, y = market(4, 200)
    got = blend_of(x, y)
    for window, estimate in ((20, got.rolling_20), (60, got.rolling_60)):
        fit = sm.OLS(y[-window:], sm.add_constant(x[-window:])).fit(cov_type="HC3")
        assert (estimate.beta, estimate.se) == (pytest.approx(fit.params[1]), pytest.approx(fit.bse[1]))


def test_error_of_the_blend_covers_the_truth():
    """Wild days and quiet ones: 95 % intervals hold the true beta in 90 to 98 of 100 samples."""
    hits = {"blend": 0, "ewma": 0, "rolling_60": 0}
    for seed in range(400):
        x, y = market(1000 + seed, 120)
        got = blend_of(x, y)
        for name in hits:
            estimate = getattr(got, name)
            hits[name] += abs(estimate.beta - 1.3) < 1.96 * estimate.se
    for name, count in hits.items():
        assert 0.90 < count / 400 < 0.98, name


@settings(max_examples=15)
@given(st.floats(-3.0, 3.0), st.floats(0.1, 5.0), st.floats(0.01, 100.0))
def test_beta_follows_leverage_hedge_and_currency(added, leverage, rate):
    x, y = market(5, 90)
    one = blend_of(x, y)
    ts = np.arange(91)
    other = beta.dynamic_beta(ts, rate * closes(leverage * y + added * x), ts, closes(x))
    assert other.blend.beta == pytest.approx(leverage * one.blend.beta + added, rel=1e-7, abs=1e-7)
    assert other.blend.se == pytest.approx(leverage * one.blend.se, rel=1e-7)


def test_a_lost_day_changes_nothing_but_that_day():
    """Joined by tail, the shifted days would have next to no beta."""
    x, y = market(6, 400, noise=0.001)
    ts = np.arange(401)
    kept = np.delete(ts, 250)
    got = beta.dynamic_beta(kept, closes(y)[kept], ts, closes(x))
    assert got.returns == 399
    assert got.blend.beta == pytest.approx(1.3, abs=0.1)
    assert got.correlation > 0.9
    tail = beta.correlation(np.diff(np.log(closes(y)[kept]))[-390:-150], x[-390:-150])
    assert tail < 0.3


def test_too_little_is_none_with_a_count():
    x, y = market(7, 59)
    got = blend_of(x, y)
    assert (got.blend, got.correlation, got.returns, got.reason) == (None, None, 59, beta.TOO_FEW)
    assert blend_of(*market(7, 60)).blend is not None
    flat = blend_of(np.zeros(100), market(7, 100)[1])
    assert (flat.blend, flat.reason) == (None, beta.MARKET_FLAT)


def test_fallback_is_labelled():
    assert dict(beta.ASSET_BETAS) == {"SPY": 1.0, "QQQ": 1.15, "IWM": 1.2, "TLT": -0.3, "GLD": 0.05}
    assert beta.fallback_beta("TLT") == ("TLT", -0.3, "fallback")
    assert beta.fallback_beta("XYZ") is None


TIMES = st.lists(st.integers(-50, 50), unique=True, max_size=30).map(sorted)


@given(TIMES, TIMES)
def test_join_is_that_of_pandas_and_symmetric(a, b):
    va, vb = np.array(a, dtype=float) * 2, np.array(b, dtype=float) * 3
    got = align.inner_join(a, va, b, vb)
    want = pd.concat([pd.Series(va, index=a), pd.Series(vb, index=b)], axis=1, join="inner")
    assert got.ts.tolist() == want.index.tolist()
    assert (got.a.tolist(), got.b.tolist()) == ([2.0 * t for t in got.ts], [3.0 * t for t in got.ts])
    other = align.inner_join(b, vb, a, va)
    assert (other.ts.tolist(), other.b.tolist()) == (got.ts.tolist(), got.a.tolist())


def test_join_takes_dates():
    days = np.array(["2024-01-02", "2024-01-03", "2024-01-05"], dtype="datetime64[D]")
    got = align.inner_join(days, [1.0, 2.0, 3.0], days[1:].astype("datetime64[ns]"), [7.0, 8.0])
    assert (got.a.tolist(), got.b.tolist()) == ([2.0, 3.0], [7.0, 8.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: align.inner_join([1, 1], [1.0, 2.0], [1], [1.0]), r"ts_a must be strictly ascending, got 1 then 1"),
        (lambda: align.inner_join([1.5], [1.0], [1], [1.0]), r"ts_a must be integers or datetime64, got float64"),
        (lambda: align.inner_join([1, 2], [1.0], [1], [1.0]), r"a must have one value a timestamp, got 1 for 2"),
        (lambda: align.inner_join([1], [math.nan], [1], [1.0]), r"a must be finite, got nan at position 0"),
        (
            lambda: align.inner_join([1], [1.0], np.array(["2024-01-01"], dtype="datetime64[D]"), [1.0]),
            r"ts_a and ts_b must be of one kind",
        ),
        (lambda: beta.dynamic_beta([1], [0.0], [1], [1.0]), r"asset_close must be finite and above 0, got 0.0"),
        (
            lambda: beta.rolling_beta([1.0], [1.0, 2.0], window=2),
            r"equally long, got asset_returns 1, market_returns 2",
        ),
        (lambda: ewma.ewma_beta([1.0], [1.0], halflife=-1.0), r"halflife must be finite and above 0, got -1.0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_huge_and_tiny_returns_keep_their_beta():
    x, y = market(8, 80)
    base = ewma.ewma_beta(y, x, halflife=20.0)[-1]
    assert ewma.ewma_beta(y * 1e-200, x * 1e-200, halflife=20.0)[-1] == pytest.approx(base)
    assert beta.rolling_beta(y * 1e200, x * 1e200, window=60)[-1] == pytest.approx(
        beta.rolling_beta(y, x, window=60)[-1]
    )


def test_a_single_day_that_decides_alone_has_no_error():
    """In the last 20 days the market moved once: the line runs through that day exactly."""
    x, y = market(9, 100)
    x[-20:] = 0.0
    x[-5] = 0.02
    got = blend_of(x, y)
    assert got.rolling_20.beta == pytest.approx(y[-5] / 0.02 - np.delete(y[-20:], 15).mean() / 0.02)
    assert got.rolling_20.se is None
    assert got.rolling_60.se > 0.0
