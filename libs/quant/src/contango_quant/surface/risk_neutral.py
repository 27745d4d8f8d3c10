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
from contango_quant.surface.curve import Smile, curve

POINTS = 801
TAIL = 1e-9
FARTHEST = 30.0


@njit(cache=True, error_model="numpy")
def cdf_below(k: float, row: Floats) -> float:
    """P(S ≤ K) of the smile `row` at k = ln(K/F)."""
    w, first, _ = curve(k, row)
    s = math.sqrt(w)
    d2 = -k / s - 0.5 * s
    return cdf(-d2) + pdf(d2) * 0.5 * first / s


@njit(cache=True, error_model="numpy")
def cdf_above(k: float, row: Floats) -> float:
    """P(S > K); of its own, for 1 − P(S ≤ K) loses the far tail's digits."""
    w, first, _ = curve(k, row)
    s = math.sqrt(w)
    d2 = -k / s - 0.5 * s
    return cdf(d2) - pdf(d2) * 0.5 * first / s


@njit(cache=True, error_model="numpy")
def _fill(row: Floats, price: Floats, level: Floats) -> None:
    low = high = row[c.SCALE]
    while cdf_below(-low, row) > TAIL and low < FARTHEST:
        low *= 1.25
    while cdf_above(high, row) > TAIL and high < FARTHEST:
        high *= 1.25
    start, stop = -math.asinh(low / row[c.SCALE]), math.asinh(high / row[c.SCALE])
    last = price.shape[0] - 1
    for i in range(last + 1):
        k = row[c.SCALE] * math.sinh(start + (stop - start) * i / last)
        price[i] = row[c.FORWARD] * math.exp(k)
        level[i] = cdf_below(k, row)
    level[0], level[last] = 0.0, 1.0


def risk_neutral(smile: Smile) -> Density | None:
    """The distribution of the price at the smile's expiry; None without a fitted smile or with arbitrage far out.

    The table's mean is the forward, and it reprices calls, to about 1e-5 of the forward.

    >>> flat = Smile(100.0, 1.0, 1.0, 0.04, 0.0, 0.0, 0.0, 0.1, 0.2, 0.0, 1.0, *[0.0] * 10, -1.0, 1.0, 0.0, 9.0, 0.0)
    >>> table = risk_neutral(flat)
    >>> round(float(np.interp(100.0, table.price, table.cdf)), 4)
    0.5398
    """
    if smile.status != c.OK:
        return None
    price, level = np.empty(POINTS), np.empty(POINTS)
    _fill(np.array(smile), price, level)
    level = np.where((level < 0.0) & (level > -1e-12), 0.0, level)
    steps = np.diff(level)
    if not bool(np.all(steps >= -1e-12) and np.all(np.isfinite(level))):
        return None
    return density(price=price, cdf=np.minimum(np.maximum.accumulate(level), 1.0))
