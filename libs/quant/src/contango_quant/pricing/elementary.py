"""Exponential and logarithm without a branch or a call, so that a compiled loop over options becomes vector code.

    e^x    = 2^k e^r,  k = round(x/ln 2), |r| ≤ ln(2)/2,  e^r = 1 + r + r² P(r), P of degree 9
    ln x/y = k ln 2 + 2 artanh z,  z = (x − y)/(x + y) of mantissas brought within a factor √2,  P(z²) of degree 6

Both polynomials are minimax to 1.4e-17 (Remez exchange in 40 digits); products with ln 2 are exact in two parts. exp is
right to 1 unit in the last place, subnormal results included; log_quotient to 2, also for quotients next to 1, where
x − y is exact. Only additions, multiplications, divisions and moves of exponent bits: the same bits on every machine.

References:
    [1] W. J. Cody, W. Waite, "Software Manual for the Elementary Functions", 1980, ch. 5 and 6: both reductions.
"""

import math

import numpy as np
from numba import njit

LN2_HIGH = 6.93147180369123816490e-01  # 33 bits, so that its product with an exponent is exact
LN2_LOW = 1.90821492927058770002e-10
PER_LN2 = 1.0 / math.log(2.0)
SQRT2 = math.sqrt(2.0)
ROUND = 1.5 * 2.0**52  # added, it rounds to an integer and leaves that in the last bits
ROUND_BITS = np.int64(np.float64(ROUND).view(np.int64))
MANTISSA = np.int64((1 << 52) - 1)
ONE = np.int64(1023 << 52)
BIAS = np.int64(1023)
SUBNORMAL = 2.3e-308
LIFT = 2.0**54
LOWEST, HIGHEST = -746.0, 710.0  # e^x is 0 and inf beyond


@njit(cache=True, error_model="numpy", forceinline=True)
def exp(x: float) -> float:
    """e^x; nan for nan.

    >>> exp(0.0), round(exp(1.0) / math.e, 15), exp(-800.0), exp(800.0)
    (1.0, 1.0, 0.0, inf)
    """
    held = LOWEST if x < LOWEST else (HIGHEST if x > HIGHEST else x)
    shifted = held * PER_LN2 + ROUND
    k = shifted - ROUND
    power = np.float64(shifted).view(np.int64) - ROUND_BITS
    r = (held - k * LN2_HIGH) - k * LN2_LOW
    p = 2.5068170477774725651e-8
    p = p * r + 2.7620046133003505542e-7
    p = p * r + 2.7557355500792905165e-6
    p = p * r + 2.4801521397631222171e-5
    p = p * r + 1.9841269784674439945e-4
    p = p * r + 1.3888888917137376515e-3
    p = p * r + 8.3333333333561961354e-3
    p = p * r + 4.1666666666624310997e-2
    p = p * r + 1.6666666666666643934e-1
    p = p * r + 0.5
    value = 1.0 + (r + r * r * p)
    half = power >> np.int64(1)
    first = np.int64((half + BIAS) << np.int64(52)).view(np.float64)
    second = np.int64((power - half + BIAS) << np.int64(52)).view(np.float64)
    return value * first * second if x == x else x


@njit(cache=True, error_model="numpy", forceinline=True)
def log_quotient(x: float, y: float) -> float:
    """ln(x/y) for finite x, y above 0, also where x/y is not a number; anything may come out for others.

    >>> log_quotient(1.0 + 2.0**-52, 1.0) == 2.0**-52, round(log_quotient(1e300, 1e-300) / math.log(10.0), 12)
    (True, 600.0)
    """
    top, k_top = _split(x)
    bottom, k_bottom = _split(y)
    k = k_top - k_bottom
    high, low = top > SQRT2 * bottom, bottom > SQRT2 * top
    k = k + 1.0 if high else (k - 1.0 if low else k)
    top = 0.5 * top if high else (2.0 * top if low else top)
    z = (top - bottom) / (top + bottom)
    y = z * z
    p = 0.073087318376221224458
    p = p * y + 0.076658182010618666157
    p = p * y + 0.09091445901339613603
    p = p * y + 0.11111105548062157328
    p = p * y + 0.14285714313113611592
    p = p * y + 0.19999999999949453288
    p = p * y + 0.33333333333333348546
    return k * LN2_HIGH + (2.0 * z + (2.0 * z * y * p + k * LN2_LOW))


@njit(cache=True, error_model="numpy", forceinline=True)
def log(x: float) -> float:
    """ln x for finite x above 0.

    >>> log(1.0), log(math.e), log(5e-324) == math.log(5e-324)
    (0.0, 1.0, True)
    """
    return log_quotient(x, 1.0)


@njit(cache=True, error_model="numpy", forceinline=True)
def _split(x: float) -> tuple[float, float]:
    """Mantissa in [1, 2) and exponent of x > 0."""
    small = x < SUBNORMAL
    bits = np.float64(x * LIFT if small else x).view(np.int64)
    exponent = float((bits >> np.int64(52)) - BIAS)
    return np.int64((bits & MANTISSA) | ONE).view(np.float64), exponent - 54.0 if small else exponent
