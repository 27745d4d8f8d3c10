"""The risk-neutral distribution of the price at expiry, read off a smile.

    P(S ≤ K) = N(−d2) + φ(d2) w'/(2√w),   d2 = −k/√w − √w/2

is the slope of the undiscounted put in its strike [1]. Without butterfly arbitrage it rises from 0 to 1; the table
takes it at prices even in asinh(k/scale), close together near the forward, out to where a billionth is left.

References:
    [1] D. Breeden, R. Litzenberger, "Prices of state-contingent claims implicit in option prices", J. Business 51
        (1978) 621-651.
"""

import math

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.pricing.density import Density, density
from contango_quant.pricing.normal import cdf, pdf
from contango_quant.surface import curve as c
from contango_quant.surface.curve import Smile, curve_between, forward_between
from contango_quant.surface.surface import Surface, place_of

POINTS = 801
TAIL = 1e-9
FARTHEST = 30.0


@njit(cache=True, error_model="numpy")
def cdf_below(k: float, near: Floats, far: Floats, part: float) -> float:
    """P(S ≤ K) at k = ln(K/F), the share `part` of the way between two smiles."""
    w, first, _ = curve_between(k, near, far, part)
    s = math.sqrt(w)
    d2 = -k / s - 0.5 * s
    return cdf(-d2) + pdf(d2) * 0.5 * first / s


@njit(cache=True, error_model="numpy")
def cdf_above(k: float, near: Floats, far: Floats, part: float) -> float:
    """P(S > K); of its own, for 1 − P(S ≤ K) loses the far tail's digits."""
    w, first, _ = curve_between(k, near, far, part)
    s = math.sqrt(w)
    d2 = -k / s - 0.5 * s
    return cdf(d2) - pdf(d2) * 0.5 * first / s


@njit(cache=True, error_model="numpy")
def _fill(near: Floats, far: Floats, part: float, price: Floats, level: Floats) -> None:
    scale, forward = near[c.SCALE], forward_between(near, far, part)
    low = high = scale
    while cdf_below(-low, near, far, part) > TAIL and low < FARTHEST:
        low *= 1.25
    while cdf_above(high, near, far, part) > TAIL and high < FARTHEST:
        high *= 1.25
    start, stop = -math.asinh(low / scale), math.asinh(high / scale)
    last = price.shape[0] - 1
    for i in range(last + 1):
        k = scale * math.sinh(start + (stop - start) * i / last)
        price[i] = forward * math.exp(k)
        level[i] = cdf_below(k, near, far, part)
    level[0], level[last] = 0.0, 1.0


def risk_neutral(smile: Smile) -> Density | None:
    """The distribution of the price at the smile's expiry; None without a fitted smile or with arbitrage far out.

    The table's mean is the forward, and it reprices calls, to about 1e-5 of the forward.

    >>> flat = Smile(100.0, 1.0, 1.0, 0.04, 0.0, 0.0, 0.0, 0.1, 0.2, 0.0, 1.0, *[0.0] * 10, -1.0, 1.0, 0.0, 9.0, 0.0)
    >>> table = risk_neutral(flat)
    >>> round(float(np.interp(100.0, table.price, table.cdf)), 4)
    0.5398
    """
    row = np.array(smile)
    return _table(row, row, 0.0) if smile.status == c.OK else None


def risk_neutral_on(surface: Surface, *, t_years: float) -> Density | None:
    """`risk_neutral` at any time between the first and the last expiry of a surface; None outside."""
    near, far, part = place_of(float(t_years), surface.rows)
    return _table(surface.rows[near], surface.rows[far], part) if near >= 0 else None


def _table(near: Floats, far: Floats, part: float) -> Density | None:
    price, level = np.empty(POINTS), np.empty(POINTS)
    _fill(near, far, part, price, level)
    level = np.where((level < 0.0) & (level > -1e-12), 0.0, level)
    if not bool(np.all(np.diff(level) >= -1e-12) and np.all(np.isfinite(level))):
        return None
    return density(price=price, cdf=np.minimum(np.maximum.accumulate(level), 1.0))
