"""Implied normal volatility of European prices (Bachelier), to the precision of the price.

The time value over its distance |F - K| from the money is a function of h = |F - K|/s alone. Its inverse is held by two
rational fits (`total_vol`), good to 2e-6, and one Householder step of fifth order on the logarithm of the time value
takes that to the last digits [1]. There is no maximum: any time value above 0 has a volatility. Statuses are those
of `implied`.

References:
    [1] P. Jäckel, "Implied normal volatility", Wilmott (2017) 52-54.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import ANY, NON_NEGATIVE, POSITIVE, Floats, booleans, check, common_shape, numbers, spread
from contango_quant.pricing.implied import (
    ABOVE_MAXIMUM,
    BELOW_INTRINSIC,
    EPSILON,
    NAMES,
    NO_TIME_VALUE,
    NON_FINITE,
    OK,
    Implied,
)
from contango_quant.pricing.mills import mills
from contango_quant.pricing.total_vol import LN_SQRT_2PI, TINY, far_guess, householder, normal_guess


@njit(cache=True, error_model="numpy")
def implied_normal_vol(
    price: float, forward: float, strike: float, t_years: float, discount: float, is_call: bool
) -> tuple[float, int]:
    """(normal_vol, status) of one price; normal_vol, in currency per √year, is nan unless status is OK. Never raises.

    >>> vol, status = implied_normal_vol(7.978845608028654, 100.0, 100.0, 1.0, 1.0, True)
    >>> round(vol, 12), status
    (20.0, 0)
    """
    known = abs(price) < math.inf and abs(forward) < math.inf and abs(strike) < math.inf
    if not (known and 0.0 <= t_years < math.inf and 0.0 < discount < math.inf):
        return math.nan, NON_FINITE
    money = forward - strike if is_call else strike - forward
    intrinsic = max(money, 0.0)
    time_value = price / discount - intrinsic
    if abs(time_value) <= 4.0 * EPSILON * intrinsic or time_value == 0.0:
        return math.nan, NO_TIME_VALUE
    if time_value < 0.0:
        return math.nan, BELOW_INTRINSIC
    vol = normal_total_vol(time_value, abs(money)) / math.sqrt(t_years)
    return (vol, OK) if vol < math.inf else (math.nan, ABOVE_MAXIMUM)


@njit(cache=True, error_model="numpy")
def normal_total_vol(value: float, distance: float) -> float:
    """s = normal_vol·√t of a time value above 0 at `distance` ≥ 0 from the money, all in currency.

    >>> round(normal_total_vol(0.08331547058768628, 1.0), 14)
    1.0
    """
    if value < TINY * distance:  # their quotient would leave the range of numbers
        log_ratio = math.log(distance) - math.log(value)
        h, s = far_guess(log_ratio, distance)
    else:
        log_ratio = math.nan
        h, s = normal_guess(value, distance)
    per_slope = 1.0 - h * mills(h)
    if value < TINY * distance:
        miss = log_ratio + math.log(per_slope / h)
    else:
        miss = math.log(s * per_slope / value)
    return s + s * householder(miss - 0.5 * h * h - LN_SQRT_2PI, per_slope, h * h, 0.0)


@njit(cache=True, error_model="numpy")
def _normal_loop(
    price: Floats,
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
    status: NDArray[np.int8],
) -> bool:
    """Whether all input was finite and within its domain."""
    good = True
    for i in range(out.shape[0]):
        out[i], status[i] = implied_normal_vol(price[i], forward[i], strike[i], t_years[i], discount[i], is_call[i])
        good = good and status[i] != NON_FINITE
    return good


def implied_normal(
    *,
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
) -> Implied:
    """Implied normal volatilities, in currency per √year, of prices per unit; the arguments broadcast.

    price: currency, any number (nan gets the status NON_FINITE); forward, strike: currency, of any sign; t_years:
    years, at least 0; discount: factor above 0; is_call: boolean. Raises ValueError for all but a bad price.

    >>> implied_normal(price=[1.42422646145, 0.0], forward=-1.0, strike=-2.0, t_years=0.5, discount=0.99, is_call=True)
    Implied(vol=array([ 3., nan]), status=array([0, 1], dtype=int8))
    """
    columns = (
        numbers("price", price),
        numbers("forward", forward),
        numbers("strike", strike),
        numbers("t_years", t_years),
        numbers("discount", discount),
        booleans("is_call", is_call),
    )
    shape = common_shape(NAMES, columns)
    lines = [spread(column, shape) for column in columns]
    vol, status = np.empty(shape), np.empty(shape, dtype=np.int8)
    good = _normal_loop(*lines, vol.reshape(-1), status.reshape(-1))
    if not good:
        for name, values, sign in zip(NAMES[1:5], columns[1:5], (ANY, ANY, NON_NEGATIVE, POSITIVE)):
            check(name, values, sign)
    return Implied(vol, status)
