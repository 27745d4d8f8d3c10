"""Laws and limits of the normal distribution and of European prices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from contango_quant.pricing import black, normal

FORWARD = st.floats(1.0, 10_000.0)
RATIO = st.floats(0.2, 5.0)
T = st.floats(0.0, 5.0)
VOL = st.floats(0.0, 3.0)
DISCOUNT = st.floats(0.5, 1.2)
ANY_SIZE = st.floats(0.0, 1e300)


def one(forward, strike, t, vol, discount, is_call):
    return float(black.price(forward=forward, strike=strike, t_years=t, vol=vol, discount=discount, is_call=is_call))


@settings(deadline=None)
@given(st.floats(1e-300, 1.0 - 1e-12))
def test_inverse_cdf_is_the_known_quantile(p):
    assert normal.inverse_cdf(p) == pytest.approx(float(special.ndtri(p)), rel=2e-14, abs=2e-16)


@settings(deadline=None)
@given(st.floats(-37.0, 37.0))
def test_cdf_keeps_relative_accuracy(x):
    assert normal.cdf(x) == pytest.approx(float(special.ndtr(x)), rel=1e-12)


def test_inverse_cdf_edges():
    assert normal.inverse_cdf(0.0) == -math.inf
    assert normal.inverse_cdf(1.0) == math.inf
    assert all(math.isnan(normal.inverse_cdf(p)) for p in (-0.1, 1.1, math.nan))


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
    assert black.bsm_kernel(100.0, 95.0, 0.5, 0.2, 0.03, 0.01, False) == black.black_price(
        forward, 95.0, 0.5, 0.2, math.exp(-0.03 * 0.5), False
    )
