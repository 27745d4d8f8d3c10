"""Implied volatility: round trips to the precision of the price, statuses, extremes, peers."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf, workdps
from scipy.optimize import brentq

from contango_quant.pricing import black, implied, total_vol
from contango_quant.pricing.normal import pdf
from support import pricing_witness as witness

FORWARD = st.floats(1.0, 10_000.0)
LOG_RATIO = st.floats(-3.0, 3.0)
T = st.floats(1 / 3650, 10.0)
VOL = st.floats(0.005, 4.0)


def allowance(f, k, t, vol, d, price, is_call):
    """Relative error of vol that the rounding of the price (a few hundred last places of it) may cause."""
    s = vol * math.sqrt(t)
    d1 = math.log(f / k) / s + s / 2
    vega = d * f * pdf(d1) * math.sqrt(t)
    in_the_money = (f > k) == is_call
    size = price if in_the_money else price * (1 + abs(d1) / s)
    return 1e-13 + 2e-15 * size / (vega * vol) if vega > 0 else math.inf


@settings(deadline=None, max_examples=400)
@given(FORWARD, LOG_RATIO, T, VOL, st.floats(0.5, 1.1), st.booleans())
def test_round_trip(f, log_ratio, t, vol, d, is_call):
    k = f * math.exp(log_ratio)
    price = black.black_price(f, k, t, vol, d, is_call)
    assume(price > 1e-280 * f)
    got, status = implied.implied_vol(price, f, k, t, d, is_call)
    tolerance = allowance(f, k, t, vol, d, price, is_call)
    if status == implied.OK:
        assert got == pytest.approx(vol, rel=min(tolerance, 1.0))
    else:  # only where the price itself has lost the volatility
        assert tolerance > 1e-3


@settings(deadline=None, max_examples=200)
@given(FORWARD, LOG_RATIO, st.floats(1e-12, 1.0 - 1e-9))
def test_any_possible_price_is_met(f, log_ratio, share):
    """The answer gives the price back, wherever the price lies between its bounds."""
    k = f * math.exp(log_ratio)
    is_call = k >= f
    price = share * min(f, k)
    vol, status = implied.implied_vol(price, f, k, 1.0, 1.0, is_call)
    assert status == implied.OK
    assert black.black_price(f, k, 1.0, vol, 1.0, is_call) == pytest.approx(price, rel=1e-11, abs=1e-15 * min(f, k))


def test_bisection_agrees():
    for k in (60.0, 90.0, 100.0, 100.0001, 120.0, 300.0):
        for price in (1e-8, 0.01, 1.0, 20.0, 59.0):
            is_call = k >= 100.0
            root = brentq(
                lambda v, k=k, c=is_call, p=price: black.black_price(100.0, k, 0.5, v, 1.0, c) - p,
                1e-12,
                60,
                xtol=1e-15,
            )
            vol, status = implied.implied_vol(price, 100.0, k, 0.5, 1.0, is_call)
            assert (status, vol) == (implied.OK, pytest.approx(root, rel=1e-8))


@settings(deadline=None)
@given(st.floats(1e-15, 1.0 - 1e-15))
def test_at_the_money_is_closed(share):
    vol, status = implied.implied_vol(share * 50.0, 50.0, 50.0, 1.0, 1.0, True)
    assert status == implied.OK
    assert math.erf(vol / math.sqrt(8.0)) == pytest.approx(share, rel=1e-14)


@pytest.mark.parametrize(
    ("price", "forward", "strike", "t", "is_call", "status"),
    [
        (9.0, 110.0, 100.0, 1.0, True, implied.BELOW_INTRINSIC),
        (-0.5, 90.0, 100.0, 1.0, True, implied.BELOW_INTRINSIC),
        (110.0, 110.0, 100.0, 1.0, True, implied.ABOVE_MAXIMUM),
        (100.0, 110.0, 100.0, 1.0, False, implied.ABOVE_MAXIMUM),
        (1.0, 90.0, 100.0, 0.0, True, implied.ABOVE_MAXIMUM),
        (0.0, 90.0, 100.0, 1.0, True, implied.NO_TIME_VALUE),
        (10.0, 110.0, 100.0, 1.0, True, implied.NO_TIME_VALUE),
        (10.0, 110.0, 100.0, 0.0, True, implied.NO_TIME_VALUE),
        (math.nan, 110.0, 100.0, 1.0, True, implied.NON_FINITE),
        (5.0, math.inf, 100.0, 1.0, True, implied.NON_FINITE),
        (5.0, -1.0, 100.0, 1.0, True, implied.NON_FINITE),
    ],
)
def test_statuses(price, forward, strike, t, is_call, status):
    vol, got = implied.implied_vol(price, forward, strike, t, 1.0, is_call)
    assert (got, math.isnan(vol)) == (status, True)


def test_smallest_prices_have_a_vol():
    vol, status = implied.implied_vol(5e-324, 100.0, 120.0, 1.0, 1.0, True)
    assert status == implied.OK
    assert 0.0 < vol < 0.01


def test_array_api():
    strikes = np.array([80.0, 100.0, 130.0])
    prices = black.price(forward=100.0, strike=strikes, t_years=0.3, vol=0.25, discount=0.98, is_call=True)
    result = implied.implied(
        price=[[math.nan] * 3, prices], forward=100.0, strike=strikes, t_years=0.3, discount=0.98, is_call=True
    )
    assert result.status.tolist() == [[implied.NON_FINITE] * 3, [implied.OK] * 3]
    np.testing.assert_allclose(result.vol[1], 0.25, rtol=1e-13)
    assert len(implied.STATUS_NAMES) == implied.NON_FINITE + 1
    with pytest.raises(ValueError, match=r"strike must be .* got 0\.0"):
        implied.implied(price=1.0, forward=1.0, strike=0.0, t_years=1.0, discount=1.0, is_call=True)


def exact_case(log_forward, log_s, h, up, t):
    """(vol, forward, strike, out-of-the-money?, 50-digit price, its slope in ln vol)."""
    f, vol = 10.0**log_forward, 10.0**log_s / math.sqrt(t)
    k = f * math.exp(h * 10.0**log_s if up else -h * 10.0**log_s)
    price = witness.black(f, k, t, vol, 1.0, k >= f)
    with workdps(50):
        s = mpf(vol) * mp.sqrt(mpf(t))
        slope = f * mp.npdf(mp.log(mpf(f) / mpf(k)) / s + s / 2) * s
    return vol, f, k, price, slope


@settings(deadline=None, max_examples=150)
@given(
    st.floats(-6.0, 6.0),
    st.floats(-8.0, 1.7),
    st.one_of(st.floats(0.0, 36.0), st.floats(0.0, 3.0), st.floats(-8.0, 0.0).map(lambda x: 10.0**x)),
    st.booleans(),
    st.floats(1e-3, 10.0),
)
def test_machine_precision_over_the_attainable_range(log_forward, log_s, h, up, t):
    """Within 5e-15 of the volatility behind the exact price, beside what two last places of that price mean in vol."""
    assume(h * 10.0**log_s < 600.0)
    vol, f, k, price, slope = exact_case(log_forward, log_s, h, up, t)
    given_price = float(price)
    assume(given_price > 1e-290 * f and given_price > 1e-300)
    got, status = implied.implied_vol(given_price, f, k, t, 1.0, k >= f)
    allowed = 5e-15 + 2.0 * float(mpf(math.ulp(given_price)) / slope)
    if allowed > 1e-3:  # next to the maximum, where the last place of a price spans many volatilities
        return
    assert status == implied.OK
    assert got == pytest.approx(vol, rel=allowed)


@pytest.mark.parametrize("log_price", [-305, -307.5, -310, -315, -320])
def test_smallest_numbers_still_give_their_volatility(log_price):
    """Time values at the end of the range of numbers, and below it in units of the forward."""
    f, k, price = 1e-3, 2e-3, 10.0**log_price
    vol, status = implied.implied_vol(price, f, k, 0.5, 1.0, True)
    assert status == implied.OK
    with workdps(50):
        step = mpf(vol) * mpf(10) ** -13
        low, high = (witness.black(f, k, 0.5, mpf(vol) + x, 1.0, True) for x in (-step, step))
        assert low < price < high


def test_time_value_beyond_numbers_in_units_of_the_forward():
    """1e-200 for a put struck at 1e100 on a forward of 1e300 is 1e-400 of √(FK)."""
    vol, status = implied.implied_vol(1e-200, 1e300, 1e100, 1.0, 1.0, False)
    assert status == implied.OK
    with workdps(50):
        low, high = (witness.black(1e300, 1e100, 1.0, mpf(vol) * (1 + x), 1.0, False) for x in (-1e-13, 1e-13))
        assert low < 1e-200 < high


def test_every_combination_of_extremes_has_its_status():
    sizes = [5e-324, 1e-310, 1e-200, 1e-10, 1.0, 1.0 + 2**-52, 1e10, 1e200, 1.7e308]
    prices = [0.0, 5e-324, 1e-200, 1e-3, 1.0, 1e50, 1e300]
    for f in sizes:
        for k in sizes:
            most = min(f, k)
            for price in (*prices, most * (1 - 2**-52), most * 0.5, max(f, k)):
                for is_call in (True, False):
                    vol, status = implied.implied_vol(price, f, k, 1.0, 1.0, is_call)
                    assert (status == implied.OK) == (0.0 < vol < math.inf), (price, f, k, is_call)
                    money = f - k if is_call else k - f
                    if price < money * (1 - 1e-15):
                        assert status == implied.BELOW_INTRINSIC
                    if price >= (f if is_call else k):
                        assert status in (implied.ABOVE_MAXIMUM, implied.NO_TIME_VALUE)


@settings(deadline=None)
@given(st.floats(0.05, 60.0), st.floats(0.0, 5.0))
def test_last_gap_below_the_maximum(s, a):
    """A call on a vanishing strike: the price is one or a few last places below the forward."""
    gap = witness.black(1.0, math.exp(-a), 1.0, s, 1.0, True)
    gap = float(1 - gap) if float(1 - gap) > 0 else 0.0
    price = 1.0 - gap
    vol, status = implied.implied_vol(price, 1.0, math.exp(-a), 1.0, 1.0, True)
    if price == 1.0:
        assert status == implied.ABOVE_MAXIMUM
        return
    if status == implied.OK:
        again = float(1 - witness.black(1.0, math.exp(-a), 1.0, vol, 1.0, True))
        assert again == pytest.approx(1.0 - price, rel=1e-12, abs=4.0 * math.ulp(1.0))


@settings(deadline=None, max_examples=200)
@given(st.floats(0.0, 20.0), st.floats(-4.0, 0.9))
def test_guess_is_close_before_any_step(h, log_s):
    """What makes one step enough: within 1e-3 where the quick path is taken."""
    s = 10.0**log_s
    a = h * s
    value = black.black_price(1.0, math.exp(a), 1.0, s, 1.0, True)
    assume(value > 1e-280)
    assume(1.0 - value >= total_vol.SMALL_GAP)
    h_normal, s_normal = total_vol.normal_guess(value * math.exp(-0.5 * a), a)
    guess = total_vol._correct(h_normal, s_normal)
    if s <= 2.5:
        assert guess == pytest.approx(s, rel=1e-3)
    quick = total_vol.quick_total_vol(a, value, 1.0 - value, math.exp(-0.5 * a))
    if not math.isnan(quick):
        assert total_vol.total_vol(a, value, 1.0 - value, math.exp(-0.5 * a)) == pytest.approx(quick, rel=5e-15)


@settings(deadline=None)
@given(FORWARD, st.floats(-1.5, 1.5), st.floats(0.01, 3.0), st.floats(0.03, 2.0), st.floats(0.5, 1.1))
def test_beside_quantlib(f, log_ratio, t, vol, d):
    ql = pytest.importorskip("QuantLib")
    k = f * math.exp(log_ratio)
    is_call = k >= f
    price = black.black_price(f, k, t, vol, d, is_call)
    assume(price > 1e-8 * f)
    kind = ql.Option.Call if is_call else ql.Option.Put
    theirs = ql.blackFormulaImpliedStdDev(kind, k, f, price, d, 0.0, vol * math.sqrt(t), 1e-14, 200) / math.sqrt(t)
    got, status = implied.implied_vol(price, f, k, t, d, is_call)
    assert (status, got) == (implied.OK, pytest.approx(theirs, rel=1e-7))
    assert abs(got / vol - 1) <= abs(theirs / vol - 1) + allowance(f, k, t, vol, d, price, is_call)


@settings(deadline=None)
@given(FORWARD, st.floats(-3.0, 3.0), st.floats(0.01, 3.0), st.floats(0.03, 2.0))
def test_beside_vollib(f, log_ratio, t, vol):
    """vollib runs Jäckel's own reference code ("Let's be rational"): both have all digits."""
    lets_be_rational = pytest.importorskip("vollib.lets_be_rational")
    k = f * math.exp(log_ratio)
    is_call = k >= f
    price = black.black_price(f, k, t, vol, 1.0, is_call)
    assume(1e-250 * f < price < 0.95 * min(f, k))
    theirs = lets_be_rational.implied_volatility_from_a_transformed_rational_guess(price, f, k, t, 1 if is_call else -1)
    got, _ = implied.implied_vol(price, f, k, t, 1.0, is_call)
    assert got == pytest.approx(theirs, rel=2.0 * allowance(f, k, t, vol, 1.0, price, is_call))


def test_loop_gives_what_the_scalar_kernel_gives():
    rng = np.random.default_rng(3)
    f, k, t, d = 100.0, 100.0 * np.exp(rng.uniform(-1, 1, 1003)), rng.uniform(0.01, 2, 1003), 0.97
    is_call = rng.random(1003) < 0.5
    prices = np.where(rng.random(1003) < 0.2, rng.uniform(-1, 120, 1003), 0.0)
    prices += black.price(forward=f, strike=k, t_years=t, vol=rng.uniform(0.01, 3), discount=d, is_call=is_call)
    got = implied.implied(price=prices, forward=f, strike=k, t_years=t, discount=d, is_call=is_call)
    want = [implied.implied_vol(p, f, a, b, d, c) for p, a, b, c in zip(prices, k, t, is_call, strict=True)]
    np.testing.assert_array_equal(got.vol, [vol for vol, _ in want])
    assert got.status.tolist() == [status for _, status in want]
    assert set(got.status.tolist()) >= {implied.OK, implied.ABOVE_MAXIMUM}


def test_bad_input_is_named_only_where_it_is_not_the_price():
    good = {"price": [1.0, math.inf], "forward": 100.0, "strike": 100.0, "t_years": 0.5, "discount": 0.99}
    assert implied.implied(**good, is_call=True).status.tolist() == [implied.OK, implied.NON_FINITE]
    for name, bad in (("forward", 0.0), ("strike", math.nan), ("t_years", -1.0), ("discount", math.inf)):
        with pytest.raises(ValueError, match=rf"^{name} must be .* got {bad!r} at position 1$"):
            implied.implied(**{**good, name: [1.0, bad]}, is_call=True)
    with pytest.raises(ValueError, match="price must be numbers, got 'one'"):
        implied.implied(**{**good, "price": "one"}, is_call=True)
    assert implied.implied(**{**good, "price": []}, is_call=True).vol.shape == (0,)
