"""Errors of Sharpe ratios, their scaling with time, and ratios deflated by trials: printed numbers and coverage."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from contango_quant.stats import deflated, performance, sharpe

RETURNS = st.lists(st.floats(-0.2, 0.2), min_size=5, max_size=60).filter(lambda r: np.std(r) > 1e-4)


@pytest.mark.parametrize(
    ("ratio", "samples", "printed"),
    [(0.5, 12, 0.306), (0.5, 60, 0.137), (1.0, 60, 0.158), (1.5, 24, 0.298), (3.0, 500, 0.105)],
)
def test_normal_errors_are_the_printed_ones(ratio, samples, printed):
    """Lo (2002), table 1: errors by ratio and number of independent returns."""
    assert sharpe.standard_error_normal(ratio, samples=samples) == pytest.approx(printed, abs=6e-4)


@pytest.mark.parametrize(("rho", "printed"), [(-0.2, 4.17), (0.0, 3.46), (0.2, 2.88)])
def test_twelve_autocorrelated_months_scale_as_printed(rho, printed):
    """Lo (2002), time aggregation: monthly to annual with first-order autocorrelation −20 %, none and +20 %."""
    got = sharpe.aggregation_factor([rho**k for k in range(1, 12)], periods=12)
    assert got == pytest.approx(printed, abs=0.006)


@given(st.floats(-0.9, 0.9), st.integers(1, 60))
def test_scaling_of_an_autoregression_is_the_closed_form(rho, q):
    """Lo (2002), time aggregation of first-order autoregressive returns."""
    got = sharpe.aggregation_factor([rho**k for k in range(1, q)] or [0.0], periods=q)
    inner = 1.0 + 2.0 * rho / (1.0 - rho) * (1.0 - (1.0 - rho**q) / (q * (1.0 - rho)))
    assert got == pytest.approx(math.sqrt(q / inner), rel=1e-9)


def test_impossible_autocorrelations_have_no_factor():
    assert sharpe.aggregation_factor([-1.0], periods=12) is None
    assert sharpe.aggregation_factor([], periods=12) == pytest.approx(math.sqrt(12.0))


@settings(max_examples=40)
@given(RETURNS, st.integers(0, 5))
def test_error_is_the_two_moment_one_by_newey_and_west(returns, lags):
    """Mean and mean square as regressions on a constant, covariance by statsmodels, then the gradient."""
    r = np.array(returns)
    pair = np.column_stack([r, r**2])
    mean, square = pair.mean(axis=0)
    s = math.sqrt(square - mean**2)
    gradient = np.array([1.0 / s + mean**2 / s**3, -0.5 * mean / s**3])
    combined = pair @ gradient
    fit = sm.OLS(combined, np.ones(r.size)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    got = sharpe.standard_error(r, lags=lags)
    # Standard deviations with n and with n − 1 differ.
    assert got == pytest.approx(fit.bse[0], rel=3.0 / r.size, abs=1e-9)


@settings(max_examples=40)
@given(RETURNS, st.integers(0, 8))
def test_long_run_variance_is_that_of_statsmodels(returns, lags):
    r = np.array(returns)
    fit = sm.OLS(r, np.ones(r.size)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    assert sharpe.long_run_variance(r, lags=lags) == pytest.approx(fit.bse[0] ** 2 * r.size, rel=1e-6, abs=1e-12)


@settings(max_examples=40)
@given(RETURNS)
def test_without_lags_it_is_mertens_error(returns):
    figures = deflated.moments(returns)
    n = figures.samples
    want = (1.0 - figures.skewness * figures.sharpe + 0.25 * (figures.kurtosis - 1.0) * figures.sharpe**2) / n
    assert sharpe.standard_error(returns, lags=0) == pytest.approx(math.sqrt(want), rel=3.0 / n, abs=1e-9)


@settings(max_examples=30)
@given(RETURNS, st.floats(1e-3, 1e3), st.integers(0, 4))
def test_leverage_changes_nothing_and_a_short_position_mirrors(returns, leverage, lags):
    base = sharpe.interval(returns, periods_per_year=252.0, lags=lags)
    other = sharpe.interval([r * leverage for r in returns], periods_per_year=252.0, lags=lags)
    short = sharpe.interval([-r for r in returns], periods_per_year=252.0, lags=lags)
    assert other[:4] == pytest.approx(base[:4], rel=1e-7, abs=1e-7)
    assert (short.low, short.high) == (pytest.approx(-base.high, abs=1e-7), pytest.approx(-base.low, abs=1e-7))
    assert base.low <= base.sharpe <= base.high
    assert base.sharpe == pytest.approx(performance.sharpe(returns, periods_per_year=252.0), rel=1e-9)


def cover(draw, truth, lags, rounds=600):
    hits = 0
    for seed in range(rounds):
        got = sharpe.interval(draw(np.random.default_rng(seed)), periods_per_year=1.0, lags=lags, level=0.9)
        hits += got.low < truth < got.high
    return hits / rounds


def test_interval_covers_skewed_returns():
    """A premium seller's month: small gains, now and then a large loss; skewness about −2."""

    def draw(rng):
        return 0.12 - rng.gamma(0.8, 0.1, 300)

    truth = (0.12 - 0.08) / (0.1 * math.sqrt(0.8))
    assert cover(draw, truth, 0) == pytest.approx(0.9, abs=0.035)


def autoregressive(rng, n=750, rho=0.3):
    noise = rng.normal(size=n + 50)
    r = np.zeros(n + 50)
    for t in range(1, r.size):
        r[t] = rho * r[t - 1] + noise[t]
    return 0.1 * math.sqrt(1.0 / (1.0 - rho**2)) + r[50:]


def test_only_lags_cover_autocorrelated_returns():
    assert cover(autoregressive, 0.1, sharpe.usual_lags(750)) == pytest.approx(0.88, abs=0.035)
    assert cover(autoregressive, 0.1, 0) < 0.82


def test_long_run_variance_of_an_autoregression():
    r = autoregressive(np.random.default_rng(1), n=200_000, rho=0.5)
    assert sharpe.long_run_variance(r, lags=100) == pytest.approx(1.0 / (1.0 - 0.5) ** 2, rel=0.05)


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=30).filter(lambda r: np.std(r) > 1e-3), st.integers(1, 3))
def test_autocorrelations_are_those_of_statsmodels(values, lags):
    got = sharpe.autocorrelations(values, lags=lags)
    np.testing.assert_allclose(got, sm.tsa.acf(np.array(values), nlags=lags, fft=False)[1:], atol=1e-10)


def test_too_little_is_none():
    assert sharpe.interval([0.1, 0.2], periods_per_year=252.0) is None
    assert sharpe.interval([0.1] * 9, periods_per_year=252.0) is None
    assert sharpe.interval([], periods_per_year=252.0) is None
    assert sharpe.autocorrelations([1.0, 2.0], lags=2) is None
    assert deflated.moments([0.1, 0.2]) is None


MONTH = math.sqrt(12.0)


def test_probabilistic_ratio_of_the_papers_fund():
    """Bailey and López de Prado (2012), a fund of 24 months: annual 1.59, skewness −2.448, kurtosis 10.164."""
    fund = {"benchmark": 0.0, "samples": 24}
    assert deflated.probabilistic_sharpe(0.458, **fund) == pytest.approx(0.982, abs=5e-4)
    shaped = deflated.probabilistic_sharpe(0.458, **fund, skewness=-2.448, kurtosis=10.164)
    assert shaped == pytest.approx(0.913, abs=5e-4)


@pytest.mark.parametrize(
    ("per_year", "skewness", "kurtosis", "years"),
    [(252, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83), (12, 0.0, 3.0, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_least_records_are_the_printed_ones(per_year, skewness, kurtosis, years):
    """Bailey and López de Prado (2012): annual ratio 2 against 1 at 95 %, daily, weekly and monthly returns."""
    root = math.sqrt(per_year)
    got = deflated.min_track_record(2.0 / root, benchmark=1.0 / root, skewness=skewness, kurtosis=kurtosis)
    assert got / per_year == pytest.approx(years, abs=0.006)


def test_deflated_ratio_of_the_papers_strategy():
    """Bailey and López de Prado (2014), numerical example: annual ratio 2.5 over 5 years, variance ½ among trials."""
    record = {"samples": 1250, "skewness": -3.0, "kurtosis": 10.0, "variance": 0.5 / 250.0}
    daily = 2.5 / math.sqrt(250.0)
    assert deflated.expected_max_sharpe(trials=100, variance=0.5 / 250.0) == pytest.approx(0.1132, abs=5e-5)
    assert deflated.deflated_sharpe(daily, trials=100, **record) == pytest.approx(0.9004, abs=5e-5)
    # 46 trials would have just passed 95 %, and 88 with normal returns.
    assert deflated.deflated_sharpe(daily, trials=46, **record) == pytest.approx(0.9505, abs=5e-4)
    normal = {**record, "skewness": 0.0, "kurtosis": 3.0}
    assert deflated.deflated_sharpe(daily, trials=88, **normal) == pytest.approx(0.9505, abs=1e-3)


@pytest.mark.parametrize(("trials", "near"), [(5, 0.04), (10, 0.025), (100, 0.01), (1000, 0.005)])
def test_expected_maximum_is_near_the_exact_one(trials, near):
    def density(x):
        return x * trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (trials - 1)

    exact = integrate.quad(density, -10, 12)[0]
    assert deflated.expected_max_sharpe(trials=trials, variance=1.0) == pytest.approx(exact, rel=near)


@given(st.floats(1.0, 1e6), st.floats(1.0, 100.0), st.floats(0.0, 10.0))
def test_more_trials_never_expect_less(trials, more, variance):
    one = deflated.expected_max_sharpe(trials=trials, variance=variance)
    assert 0.0 <= one <= deflated.expected_max_sharpe(trials=trials + more, variance=variance) + 1e-12
    assert deflated.expected_max_sharpe(trials=1, variance=variance) == 0.0


SHAPES = st.floats(-3.0, 3.0).flatmap(lambda g: st.tuples(st.just(g), st.floats(1.0 + g * g, 30.0 + g * g)))


@settings(max_examples=80)
@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0), st.integers(2, 5000), SHAPES)
def test_probability_is_one_half_at_the_benchmark_and_rises_with_the_record(ratio, benchmark, n, shape):
    skewness, kurtosis = shape
    rest = {"skewness": skewness, "kurtosis": kurtosis}
    got = deflated.probabilistic_sharpe(ratio, benchmark=benchmark, samples=n, **rest)
    assert 0.0 <= got <= 1.0
    assert deflated.probabilistic_sharpe(ratio, benchmark=ratio, samples=n, **rest) == 0.5
    longer = deflated.probabilistic_sharpe(ratio, benchmark=benchmark, samples=4 * n, **rest)
    assert (longer >= got) if ratio > benchmark else (longer <= got)


@settings(max_examples=60)
@given(st.floats(0.01, 1.0), st.floats(0.05, 0.9), st.floats(0.6, 0.999), SHAPES)
def test_least_record_reaches_its_level(ratio, part, level, shape):
    rest = {"benchmark": ratio * part, "skewness": shape[0], "kurtosis": shape[1]}
    needed = deflated.min_track_record(ratio, level=level, **rest)
    assert deflated.probabilistic_sharpe(ratio, samples=math.ceil(needed) + 1, **rest) >= level - 1e-9
    if needed > 4.0:
        assert deflated.probabilistic_sharpe(ratio, samples=math.floor(needed) - 1, **rest) <= level + 1e-9
    assert deflated.min_track_record(ratio, benchmark=ratio, level=level) is None


def test_moments_are_those_of_scipy():
    r = stats.gamma(2.0).rvs(500, random_state=1) - 1.5
    got = deflated.moments(r, rate_per_period=0.1)
    assert got.skewness == pytest.approx(stats.skew(r))
    assert got.kurtosis == pytest.approx(stats.kurtosis(r, fisher=False))
    assert got.sharpe == pytest.approx((r.mean() - 0.1) / r.std(ddof=1))


def test_luck_among_worthless_trials_is_not_taken_for_skill():
    """The best of 50 worthless strategies passes PSR > 95 % nearly always, DSR > 95 % hardly ever."""
    rng, plain, honest = np.random.default_rng(2), 0, 0
    for _ in range(200):
        trials = rng.normal(size=(50, 500))
        ratios = trials.mean(axis=1) / trials.std(axis=1, ddof=1)
        best, variance = float(ratios.max()), float(ratios.var(ddof=1))
        plain += deflated.probabilistic_sharpe(best, benchmark=0.0, samples=500) > 0.95
        honest += deflated.deflated_sharpe(best, trials=50, variance=variance, samples=500) > 0.95
    assert plain > 170
    assert honest < 10


def test_alike_trials_count_as_fewer():
    assert deflated.effective_trials(40, mean_correlation=0.0) == 40.0
    assert deflated.effective_trials(40, mean_correlation=1.0) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sharpe.standard_error([0.1, math.inf], lags=0), r"returns must be finite, got inf at position 1"),
        (lambda: sharpe.standard_error([0.1, 0.2], lags=-1), r"lags must be an integer of at least 0, got -1"),
        (lambda: sharpe.aggregation_factor([0.1, 1.5], periods=12), r"autocorrelation .* got 1.5 at position 1"),
        (lambda: sharpe.interval([0.1], periods_per_year=0.0), r"periods_per_year must be finite and above 0"),
        (
            lambda: deflated.probabilistic_sharpe(0.1, benchmark=0.0, samples=9, skewness=2.0, kurtosis=4.0),
            r"kurtosis must be at least 1 \+ skewness² = 5.0, got 4.0",
        ),
        (lambda: deflated.expected_max_sharpe(trials=0.5, variance=1.0), r"trials must be finite and at least 1"),
        (lambda: deflated.expected_max_sharpe(trials=5, variance=-1.0), r"variance must be finite and at least 0"),
        (lambda: deflated.effective_trials(5, mean_correlation=-0.1), r"mean_correlation must be from 0 to 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300), st.floats(-1e100, 1e100))
def test_finite_figures_never_give_nan(ratio, benchmark, skewness):
    shape = {"skewness": skewness, "kurtosis": 3.0 + 2.0 * skewness * skewness}
    assert 0.0 <= deflated.probabilistic_sharpe(ratio, benchmark=benchmark, samples=100, **shape) <= 1.0
    needed = deflated.min_track_record(ratio, benchmark=benchmark, **shape)
    assert needed is None or needed >= 1.0
    assert sharpe.standard_error_normal(ratio, samples=9) > 0.0


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_sizes_at_the_ends_of_the_number_range_change_nothing(scale):
    r = np.random.default_rng(5).normal(0.1, 1.0, 50)
    one, other = (sharpe.interval(x, periods_per_year=12.0) for x in (r, r * scale))
    assert other == pytest.approx(one)
    assert deflated.moments(r * scale) == pytest.approx(deflated.moments(r))
    assert performance.sortino(r * scale, periods_per_year=1.0) == pytest.approx(
        performance.sortino(r, periods_per_year=1.0)
    )
