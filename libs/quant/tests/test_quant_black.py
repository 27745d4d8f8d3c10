"""Laws and limits of European prices, and published and 50-digit numbers."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mpf
from scipy import integrate

from contango_quant.pricing import black
from support import pricing_witness as witness

FORWARD = st.floats(1.0, 10_000.0)
RATIO = st.floats(0.2, 5.0)
T = st.floats(0.0, 5.0)
VOL = st.floats(0.0, 3.0)
DISCOUNT = st.floats(0.5, 1.2)
ANY_SIZE = st.floats(0.0, 1e300)


# Right, strike, spot, dividend yield, rate, years, vol, price: E. G. Haug, "Option pricing formulas", 1998, p. 2-8 (the
# first six) and p. 24, as quoted in QuantLib's test-suite/europeanoption.cpp.
HAUG = [
    ("C", 65.0, 60.0, 0.0, 0.08, 0.25, 0.3, 2.1334),
    ("P", 95.0, 100.0, 0.05, 0.1, 0.5, 0.2, 2.4648),
    ("P", 19.0, 19.0, 0.1, 0.1, 0.75, 0.28, 1.7011),
    ("C", 19.0, 19.0, 0.1, 0.1, 0.75, 0.28, 1.7011),
    ("C", 1.6, 1.56, 0.08, 0.06, 0.5, 0.12, 0.0291),
    ("P", 70.0, 75.0, 0.05, 0.1, 0.5, 0.35, 4.0870),
    ("C", 100.0, 90.0, 0.1, 0.1, 0.1, 0.15, 0.0205),
    ("C", 100.0, 100.0, 0.1, 0.1, 0.1, 0.15, 1.8734),
    ("C", 100.0, 110.0, 0.1, 0.1, 0.5, 0.25, 12.7857),
    ("P", 100.0, 90.0, 0.1, 0.1, 0.1, 0.35, 10.8479),
    ("P", 100.0, 100.0, 0.1, 0.1, 0.5, 0.15, 4.0232),
    ("P", 100.0, 110.0, 0.1, 0.1, 0.1, 0.15, 0.0408),
]


def one(forward, strike, t, vol, discount, is_call):
    return float(black.price(forward=forward, strike=strike, t_years=t, vol=vol, discount=discount, is_call=is_call))


@settings(deadline=None)
@given(FORWARD, RATIO, T, VOL, DISCOUNT)
def test_put_call_parity(f, ratio, t, vol, d):
    k = f * ratio
    call, put = one(f, k, t, vol, d, True), one(f, k, t, vol, d, False)
    assert call - put == pytest.approx(d * (f - k), rel=1e-13, abs=1e-13 * d * max(f, k))


@settings(deadline=None)
@given(FORWARD, RATIO, T, VOL, DISCOUNT, st.booleans())
def test_bounds(f, ratio, t, vol, d, is_call):
    k = f * ratio
    p = one(f, k, t, vol, d, is_call)
    low, high = d * max(f - k if is_call else k - f, 0.0), d * (f if is_call else k)
    assert low <= p <= high * (1 + 1e-15)


@settings(deadline=None)
@given(FORWARD, RATIO, T, VOL, VOL, st.booleans())
def test_monotone_in_vol_and_convex_in_strike(f, ratio, t, vol1, vol2, is_call):
    k = f * ratio
    low, high = sorted((vol1, vol2))
    tiny = 1e-13 * max(f, k)
    assert one(f, k, t, low, 1.0, is_call) <= one(f, k, t, high, 1.0, is_call) + tiny
    wings = 0.5 * (one(f, 0.9 * k, t, low, 1.0, is_call) + one(f, 1.1 * k, t, low, 1.0, is_call))
    assert one(f, k, t, low, 1.0, is_call) <= wings + tiny


@settings(deadline=None)
@given(FORWARD, RATIO, T, VOL, st.floats(1e-3, 1e3), st.booleans())
def test_homogeneous_of_degree_one(f, ratio, t, vol, scale, is_call):
    k = f * ratio
    a, b = one(f * scale, k * scale, t, vol, 0.97, is_call), scale * one(f, k, t, vol, 0.97, is_call)
    assert a == pytest.approx(b, rel=1e-11, abs=1e-13 * scale * max(f, k))


@settings(deadline=None)
@given(ANY_SIZE, ANY_SIZE, ANY_SIZE, ANY_SIZE, st.floats(1e-8, 1e8), st.booleans())
def test_finite_input_never_gives_nan(f, k, t, vol, d, is_call):
    assert not math.isnan(one(f, k, t, vol, d, is_call))


def test_limits_by_rule():
    assert one(110.0, 100.0, 0.0, 0.2, 0.5, True) == 5.0
    assert one(110.0, 100.0, 1.0, 0.0, 0.5, False) == 0.0
    assert one(110.0, 0.0, 1.0, 0.2, 1.0, True) == 110.0
    assert one(0.0, 100.0, 1.0, 0.2, 1.0, False) == 100.0
    assert one(110.0, 100.0, 1.0, 1e200, 1.0, True) == 110.0
    assert 0.0 < one(100.0, 800.0, 0.05, 0.25, 1.0, True) < 1e-250


@settings(deadline=None, max_examples=100)
@given(st.floats(-6.0, 6.0), st.floats(-7.0, 1.5), st.floats(0.0, 36.0), st.booleans(), st.booleans())
def test_price_agrees_with_fifty_digits(log_forward, log_s, h, up, is_call):
    """To 5e-15·(1 + h²) of the time value, however small, beside the rounding of the intrinsic value."""
    f, s = 10.0**log_forward, 10.0**log_s
    assume(h * s < 600.0)
    k = f * math.exp(h * s if up else -h * s)
    got, want = one(f, k, 1.0, s, 1.0, is_call), witness.black(f, k, 1.0, s, 1.0, is_call)
    intrinsic = max(f - k if is_call else k - f, 0.0)
    time_value = float(want - (mpf(f) - mpf(k) if is_call else mpf(k) - mpf(f)) * (intrinsic > 0.0))
    moneyness = abs(math.log(f / k)) / s
    assert abs(float(mpf(got) - want)) <= 5e-15 * (1.0 + moneyness**2) * time_value + 3e-16 * intrinsic


@pytest.mark.parametrize(("right", "k", "spot", "q", "r", "t", "vol", "expected"), HAUG)
def test_values_in_haugs_book(right, k, spot, q, r, t, vol, expected):
    got = black.bsm_kernel(spot, k, t, vol, r, q, right == "C")
    assert got == pytest.approx(expected, abs=1e-4)


@settings(deadline=None)
@given(FORWARD, RATIO, st.floats(1e-4, 5.0), st.floats(1e-3, 3.0), DISCOUNT, st.booleans())
def test_prices_beside_quantlib(f, ratio, t, vol, d, is_call):
    ql = pytest.importorskip("QuantLib")
    k = f * ratio
    kind = ql.Option.Call if is_call else ql.Option.Put
    theirs = ql.blackFormula(kind, k, f, vol * math.sqrt(t), d)  # right to about 1e-15 of the larger of its two terms
    assert one(f, k, t, vol, d, is_call) == pytest.approx(theirs, rel=1e-12, abs=1e-14 * max(f, k))


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(("k", "vol", "t"), [(80.0, 0.15, 0.1), (100.0, 0.4, 1.0), (130.0, 0.25, 2.0)])
def test_price_is_the_expected_payoff(k, vol, t, is_call):
    s = vol * math.sqrt(t)

    def integrand(z):
        end = 100.0 * math.exp(s * z - 0.5 * s * s)
        return max(end - k if is_call else k - end, 0.0) * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    kink = (math.log(k / 100.0) + 0.5 * s * s) / s
    expected = sum(integrate.quad(integrand, a, b, epsabs=1e-13, epsrel=1e-12)[0] for a, b in [(-12, kink), (kink, 12)])
    assert one(100.0, k, t, vol, 1.0, is_call) == pytest.approx(expected, rel=1e-10)


def test_broadcasting_out_and_read_only_input():
    strikes = np.array([90.0, 100.0, 110.0])
    strikes.flags.writeable = False
    out = np.empty((2, 3))
    result = black.price(
        forward=np.array([[99.0], [101.0]]),
        strike=strikes,
        t_years=0.5,
        vol=0.2,
        discount=1.0,
        is_call=True,
        out=out,
    )
    assert result is out
    for i, f in enumerate((99.0, 101.0)):
        for j, k in enumerate(strikes):
            assert out[i, j] == black.black_price(f, k, 0.5, 0.2, 1.0, True)


def test_bsm_prices_fill_out_and_name_what_overflows():
    good = {"spot": 100.0, "strike": [90.0, 110.0], "t_years": 0.5, "vol": 0.2, "rate": 0.03, "div_yield": 0.01}
    out = np.empty(2)
    assert black.bsm_price(**good, is_call=True, out=out) is out
    assert out.tolist() == [black.bsm_kernel(100.0, k, 0.5, 0.2, 0.03, 0.01, True) for k in (90.0, 110.0)]
    with pytest.raises(ValueError, match=r"^exp\(-rate \* t_years\) must be finite and above 0, got inf at position 0"):
        black.bsm_price(**{**good, "rate": -2000.0}, is_call=True)
    with pytest.raises(ValueError, match=r"^spot \* exp\(\(rate - div_yield\) \* t_years\) must be .* got inf"):
        black.bsm_price(**{**good, "div_yield": -2000.0}, is_call=True)
    with pytest.raises(ValueError, match=r"^exp\(-rate \* t_years\) must be .* got 0\.0"):
        black.bsm_price(**{**good, "rate": 3000.0, "div_yield": 3000.0}, is_call=True)
    far = black.bsm_price(**{**good, "rate": 1000.0, "div_yield": 1000.0}, is_call=False)  # nothing has vanished yet
    assert np.all(far < 1e-200)


def test_loops_give_what_the_scalar_kernel_gives():
    """Vector code and scalar code do the same operations: not a bit differs."""
    rng = np.random.default_rng(7)
    f, k, t, v = np.exp(rng.uniform(-3, 3, (4, 1003)))
    is_call = rng.random(1003) < 0.5
    prices = black.price(forward=f, strike=k, t_years=t, vol=v, discount=0.9, is_call=is_call)
    assert prices.tolist() == [black.black_price(*row) for row in zip(f, k, t, v, [0.9] * 1003, is_call, strict=True)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("forward", -1.0), ("strike", math.nan), ("t_years", -0.1), ("vol", math.inf), ("discount", 0.0)],
)
def test_bad_input_names_argument_and_value(name, value):
    good = {"forward": 100.0, "strike": 100.0, "t_years": 1.0, "vol": 0.2, "discount": 1.0, "is_call": True}
    with pytest.raises(ValueError, match=rf"^{name} must be .*got {value!r}"):
        black.price(**{**good, name: value})
    with pytest.raises(ValueError, match=rf"^{name} must be .*at position 1$"):
        black.price(**{**good, name: [good[name], value]})


def test_bad_flag_and_shapes_are_refused():
    good = {"forward": 100.0, "strike": [1.0, 2.0], "t_years": 1.0, "vol": 0.2, "discount": 1.0}
    with pytest.raises(ValueError, match="is_call must be boolean"):
        black.price(**good, is_call=1)
    with pytest.raises(ValueError, match=r"strike \(2,\)"):
        black.price(**good, is_call=[True, True, False])
    with pytest.raises(ValueError, match="out must be"):
        black.price(**good, is_call=True, out=np.empty(3))


def test_kernel_is_callable_from_compiled_code_and_passes_nan_on():
    assert math.isnan(black.black_price(math.nan, 100.0, 1.0, 0.2, 1.0, True))
    forward = 100.0 * math.exp((0.03 - 0.01) * 0.5)
    want = black.black_price(forward, 95.0, 0.5, 0.2, math.exp(-0.03 * 0.5), False)
    assert black.bsm_kernel(100.0, 95.0, 0.5, 0.2, 0.03, 0.01, False) == pytest.approx(want, rel=1e-13)
    assert math.isnan(black.bsm_kernel(100.0, 95.0, 0.5, 0.2, math.nan, 0.01, False))
