"""Probability that a lognormal price touches a barrier before a date (one barrier, watched all the time).

With x = |ln(H/S)|, s = vol √t, and the drift of ln S towards the barrier over the time, ν = ±(drift − vol²/2)·t
(+ for a barrier above, − below), the first passage law of Brownian motion with drift is

    P(touch) = N((ν − x)/s) + e^(2νx/s²) N(−(ν + x)/s).

The first term is the chance to finish beyond; where ν = 0 the second equals it (reflection: touch = 2·beyond). The
product in the second is formed with the scaled tail e^(h²/2) N(−h), so that it neither overflows nor loses digits
far from the barrier. Watched at dates only, the price touches less often.

References:
    [1] D. R. Cox, H. D. Miller, "The Theory of Stochastic Processes", 1965, sec. 5.7.
    [2] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 1st ed., 1998, pp. 92-95 (binary barriers).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import ANY, NON_NEGATIVE, POSITIVE, Floats, common_shape, flat, floats
from contango_quant.pricing.black import log_moneyness
from contango_quant.pricing.normal import INV_SQRT_2PI, cdf

NO_RANDOMNESS = 1e-100  # total volatility below any distance between two prices
SCALED_FROM = 5.0


@njit(cache=True, error_model="numpy")
def scaled_tail(h: float) -> float:
    """e^(h²/2) N(−h) for h > 0, to about 1e-14 relative (asymptotic series from h = 10 on).

    >>> round(scaled_tail(1e8) * 1e8, 12)
    0.398942280401
    """
    if h < 10.0:
        return math.exp(0.5 * h * h) * cdf(-h)
    inverse = 1.0 / (h * h)
    term, total = 1.0, 1.0
    for k in range(1, 16):
        term *= -(2 * k - 1) * inverse
        total += term
    return INV_SQRT_2PI * total / h


@njit(cache=True, error_model="numpy")
def touch(spot: float, barrier: float, t_years: float, vol: float, drift: float) -> float:
    """Probability that the price is at or beyond the barrier at some time up to `t_years`; no checks.

    >>> round(touch(100.0, 110.0, 0.5, 0.2, 0.02), 10)  # twice its chance to finish there, nearly
    0.5003464437
    """
    if barrier == spot:
        return 1.0
    if barrier <= 0.0 or barrier == math.inf:
        return 0.0
    x = log_moneyness(barrier, spot)
    sign = 1.0 if x > 0.0 else -1.0
    x, growth, s = abs(x), sign * drift * t_years, vol * math.sqrt(t_years)
    if s < NO_RANDOMNESS:
        return 1.0 if growth >= x else 0.0
    a = (growth - x) / s - 0.5 * sign * s
    h = (growth + x) / s - 0.5 * sign * s
    if h <= SCALED_FROM:
        reflected = math.exp(x * (2.0 * (growth / s) / s - sign)) * cdf(-h)
    else:
        reflected = math.exp(-0.5 * a * a) * scaled_tail(h)
    return min(cdf(a) + reflected, 1.0)


@njit(cache=True)
def _touch_loop(
    spot: Floats, barrier: Floats, t_years: Floats, vol: Floats, drift: Floats, steps: tuple[int, ...], out: Floats
) -> None:
    for i in range(out.shape[0]):
        out[i] = touch(
            spot[i * steps[0]], barrier[i * steps[1]], t_years[i * steps[2]], vol[i * steps[3]], drift[i * steps[4]]
        )


def touch_probability(
    *, spot: ArrayLike, barrier: ArrayLike, t_years: ArrayLike, vol: ArrayLike, drift: ArrayLike
) -> Floats:
    """Probability of touching `barrier` (above or below `spot`) within `t_years`; the arguments broadcast.

    spot: currency, above 0; barrier: currency, at least 0 (0 is never touched); t_years, vol: at least 0; drift: growth
    of the expected price, continuous per year (rate − div_yield when risk-neutral). Without volatility the price
    follows its drift. Raises ValueError naming argument and value.

    >>> touch_probability(spot=100.0, barrier=[80.0, 100.0, 120.0], t_years=0.25, vol=0.3, drift=0.0).round(6)
    array([0.152721, 1.      , 0.204312])
    """
    columns = (
        floats("spot", spot, POSITIVE),
        floats("barrier", barrier, NON_NEGATIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("vol", vol, NON_NEGATIVE),
        floats("drift", drift, ANY),
    )
    shape = common_shape(("spot", "barrier", "t_years", "vol", "drift"), columns)
    out = np.empty(shape)
    lines = [flat(column, shape) for column in columns]
    _touch_loop(*(values for values, _ in lines), tuple(step for _, step in lines), out.reshape(-1))
    return out
