"""How gamma and vega themselves move: speed, zomma, color and veta (Black-Scholes-Merton).

    speed = ∂gamma/∂S   = -gamma/S (1 + d1/s)
    zomma = ∂gamma/∂vol =  gamma (d1 d2 - 1)/vol
    color = -∂gamma/∂T  =  gamma (q + d1 g + 1/(2T))
    veta  = -∂vega/∂T   =  vega  (q + d1 g - 1/(2T)),     g = ∂d1/∂T = (r - q)/s - d2/(2T) [1]

The same for calls and puts. color and veta are for time passing: what a year brings if all else stays. Where
s = vol·√T, spot or strike is 0 all four are 0, as gamma and vega are.

References:
    [1] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, ch. 2 (his color has this sign, his
        DvegaDtime is −veta).
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import Floats, common_shape, result_array, spread
from contango_quant.pricing.black import BSM_NAMES, bsm_columns, check_carry
from contango_quant.pricing.elementary import exp
from contango_quant.pricing.greeks_higher import BLOCK
from contango_quant.pricing.terms import log_moneyness, terms_at


class ThirdGreeks(NamedTuple):
    """Textbook units, per unit of the option; each of the broadcast shape."""

    speed: Floats
    zomma: Floats
    color: Floats
    veta: Floats


@njit(cache=True, error_model="numpy", forceinline=True)
def bsm_third_greeks(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float
) -> tuple[float, float, float, float]:
    """(speed, zomma, color, veta) of one option in textbook units; no checks.

    >>> [round(x, 6) for x in bsm_third_greeks(100.0, 100.0, 1.0, 0.2, 0.05, 0.0)]
    [-0.000516, -0.088885, 0.01053, -16.46367]
    """
    df = exp(-rate * t_years)
    growth = (rate - div_yield) * t_years
    forward = spot * exp(growth)
    root = math.sqrt(t_years)
    s = vol * root
    terms = terms_at(log_moneyness(spot, strike) + growth, forward, strike, s)
    moves = (s > 0.0) & (forward > 0.0) & (strike > 0.0) & (terms.density > 0.0)
    d1, d2, half = terms.d1, terms.d2, 0.5 / t_years
    gamma, vega = df * terms.density / spot / s / spot, df * terms.density * root
    drift = div_yield + d1 * ((rate - div_yield) / s - d2 * half)
    return (
        -gamma / spot * (1.0 + d1 / s) if moves else 0.0,
        gamma * ((d1 * d2 - 1.0) / vol) if moves else 0.0,
        gamma * (drift + half) if moves else 0.0,
        vega * (drift - half) if moves else 0.0,
    )


@njit(cache=True, error_model="numpy")
def _block(
    spot: Floats, strike: Floats, t_years: Floats, vol: Floats, rate: Floats, div_yield: Floats, work: Floats
) -> None:
    for i in range(spot.shape[0]):
        g = bsm_third_greeks(spot[i], strike[i], t_years[i], vol[i], rate[i], div_yield[i])
        work[i] = g[0]
        work[BLOCK + i] = g[1]
        work[2 * BLOCK + i] = g[2]
        work[3 * BLOCK + i] = g[3]


@njit(cache=True, error_model="numpy")
def _third_loop(
    spot: Floats, strike: Floats, t_years: Floats, vol: Floats, rate: Floats, div_yield: Floats, out: Floats
) -> None:
    work = np.empty(4 * BLOCK)
    for a in range(0, out.shape[1], BLOCK):
        b = min(a + BLOCK, out.shape[1])
        _block(spot[a:b], strike[a:b], t_years[a:b], vol[a:b], rate[a:b], div_yield[a:b], work)
        for j in range(4):
            for i in range(b - a):
                out[j, a + i] = work[j * BLOCK + i]


def third_greeks(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    out: Floats | None = None,
) -> ThirdGreeks:
    """Speed, zomma, color and veta in textbook units; the arguments broadcast against each other.

    spot, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; rate, div_yield:
    continuous, per year; out: (4, *broadcast shape), filled where given (the result is a view of it). Raises
    ValueError naming argument and value, also where the forward or the discount factor overflows.

    >>> third_greeks(spot=100.0, strike=[95.0, 105.0], t_years=0.25, vol=0.2, rate=0.03, div_yield=0.01).zomma.round(4)
    array([-0.1131, -0.1496])
    """
    columns = bsm_columns(spot, strike, t_years, vol, rate, div_yield, np.True_)[:6]
    shape = common_shape(BSM_NAMES[:6], columns)
    result = result_array(out, (4, *shape))
    lines = [spread(column, shape) for column in columns]
    check_carry(lines[0], lines[2], lines[4], lines[5])
    _third_loop(*lines, result.reshape(4, -1))
    return ThirdGreeks(*result)
