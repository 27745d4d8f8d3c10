"""Total variances of the out-of-the-money quotes of one expiry, with weights from their width.

The mid of bid and ask gives the volatility, and half their distance over vega the half-spread in vol, h. A residual
in total variance counts 1/(2 vol t_years h), which makes it a residual in half-spreads. A locked or nearly locked
quote is no certain one: h is at least a tenth of the expiry's median.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from contango_quant.broadcast import Floats
from contango_quant.pricing.implied import OK, implied_vol
from contango_quant.pricing.normal import pdf

FLOOR_SHARE = 0.1


@njit(cache=True, error_model="numpy")
def vega_of(forward: float, strike: float, t_years: float, vol: float, discount: float) -> float:
    """Black's vega, currency per 1.00 of vol.

    >>> round(vega_of(100.0, 100.0, 1.0, 0.2, 1.0), 6)
    39.695255
    """
    s = vol * math.sqrt(t_years)
    return discount * forward * pdf(math.log(forward / strike) / s + 0.5 * s) * math.sqrt(t_years)


@njit(cache=True, error_model="numpy")
def otm_variances(
    strike: Floats,
    is_call: NDArray[np.bool_],
    bid: Floats,
    ask: Floats,
    t_years: float,
    forward: float,
    discount: float,
    k: Floats,
    w: Floats,
    weight: Floats,
) -> int:
    """Fill k = ln(K/F), total variance and weight of the usable quotes; how many they are.

    Used are calls at or above the forward and puts below it with 0 < bid ≤ ask whose mid has a volatility.
    """
    n = 0
    for i in range(strike.shape[0]):
        usable = strike[i] > 0.0 and bid[i] > 0.0 and ask[i] >= bid[i] and is_call[i] == (strike[i] >= forward)
        if not usable:
            continue
        vol, status = implied_vol(0.5 * (bid[i] + ask[i]), forward, strike[i], t_years, discount, is_call[i])
        if status != OK:
            continue
        half = 0.5 * (ask[i] - bid[i]) / vega_of(forward, strike[i], t_years, vol, discount)
        if not half < math.inf:
            continue
        k[n], w[n], weight[n] = math.log(strike[i] / forward), vol * vol * t_years, half
        n += 1
    if n == 0:
        return 0
    least = max(FLOOR_SHARE * np.median(weight[:n]), 1e-9)
    for i in range(n):
        weight[i] = 0.5 / (math.sqrt(w[i] * t_years) * max(weight[i], least))
    return n
