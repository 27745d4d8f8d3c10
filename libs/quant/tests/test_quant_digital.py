"""Digital options: laws that tie them to the plain ones, limits by rule, published and 50-digit numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from contango_quant.pricing import black, digital
from support import pricing_witness as witness

FORWARD = st.floats(1.0, 10_000.0)
RATIO = st.floats(0.2, 5.0)
T = st.floats(0.0, 5.0)
VOL = st.floats(0.0, 3.0)
DISCOUNT = st.floats(0.5, 1.2)
ANY_SIZE = st.floats(0.0, 1e300)


@settings(deadline=None)
@given(FORWARD, RATIO, T, VOL, DISCOUNT)
def test_call_is_asset_less_strike_times_cash(f, ratio, t, vol, d):
    k = f * ratio
    for is_call, sign in ((True, 1.0), (False, -1.0)):
        asset = digital.asset_or_nothing_price(f, k, t, vol, d, is_call)
        cash = digital.cash_or_nothing_price(f, k, t, vol, d, is_call)
        plain = black.black_price(f, k, t, vol, d, is_call)
        assert sign * (asset - k * cash) == pytest.approx(plain, abs=1e-14 * max(f, k))


@settings(deadline=None)
@given(FORWARD, RATIO, T, VOL, DISCOUNT)
def test_call_and_put_share_the_whole(f, ratio, t, vol, d):
    k = f * ratio
    for price, whole in ((digital.cash_or_nothing_price, d), (digital.asset_or_nothing_price, d * f)):
        both = [price(f, k, t, vol, d, is_call) for is_call in (True, False)]
        assert min(both) >= 0.0
        assert sum(both) == pytest.approx(whole, rel=1e-15)


@settings(deadline=None, max_examples=60)
@given(st.floats(-3.0, 3.0), st.floats(-4.0, 1.0), st.floats(-30.0, 30.0), st.booleans())
def test_both_tails_agree_with_fifty_digits(log_forward, log_s, h, is_call):
    f, s = 10.0**log_forward, 10.0**log_s
    k = f * math.exp(h * s)
    moneyness = abs(math.log(k / f)) / s + s
    for price, want in zip(
        (digital.cash_or_nothing_price, digital.asset_or_nothing_price),
        witness.digitals(f, k, 1.0, s, 1.0, is_call),
        strict=True,
    ):
        assert abs(mpf(price(f, k, 1.0, s, 1.0, is_call)) / want - 1) <= 3e-15 * (1.0 + moneyness**2) + 1e-15 / s


def test_values_in_haugs_book():
    """ "Option pricing formulas", 1998: cash-or-nothing p. 88, asset-or-nothing p. 90 (QuantLib: digitaloption.cpp)."""
    forward, discount = 100.0 * math.exp((0.06 - 0.06) * 0.75), math.exp(-0.06 * 0.75)
    assert 10.0 * digital.cash_or_nothing_price(forward, 80.0, 0.75, 0.35, discount, False) == pytest.approx(
        2.6710, abs=1e-4
    )
    forward, discount = 70.0 * math.exp((0.07 - 0.05) * 0.5), math.exp(-0.07 * 0.5)
    assert digital.asset_or_nothing_price(forward, 65.0, 0.5, 0.27, discount, False) == pytest.approx(20.2069, abs=1e-4)


def test_limits_by_rule():
    cash, asset = digital.cash_or_nothing_price, digital.asset_or_nothing_price
    assert (cash(110.0, 100.0, 0.0, 0.2, 0.5, True), asset(110.0, 100.0, 0.0, 0.2, 0.5, True)) == (0.5, 55.0)
    assert (cash(100.0, 100.0, 1.0, 0.0, 1.0, True), asset(100.0, 100.0, 1.0, 0.0, 1.0, False)) == (0.5, 50.0)
    assert (cash(0.0, 100.0, 1.0, 0.2, 1.0, False), asset(100.0, 0.0, 1.0, 0.2, 1.0, True)) == (1.0, 100.0)
    assert (cash(100.0, 90.0, 1.0, 1e200, 1.0, True), asset(100.0, 90.0, 1.0, 1e200, 1.0, True)) == (0.0, 100.0)
    assert math.isnan(cash(math.nan, 100.0, 1.0, 0.2, 1.0, True))
    assert math.isnan(asset(100.0, 100.0, math.nan, 0.2, 1.0, True))


@settings(deadline=None)
@given(ANY_SIZE, ANY_SIZE, ANY_SIZE, ANY_SIZE, st.floats(1e-8, 1e8), st.booleans())
def test_finite_input_never_gives_nan(f, k, t, vol, d, is_call):
    assert digital.cash_or_nothing_price(f, k, t, vol, d, is_call) >= 0.0
    assert digital.asset_or_nothing_price(f, k, t, vol, d, is_call) >= 0.0


@pytest.mark.parametrize("name", ["cash_or_nothing", "asset_or_nothing"])
def test_arrays_and_bad_input(name):
    price, kernel = getattr(digital, name), getattr(digital, f"{name}_price")
    good = {"forward": 100.0, "strike": [90.0, 110.0], "t_years": 0.5, "vol": 0.2, "discount": 0.98, "is_call": True}
    out = np.empty(2)
    assert price(**good, out=out) is out
    assert out.tolist() == [kernel(100.0, k, 0.5, 0.2, 0.98, True) for k in (90.0, 110.0)]
    with pytest.raises(ValueError, match=r"^strike must be .* got -2\.0 at position 1$"):
        price(**{**good, "strike": [1.0, -2.0]})
    with pytest.raises(ValueError, match="is_call must be boolean"):
        price(**{**good, "is_call": 1})
