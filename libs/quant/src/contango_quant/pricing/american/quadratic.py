"""Barone-Adesi and Whaley's quadratic approximation of American prices: cheap, right to about 1 % of the premium.

In units of the strike, with η = 1 for the call and −1 for the put, the critical price S* and the root λ of the
quadratic that has the sign of η,

    price = p + A (S/S*)^λ up to S*, the intrinsic value beyond,   A = η (S*/λ)(1 − e^(−qT) N(η d1(S*))),
    η (S* − 1) = p(S*) + A,   p the European price.

References:
    [1] G. Barone-Adesi, R. E. Whaley, "Efficient analytic approximation of American option values",
        J. Finance 42 (1987), 301-320.
    [2] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, ch. 3.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.price import option_columns
from contango_quant.pricing.american.regime import CERTAIN, EUROPEAN, ONE_BOUNDARY, certain_put, put_regime
from contango_quant.pricing.black import bsm_kernel, log_moneyness
from contango_quant.pricing.normal import cdf, pdf

MAX_ROUNDS = 50
CLOSE = 1e-13


@njit(cache=True, error_model="numpy")
def quadratic_kernel(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> float:
    """Approximate price of one American option, per unit; nan with two boundaries (see `regime`). No checks.

    >>> round(quadratic_kernel(100.0, 100.0, 0.5, 0.25, 0.1, 0.1, True), 4)
    6.8013
    """
    a, b, s = rate * t_years, div_yield * t_years, vol * math.sqrt(t_years)
    regime = put_regime(b, a, s) if is_call else put_regime(a, b, s)
    if regime == CERTAIN or spot <= 0.0 or strike <= 0.0:
        if is_call:
            return certain_put(strike, spot, t_years, div_yield, rate)
        return certain_put(spot, strike, t_years, rate, div_yield)
    european = bsm_kernel(spot, strike, t_years, vol, rate, div_yield, is_call)
    if regime == EUROPEAN:
        return european
    if regime != ONE_BOUNDARY:
        return math.nan
    sign = 1.0 if is_call else -1.0
    exponent = _exponent(a, b, s, sign)
    critical = _critical(a, b, s, exponent, sign)
    y = log_moneyness(spot, strike)
    if sign * (y - critical) >= 0.0:
        return sign * (spot - strike)
    share = 1.0 - math.exp(-b) * cdf(sign * ((critical + a - b) / s + 0.5 * s))
    return european + sign * strike * math.exp(critical + exponent * (y - critical)) / exponent * share


@njit(cache=True, error_model="numpy")
def _exponent(a: float, b: float, s: float, sign: float) -> float:
    """λ."""
    w = 2.0 * (a - b) / (s * s) - 1.0
    ratio = -a / math.expm1(-a) if a != 0.0 else 1.0
    return 0.5 * (sign * math.sqrt(w * w + 8.0 * ratio / (s * s)) - w)


@njit(cache=True, error_model="numpy")
def _critical(a: float, b: float, s: float, exponent: float, sign: float) -> float:
    """ln(S*/K) by Newton's method from the limit at expiry."""
    y = max(sign * math.log(a / b), 0.0) * sign if a > 0.0 and b > 0.0 else 0.0
    discount, lost = math.exp(-a), math.exp(-b)
    for _ in range(MAX_ROUNDS):
        spot = math.exp(y)
        d1 = (y + a - b) / s + 0.5 * s
        share = 1.0 - lost * cdf(sign * d1)
        beyond = sign * (spot * share - 1.0 + discount * cdf(sign * (d1 - s)))  # intrinsic less European value
        miss = exponent * beyond - sign * spot * share
        slope = sign * (exponent - 1.0) * spot * share + spot * lost * pdf(d1) / s
        step = max(min(miss / slope, s), -s)
        y -= step
        if abs(step) <= CLOSE:
            break
    return y


@njit(cache=True, error_model="numpy")
def _loop(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    steps: tuple[int, ...],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = quadratic_kernel(
            spot[i * steps[0]],
            strike[i * steps[1]],
            t_years[i * steps[2]],
            vol[i * steps[3]],
            rate[i * steps[4]],
            div_yield[i * steps[5]],
            is_call[i * steps[6]],
        )


def quadratic_price(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> Floats:
    """Approximate prices per unit; nan where rate and yield make two boundaries. Arguments as in `price.price`.

    >>> quadratic_price(spot=[90.0, 110.0], strike=100.0, t_years=0.1, vol=0.35, rate=0.1, div_yield=0.1,
    ...                 is_call=True).round(4)
    array([ 0.9495, 11.1678])
    """
    shape, lines = option_columns(spot, strike, t_years, vol, rate, div_yield, is_call)
    out = np.empty(shape)
    _loop(*(values for values, _ in lines), tuple(step for _, step in lines), out.reshape(-1))
    return out
