"""Greeks against differences of the price in double and in 100 digits, laws, published numbers, units, structures."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from contango_quant.pricing import black, greeks, greeks_higher, greeks_third, position_greeks
from support import pricing_witness as witness

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


def all_greeks(*args):
    return greeks_higher.bsm_full_greeks(*args) + greeks_third.bsm_third_greeks(*args[:6])


def sizes(spot, strike, t, vol, rate, div_yield):
    """The largest term that each Greek is the sum of: what its rounding is measured by."""
    x = math.log(spot / strike) + (rate - div_yield) * t
    s = vol * math.sqrt(t)
    d1, d2 = x / s + s / 2, x / s - s / 2
    slack = 4e-4 * (abs(math.log(spot / strike)) + abs(rate - div_yield) * t) / s  # times 1e-12: the rounding in d1
    *_, gamma, vega, _, _, _, _, _ = greeks_higher.bsm_full_greeks(spot, strike, t, vol, rate, div_yield, True)
    width, d1, d2 = abs(x) / s + s + slack, abs(d1) + slack, abs(d2) + slack
    drift = abs(div_yield) + d1 * (abs(rate - div_yield) / s + d2 / (2 * t)) + (1 + d2) / (2 * t)
    carry = abs(rate) * strike + abs(div_yield) * spot
    return {
        "theta": vega * vol / (2 * t) + carry,
        "vanna": vega / spot * width / s,
        "volga": vega * width**2 / vol,
        "charm": gamma * spot * s * (drift * s) + abs(div_yield),
        "speed": gamma / spot * (1 + d1 / s),
        "zomma": gamma * (d1 * d2 + 1) / vol,
        "color": gamma * drift,
        "veta": vega * drift,
    }


@settings(deadline=None, max_examples=25)
@given(
    st.floats(1.0, 5000.0),
    st.floats(-4.0, 4.0),
    st.floats(1 / 365, 3.0),
    st.floats(0.05, 1.5),
    st.floats(-0.02, 0.1),
    st.floats(-0.02, 0.1),
    st.booleans(),
)
def test_every_greek_is_the_derivative_in_fifty_digits(spot, h, t, vol, rate, div_yield, is_call):
    """Within 1e-12 of the value, or of the largest of the terms that it is the difference of."""
    strike = spot * math.exp(h * vol * math.sqrt(t))
    at = (spot, strike, t, vol, rate, div_yield)
    size = sizes(*at)
    for name, got in zip(witness.ORDERS, all_greeks(*at, is_call), strict=True):
        want = witness.greek(name, *at, is_call)
        assert abs(mpf(got) - want) <= 1e-12 * max(abs(want), size.get(name, 0.0)), name


@settings(deadline=None)
@given(SPOT, RATIO, T, VOL, RATE, RATE, st.booleans())
def test_the_first_six_are_the_same_everywhere(spot, ratio, t, vol, rate, div_yield, is_call):
    at = (spot, spot * ratio, t, vol, rate, div_yield, is_call)
    assert greeks.bsm_greeks(*at) == greeks_higher.bsm_full_greeks(*at)[:6]
    assert greeks.bsm_greeks(*at)[0] == black.bsm_kernel(*at)


@settings(deadline=None)
@given(SPOT, RATIO, T, VOL, RATE, RATE)
def test_parity_of_second_order(spot, ratio, t, vol, rate, div_yield):
    """Calls and puts share what carries the density; their charms differ by q·e^(−qT)."""
    at = (spot, spot * ratio, t, vol, rate, div_yield)
    call, put = (greeks_higher.bsm_full_greeks(*at, is_call) for is_call in (True, False))
    assert (call[2], call[3], call[6], call[7]) == (put[2], put[3], put[6], put[7])
    gap = div_yield * math.exp(-div_yield * t)
    assert call[8] - put[8] == pytest.approx(gap, rel=1e-12, abs=1e-15 * (1 + abs(call[8])))


@settings(deadline=None)
@given(SPOT, RATIO, T, VOL, RATE, RATE)
def test_homogeneous_in_spot_and_strike(spot, ratio, t, vol, rate, div_yield):
    """Prices, delta and gamma scale as powers 1, 0, −1 of the currency (a power of two: exactly)."""
    one = greeks_higher.bsm_full_greeks(spot, spot * ratio, t, vol, rate, div_yield, True)
    two = greeks_higher.bsm_full_greeks(4.0 * spot, 4.0 * (spot * ratio), t, vol, rate, div_yield, True)
    powers = (1, 0, -1, 1, 1, 1, 0, 1, 0)
    assert two == pytest.approx([x * 4.0**n for x, n in zip(one, powers, strict=True)], rel=0.0, abs=1e-300)


# Greek, right, strike, spot, dividend yield, rate, years, vol, value: E. G. Haug, "Option pricing formulas", 1998,
# p. 11-16, as quoted in QuantLib's test-suite/europeanoption.cpp.
HAUG = [
    ("delta", "C", 100.0, 105.0, 0.1, 0.1, 0.5, 0.36, 0.5946),
    ("delta", "P", 100.0, 105.0, 0.1, 0.1, 0.5, 0.36, -0.3566),
    ("gamma", "C", 60.0, 55.0, 0.0, 0.1, 0.75, 0.3, 0.0278),
    ("gamma", "P", 60.0, 55.0, 0.0, 0.1, 0.75, 0.3, 0.0278),
    ("vega", "C", 60.0, 55.0, 0.0, 0.1, 0.75, 0.3, 18.9358),
    ("vega", "P", 60.0, 55.0, 0.0, 0.1, 0.75, 0.3, 18.9358),
    ("theta", "P", 405.0, 430.0, 0.05, 0.07, 1 / 12, 0.2, -31.1924),
    ("rho", "C", 75.0, 72.0, 0.0, 0.09, 1.0, 0.19, 38.7325),
]


@pytest.mark.parametrize(("name", "right", "k", "spot", "q", "r", "t", "vol", "expected"), HAUG)
def test_values_in_haugs_book(name, right, k, spot, q, r, t, vol, expected):
    values = greeks_higher.bsm_full_greeks(spot, k, t, vol, r, q, right == "C")
    assert dict(zip(witness.ORDERS, values))[name] == pytest.approx(expected, abs=1e-4)


# Spot, years, vol, call?, (price, delta, gamma, vega, theta, rho); strike 1000, rate 5 %, no yield: rows of py_vollib's
# test_data_py_vollib.json (MIT), which has nine digits.
VOLLIB = [
    (450.0, 0.5, 0.3, True, (0.004524592, 0.000199848, 7.9333e-06, 0.24097291, -0.076562227, 0.042703539)),
    (900.0, 0.5, 0.3, True, (47.14014022, 0.392519975, 0.00201329, 244.614726, -88.69080963, 153.0639184)),
    (1000.0, 0.5, 0.3, False, (71.65867831, -0.411410886, 0.001834072, 275.110741, -58.37974406, -241.5347824)),
    (1100.0, 0.1, 0.3, False, (7.399200751, -0.134623932, 0.002076594, 75.38037377, -105.2962844, -15.54855259)),
    (950.0, 0.1, 0.3, True, (18.57782986, 0.329773023, 0.004017189, 108.7653878, -177.8834088, 29.47065416)),
    (1300.0, 0.01, 2.0, True, (310.5323296, 0.92136621, 0.000564386, 19.07623875, -1951.986062, 8.87243744)),
    (700.0, 0.01, 2.0, False, (301.996175, -0.953606374, 0.000693853, 6.799756462, -631.4996144, -9.69520637)),
]


@pytest.mark.parametrize(("spot", "t", "vol", "is_call", "expected"), VOLLIB)
def test_values_of_py_vollib(spot, t, vol, is_call, expected):
    got = greeks.bsm_greeks(spot, 1000.0, t, vol, 0.05, 0.0, is_call)
    assert got == pytest.approx(expected, rel=1e-6, abs=6e-10)


@settings(deadline=None)
@given(SPOT, RATIO, T, VOL, st.floats(0.0, 0.1), st.floats(0.0, 0.1), st.booleans())
def test_greeks_beside_quantlib(spot, ratio, t, vol, rate, div_yield, is_call):
    ql = pytest.importorskip("QuantLib")
    strike = spot * ratio
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
    forward, discount = spot * math.exp((rate - div_yield) * t), math.exp(-rate * t)
    theirs = ql.BlackCalculator(payoff, forward, vol * math.sqrt(t), discount)
    price, delta, gamma, vega, _, rho, *_ = greeks_higher.bsm_full_greeks(
        spot, strike, t, vol, rate, div_yield, is_call
    )
    assert price == pytest.approx(theirs.value(), rel=1e-11, abs=1e-13 * (spot + strike))
    assert delta == pytest.approx(theirs.delta(spot), rel=1e-11, abs=1e-13 * (1 + ratio))
    assert gamma == pytest.approx(theirs.gamma(spot), rel=1e-11, abs=1e-13 / spot)
    assert vega == pytest.approx(theirs.vega(t), rel=1e-11, abs=1e-13 * spot)
    assert rho == pytest.approx(theirs.rho(t), rel=1e-10, abs=1e-12 * (spot + strike) * (1 + t))


@settings(deadline=None)
@given(
    *[st.one_of(st.just(0.0), st.floats(1e-100, 1e100))] * 4, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.booleans()
)
def test_finite_input_never_gives_nan(spot, strike, t, vol, rate, div_yield, is_call):
    scale = max(t, 1.0)
    values = all_greeks(spot, strike, t, vol, rate / scale, div_yield / scale, is_call)
    assert not any(math.isnan(x) for x in values)


def test_second_order_limits_by_rule():
    certain = greeks_higher.bsm_full_greeks(110.0, 100.0, 1.0, 0.0, 0.0, 0.05, True)
    assert certain[6:8] == (0.0, 0.0)
    assert certain[8] == pytest.approx(0.05 * math.exp(-0.05))  # the shares held shrink with the yield
    assert greeks_third.bsm_third_greeks(110.0, 100.0, 0.0, 0.2, 0.0, 0.05) == (0.0, 0.0, 0.0, 0.0)
    assert greeks_third.bsm_third_greeks(100.0, 900.0, 0.001, 0.1, 0.0, 0.0) == (0.0, 0.0, 0.0, 0.0)


def chain(**changes):
    good = {"spot": 100.0, "strike": [90.0, 95.0, 105.0, 110.0], "t_years": 0.1, "vol": 0.2, "rate": 0.03}
    return {**good, "div_yield": 0.01, **changes}


PUTS_AND_CALLS = np.array([False, False, True, True])


def test_arrays_fill_out_and_name_what_is_bad():
    out = np.empty((9, 4))
    got = greeks_higher.full_greeks(**chain(), is_call=PUTS_AND_CALLS, out=out)
    assert all(np.shares_memory(row, out) for row in got)
    for i, (k, c) in enumerate(zip(chain()["strike"], PUTS_AND_CALLS, strict=True)):
        assert tuple(out[:, i].tolist()) == greeks_higher.bsm_full_greeks(100.0, k, 0.1, 0.2, 0.03, 0.01, bool(c))
    third = greeks_third.third_greeks(**chain())
    assert tuple(float(x[2]) for x in third) == greeks_third.bsm_third_greeks(100.0, 105.0, 0.1, 0.2, 0.03, 0.01)
    assert np.shares_memory(greeks.greeks(**chain(), is_call=True, out=out[:6]).rho, out)
    with pytest.raises(ValueError, match=r"out must be .* shape \(9, 4\), got float64 \(4, 9\)"):
        greeks_higher.full_greeks(**chain(), is_call=True, out=np.empty((4, 9)))
    with pytest.raises(ValueError, match=r"^vol must be .* got nan at position 1$"):
        greeks_higher.full_greeks(**chain(vol=[0.1, math.nan, 0.1, 0.1]), is_call=True)
    for function in (greeks.greeks, greeks_higher.full_greeks):
        with pytest.raises(ValueError, match=r"^exp\(-rate \* t_years\) must be finite and above 0, got inf"):
            function(**chain(rate=-1e5), is_call=True)
    with pytest.raises(ValueError, match=r"^spot \* exp"):
        greeks_third.third_greeks(**chain(div_yield=-1e5))


def test_more_rows_than_a_block():
    n = 2 * greeks_higher.BLOCK + 3
    strikes = np.linspace(50.0, 200.0, n)
    got = greeks_higher.full_greeks(**chain(strike=strikes), is_call=False)
    for i in (0, greeks_higher.BLOCK - 1, greeks_higher.BLOCK, n - 1):
        want = greeks_higher.bsm_full_greeks(100.0, strikes[i], 0.1, 0.2, 0.03, 0.01, False)
        assert tuple(float(x[i]) for x in got) == want
    assert greeks_higher.full_greeks(**chain(strike=np.empty(0)), is_call=True).price.shape == (0,)


def test_units_of_the_trader():
    """vanna: shares per vol point; volga: currency per point squared; charm: shares per calendar day."""
    sold = {"quantity": -2, "multiplier": 100}
    one = greeks_higher.full_greeks(**chain(strike=105.0), is_call=True)
    unit = position_greeks.full_position_greeks(one, **sold)
    moved = {
        name: position_greeks.full_position_greeks(
            greeks_higher.full_greeks(**chain(strike=105.0, **change), is_call=True), **sold
        )
        for name, change in (("point", {"vol": 0.21}), ("day", {"t_years": 0.1 - 1 / 365}), ("rate", {"rate": 0.04}))
    }
    assert moved["point"].value - unit.value == pytest.approx(unit.vega_per_point + unit.volga_per_point2 / 2, rel=1e-3)
    change = moved["point"].delta_shares - unit.delta_shares
    assert change == pytest.approx(unit.vanna_shares_per_point, rel=0.05)
    change = moved["day"].delta_shares - unit.delta_shares
    assert change == pytest.approx(unit.charm_shares_per_day, rel=0.05)
    assert moved["day"].value - unit.value == pytest.approx(unit.theta_per_day, rel=0.05)
    assert moved["rate"].value - unit.value == pytest.approx(unit.rho_per_point, rel=0.02)
    first = greeks.position_greeks(greeks.Greeks(*one[:6]), **sold)
    assert [float(x) for x in unit[:6]] == pytest.approx([float(x) for x in first], rel=1e-15)


def test_third_order_units_of_the_trader():
    one = {"quantity": 1, "multiplier": 100}
    at = chain(strike=105.0)
    unit = position_greeks.third_position_greeks(greeks_third.third_greeks(**at), **one)

    def gamma_and_vega(**change):
        full = greeks_higher.full_greeks(**{**at, **change}, is_call=True)
        position = position_greeks.full_position_greeks(full, **one)
        return position.gamma_shares, position.vega_per_point

    gamma, vega = gamma_and_vega()
    assert gamma_and_vega(spot=100.01)[0] - gamma == pytest.approx(0.01 * unit.speed_shares, rel=0.01)
    assert gamma_and_vega(vol=0.2001)[0] - gamma == pytest.approx(0.01 * unit.zomma_shares_per_point, rel=0.01)
    later = gamma_and_vega(t_years=0.1 - 0.01 / 365)
    assert later[0] - gamma == pytest.approx(0.01 * unit.color_shares_per_day, rel=0.01)
    assert later[1] - vega == pytest.approx(0.01 * unit.veta_per_point_day, rel=0.01)


def test_structures_are_sums_with_signs():
    legs = greeks_higher.full_greeks(**chain(spot=[[99.0], [101.0]]), is_call=PUTS_AND_CALLS)
    quantity = [1, -1, -1, 1]
    condor = position_greeks.structure_greeks(legs, quantity=quantity, multiplier=100)
    by_leg = position_greeks.full_position_greeks(legs, quantity=quantity, multiplier=100)
    assert condor.charm_shares_per_day.shape == (2,)
    for total, parts in zip(condor, by_leg, strict=True):
        assert total.tolist() == pytest.approx([math.fsum(row) for row in parts.tolist()], rel=1e-13, abs=1e-13)
    assert np.all(condor.value < 0)  # sold for a credit
    assert np.all(condor.theta_per_day > 0)
    flat = position_greeks.structure_greeks(legs, quantity=0, multiplier=100)
    assert all(not np.any(total) for total in flat)
    single = greeks_higher.full_greeks(**chain(strike=95.0), is_call=True)
    with pytest.raises(ValueError, match="must have an axis of legs"):
        position_greeks.structure_greeks(single, quantity=1, multiplier=100)
    with pytest.raises(ValueError, match=r"^multiplier must be .* got -1\.0$"):
        position_greeks.structure_greeks(legs, quantity=1, multiplier=-1)
