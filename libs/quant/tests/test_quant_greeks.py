"""Greeks against finite differences of the price, and the laws between calls and puts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.pricing import black, greeks

SPOT = st.floats(10.0, 5000.0)
RATIO = st.floats(0.6, 1.6)
T = st.floats(0.02, 3.0)
VOL = st.floats(0.08, 1.0)
RATE = st.floats(-0.05, 0.15)
NAMES = ("spot", "strike", "t_years", "vol", "rate", "div_yield")


def slope(f, x, h):
    """Central difference with one Richardson step: error of fourth order."""
    wide, narrow = (f(x + h) - f(x - h)) / (2 * h), (f(x + h / 2) - f(x - h / 2)) / h
    return (4 * narrow - wide) / 3


@settings(deadline=None)
@given(SPOT, RATIO, T, VOL, RATE, RATE, st.booleans())
def test_greeks_are_the_slopes_of_the_price(spot, ratio, t, vol, rate, div_yield, is_call):
    at = dict(zip(NAMES, (spot, spot * ratio, t, vol, rate, div_yield), strict=True))
    price, delta, gamma, vega, theta, rho = greeks.bsm_greeks(*at.values(), is_call)

    def moved(name, index=0):
        def f(x):
            new = {**at, name: x}
            if index:
                return greeks.bsm_greeks(*new.values(), is_call)[index]
            return black.bsm_kernel(*new.values(), is_call)

        return f

    s = vol * math.sqrt(t)
    step = 2e-2 * min(s, 0.5)
    assert price == black.bsm_kernel(*at.values(), is_call)
    assert delta == pytest.approx(slope(moved("spot"), spot, spot * step), abs=2e-6)
    assert gamma == pytest.approx(slope(moved("spot", 1), spot, spot * step), abs=2e-5 / (spot * s))
    assert vega == pytest.approx(slope(moved("vol"), vol, vol * 1e-2), abs=2e-6 * spot * max(1.0, t))
    assert theta == pytest.approx(-slope(moved("t_years"), t, t * 1e-2), abs=2e-6 * spot / t)
    assert rho == pytest.approx(slope(moved("rate"), rate, step / t), abs=2e-5 * spot * max(1.0, t))


@settings(deadline=None)
@given(SPOT, RATIO, T, VOL, RATE, RATE)
def test_parity_of_greeks(spot, ratio, t, vol, rate, div_yield):
    strike = spot * ratio
    call = greeks.bsm_greeks(spot, strike, t, vol, rate, div_yield, True)
    put = greeks.bsm_greeks(spot, strike, t, vol, rate, div_yield, False)
    df, dq = math.exp(-rate * t), math.exp(-div_yield * t)
    gap = [a - b for a, b in zip(call, put, strict=True)]
    theta = div_yield * spot * dq - rate * strike * df
    want = [spot * dq - strike * df, dq, 0.0, 0.0, theta, strike * t * df]
    assert gap == pytest.approx(want, rel=1e-11, abs=1e-11 * spot)


@settings(deadline=None)
@given(SPOT, RATIO, T, VOL, RATE, st.booleans())
def test_black_scholes_equation(spot, ratio, t, vol, rate, is_call):
    p, delta, gamma, _, theta, _ = greeks.bsm_greeks(spot, spot * ratio, t, vol, rate, 0.02, is_call)
    drift = (rate - 0.02) * spot * delta + 0.5 * vol**2 * spot**2 * gamma + theta
    assert drift == pytest.approx(rate * p, abs=1e-10 * spot / t)


def test_limits_by_rule():
    assert greeks.bsm_greeks(110.0, 100.0, 0.0, 0.2, 0.0, 0.0, True) == (10.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    assert greeks.bsm_greeks(90.0, 100.0, 1.0, 0.0, 0.0, 0.0, True) == (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert greeks.bsm_greeks(100.0, 100.0, 0.0, 0.2, 0.0, 0.0, False)[1] == -0.5
    assert greeks.bsm_greeks(0.0, 100.0, 1.0, 0.2, 0.0, 0.0, False)[:2] == (100.0, -1.0)
    deep = greeks.bsm_greeks(100.0, 900.0, 0.001, 0.1, 0.0, 0.0, True)
    assert all(x == 0.0 for x in deep)


def test_arrays_and_positions():
    g = greeks.greeks(
        spot=[[100.0], [101.0]],
        strike=[95.0, 100.0, 105.0],
        t_years=0.25,
        vol=0.2,
        rate=0.03,
        div_yield=0.01,
        is_call=np.array([False, True, True]),
    )
    assert all(x.shape == (2, 3) for x in g)
    assert tuple(float(x[1, 2]) for x in g) == greeks.bsm_greeks(101.0, 105.0, 0.25, 0.2, 0.03, 0.01, True)
    sold = greeks.position_greeks(g, quantity=-3, multiplier=100)
    assert sold.vega_per_point[0, 1] == pytest.approx(-3.0 * g.vega[0, 1])
    assert sold.theta_per_day[0, 1] == pytest.approx(-300.0 * g.theta[0, 1] / 365.0)
    with pytest.raises(ValueError, match=r"spot must be .* got -1\.0"):
        greeks.greeks(spot=-1, strike=1, t_years=1, vol=1, rate=0, div_yield=0, is_call=True)


@settings(deadline=None)
@given(SPOT, st.floats(0.8, 1.2), st.floats(0.8, 1.1), T)
def test_carry_from_forward(spot, growth, discount, t):
    rate, div_yield = greeks.carry_from_forward(spot, spot * growth, discount, t)
    assert math.exp(-rate * t) == pytest.approx(discount)
    assert spot * math.exp((rate - div_yield) * t) == pytest.approx(spot * growth)
