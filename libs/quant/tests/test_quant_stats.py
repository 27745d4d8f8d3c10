"""Performance figures against slow twins and hand numbers; bootstrap and HAR laws."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stats import bootstrap, har, performance

RETURNS = st.lists(st.floats(-0.2, 0.2), min_size=2, max_size=60)
PNLS = st.lists(st.integers(-100, 100).map(float), max_size=40)
EQUITY = st.lists(st.floats(1.0, 1000.0), min_size=1, max_size=60)


@settings(deadline=None)
@given(RETURNS, st.floats(1.0, 365.0))
def test_sharpe_and_sortino_twins(returns, periods):
    mean, spread = statistics.fmean(returns), statistics.stdev(returns)
    got = performance.sharpe(returns, periods_per_year=periods)
    if got is None:
        assert spread < 1e-15
    elif spread > 1e-9:
        assert got == pytest.approx(mean / spread * math.sqrt(periods), rel=1e-6, abs=1e-9)
    short = math.sqrt(sum(r * r for r in returns if r < 0) / len(returns))
    got = performance.sortino(returns, periods_per_year=periods)
    if got is None:
        assert short < 1e-15
    elif short > 1e-9:
        assert got == pytest.approx(mean / short * math.sqrt(periods), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(EQUITY)
def test_drawdown_is_the_worst_of_all_pairs(equity):
    got = performance.max_drawdown(equity)
    worst = max(1 - equity[j] / equity[i] for i in range(len(equity)) for j in range(i, len(equity)))
    assert got.depth == pytest.approx(worst, abs=1e-15)
    assert got.peak <= got.trough
    assert 1 - equity[got.trough] / equity[got.peak] == got.depth


@settings(deadline=None)
@given(PNLS)
def test_trade_figures(pnls):
    gains, losses = [p for p in pnls if p > 0], [-p for p in pnls if p < 0]
    assert performance.profit_factor(pnls) == (sum(gains) / sum(losses) if losses else None)
    assert performance.win_rate(pnls) == (pytest.approx(len(gains) / len(pnls)) if pnls else None)
    assert performance.expectancy(pnls) == (pytest.approx(sum(pnls) / len(pnls), abs=1e-12) if pnls else None)


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_cvar_is_the_variational_minimum(values, level):
    """Rockafellar and Uryasev: CVaR = min over a of a + E[(loss − a)+]/(1 − level), met at one of the losses."""
    losses = [-v for v in values]
    want = min(a + sum(max(x - a, 0.0) for x in losses) / len(losses) / (1 - level) for a in losses)
    assert performance.cvar(values, level=level) == pytest.approx(want, abs=1e-9)


@settings(deadline=None)
@given(EQUITY.filter(lambda e: len(e) > 1), st.floats(0.1, 20.0))
def test_cagr_compounds_to_the_total_return(equity, years):
    growth = performance.cagr(equity, years=years)
    assert growth == pytest.approx(math.expm1(math.log(equity[-1] / equity[0]) / years), rel=1e-9, abs=1e-12)


def test_undefined_is_none():
    assert performance.total_return([100.0]) is None
    assert performance.sharpe([0.01] * 5, periods_per_year=252.0) is None
    assert performance.sortino([0.01, 0.02], periods_per_year=252.0) is None
    assert performance.max_drawdown([]) is None
    assert performance.cvar([]) is None
    assert performance.cagr([100.0, -5.0], years=1.0) == -1.0


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="equity must begin above 0"):
        performance.max_drawdown([0.0, 1.0])
    with pytest.raises(ValueError, match=r"returns must be finite, got nan at position 1"):
        performance.sharpe([0.1, math.nan], periods_per_year=252.0)
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        performance.cvar([1.0], level=1.0)


DRAWS = [bootstrap.stationary(4.0), bootstrap.circular(4), bootstrap.circular(1), bootstrap.stationary(1.0)]


@settings(deadline=None)
@given(st.sampled_from(DRAWS), st.integers(0, 80), st.integers(0, 1000))
def test_draws_are_seeded_and_inside(draw, n, seed):
    one, two = draw(n, np.random.default_rng(seed)), draw(n, np.random.default_rng(seed))
    assert one.shape == (n,)
    assert ((one >= 0) & (one < max(n, 1))).all()
    assert one.tolist() == two.tolist()


def test_blocks_have_the_promised_length():
    n = 100_000
    for draw in (bootstrap.stationary(10.0), bootstrap.circular(10)):
        drawn = draw(n, np.random.default_rng(3))
        breaks = np.sum(np.diff(drawn) % n != 1)
        assert n / breaks == pytest.approx(10.0, rel=0.05)
        assert drawn.mean() == pytest.approx(n / 2, rel=0.05)


def test_interval_of_independent_values_covers_like_the_normal_one():
    rng = np.random.default_rng(5)
    values = rng.normal(1.0, 2.0, 400)
    got = bootstrap.interval(lambda x: float(x.mean()), values, draw=bootstrap.circular(1), rng=rng, level=0.9)
    half = 1.645 * values.std(ddof=1) / 20
    assert (got.low, got.high) == (
        pytest.approx(values.mean() - half, abs=0.03),
        pytest.approx(values.mean() + half, abs=0.03),
    )
    assert (got.resamples, got.undefined) == (1000, 0)


def test_blocks_widen_the_interval_of_a_dependent_series():
    rng = np.random.default_rng(6)
    noise = rng.normal(size=2000)
    series = np.zeros(2000)
    for i in range(1, 2000):
        series[i] = 0.8 * series[i - 1] + noise[i]

    def width(draw):
        got = bootstrap.interval(lambda x: float(x.mean()), series, draw=draw, rng=np.random.default_rng(0))
        return got.high - got.low

    naive = width(bootstrap.circular(1))
    for draw in (bootstrap.stationary(40.0), bootstrap.circular(40)):
        assert 2.0 < width(draw) / naive < 3.5  # the long-run standard deviation is 3 times the naive one


def test_interval_without_a_value_is_none():
    rng = np.random.default_rng(0)
    assert bootstrap.interval(lambda x: None, [1.0, 2.0], draw=bootstrap.circular(1), rng=rng) is None
    assert bootstrap.interval(lambda x: 1.0, [1.0], draw=bootstrap.circular(1), rng=rng) is None
    for bad in (lambda: bootstrap.stationary(0.5), lambda: bootstrap.circular(0)):
        with pytest.raises(ValueError, match="block must be at least 1"):
            bad()


def variances(seed, n=900):
    """A persistent log variance: a slow and a fast part, and noise."""
    rng = np.random.default_rng(seed)
    slow, fast, out = 0.0, 0.0, np.empty(n)
    for i in range(n):
        slow = 0.98 * slow + 0.1 * rng.normal()
        fast = 0.7 * fast + 0.3 * rng.normal()
        out[i] = math.exp(-9.5 + slow + fast + 0.2 * rng.normal())
    return out


LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def twin_rows(v, h, log):
    """Regressors and target day by day."""
    g = math.log if log else float
    rows, targets = [], []
    for t in range(21, len(v) - h):
        rows.append([1.0, g(v[t]), g(statistics.fmean(v[t - 4 : t + 1])), g(statistics.fmean(v[t - 21 : t + 1]))])
        targets.append(g(statistics.fmean(v[t + 1 : t + h + 1])))
    return np.array(rows), np.array(targets)


@pytest.mark.parametrize("scale", ["log", "level"])
@pytest.mark.parametrize("seed", [1, 2])
def test_har_is_least_squares_on_hand_made_rows(scale, seed):
    v = variances(seed, 300)
    model = har.fit(v, horizons=[1, 5, 21], levels=LEVELS, scale=scale)
    for i, h in enumerate((1, 5, 21)):
        rows, targets = twin_rows(v, h, scale == "log")
        unit = np.array([1.0, *np.abs(rows[:, 1:]).max(axis=0)])
        normal = np.linalg.solve((rows / unit).T @ (rows / unit), (rows / unit).T @ targets) / unit
        np.testing.assert_allclose(model.coefficients[i], normal, rtol=1e-6, atol=1e-9)
        errors = targets - rows @ normal
        np.testing.assert_allclose(
            model.residual_quantiles[i], np.quantile(errors, LEVELS), rtol=1e-6, atol=1e-9 * np.abs(targets).max()
        )
        assert model.rows[i] == len(targets)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_forecast_laws(seed, factor):
    """Quantiles ascend, only the last 22 days count, and another unit of variance only rescales."""
    v = variances(seed, 200)
    model = har.fit(v, horizons=[1, 10], levels=LEVELS)
    got = har.forecast(model, v)
    assert (np.diff(got, axis=1) >= 0).all()
    assert (got >= v.min()).all()
    changed = np.concatenate([np.ones(30), v[-22:]])
    np.testing.assert_array_equal(har.forecast(model, changed), got)
    other = har.fit(v * factor, horizons=[1, 10], levels=LEVELS)
    np.testing.assert_allclose(har.forecast(other, v * factor), got * factor, rtol=1e-6)


def test_the_future_changes_no_fit():
    v = variances(4, 500)
    one = har.fit(v[:400], horizons=[1, 5], levels=LEVELS)
    two = har.fit(np.concatenate([v, v])[:400], horizons=[1, 5], levels=LEVELS)
    assert one.coefficients.tobytes() == two.coefficients.tobytes()
    # A shock on the last day is a target only: it must not enter any row as regressor.
    shocked = v[:400].copy()
    shocked[-1] *= 50
    rows = har.regressors(shocked, "log")[:-1]
    assert rows.tobytes() == har.regressors(v[:400], "log")[:-1].tobytes()


def test_quantiles_cover_out_of_sample():
    v = variances(9, 6000)
    model = har.fit(v[:3000], horizons=[1, 5], levels=LEVELS)
    for i, h in enumerate((1, 5)):
        below = np.zeros(len(LEVELS))
        days = range(3000, 6000 - h)
        for t in days:
            below += v[t + 1 : t + 1 + h].mean() <= har.forecast(model, v[t - 21 : t + 1])[i]
        np.testing.assert_allclose(below / len(days), LEVELS, atol=0.08)
    assert model.r_squared[0] > 0.3


def test_har_refusals():
    v = variances(1, 100)
    assert har.fit(v[:80], horizons=[5], levels=[0.5]) is None
    assert har.fit(v, horizons=[20], levels=[0.5]) is None
    with pytest.raises(ValueError, match=r"variance must be finite and above 0, got 0\.0 at position 3"):
        har.fit(np.where(np.arange(100) == 3, 0.0, v), horizons=[1], levels=[0.5])
    with pytest.raises(ValueError, match="levels must ascend"):
        har.fit(v, horizons=[1], levels=[0.9, 0.5])
    with pytest.raises(ValueError, match="horizons"):
        har.fit(v, horizons=[0], levels=[0.5])
    with pytest.raises(ValueError, match="scale"):
        har.fit(v, horizons=[1], levels=[0.5], scale="sqrt")
    model = har.fit(v, horizons=[1], levels=[0.5])
    with pytest.raises(ValueError, match="at least 22 days, got 21"):
        har.forecast(model, v[:21])
