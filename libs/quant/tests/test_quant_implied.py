"""Implied volatility: round trips, statuses, and the bracket that never fails."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from contango_quant.pricing import black, implied
from contango_quant.pricing.normal import pdf

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
