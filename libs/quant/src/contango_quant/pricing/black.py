"""European option prices: Black (1976) on the forward, and Black-Scholes-Merton with a continuous yield.

    call = D (F N(d1) - K N(d2)),   put = D (K N(-d2) - F N(-d1)),
    d1 = ln(F/K)/s + s/2,   d2 = d1 - s,   s = vol sqrt(t_years)

The out-of-the-money option is computed and the intrinsic value added, so that small time values survive
and put-call parity holds to the last digits; a time value is right to about 1e-16·min(F, K), and where it
is small to a relative 1e-15·(1 + |d1|)/s. Limits are by rule: s = 0, F = 0 and K = 0 give the
discounted intrinsic value; s = inf gives D F (call) or D K (put). Finite valid input never gives nan;
nan input to the scalar kernels gives nan.

References:
    [1] F. Black, "The pricing of commodity contracts", J. Financial Economics 3 (1976), 167-179.
    [2] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, ch. 1.
"""

import math

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
    flat,
    floats,
    result_array,
)
from contango_quant.pricing.normal import cdf


@njit(cache=True)
def log_moneyness(forward: float, strike: float) -> float:
    """ln(forward/strike) for positive arguments, also where the quotient would overflow."""
    ratio = forward / strike
    if 1e-300 < ratio < 1e300:
        return math.log(ratio)
    return math.log(forward) - math.log(strike)


@njit(cache=True)
def black_price(forward: float, strike: float, t_years: float, vol: float, discount: float, is_call: bool) -> float:
    """Price of one European option on the forward, per unit; no checks, for compiled callers.

    forward, strike, price: currency; t_years: years (ACT/365); vol: annual, 0.20 = 20 %; discount: factor.

    >>> round(black_price(100.0, 100.0, 1.0, 0.2, 1.0, True), 10)
    7.9655674554
    """
    s = vol * math.sqrt(t_years)
    if math.isnan(s) or math.isnan(forward) or math.isnan(strike):
        return math.nan
    intrinsic = max(forward - strike, 0.0) if is_call else max(strike - forward, 0.0)
    if s <= 0.0 or forward <= 0.0 or strike <= 0.0:
        return discount * intrinsic
    x = log_moneyness(forward, strike)
    if x <= 0.0:
        time_value = forward * cdf(x / s + 0.5 * s) - strike * cdf(x / s - 0.5 * s)
    else:
        time_value = strike * cdf(-x / s + 0.5 * s) - forward * cdf(-x / s - 0.5 * s)
    return discount * (intrinsic + max(time_value, 0.0))


@njit(cache=True)
def bsm_kernel(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> float:
    """Price of one European option on a spot with continuous rate and yield, per unit; no checks."""
    discount = math.exp(-rate * t_years)
    forward = spot * math.exp((rate - div_yield) * t_years)
    return black_price(forward, strike, t_years, vol, discount, is_call)


@njit(cache=True)
def _price_loop(
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    steps: tuple[int, ...],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = black_price(
            forward[i * steps[0]],
            strike[i * steps[1]],
            t_years[i * steps[2]],
            vol[i * steps[3]],
            discount[i * steps[4]],
            is_call[i * steps[5]],
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
    columns = (
        floats("forward", forward, NON_NEGATIVE),
        floats("strike", strike, NON_NEGATIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("vol", vol, NON_NEGATIVE),
        floats("discount", discount, POSITIVE),
        booleans("is_call", is_call),
    )
    shape = common_shape(("forward", "strike", "t_years", "vol", "discount", "is_call"), columns)
    result = result_array(out, shape)
    lines = [flat(column, shape) for column in columns]
    _price_loop(*(values for values, _ in lines), tuple(step for _, step in lines), result.reshape(-1))
    return result


def bsm_price(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> Floats:
    """Black-Scholes-Merton prices per unit, continuous `rate` and `div_yield` per year (0.05 = 5 %).

    The forward is spot·exp((rate − div_yield)·t_years). Broadcasts; raises ValueError as `price` does.

    >>> round(float(bsm_price(spot=60.0, strike=65.0, t_years=0.25, vol=0.3, rate=0.08, div_yield=0.0,
    ...                       is_call=True)), 4)
    2.1334
    """
    s, t = floats("spot", spot, NON_NEGATIVE), floats("t_years", t_years, NON_NEGATIVE)
    r, q = floats("rate", rate, ANY), floats("div_yield", div_yield, ANY)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        discount = np.asarray(np.exp(-r * t))
        forward = np.asarray(s * np.exp((r - q) * t))
    check("exp(-rate * t_years)", discount, POSITIVE)
    check("spot * exp((rate - div_yield) * t_years)", forward, NON_NEGATIVE)
    return price(forward=forward, strike=strike, t_years=t, vol=vol, discount=discount, is_call=is_call)
