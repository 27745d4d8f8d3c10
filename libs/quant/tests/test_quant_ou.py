"""Autoregression and Ornstein-Uhlenbeck: exact distribution against a dense twin, simulation and a printed table;
the bias of least squares and what is left of it; equivariance; what is not identified.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from contango_quant.stats import ar1, ou, ou_signal


def paths(rng, transitions, b, count, shocks=None):
    """Rows (count, transitions + 1) of stationary autoregressions (b = 1: random walks from 0)."""
    draw = shocks or (lambda size: rng.normal(size=size))
    x = np.zeros((count, transitions + 1))
    if b < 1.0:
        x[:, 0] = draw(count) / math.sqrt(1.0 - b * b)
    for t in range(transitions):
        x[:, t + 1] = b * x[:, t] + draw(count)
    return x


def slopes(x):
    before, after = x[:, :-1], x[:, 1:]
    before = before - before.mean(axis=1, keepdims=True)
    after = after - after.mean(axis=1, keepdims=True)
    return (before * after).sum(axis=1) / (before**2).sum(axis=1)


def dense_cdf(c, b, d):
    """Imhof's formula from the eigenvalues of the quadratic form in independent normals."""
    root = np.zeros((d + 1, d + 1))  # x = root @ independent
    if b < 1.0:
        root[0, 0] = 1.0 / math.sqrt(1.0 - b * b)
    for t in range(d):
        root[t + 1] = b * root[t]
        root[t + 1, t + 1] = 1.0
    centre = np.eye(d) - 1.0 / d
    lag, lead = np.eye(d, d + 1), np.eye(d, d + 1, 1)
    form = lag.T @ centre @ (lead - c * lag)
    roots = np.linalg.eigvalsh(root.T @ (form + form.T) @ root / 2.0)
    roots = roots / np.abs(roots).max()

    def integrand(u):
        return math.sin(0.5 * np.sum(np.arctan(roots * u))) / (u * np.prod((1.0 + (roots * u) ** 2) ** 0.25))

    total = sum(integrate.quad(integrand, a, z, limit=500)[0] for a, z in [(0.0, 1.0), (1.0, 30.0), (30.0, np.inf)])
    return 0.5 - total / math.pi


@settings(max_examples=25)
@given(st.integers(3, 25), st.floats(-0.95, 0.995), st.floats(-1.2, 1.3))
def test_distribution_is_the_dense_one(d, b, c):
    assert ar1.estimate_cdf(c, ar1=b, transitions=d) == pytest.approx(dense_cdf(c, b, d), abs=2e-7)


@pytest.mark.parametrize("d", [5, 24, 60])
def test_distribution_at_a_unit_root_is_the_dense_one(d):
    for c in (0.4, 0.8, 1.0, 1.05):
        assert ar1.estimate_cdf(c, ar1=1.0, transitions=d) == pytest.approx(dense_cdf(c, 1.0, d), abs=2e-7)


def test_distribution_is_the_simulated_one():
    rng = np.random.default_rng(1)
    for d, b in ((20, 0.3), (59, 0.966), (120, 1.0)):
        found = slopes(paths(rng, d, b, 20_000))
        for p in (0.05, 0.5, 0.95):
            assert ar1.estimate_cdf(float(np.quantile(found, p)), ar1=b, transitions=d) == pytest.approx(p, abs=0.012)


# W. A. Fuller, Introduction to Statistical Time Series (1976), table 8.5.1, p. 371, middle part: percentiles of
# n(b̂ − 1) for n values of a random walk, constant fitted. The table itself was simulated.
FULLER = {25: {0.05: -12.5, 0.1: -10.2, 0.9: -0.76, 0.95: 0.01}, 100: {0.05: -13.7, 0.1: -11.0, 0.95: -0.10}}


@pytest.mark.parametrize("n", sorted(FULLER))
def test_unit_root_percentiles_are_the_printed_ones(n):
    for p, printed in FULLER[n].items():
        near = 0.05 if p > 0.5 else 0.1
        low, high = (
            ar1.estimate_cdf(1.0 + x / n, ar1=1.0, transitions=n - 1) for x in (printed - near, printed + near)
        )
        assert low < p < high


def test_long_random_walks_have_the_limit_distribution():
    """MacKinnon's asymptotic 5 % and 10 % points of the coefficient test with a constant: −14.09 and −11.25."""
    for x, p in ((-14.09, 0.05), (-11.25, 0.10)):
        assert ar1.estimate_cdf(1.0 + x / 4000, ar1=1.0, transitions=4000) == pytest.approx(p, abs=5e-4)


@settings(max_examples=30)
@given(st.integers(3, 80), st.floats(-0.9, 1.0), st.floats(-1.0, 1.1), st.floats(0.01, 0.3))
def test_probability_rises_with_the_bound_and_falls_with_the_coefficient(d, b, c, step):
    here = ar1.estimate_cdf(c, ar1=b, transitions=d)
    assert 0.0 <= here <= 1.0
    assert ar1.estimate_cdf(c + step, ar1=b, transitions=d) >= here - 1e-9
    assert ar1.estimate_cdf(c, ar1=max(b - step, -0.999), transitions=d) >= here - 1e-9


@settings(max_examples=25)
@given(st.floats(-0.5, 1.0), st.integers(8, 120), st.floats(0.02, 0.98))
def test_the_coefficient_found_has_the_probability_asked_for(estimate, d, p):
    found = ar1.coefficient_at(estimate, probability=p, transitions=d)
    got = ar1.estimate_cdf(estimate, ar1=found, transitions=d)
    if found == 1.0:
        assert got >= p - 1e-9
    else:
        assert got == pytest.approx(p, abs=1e-6)


def test_the_step_to_a_unit_root_is_smooth():
    limit = ar1.estimate_cdf(0.9, ar1=1.0, transitions=60)
    gaps = [abs(ar1.estimate_cdf(0.9, ar1=1.0 - e, transitions=60) - limit) for e in (1e-3, 1e-5, 1e-7)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-5


def median_half_lives(n, days):
    """Medians over 20,000 samples of n days: plain Euler, Kendall, median-unbiased. All are monotone in b̂."""
    b = 0.5 ** (1.0 / days)
    middle = float(np.median(slopes(paths(np.random.default_rng(20_260), n - 1, b, 20_000))))
    kendall = ou.half_life(ar1.kendall_corrected(middle, transitions=n - 1), 1.0)
    exact = ou.half_life(ar1.median_unbiased(middle, transitions=n - 1), 1.0)
    return math.log(2.0) / (1.0 - middle), kendall, exact


def test_half_life_of_a_year_of_days_is_far_too_short_by_least_squares_and_right_after():
    plain, kendall, exact = median_half_lives(252, 60.0)
    assert plain == pytest.approx(26.0, abs=1.0)
    assert exact == pytest.approx(60.0, abs=3.0)
    assert abs(exact - 60.0) < abs(kendall - 60.0) < 10.0


def test_half_life_of_sixty_days_is_far_too_short_by_least_squares_and_right_after():
    plain, kendall, exact = median_half_lives(60, 20.0)
    assert plain == pytest.approx(7.0, abs=0.4)
    assert exact == pytest.approx(20.0, abs=1.5)
    assert abs(exact - 20.0) < abs(kendall - 20.0) < 5.0


def covered(estimates, b, d, level):
    """The interval holds b just where b̂ lies between the two quantiles under b."""
    p = np.array([ar1.estimate_cdf(float(e), ar1=b, transitions=d) for e in estimates])
    return float(np.mean((p >= 0.5 - level / 2) & (p <= 0.5 + level / 2)))


@pytest.mark.parametrize(("d", "b"), [(59, 0.966), (100, 0.8), (100, 1.0)])
def test_interval_covers_as_promised(d, b):
    estimates = slopes(paths(np.random.default_rng(3), d, b, 1000))
    assert covered(estimates, b, d, 0.9) == pytest.approx(0.9, abs=0.025)


def test_interval_covers_nearly_as_promised_with_fat_tails():
    rng = np.random.default_rng(4)
    estimates = slopes(paths(rng, 100, 0.95, 1000, shocks=lambda size: rng.standard_t(4, size=size)))
    assert covered(estimates, 0.95, 100, 0.9) == pytest.approx(0.9, abs=0.035)


def test_random_walks_are_called_reverting_no_more_often_than_promised():
    estimates = slopes(paths(np.random.default_rng(5), 120, 1.0, 1000))
    bound = 0.05  # one tail of a 90 % interval
    called = np.mean([ar1.estimate_cdf(float(e), ar1=1.0, transitions=120) < bound for e in estimates])
    assert called == pytest.approx(bound, abs=0.02)


VALUES = np.cumsum(np.random.default_rng(8).normal(size=80)) * 0.05
REVERTING = paths(np.random.default_rng(9), 300, 0.8, 1)[0]


@settings(max_examples=15)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.booleans())
def test_fit_follows_shift_scale_and_mirror(shift, scale, mirrored):
    factor = -scale if mirrored else scale
    one, other = ou.fit(REVERTING), ou.fit(shift + factor * REVERTING)
    near = 1e-7 * (1.0 + abs(shift) / scale)
    assert other.identified
    assert other.half_life_days == pytest.approx(one.half_life_days, rel=near)
    assert other.half_life_high_days == pytest.approx(one.half_life_high_days, rel=near)
    assert other.mean == pytest.approx(shift + factor * one.mean, abs=near * scale)
    assert other.stationary_sd == pytest.approx(scale * one.stationary_sd, rel=near)
    z_one, z_other = ou_signal.latest(one, 3.0)[0], ou_signal.latest(other, shift + factor * 3.0)[0]
    assert abs(z_other) == pytest.approx(abs(z_one), rel=near, abs=near)


def test_sizes_at_the_ends_of_the_number_range_change_nothing():
    one = ou.fit(REVERTING)
    for scale in (1e300, 1e-300):
        other = ou.fit(REVERTING * scale)
        assert other.half_life_days == pytest.approx(one.half_life_days)
        assert other.stationary_sd == pytest.approx(one.stationary_sd * scale)


@pytest.mark.parametrize("step", [0.25, 5.0])
def test_half_life_counts_in_days_whatever_the_step(step):
    daily, other = ou.fit(REVERTING), ou.fit(REVERTING, step_days=step)
    assert other.half_life_days == pytest.approx(daily.half_life_days * step)
    assert other.theta_per_day == pytest.approx(daily.theta_per_day / step)
    assert other.stationary_sd == pytest.approx(daily.stationary_sd)
    assert other.sigma_per_root_day == pytest.approx(daily.sigma_per_root_day / math.sqrt(step))


def test_parts_of_the_process_agree_and_are_near_the_truth():
    """θ = 0.1 a day, σ = 0.3, μ = 2: sampled exactly."""
    b = math.exp(-0.1)
    got = ou.fit(2.0 + 0.3 * math.sqrt((1.0 - b * b) / 0.2) * paths(np.random.default_rng(2), 4000, b, 1)[0])
    assert got.half_life_low_days <= got.half_life_days <= got.half_life_high_days
    assert got.half_life_days == pytest.approx(math.log(2.0) / got.theta_per_day)
    assert got.stationary_sd == pytest.approx(got.sigma_per_root_day / math.sqrt(2.0 * got.theta_per_day))
    assert got.theta_per_day == pytest.approx(0.1, rel=0.15)
    assert got.sigma_per_root_day == pytest.approx(0.3, rel=0.05)
    assert got.mean == pytest.approx(2.0, abs=3 * 0.3 / 0.1 / math.sqrt(4000))


@settings(max_examples=30)
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=12), st.floats(-0.9, 0.98))
def test_mean_is_the_dense_generalised_one(values, b):
    x = np.array(values)
    gaps = np.abs(np.subtract.outer(np.arange(x.size), np.arange(x.size)))
    inverse = np.linalg.inv(b**gaps)
    want = inverse.sum(axis=0) @ x / inverse.sum()
    assert ou.gls_mean(x, b) == pytest.approx(want, abs=1e-9)


def test_a_random_walk_is_not_identified():
    got = ou.fit(VALUES)
    assert (got.reason, got.half_life_days, got.mean, got.identified) == (ou.UNIT_ROOT, None, None, False)
    assert got.half_life_low_days > 0.0
    assert got.ar1_high == 1.0


def test_an_explosive_series_is_not_made_reverting():
    x = 1.05 ** np.arange(60.0)
    assert ou.fit(x).reason == ou.UNIT_ROOT
    plain = ou.fit_euler(x, dt=1.0)
    assert (plain.theta, plain.half_life, plain.reason) == (None, None, ou.EXPLOSIVE)
    assert plain.b == pytest.approx(0.05)


def test_what_cannot_be_fitted_has_a_reason():
    assert ou.fit([1.0, 2.0]).reason == ou.TOO_FEW
    assert ou.fit([0.1 + 0.2] * 50).reason == ou.CONSTANT
    assert ou.fit([1.0, -1.0] * 20).reason == ou.OSCILLATES
    assert ou.fit_euler([1.0] * 9, dt=1.0).reason == ou.CONSTANT


def test_euler_fit_is_the_plain_regression():
    x = np.exp(VALUES)
    design = np.column_stack([np.ones(x.size - 1), x[:-1]])
    (a, b), rss, *_ = np.linalg.lstsq(design, np.diff(x), rcond=None)
    got = ou.fit_euler(x, dt=1.0 / 252.0)
    assert (got.a, got.b) == (pytest.approx(a), pytest.approx(b))
    assert (got.theta, got.mean) == (pytest.approx(-b * 252.0), pytest.approx(-a / b))
    assert got.sigma == pytest.approx(math.sqrt(rss[0] / (x.size - 3) * 252.0))
    assert got.half_life == pytest.approx(math.log(2.0) / got.theta)  # in years, for dt is in years


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0.01, 10), st.floats(0.1, 5))
def test_signal_sells_above_buys_below_and_mirrors(value, mean, sd, entry):
    got = ou_signal.signals(values=value, mean=mean, stationary_sd=sd, identified=True, entry_z=entry)
    z = (value - mean) / sd
    assert got.z == pytest.approx(z, rel=1e-12, abs=1e-12)
    if abs(abs(z) - entry) > 1e-9:
        want = ou_signal.SELL if z > entry else ou_signal.BUY if z < -entry else ou_signal.HOLD
        assert got.signal == want
    mirror = ou_signal.signals(values=-value, mean=-mean, stationary_sd=sd, identified=True, entry_z=entry)
    assert mirror.signal == -got.signal


def test_the_entry_itself_is_a_signal():
    got = ou_signal.signals(values=[2.0, 1.999, -1.999, -2.0], mean=0.0, stationary_sd=1.0, identified=True)
    assert got.signal.tolist() == [ou_signal.SELL, ou_signal.HOLD, ou_signal.HOLD, ou_signal.BUY]


def test_signal_is_suppressed_where_nothing_is_identified():
    got = ou_signal.signals(values=[[9.0, 9.0], [0.0, 0.0]], mean=0.0, stationary_sd=1.0, identified=[True, False])
    assert got.signal.tolist() == [[ou_signal.SELL, ou_signal.SUPPRESSED], [ou_signal.HOLD, ou_signal.SUPPRESSED]]
    assert np.isnan(got.z[:, 1]).all()
    assert ou_signal.latest(ou.fit(VALUES), 100.0) == (None, ou_signal.SUPPRESSED)


def test_finite_values_never_give_nan():
    got = ou_signal.signals(values=1.7e308, mean=-1.7e308, stationary_sd=1e308, identified=True)
    assert got.z == pytest.approx(3.4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ou.fit([1.0, math.nan]), r"values must be finite, got nan at position 1"),
        (lambda: ou.fit([[1.0]]), r"values must be one-dimensional"),
        (lambda: ou.fit(VALUES, step_days=0.0), r"step_days must be finite and above 0, got 0.0"),
        (lambda: ou.fit(VALUES, level=1.0), r"level must be between 0 and 1, got 1.0"),
        (lambda: ar1.estimate_cdf(0.5, ar1=1.5, transitions=9), r"ar1 must be above -1 and at most 1, got 1.5"),
        (lambda: ar1.estimate_cdf(0.5, ar1=0.5, transitions=2), r"transitions must be an integer of at least 3"),
        (
            lambda: ou_signal.signals(values=1.0, mean=0.0, stationary_sd=[1.0, -1.0], identified=True),
            r"stationary_sd must be finite and above 0, got -1.0 at position 1",
        ),
        (
            lambda: ou_signal.signals(values=1.0, mean=0.0, stationary_sd=1.0, identified=1),
            r"identified must be boolean, got 1",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@settings(max_examples=15)
@given(st.floats(0.0, 0.98), st.integers(5, 150), st.floats(0.01, 0.3))
def test_power_lies_between_size_and_one_and_grows_with_the_sample(b, d, size):
    one, more = (ar1.unit_root_power(b, transitions=n, size=size) for n in (d, 2 * d))
    assert size - 1e-6 <= one <= more + 1e-6
    assert more <= 1.0


def test_power_is_what_happens():
    rng = np.random.default_rng(12)
    limit = np.quantile(slopes(paths(rng, 100, 1.0, 20_000)), 0.05)
    share = np.mean(slopes(paths(rng, 100, 0.9, 20_000)) < limit)
    assert ar1.unit_root_power(0.9, transitions=100) == pytest.approx(share, abs=0.02)
