"""First passage: laws, mpmath, Haug's tables, QuantLib, bridge Monte Carlo; bounds when only the end is known."""

import math

import mpmath
import numpy as np
import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from contango_quant.pricing.density import density, expected_call, expected_put, mean
from contango_quant.pricing.lognormal import finish_probability, lognormal_quantile
from contango_quant.pricing.touch import scaled_tail, touch, touch_probability
from contango_quant.pricing.touch_either import touch_either, touch_either_probability
from contango_quant.pricing.touch_smile import touch_smile

PRICE = st.floats(20.0, 500.0)
YEARS = st.floats(1e-3, 5.0)
VOL = st.floats(0.01, 2.0)
DRIFT = st.floats(-1.0, 1.0)


def exact_touch(spot, barrier, t_years, vol, drift):
    """The first passage law in 60 digits."""
    with mpmath.workdps(60):
        s, x = mpmath.mpf(vol) * mpmath.sqrt(t_years), mpmath.log(mpmath.mpf(barrier) / mpmath.mpf(spot))
        nu = (mpmath.mpf(drift) - mpmath.mpf(vol) ** 2 / 2) * t_years
        w = 1 if x > 0 else -1
        return float(mpmath.ncdf(w * (nu - x) / s) + mpmath.exp(2 * nu * x / s**2) * mpmath.ncdf(-w * (nu + x) / s))


def finish_beyond(spot, barrier, t_years, vol, drift):
    low, high = (barrier, math.inf) if barrier > spot else (0.0, barrier)
    forward = spot * math.exp(drift * t_years)
    return float(finish_probability(low=low, high=high, forward=forward, t_years=t_years, vol=vol))


@settings(deadline=None, max_examples=150)
@given(PRICE, PRICE, YEARS, VOL, DRIFT)
def test_touch_is_the_first_passage_law(spot, barrier, t_years, vol, drift):
    got = touch(spot, barrier, t_years, vol, drift)
    if abs(barrier / spot - 1.0) > 1e-3:
        slow = exact_touch(spot, barrier, t_years, vol, drift)
        assert got == pytest.approx(slow, rel=1e-9, abs=1e-280)


@settings(deadline=None, max_examples=150)
@given(PRICE, PRICE, YEARS, VOL, DRIFT, st.floats(1.0, 3.0))
def test_touch_is_at_least_to_finish_beyond_and_grows_with_time(spot, barrier, t_years, vol, drift, longer):
    got = touch(spot, barrier, t_years, vol, drift)
    assert 0.0 <= got <= 1.0
    if barrier != spot:
        assert got >= finish_beyond(spot, barrier, t_years, vol, drift) * (1.0 - 1e-9)
    assert touch(spot, barrier, t_years * longer, vol, drift) >= got * (1.0 - 1e-9)


@settings(deadline=None, max_examples=100)
@given(PRICE, PRICE, YEARS, VOL)
def test_without_drift_of_the_logarithm_touch_is_twice_to_finish_beyond(spot, barrier, t_years, vol):
    drift = 0.5 * vol * vol
    if abs(barrier / spot - 1.0) > 1e-3:
        beyond = finish_beyond(spot, barrier, t_years, vol, drift)
        assert touch(spot, barrier, t_years, vol, drift) == pytest.approx(2.0 * beyond, rel=1e-8, abs=1e-280)


@settings(deadline=None, max_examples=100)
@given(PRICE, PRICE, YEARS, VOL, DRIFT)
def test_mirrored_prices_touch_alike(spot, barrier, t_years, vol, drift):
    """1/S is lognormal with drift vol² − drift."""
    one = touch(spot, barrier, t_years, vol, drift)
    assert touch(1.0 / spot, 1.0 / barrier, t_years, vol, vol * vol - drift) == pytest.approx(one, rel=1e-6, abs=1e-250)


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        ((100.0, 0.0, 1.0, 0.2, 0.0), 0.0),
        ((100.0, math.inf, 1.0, 0.2, 0.0), 0.0),
        ((100.0, 110.0, 0.0, 0.2, 0.0), 0.0),
        ((100.0, 110.0, 1.0, 0.0, 0.1), 1.0),
        ((100.0, 111.0, 1.0, 0.0, 0.1), 0.0),
        ((100.0, 90.0, 1.0, 0.0, -0.2), 1.0),
        ((100.0, 125.0, 1.0, 1e160, 0.0), 0.8),  # a martingale that tends to 0 has reached 125 with chance 100/125
        ((100.0, 80.0, 1.0, 1e160, 0.0), 1.0),
        ((100.0, 110.0, 1.0, 1e-300, 0.05), 0.0),
    ],
)
def test_limits_of_touch(arguments, want):
    assert touch(*arguments) == pytest.approx(want, abs=1e-12)


def test_haug_binary_barriers():
    # Haug, The Complete Guide to Option Pricing Formulas, 1st ed., 1998, p. 95, cases 1, 2, 5, 6, 9, 10: barrier 100,
    # cash 15, half a year, r = b = 10 %, vol 20 %; paid at expiry (5, 6), at once (1, 2), if never touched (9, 10).
    for spot, at_once, at_expiry, never in ((105.0, 9.7264, 9.3604, 4.9081), (95.0, 11.6553, 11.2223, 3.0461)):
        chance = touch(spot, 100.0, 0.5, 0.2, 0.1)
        assert 15 * math.exp(-0.05) * chance == pytest.approx(at_expiry, abs=5e-5)
        assert 15 * math.exp(-0.05) * (1 - chance) == pytest.approx(never, abs=5e-5)
        waiting = integrate.quad(lambda t, s=spot: 0.1 * math.exp(-0.1 * t) * touch(s, 100.0, t, 0.2, 0.1), 0, 0.5)[0]
        assert 15 * (math.exp(-0.05) * chance + waiting) == pytest.approx(at_once, abs=5e-5)


@pytest.mark.parametrize(
    ("lower", "upper", "values"),
    # Haug, 2nd ed., 2007, p. 181: cash 10 if neither barrier is touched; S = 100, T = 0.25, r = 5 %, b = 3 %, vol
    # 10, 20, 30, 50 %.
    [
        (80.0, 120.0, (9.8716, 8.9307, 6.3272, 1.9094)),
        (85.0, 115.0, (9.7961, 7.2300, 3.7100, 0.4271)),
        (90.0, 110.0, (8.9054, 3.6752, 0.7960, 0.0059)),
        (95.0, 105.0, (3.6323, 0.0911, 0.0002, 0.0000)),
    ],
)
def test_haug_double_barriers(lower, upper, values):
    chance = touch_either_probability(
        spot=100.0, lower=lower, upper=upper, t_years=0.25, vol=[0.1, 0.2, 0.3, 0.5], drift=0.03
    )
    assert (10 * math.exp(-0.0125) * (1 - chance)).tolist() == pytest.approx(values, abs=5e-5)


@pytest.mark.parametrize("vol", [0.08, 0.2, 0.6])
@pytest.mark.parametrize("spot", [83.0, 100.0, 118.0])
def test_quantlib_one_touch_and_double_no_touch(spot, vol):
    today, counter = ql.Date(1, 7, 2025), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    rate, div_yield, expiry, t_years = 0.04, 0.015, today + 146, 0.4
    flat = [ql.YieldTermStructureHandle(ql.FlatForward(today, r, counter)) for r in (div_yield, rate)]
    surface = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), vol, counter))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(spot)), *flat, surface)
    discount = math.exp(-rate * t_years)
    for barrier, kind in ((80.0, ql.Option.Put), (120.0, ql.Option.Call)):
        option = ql.VanillaOption(ql.CashOrNothingPayoff(kind, barrier, 1.0), ql.AmericanExercise(today, expiry, True))
        option.setPricingEngine(ql.AnalyticDigitalAmericanEngine(process))
        got = touch(spot, barrier, t_years, vol, rate - div_yield)
        assert option.NPV() / discount == pytest.approx(got, abs=1e-12)
    option = ql.DoubleBarrierOption(
        ql.DoubleBarrier.KnockOut, 80.0, 120.0, 0.0, ql.CashOrNothingPayoff(ql.Option.Call, 0.0, 1.0),
        ql.EuropeanExercise(expiry),
    )  # fmt: skip
    option.setPricingEngine(ql.AnalyticDoubleBarrierBinaryEngine(process))
    got = touch_either(spot, 80.0, 120.0, t_years, vol, rate - div_yield)
    assert option.NPV() / discount == pytest.approx(1.0 - got, abs=1e-7)


@settings(deadline=None, max_examples=100)
@given(PRICE, st.floats(0.3, 0.999), st.floats(1.001, 3.0), YEARS, VOL, DRIFT)
def test_either_lies_between_the_larger_and_the_sum_of_both(spot, down, up, t_years, vol, drift):
    lower, upper = spot * down, spot * up
    one, two = touch(spot, lower, t_years, vol, drift), touch(spot, upper, t_years, vol, drift)
    got = touch_either(spot, lower, upper, t_years, vol, drift)
    assert max(one, two) - 1e-12 <= got <= min(one + two, 1.0) + 1e-12
    assert got >= max(one, two) * (1.0 - 1e-9)
    assert touch_either(spot, lower * 0.9, upper * 1.1, t_years, vol, drift) <= got + 1e-12


@settings(deadline=None, max_examples=12)
@given(st.floats(0.5, 0.99), st.floats(1.01, 2.0), st.floats(0.05, 3.0), st.floats(-4.0, 4.0))
def test_either_is_the_series_in_many_digits(down, up, share, pull):
    """Image series in 120 digits with 40 images a side, over the width where either series is in use."""
    w = math.log(up) - math.log(down)
    s = share * w
    drift = 0.5 * s * s + pull * s
    with mpmath.workdps(120):
        a, b, sd = mpmath.log(mpmath.mpf(100.0 * down) / 100), mpmath.log(mpmath.mpf(100.0 * up) / 100), mpmath.mpf(s)
        nu, width = mpmath.mpf(drift) - sd * sd / 2, b - a

        def image(z):
            return mpmath.exp(nu * z / sd**2) * (mpmath.ncdf((b - nu - z) / sd) - mpmath.ncdf((a - nu - z) / sd))

        slow = 1 - mpmath.fsum(image(2 * n * width) - image(2 * b + 2 * n * width) for n in range(-25, 26))
    assert touch_either(100.0, 100.0 * down, 100.0 * up, 1.0, s, drift) == pytest.approx(
        float(slow), rel=1e-9, abs=1e-13
    )


def test_both_series_meet_where_they_change_over():
    lower, upper = 90.0, 112.0
    w = math.log(upper / lower)
    for drift in (-2.0, 0.0, 0.7):
        near = [touch_either(100.0, lower, upper, 1.0, w * (1.0 + e), drift) for e in (-1e-13, 1e-13)]
        assert near[0] == pytest.approx(near[1], abs=1e-12)


def test_touch_is_that_of_a_monte_carlo_with_bridges():
    """Steps of a lognormal, and between them the chance of a bridge to pass the barrier."""
    rng = np.random.default_rng(7)
    n, steps, vol, t_years, drift = 40_000, 16, 0.3, 0.3, 0.05
    dt = t_years / steps
    a, b = math.log(0.88), math.log(1.15)
    log_price, stay_above, stay_below = np.zeros(n), np.ones(n), np.ones(n)
    for _ in range(steps):
        new = log_price + (drift - vol**2 / 2) * dt + vol * math.sqrt(dt) * rng.standard_normal(n)
        up = np.exp(-2 * np.maximum(b - log_price, 0) * np.maximum(b - new, 0) / (vol**2 * dt))
        down = np.exp(-2 * np.maximum(log_price - a, 0) * np.maximum(new - a, 0) / (vol**2 * dt))
        stay_below *= 1.0 - up
        stay_above *= 1.0 - down
        log_price = new
    for stay, barrier in ((stay_below, 115.0), (stay_above, 88.0)):
        error = np.std(stay) / math.sqrt(n)
        assert touch(100.0, barrier, t_years, vol, drift) == pytest.approx(1.0 - np.mean(stay), abs=4.0 * error)
    both = np.mean(stay_below * stay_above)  # a bridge hardly reaches both ends in one short step
    assert touch_either(100.0, 88.0, 115.0, t_years, vol, drift) == pytest.approx(1.0 - both, abs=0.006)


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        ((90.0, 90.0, 110.0, 1.0, 0.2, 0.0), 1.0),
        ((111.0, 90.0, 110.0, 1.0, 0.2, 0.0), 1.0),
        ((100.0, 90.0, 110.0, 1.0, 0.0, 0.05), 0.0),
        ((100.0, 90.0, 110.0, 1.0, 0.0, 0.2), 1.0),
        ((100.0, 90.0, 110.0, 0.0, 0.2, 0.0), 0.0),
        ((100.0, 90.0, 110.0, 1.0, 50.0, 0.0), 1.0),
        ((100.0, 90.0, 110.0, 1.0, 1e-200, 0.01), 0.0),
        ((100.0, 1e-300, 1e300, 1.0, 0.2, 0.0), 0.0),
    ],
)
def test_limits_of_either(arguments, want):
    assert touch_either(*arguments) == want


def test_without_a_second_barrier_either_is_touch():
    assert touch_either(100.0, 0.0, 110.0, 0.5, 0.2, 0.03) == touch(100.0, 110.0, 0.5, 0.2, 0.03)
    assert touch_either(100.0, 90.0, math.inf, 0.5, 0.2, 0.03) == touch(100.0, 90.0, 0.5, 0.2, 0.03)


@settings(deadline=None, max_examples=60)
@given(st.floats(1e-3, 1e6))
def test_scaled_tail_keeps_its_digits(h):
    with mpmath.workdps(40):
        x = mpmath.mpf(h)
        slow = mpmath.erfc(x / mpmath.sqrt(2)) / 2 * mpmath.exp(x * x / 2) if h < 1e3 else None
    if slow is not None:
        assert scaled_tail(h) == pytest.approx(float(slow), rel=3e-14)
    assert h / (1.0 + h * h) <= scaled_tail(h) * math.sqrt(2.0 * math.pi) * (1 + 1e-12) <= (1.0 / h) * (1 + 2e-12)


def lognormal_table(s, cells=600):
    level = np.linspace(0.0, 1.0, cells + 1)
    price = [lognormal_quantile(min(max(p, 1e-7), 1 - 1e-7), 100.0, s) for p in level]
    return density(price=price, cdf=level)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.03, 0.6), st.floats(-2.0, 2.0))
def test_bounds_hold_for_a_lognormal_and_the_estimate_is_its_touch(s, z):
    barrier = 100.0 * math.exp(z * s)
    found = touch_smile(lognormal_table(s), barrier=barrier)
    exact = touch(100.0, barrier, 1.0, s, 0.0)
    assert 0.0 <= found.lowest <= found.estimate <= found.highest <= 1.0
    assert found.lowest - 2e-3 <= exact <= found.highest + 2e-3
    assert found.estimate == pytest.approx(exact, rel=0.03, abs=3e-3)


def test_the_upper_bound_is_the_least_over_all_strikes():
    table = density(price=[60, 80, 95, 101, 104, 120, 140], cdf=[0, 0.1, 0.3, 0.3, 0.7, 0.9, 1])
    for barrier in (70.0, 90.0, 98.0, 103.0, 110.0, 130.0):
        if barrier > mean(table):
            strikes = np.linspace(0.0, barrier, 200_001)[:-1]
            scan = np.min(expected_call(table, strikes) / (barrier - strikes))
        else:
            strikes = np.linspace(barrier, 300.0, 400_001)[1:]
            scan = np.min(expected_put(table, strikes) / (strikes - barrier))
        assert touch_smile(table, barrier=barrier).highest == pytest.approx(scan, abs=1e-6)


def test_bounds_hold_and_the_estimate_is_near_in_a_market_with_skew():
    """Paths of a stochastic volatility that rises when the price falls; the table is what they end with."""
    rng = np.random.default_rng(11)
    n, steps = 20_000, 100
    dt = 0.25 / steps
    x, v, top, bottom = np.zeros(n), np.full(n, 0.04), np.zeros(n), np.zeros(n)
    for _ in range(steps):
        z = rng.standard_normal((2, n))
        held = np.maximum(v, 1e-12)
        move = -0.5 * held * dt + np.sqrt(held * dt) * z[0]
        for side, extreme in ((1.0, top), (-1.0, bottom)):  # the extreme of the bridge of this step
            reach = 0.5 * (side * move + np.sqrt(move**2 - 2 * held * dt * np.log(rng.uniform(size=n))))
            extreme[:] = np.maximum(extreme, side * x + reach)
        x += move
        v += 3.0 * (0.04 - held) * dt + 0.6 * np.sqrt(held * dt) * (-0.7 * z[0] + math.sqrt(0.51) * z[1])
    level = np.linspace(0.0, 1.0, 301)
    table = density(price=np.quantile(100 * np.exp(x), level), cdf=level)
    for barrier in (85.0, 90.0, 95.0, 105.0, 110.0):
        touched = top >= math.log(barrier / 100) if barrier > 100 else bottom >= -math.log(barrier / 100)
        share = float(np.mean(touched))
        found = touch_smile(table, barrier=barrier)
        assert found.lowest - 0.01 <= share <= found.highest + 0.01
        assert found.estimate == pytest.approx(share, rel=0.2)


def test_a_barrier_beyond_the_table_is_not_touched():
    table = density(price=[90, 100, 110], cdf=[0, 0.5, 1])
    assert touch_smile(table, barrier=110.0) == (0.0, 0.0, 0.0)
    assert touch_smile(table, barrier=80.0) == (0.0, 0.0, 0.0)
    assert touch_smile(table, barrier=100.0) == (1.0, 1.0, 1.0)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"spot must be finite and above 0, got 0.0"):
        touch_probability(spot=0.0, barrier=1.0, t_years=1.0, vol=0.2, drift=0.0)
    with pytest.raises(ValueError, match=r"vol must be finite and at least 0, got -0.1 at position 1"):
        touch_either_probability(spot=1.0, lower=0.5, upper=2.0, t_years=1.0, vol=[0.1, -0.1], drift=0.0)
    with pytest.raises(ValueError, match=r"barrier must be finite and at least 0, got nan"):
        touch_smile(density(price=[90, 100], cdf=[0, 1]), barrier=math.nan)
