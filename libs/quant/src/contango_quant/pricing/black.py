"""European option prices: Black (1976) on the forward, and Black-Scholes-Merton with a continuous yield.

    call = D (F N(d1) - K N(d2)),   put = D (K N(-d2) - F N(-d1)),
    d1 = ln(F/K)/s + s/2,   d2 = d1 - s,   s = vol sqrt(t_years)

The out-of-the-money option is computed (`terms`) and the intrinsic value added, so that put-call parity holds to the
last digits and small time values survive: they are right to a relative 5e-15·(1 + h²), h = ln(F/K)/s, where the share
of h² is what the rounding of h itself costs; below 1e-300·min(F, K) they fade to 0.

Limits are by rule: s = 0, F = 0 and K = 0 give the discounted intrinsic value; s = inf gives D F (call) or D K (put).
Finite valid input never gives nan; nan input to the scalar kernels gives nan.

References:
    [1] F. Black, "The pricing of commodity contracts", J. Financial Economics 3 (1976), 167-179.
    [2] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, ch. 1.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import (
    ANY,
    NON_NEGATIVE,
    POSITIVE,
    Floats,
    booleans,
    check,
    common_shape,
    floats,
    result_array,
    spread,
)
from contango_quant.pricing.elementary import exp
from contango_quant.pricing.terms import log_moneyness as log_moneyness  # also found here by its other users
from contango_quant.pricing.terms import terms_at

BSM_NAMES = ("spot", "strike", "t_years", "vol", "rate", "div_yield", "is_call")
SAFE_EXPONENT, SAFE_SPOT = 350.0, 1e150  # e^350 · 1e150 is a number, and e^-350 is not 0


@njit(cache=True, error_model="numpy", forceinline=True)
def black_price(forward: float, strike: float, t_years: float, vol: float, discount: float, is_call: bool) -> float:
    """Price of one European option on the forward, per unit; no checks, for compiled callers.

    forward, strike, price: currency; t_years: years (ACT/365); vol: annual, 0.20 = 20 %; discount: factor.

    >>> round(black_price(100.0, 100.0, 1.0, 0.2, 1.0, True), 10)
    7.9655674554
    """
    x = log_moneyness(forward, strike)
    return _price_at(x, forward, strike, vol * math.sqrt(t_years), discount, is_call)


@njit(cache=True, error_model="numpy", forceinline=True)
def _price_at(x: float, forward: float, strike: float, s: float, discount: float, is_call: bool) -> float:
    alive = (s > 0.0) & (forward > 0.0) & (strike > 0.0)
    time_value = terms_at(x, forward, strike, s).time_value if alive else 0.0
    money = forward - strike if is_call else strike - forward
    value = discount * ((money if money > 0.0 else 0.0) + time_value)
    return math.nan if math.isnan(s + forward + strike) else value


@njit(cache=True, error_model="numpy", forceinline=True)
def bsm_kernel(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> float:
    """Price of one European option on a spot with continuous rate and yield, per unit; no checks.

    >>> round(bsm_kernel(60.0, 65.0, 0.25, 0.3, 0.08, 0.0, True), 4)
    2.1334
    """
    discount = exp(-rate * t_years)
    growth = (rate - div_yield) * t_years
    x = log_moneyness(spot, strike) + growth  # the forward's own rounding would count 1/s times in d1
    return _price_at(x, spot * exp(growth), strike, vol * math.sqrt(t_years), discount, is_call)


@njit(cache=True, error_model="numpy")
def _price_loop(
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = black_price(forward[i], strike[i], t_years[i], vol[i], discount[i], is_call[i])


@njit(cache=True, error_model="numpy")
def _bsm_loop(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = bsm_kernel(spot[i], strike[i], t_years[i], vol[i], rate[i], div_yield[i], is_call[i])


@njit(cache=True, error_model="numpy")
def _carry_is_safe(spot: Floats, t_years: Floats, rate: Floats, div_yield: Floats) -> bool:
    """Whether neither discount factor nor forward can have left the range of numbers."""
    good = 0
    for i in range(spot.shape[0]):
        exponent = max(abs(rate[i] * t_years[i]), abs((rate[i] - div_yield[i]) * t_years[i]))
        good += (exponent < SAFE_EXPONENT) & (spot[i] < SAFE_SPOT)
    return good == spot.shape[0]


def black_columns(
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
) -> tuple[NDArray[Any], ...]:
    """The six arguments of Black-76 as checked arrays; raises ValueError naming argument and value."""
    return (
        floats("forward", forward, NON_NEGATIVE),
        floats("strike", strike, NON_NEGATIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("vol", vol, NON_NEGATIVE),
        floats("discount", discount, POSITIVE),
        booleans("is_call", is_call),
    )


def price(
    *,
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
    out: Floats | None = None,
) -> Floats:
    """Black-76 prices per unit; the arguments broadcast against each other.

    forward, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; discount:
    factor above 0; is_call: boolean. Returns a float64 array of the broadcast shape (0-d for scalars), or
    fills `out`. Raises ValueError naming argument and value.

    >>> price(forward=100.0, strike=[90.0, 110.0], t_years=0.5, vol=0.25, discount=0.99,
    ...       is_call=[False, True])
    array([2.81274709, 3.40680256])
    """
    columns = black_columns(forward, strike, t_years, vol, discount, is_call)
    shape = common_shape(("forward", "strike", "t_years", "vol", "discount", "is_call"), columns)
    result = result_array(out, shape)
    _price_loop(*(spread(column, shape) for column in columns), result.reshape(-1))
    return result


def bsm_columns(
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> tuple[NDArray[Any], ...]:
    """The seven arguments of Black-Scholes-Merton as checked arrays; raises ValueError naming argument and value."""
    return (
        floats("spot", spot, NON_NEGATIVE),
        floats("strike", strike, NON_NEGATIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("vol", vol, NON_NEGATIVE),
        floats("rate", rate, ANY),
        floats("div_yield", div_yield, ANY),
        booleans("is_call", is_call),
    )


def check_carry(spot: Floats, t_years: Floats, rate: Floats, div_yield: Floats) -> None:
    """Raise ValueError where the discount factor or the forward leaves the range of numbers; arguments are lines."""
    if _carry_is_safe(spot, t_years, rate, div_yield):
        return
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        check("exp(-rate * t_years)", np.exp(-rate * t_years), POSITIVE)
        check("spot * exp((rate - div_yield) * t_years)", spot * np.exp((rate - div_yield) * t_years), NON_NEGATIVE)


def bsm_price(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
    out: Floats | None = None,
) -> Floats:
    """Black-Scholes-Merton prices per unit, continuous `rate` and `div_yield` per year (0.05 = 5 %).

    The forward is spot·exp((rate − div_yield)·t_years). Broadcasts, fills `out` and raises ValueError as `price` does,
    also where that forward or the discount factor exp(−rate·t_years) leaves the range of numbers.

    >>> round(float(bsm_price(spot=60.0, strike=65.0, t_years=0.25, vol=0.3, rate=0.08, div_yield=0.0,
    ...                       is_call=True)), 4)
    2.1334
    """
    columns = bsm_columns(spot, strike, t_years, vol, rate, div_yield, is_call)
    shape = common_shape(BSM_NAMES, columns)
    result = result_array(out, shape)
    lines = [spread(column, shape) for column in columns]
    check_carry(lines[0], lines[2], lines[4], lines[5])
    _bsm_loop(*lines, result.reshape(-1))
    return result
