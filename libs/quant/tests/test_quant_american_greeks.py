"""Greeks, implied volatility and exercise level of American options."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contango_quant.pricing.american import exercise, implied
from contango_quant.pricing.american.boundary import find_boundary, make_work
from contango_quant.pricing.american.exercise import exercise_level
from contango_quant.pricing.american.greeks import greeks, precise_greeks
from contango_quant.pricing.american.premium import flat_premium, premium
from contango_quant.pricing.american.price import EXERCISE_NOW, HELD, precise_price, price
from contango_quant.pricing.american.scheme import PRECISE
from contango_quant.pricing.american.slopes import flat_slopes, premium_slopes
from contango_quant.pricing.black import bsm_price
from contango_quant.pricing.greeks import greeks as european_greeks

S = st.floats(60.0, 160.0)
T = st.floats(0.02, 3.0)
VOL = st.floats(0.1, 0.9)
RATE = st.floats(0.0, 0.1)
NAMES = ("spot", "strike", "t_years", "vol", "rate", "div_yield", "is_call")


def option(*values):
    return dict(zip(NAMES, values, strict=True))


def slope_of(o, name, step):
    """Fourth-order central difference of the precise price."""

    def at(k):
        return float(precise_price(**{**o, name: o[name] + k * step}).price)

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


@settings(max_examples=60)
@given(S, T, VOL, st.floats(0.002, 0.1), st.floats(0.002, 0.1), st.booleans())
def test_greeks_are_the_slopes_of_the_price(s, t, vol, r, q, is_call):
    o = option(s, 100.0, t, vol, r, q, is_call)
    g = precise_greeks(**o)
    h = 1e-3 * s * vol * math.sqrt(t)
    near = [precise_price(**{**o, "spot": s + 4 * k * h}).status for k in (-1, 1)]
    assume(g.status == HELD and near == [HELD, HELD])
    assume(abs(r - q) > 1e-3)  # the limit K·min(1, r/q) has a kink there
    assert g.delta == pytest.approx(slope_of(o, "spot", h), abs=2e-6)
    assert g.vega == pytest.approx(slope_of(o, "vol", 2e-3 * vol), abs=2e-4)
    assert g.rho == pytest.approx(slope_of(o, "rate", 1e-4), abs=2e-3)
    assert g.theta == pytest.approx(-slope_of(o, "t_years", 2e-3 * t), abs=2e-3 + 2e-4 * abs(float(g.theta)))
    delta = [float(precise_greeks(**{**o, "spot": s + k * h}).delta) for k in (-1, 1)]
    assert g.gamma == pytest.approx((delta[1] - delta[0]) / (2 * h), rel=1e-4, abs=1e-6)


@settings(max_examples=100)
@given(S, T, VOL, RATE, RATE, st.booleans())
def test_fast_greeks_are_near_the_precise_ones(s, t, vol, r, q, is_call):
    o = option(s, 100.0, t, vol, r, q, is_call)
    fast, exact = greeks(**o), precise_greeks(**o)
    assume(fast.status == exact.status)
    for name, digits in (("delta", 5e-4), ("gamma", 2e-3), ("vega", 3e-2)):
        assert getattr(fast, name) == pytest.approx(getattr(exact, name), abs=digits)


def test_greeks_where_exercise_is_due_and_where_it_never_is():
    now = greeks(**option(60.0, 100.0, 1.0, 0.2, 0.05, 0.0, False))
    assert [float(x) for x in now] == [40.0, -1.0, 0.0, 0.0, 0.0, 0.0, EXERCISE_NOW]
    o = option(100.0, 100.0, 1.0, 0.2, 0.05, 0.0, True)
    for got, wanted in zip(greeks(**o)[:6], european_greeks(**o), strict=True):
        assert got == pytest.approx(float(wanted), rel=1e-13)


def test_greeks_with_two_boundaries_come_from_the_tree():
    g = greeks(**option(100.0, 100.0, 1.0, 0.2, -0.01, -0.03, False))
    assert -1.0 < g.delta < 0.0 < g.gamma
    assert all(np.isfinite(x) for x in g)


def test_flat_premium_is_its_integral():
    """Kim's integral with a constant boundary, by a rule of its own."""
    for a, b, s, y, distance in ((0.05, 0.02, 0.2, 0.0, 1.0), (0.0, -0.02, 0.2, 0.1, 0.7), (0.3, 0.5, 0.4, -0.9, 0.05)):
        x, w = np.polynomial.legendre.leggauss(400)
        m = 0.5 * (1 + x)  # √t
        t, weight = m * m, w * m
        c = (a - b) / s - s / 2
        d2 = distance / m + c * m
        normal = np.vectorize(lambda z: 0.5 * math.erfc(-z / math.sqrt(2)))
        rate = a * np.exp(-a * t) * normal(-d2) - b * np.exp(y - b * t) * normal(-d2 - s * m)
        assert flat_premium(a, b, s, y, distance) == pytest.approx(float(weight @ rate), abs=1e-10)
        h = 1e-3
        up, down = (flat_premium(a, b, s, y + k * h, distance + k * h / s) for k in (1, -1))
        first, second = flat_slopes(a, b, s, y, distance)
        assert first == pytest.approx((up - down) / (2 * h), abs=1e-5)
        middle = flat_premium(a, b, s, y, distance)
        assert second == pytest.approx((up - 2 * middle + down) / h**2, abs=1e-4 + 1e-4 * abs(second))


def test_smooth_pasting():
    """Just above the boundary value and delta are those of exercise, and the premium's slopes are its own."""
    a, b, s = 0.05, 0.03, 0.25
    work = make_work(PRECISE)
    y = find_boundary(a, b, s, PRECISE, work)
    o = option(100.0 * math.exp(y), 100.0, 1.0, s, a, b, False)
    held = float(bsm_price(**o)) + 100.0 * premium(a, b, s, y, PRECISE, work)
    assert held == pytest.approx(100.0 - o["spot"], abs=1e-8)
    first, _ = premium_slopes(a, b, s, y, PRECISE, work)
    assert float(european_greeks(**o).delta) + 100.0 * first / o["spot"] == pytest.approx(-1.0, abs=1e-8)


@settings(max_examples=150)
@given(S, T, VOL, RATE, RATE, st.booleans())
def test_implied_vol_gives_the_vol_back(s, t, vol, r, q, is_call):
    o = option(s, 100.0, t, vol, r, q, is_call)
    value = price(**o)
    del o["vol"]
    got = implied.implied(price=value.price, **o)
    vega = float(greeks(vol=vol, **o).vega)
    assume(value.status != EXERCISE_NOW and vega > 1e-3)
    if got.status == implied.OK:
        assert got.vol == pytest.approx(vol, abs=1e-9 + 1e-5 / vega)
        assert got.european_price == pytest.approx(float(bsm_price(vol=float(got.vol), **o)), rel=1e-12)
        assert got.european_price <= value.price + 1e-9
    else:
        assert got.status == implied.NO_TIME_VALUE


@pytest.mark.parametrize(
    ("value", "is_call", "status"),
    [
        (20.0, False, implied.NO_TIME_VALUE),
        (19.9, False, implied.BELOW_INTRINSIC),
        (100.0, False, implied.ABOVE_MAXIMUM),
        (80.0, True, implied.ABOVE_MAXIMUM),
        (-1.0, True, implied.BELOW_INTRINSIC),
        (math.nan, True, implied.NON_FINITE),
    ],
)
def test_implied_statuses(value, is_call, status):
    got = implied.implied(price=value, spot=80.0, strike=100.0, t_years=0.5, rate=0.04, div_yield=0.01, is_call=is_call)
    assert (int(got.status), math.isnan(got.vol), math.isnan(got.european_price)) == (status, True, True)
    assert len(implied.STATUS_NAMES) == implied.NOT_FOUND + 1


@settings(max_examples=80)
@given(VOL, st.floats(0.005, 0.1), st.floats(0.0, 0.1), st.booleans())
def test_the_level_moves_away_from_the_strike_with_time(vol, r, q, is_call):
    assume(not is_call or q > 0.005)
    times = np.array([0.0, 1e-6, 0.01, 0.1, 0.5, 1.0, 3.0])
    e = exercise_level(strike=100.0, t_years=times, vol=vol, rate=r, div_yield=q, is_call=is_call)
    assert (e.status == exercise.OK).all()
    steps = np.diff(e.level) if is_call else -np.diff(e.level)
    assert (steps > -1e-8).all()
    limit = 100.0 * (max(1.0, r / q) if is_call else min(1.0, r / q if q > 0 else 1.0))
    assert e.level[0] == pytest.approx(limit, rel=1e-12)
    assert e.level[1] == pytest.approx(limit, rel=2e-2 * vol)


def test_exercise_is_due_on_one_side_of_the_level_only():
    arguments = {"strike": 100.0, "t_years": 0.7, "vol": 0.3, "rate": 0.04, "div_yield": 0.02}
    for is_call, beyond in ((False, 0.999), (True, 1.001)):
        level = float(exercise_level(**arguments, is_call=is_call).level)
        assert precise_price(spot=level * beyond, **arguments, is_call=is_call).status == EXERCISE_NOW
        assert precise_price(spot=level / beyond, **arguments, is_call=is_call).status == HELD


def test_long_dated_level_is_the_perpetual_one():
    e = exercise_level(strike=100.0, t_years=3000.0, vol=0.3, rate=0.05, div_yield=0.0, is_call=False)
    power = 2 * 0.05 / 0.09
    assert e.level == pytest.approx(100.0 * power / (1 + power), rel=1e-6)


def test_no_level_where_exercise_never_pays():
    e = exercise_level(strike=100.0, t_years=1.0, vol=0.2, rate=[0.0, -0.01], div_yield=[0.02, -0.03], is_call=False)
    assert np.isnan(e.level).all()
    assert e.status.tolist() == [exercise.NEVER, exercise.TWO_LEVELS]
    with pytest.raises(ValueError, match=r"vol must be finite and above 0, got 0\.0"):
        exercise_level(strike=100.0, t_years=1.0, vol=0.0, rate=0.05, div_yield=0.0, is_call=False)
