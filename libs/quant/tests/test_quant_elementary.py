"""The building blocks against 50-digit numbers: exponential, logarithm, Mills' ratio, the normal distribution."""

import math

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf
from scipy import special

from contango_quant.pricing import elementary, mills, normal

POSITIVE = st.floats(min_value=5e-324, max_value=1.7976931348623157e308)


def ulps(got, want):
    """Distance in units of the last place of the wanted number."""
    return abs(float((mpf(float(got)) - want) / math.ulp(float(want))))


def exact_mills(u):
    return mpmath.sqrt(mpmath.pi / 2) * mpmath.exp(mpf(u) ** 2 / 2) * mpmath.erfc(mpf(u) / mpmath.sqrt(2))


@settings(deadline=None)
@given(st.one_of(st.floats(-745.0, 709.7), st.floats(-1.0, 1.0)))
def test_exp_is_right_to_the_last_place(x):
    with mpmath.workdps(50):
        assert ulps(elementary.exp(x), mpmath.exp(mpf(x))) <= 1.01


@settings(deadline=None)
@given(POSITIVE, POSITIVE)
def test_log_quotient_is_right_to_two_last_places(x, y):
    with mpmath.workdps(50):
        want = mpmath.log(mpf(x) / mpf(y))
        assert elementary.log_quotient(x, y) == 0.0 if x == y else ulps(elementary.log_quotient(x, y), want) <= 2.0


@settings(deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(-(10**6), 10**6))
def test_log_quotient_of_neighbours_keeps_its_digits(x, steps):
    y = x + steps * math.ulp(x)
    with mpmath.workdps(50):
        want = mpmath.log(mpf(x) / mpf(y))
        assert elementary.log_quotient(x, y) == pytest.approx(float(want), rel=5e-16, abs=0.0)


def test_exp_at_the_ends():
    assert [elementary.exp(x) for x in (-math.inf, -746.0, 710.0, math.inf, 0.0)] == [0.0, 0.0, math.inf, math.inf, 1.0]
    assert math.isnan(elementary.exp(math.nan))
    assert elementary.exp(-745.0) == 5e-324


@settings(deadline=None)
@given(st.one_of(st.floats(-0.5, 40.0), st.floats(40.0, 1e300)))
def test_mills_ratio_has_its_stated_error(u):
    with mpmath.workdps(50):
        want = exact_mills(u) if u < 1e3 else (1 - 1 / mpf(u) ** 2 + 3 / mpf(u) ** 4) / mpf(u)
        assert abs(mpf(mills.mills(u)) / want - 1) < 1e-15


@settings(deadline=None, max_examples=200)
@given(st.floats(0.0, 36.0), st.floats(-9.0, 1.6))
def test_slope_ratio_does_not_cancel(h, log_t):
    t = 10.0**log_t
    with mpmath.workdps(50):
        want = exact_mills(mpf(h) - mpf(t)) - exact_mills(mpf(h) + mpf(t))
        if mpf(t) - mpf(h) > mpf(0.5):
            want = -exact_mills(mpf(t) - mpf(h)) - exact_mills(mpf(h) + mpf(t))
        ratio, outer = mills.slope_ratio(h, t)
        assert abs(mpf(ratio) / want - 1) < 4e-15 * (1 + h * h)
        assert abs(mpf(outer) / exact_mills(mpf(h) + mpf(t)) - 1) < 2e-15


@settings(deadline=None)
@given(st.floats(-37.0, 37.0))
def test_cdf_and_pdf_have_their_stated_errors(x):
    with mpmath.workdps(50):
        assert abs(mpf(normal.cdf(x)) / mpmath.ncdf(mpf(x)) - 1) < 4e-16 * (1 + x * x)
        assert abs(mpf(normal.pdf(x)) / mpmath.npdf(mpf(x)) - 1) < 4e-16 * (1 + x * x)


@settings(deadline=None)
@given(st.floats(1e-300, 1.0 - 1e-12))
def test_inverse_cdf_is_the_known_quantile(p):
    assert normal.inverse_cdf(p) == pytest.approx(float(special.ndtri(p)), rel=2e-14, abs=2e-16)


@settings(deadline=None, max_examples=50)
@given(st.floats(-36.0, -1e-6))
def test_inverse_cdf_undoes_the_exact_distribution(x):
    with mpmath.workdps(50):
        p = mpmath.ncdf(mpf(x))
        slack = abs(mpf(float(p)) - p) / mpmath.npdf(mpf(x))  # the rounding of p
        assert abs(mpf(normal.inverse_cdf(float(p))) - mpf(x)) < 1e-15 * abs(x) + 1.01 * slack


def test_inverse_cdf_edges():
    assert normal.inverse_cdf(0.0) == -math.inf
    assert normal.inverse_cdf(1.0) == math.inf
    assert all(math.isnan(normal.inverse_cdf(p)) for p in (-0.1, 1.1, math.nan))
