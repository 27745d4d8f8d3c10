"""Normal (Bachelier) prices and volatilities: laws, 50-digit numbers, statuses, peers."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf, workdps

from contango_quant.pricing import bachelier, black, implied, implied_normal
from support import pricing_witness as witness

MONEY = st.floats(-1e4, 1e4)
T = st.floats(0.0, 10.0)
VOL = st.floats(0.0, 1e4)
DISCOUNT = st.floats(0.5, 1.2)
ANY_SIZE = st.floats(-1e300, 1e300)


@settings(deadline=None)
@given(MONEY, MONEY, T, VOL, DISCOUNT)
def test_put_call_parity_and_bounds(f, k, t, vol, d):
    call, put = (bachelier.bachelier_price(f, k, t, vol, d, is_call) for is_call in (True, False))
    assert call - put == pytest.approx(d * (f - k), rel=1e-13, abs=1e-13 * vol * math.sqrt(t))
    assert call >= d * max(f - k, 0.0)
    assert put >= d * max(k - f, 0.0)


@settings(deadline=None)
@given(MONEY, MONEY, T, VOL, VOL)
def test_rises_with_vol_and_depends_on_the_distance_only(f, k, t, vol1, vol2):
    low, high = sorted((vol1, vol2))
    slack = 1e-14 * (abs(f) + abs(k) + high * math.sqrt(t))
    assert (
        bachelier.bachelier_price(f, k, t, low, 1.0, True)
        <= bachelier.bachelier_price(f, k, t, high, 1.0, True) + slack
    )
    moved = bachelier.bachelier_price(f + 1024.0, k + 1024.0, t, low, 1.0, True)
    assert moved == pytest.approx(bachelier.bachelier_price(f, k, t, low, 1.0, True), rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(st.floats(-6.0, 6.0), st.floats(0.0, 36.0), st.booleans())
def test_price_agrees_with_fifty_digits(log_s, h, is_call):
    s = 10.0**log_s
    k = h * s if is_call else -h * s
    got, want = bachelier.bachelier_price(0.0, k, 1.0, s, 1.0, is_call), witness.bachelier(0.0, k, 1.0, s, 1.0, is_call)
    assert abs(mpf(got) / want - 1) <= 2e-15 * (1.0 + h * h)


@settings(deadline=None, max_examples=150)
@given(
    st.floats(-6.0, 6.0), st.one_of(st.floats(0.0, 36.0), st.floats(-12.0, 0.0).map(lambda x: 10.0**x)), st.booleans()
)
def test_normal_vol_to_machine_precision(log_s, h, is_call):
    """Within 3e-15 of the volatility behind the exact price, and two last places of that price."""
    s, t = 10.0**log_s, 0.5
    k = h * s if is_call else -h * s
    price = witness.bachelier(0.0, k, t, s / math.sqrt(t), 1.0, is_call)
    with workdps(50):
        slope = mpf(s) * mp.npdf(mpf(k) / mpf(s))
    assume(float(price) > 1e-300)
    got, status = implied_normal.implied_normal_vol(float(price), 0.0, k, t, 1.0, is_call)
    assert status == implied.OK
    assert got == pytest.approx(s / math.sqrt(t), rel=3e-15 + 2.0 * float(mpf(math.ulp(float(price))) / slope))


@settings(deadline=None)
@given(
    st.floats(50.0, 150.0), st.floats(50.0, 150.0), st.floats(0.01, 5.0), st.floats(1.0, 60.0), DISCOUNT, st.booleans()
)
def test_beside_quantlib(f, k, t, vol, d, is_call):
    ql = pytest.importorskip("QuantLib")
    kind = ql.Option.Call if is_call else ql.Option.Put
    price = bachelier.bachelier_price(f, k, t, vol, d, is_call)
    assert price == pytest.approx(ql.bachelierBlackFormula(kind, k, f, vol * math.sqrt(t), d), rel=1e-11, abs=1e-13 * f)
    time_value = price / d - max(f - k if is_call else k - f, 0.0)
    assume(time_value > 1e-3)
    theirs = ql.bachelierBlackFormulaImpliedVol(kind, k, f, t, price, d)
    got, _ = implied_normal.implied_normal_vol(price, f, k, t, d, is_call)
    assert (got, theirs) == (pytest.approx(vol, rel=1e-9), pytest.approx(vol, rel=1e-8))


def test_small_moves_agree_with_black():
    """A vol of 1 % at the money: normal vol = vol·F·(1 − s²/24), the known expansion."""
    f, vol, t = 100.0, 0.01, 0.25
    price = black.black_price(f, f, t, vol, 1.0, True)
    normal, _ = implied_normal.implied_normal_vol(price, f, f, t, 1.0, True)
    assert normal == pytest.approx(vol * f * (1 - vol * vol * t / 24), rel=1e-10)


@settings(deadline=None)
@given(ANY_SIZE, ANY_SIZE, st.floats(0.0, 1e300), st.floats(0.0, 1e300), st.floats(1e-8, 1e8), st.booleans())
def test_finite_input_never_gives_nan(f, k, t, vol, d, is_call):
    assert bachelier.bachelier_price(f, k, t, vol, d, is_call) >= 0.0
    got, status = implied_normal.implied_normal_vol(abs(f), f, k, t, d, is_call)
    assert (status == implied.OK) == (not math.isnan(got))


@pytest.mark.parametrize(
    ("price", "forward", "strike", "t", "is_call", "status"),
    [
        (9.0, 110.0, 100.0, 1.0, True, implied.BELOW_INTRINSIC),
        (-0.5, 90.0, 100.0, 1.0, True, implied.BELOW_INTRINSIC),
        (1.0, 90.0, 100.0, 0.0, True, implied.ABOVE_MAXIMUM),
        (0.0, 90.0, 100.0, 1.0, True, implied.NO_TIME_VALUE),
        (10.0, 110.0, 100.0, 1.0, True, implied.NO_TIME_VALUE),
        (math.nan, 110.0, 100.0, 1.0, True, implied.NON_FINITE),
        (5.0, math.inf, 100.0, 1.0, True, implied.NON_FINITE),
        (500.0, -110.0, 100.0, 1.0, True, implied.OK),
    ],
)
def test_statuses(price, forward, strike, t, is_call, status):
    vol, got = implied_normal.implied_normal_vol(price, forward, strike, t, 1.0, is_call)
    assert (got, math.isnan(vol)) == (status, status != implied.OK)


def test_smallest_time_values_have_a_normal_vol():
    """5e-324 at a distance of 1e10: their quotient is no number, its logarithm is."""
    vol, status = implied_normal.implied_normal_vol(5e-324, 0.0, 1e10, 1.0, 1.0, True)
    assert status == implied.OK
    with workdps(50):
        low, high = (witness.bachelier(0.0, 1e10, 1.0, mpf(vol) * (1 + x), 1.0, True) for x in (-1e-12, 1e-12))
        assert low < 5e-324 < high


def test_arrays_and_bad_input():
    good = {"forward": [-1.0, 2.0], "strike": 1.0, "t_years": 0.5, "discount": 0.99, "is_call": True}
    out = np.empty(2)
    assert bachelier.normal_price(**good, normal_vol=3.0, out=out) is out
    assert out.tolist() == [bachelier.bachelier_price(f, 1.0, 0.5, 3.0, 0.99, True) for f in (-1.0, 2.0)]
    back = implied_normal.implied_normal(price=out, **good)
    np.testing.assert_allclose(back.vol, 3.0, rtol=1e-14)
    with pytest.raises(ValueError, match=r"^normal_vol must be .* got -3\.0$"):
        bachelier.normal_price(**good, normal_vol=-3.0)
    with pytest.raises(ValueError, match=r"^discount must be .* got 0\.0$"):
        implied_normal.implied_normal(price=1.0, **{**good, "discount": 0.0})
