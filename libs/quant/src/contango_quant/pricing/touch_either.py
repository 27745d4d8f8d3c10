"""Probability that a lognormal price touches one of two barriers, below and above, before a date.

In y = ln(S_t/S) the barriers are a < 0 < b, w = b − a apart; ν = (drift − vol²/2)·t and s = vol √t. The chance to
stay inside has two exact series, and each converges where the other does not:

    images (s ≤ w):  Σ over z = 2nw of  +I(z)  and over z = 2b + 2nw of  −I(z),
                     I(z) = e^(νz/s²) [N((b − ν − z)/s) − N((a − ν − z)/s)]
    sines  (s > w):  Σ over k ≥ 1 of  2πk sin(−kπa/w) e^(−k²π²s²/(2w²)) (e^(ν(2a−ν)/(2s²)) − (−1)^k e^(ν(2b−ν)/(2s²)))
                                      / ((νw/s²)² + k²π²)

The images are summed for the touch itself, 1 minus the first one being two tails, so that a small chance to touch
keeps its digits.

References:
    [1] D. R. Cox, H. D. Miller, "The Theory of Stochastic Processes", 1965, sec. 5.7.
    [2] C. H. Hui, "One-touch double barrier binary option values", Applied Financial Economics 6 (1996), 343-346.
    [3] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, p. 181.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import ANY, NON_NEGATIVE, POSITIVE, Floats, common_shape, flat, floats
from contango_quant.pricing.black import log_moneyness
from contango_quant.pricing.normal import cdf
from contango_quant.pricing.touch import NO_RANDOMNESS, SCALED_FROM, scaled_tail, touch

IMAGES = 7  # on each side: the next is below e^-80
SINES = 8


@njit(cache=True, error_model="numpy")
def touch_either(spot: float, lower: float, upper: float, t_years: float, vol: float, drift: float) -> float:
    """Probability that the price is at or beyond a barrier at some time up to `t_years`; no checks.

    >>> round(touch_either(100.0, 90.0, 115.0, 0.25, 0.25, 0.0), 10)
    0.6590920569
    """
    if spot <= lower or spot >= upper:
        return 1.0
    if lower <= 0.0:
        return touch(spot, upper, t_years, vol, drift)
    if upper == math.inf:
        return touch(spot, lower, t_years, vol, drift)
    a, b = log_moneyness(lower, spot), log_moneyness(upper, spot)
    growth, s = drift * t_years, vol * math.sqrt(t_years)
    if s < NO_RANDOMNESS:
        return 1.0 if growth >= b or growth <= a else 0.0
    w = b - a
    if s > 20.0 * w:  # the chance to stay is below e^-1900
        return 1.0
    nu = growth - 0.5 * s * s
    found = _by_images(a, b, nu, s) if s <= w else 1.0 - _stay_by_sines(a, b, nu, s)
    return min(max(found, 0.0), 1.0)


@njit(cache=True, error_model="numpy")
def _by_images(a: float, b: float, nu: float, s: float) -> float:
    w = b - a
    total = cdf((nu - b) / s) + cdf((a - nu) / s)
    for n in range(IMAGES):  # nearest images first; below zero by mirroring everything
        near = _image(2.0 * b + 2.0 * n * w, a, b, nu, s) + _image(-2.0 * a + 2.0 * n * w, -b, -a, -nu, s)
        total += near
        if near <= 1e-18 * total:
            break
        far = 2.0 * (n + 1) * w
        total -= _image(far, a, b, nu, s) + _image(far, -b, -a, -nu, s)
    return total


@njit(cache=True, error_model="numpy")
def _image(z: float, a: float, b: float, nu: float, s: float) -> float:
    """I(z) for an image above the barriers, z ≥ 2b."""
    return _tail(z, b, nu, s) - _tail(z, a, nu, s)


@njit(cache=True, error_model="numpy")
def _tail(z: float, end: float, nu: float, s: float) -> float:
    """e^(νz/s²) N((end − ν − z)/s)."""
    h = (z + nu - end) / s
    if h <= SCALED_FROM:
        return math.exp((nu / s) * (z / s)) * cdf(-h)
    off = (end - nu) / s
    return math.exp(-0.5 * ((z / s) * ((z - 2.0 * end) / s) + off * off)) * scaled_tail(h)


@njit(cache=True, error_model="numpy")
def _stay_by_sines(a: float, b: float, nu: float, s: float) -> float:
    w = b - a
    at_a = math.exp(0.5 * (nu / s) * ((2.0 * a - nu) / s))
    at_b = math.exp(0.5 * (nu / s) * ((2.0 * b - nu) / s))
    tilt, total = (nu / s) * (w / s), 0.0
    for k in range(1, SINES + 1):
        wave = k * math.pi
        ends = at_a + at_b if k % 2 == 1 else at_a - at_b
        decay = math.exp(-0.5 * (wave * s / w) ** 2)
        total += 2.0 * wave * math.sin(-wave * a / w) * decay * ends / (tilt * tilt + wave * wave)
    return total


@njit(cache=True)
def _either_loop(
    spot: Floats,
    lower: Floats,
    upper: Floats,
    t_years: Floats,
    vol: Floats,
    drift: Floats,
    steps: tuple[int, ...],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = touch_either(
            spot[i * steps[0]],
            lower[i * steps[1]],
            upper[i * steps[2]],
            t_years[i * steps[3]],
            vol[i * steps[4]],
            drift[i * steps[5]],
        )


def touch_either_probability(
    *, spot: ArrayLike, lower: ArrayLike, upper: ArrayLike, t_years: ArrayLike, vol: ArrayLike, drift: ArrayLike
) -> Floats:
    """Probability of touching `lower` or `upper` within `t_years`; 1 minus it is the chance to stay between.

    spot: currency, above 0; lower: at least 0; upper: above 0; t_years, vol: at least 0; drift: growth of the
    expected price, continuous per year. A spot at or outside a barrier has touched it. The arguments broadcast;
    raises ValueError naming argument and value.

    >>> touch_either_probability(spot=100.0, lower=[95.0, 90.0, 80.0], upper=[105.0, 110.0, 120.0], t_years=1 / 12,
    ...                          vol=0.2, drift=0.0).round(6)
    array([0.753684, 0.165825, 0.001574])
    """
    columns = (
        floats("spot", spot, POSITIVE),
        floats("lower", lower, NON_NEGATIVE),
        floats("upper", upper, POSITIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("vol", vol, NON_NEGATIVE),
        floats("drift", drift, ANY),
    )
    shape = common_shape(("spot", "lower", "upper", "t_years", "vol", "drift"), columns)
    out = np.empty(shape)
    lines = [flat(column, shape) for column in columns]
    _either_loop(*(values for values, _ in lines), tuple(step for _, step in lines), out.reshape(-1))
    return out
