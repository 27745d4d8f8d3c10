"""What the price of a European option and all its Greeks are put together from, computed once.

With h = |ln(F/K)|/s, t = s/2, the smaller m of F and K and Mills' ratio M(u) = N(-u)/φ(u) the time value is

    m φ(h - t) (M(h - t) - M(h + t))                  where t - h ≤ ½,
    m (1 - φ(t - h) (M(t - h) + M(t + h)))            elsewhere [1].

Neither form cancels, and one exponential serves all: F φ(d1) = K φ(d2) = m φ(h - t). N(±d1) and N(±d2) follow from
the same two ratios, each tail with its own relative accuracy.

References:
    [1] P. Jäckel, "Let's be rational", Wilmott (2015) 40-53: the price as a scaled difference of erfcx.
"""

import math
from typing import NamedTuple

from numba import njit

from contango_quant.pricing.mills import mills, mills_difference
from contango_quant.pricing.normal import INV_SQRT_2PI

HIGH = 0.5  # t − h above which the distance to the maximum is computed instead of the time value
NEAR = 0.05  # |(F − K)/(F + K)| below which the logarithm is a series


class Terms(NamedTuple):
    """What prices and Greeks share. `time_value`, `density` = F φ(d1) = K φ(d2): currency; the rest pure numbers."""

    time_value: float
    density: float
    d1: float
    d2: float
    n1: float
    n1_of_minus: float
    n2: float
    n2_of_minus: float


@njit(cache=True, error_model="numpy")
def log_moneyness(forward: float, strike: float) -> float:
    """ln(forward/strike) for positive arguments: to the last digits near 0, and where the quotient would overflow.

    >>> log_moneyness(1.0 + 2.0**-52, 1.0) == 2.0**-52, log_moneyness(100.0, 100.0)
    (True, 0.0)
    """
    excess = (forward - strike) / strike
    z = excess / (2.0 + excess)
    if abs(z) < NEAR:  # 2 artanh z; the difference above is exact here
        y = z * z
        tail = 1 / 7 + y * (1 / 9 + y * (1 / 11 + y * (1 / 13 + y / 15)))
        return 2.0 * z + 2.0 * z * y * (1 / 3 + y * (1 / 5 + y * tail))
    ratio = forward / strike
    if 1e-300 < ratio < 1e300:
        return math.log(ratio)
    return math.log(forward) - math.log(strike)


@njit(cache=True, error_model="numpy")
def black_terms(forward: float, strike: float, s: float) -> Terms:
    """Undiscounted time value, F φ(d1), d1, d2, N(±d1) and N(±d2); all arguments above 0, s = vol·√t.

    >>> terms = black_terms(100.0, 100.0, 0.2)
    >>> round(terms.time_value, 10), round(terms.n1, 10), round(terms.n2, 10)
    (7.9655674554, 0.5398278373, 0.4601721627)
    """
    x = log_moneyness(forward, strike)
    h, t = abs(x) / s, 0.5 * s
    most, other = min(forward, strike), max(forward, strike)
    inner = h - t
    density = INV_SQRT_2PI * math.exp(-0.5 * inner * inner)
    if density == 0.0:  # certain, as far as numbers go; nothing below need be finite
        value, upper, upper_rest, lower = (most, 1.0, 0.0, 0.0) if t > h else (0.0, 0.0, 1.0, 0.0)
    else:
        outer = mills(h + t)
        lower = density * (most / other) * outer
        if t > h + HIGH:
            upper_rest = density * mills(-inner)
            upper = 1.0 - upper_rest
            value = most * (upper - density * outer)
        else:
            difference = max(mills_difference(h, t), 0.0)
            upper = density * (difference + outer)
            upper_rest = 1.0 - upper
            value = most * (density * difference)
    if x <= 0.0:
        return Terms(value, most * density, t - h, -t - h, upper, upper_rest, lower, 1.0 - lower)
    return Terms(value, most * density, t + h, h - t, 1.0 - lower, lower, upper_rest, upper)
