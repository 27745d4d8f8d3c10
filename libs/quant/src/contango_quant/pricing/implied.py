"""Implied volatility of European prices (Black-76), to the precision of the price over its whole attainable range.

The intrinsic value is taken off and the rest, the time value, solved for s = vol·√t: a guess from the normal model and
as a rule one Householder step of fifth order (`total_vol`). Where vol is given by the price, from s = 1e-8 to 50 and
for time values down to 1e-290 of the forward, the answer is within a relative 5e-15 and two last places of the price.

The array form does all options without a branch first, then the few that need more (volatilities above some 300 % over
a year, prices next to the maximum or at the end of the range of numbers).

A quoted price is not exact: an in-the-money price carries its time value only in its last digits, and the
volatility can be no better than that. Prices whose time value is below the rounding of the price itself
have no volatility: the status says so, and vol is nan.

References:
    [1] P. Jäckel, "Let's be rational", Wilmott (2015) 40-53.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import NON_NEGATIVE, POSITIVE, Floats, booleans, check, common_shape, numbers, spread
from contango_quant.pricing.terms import log_moneyness
from contango_quant.pricing.total_vol import TINY, quick_total_vol, tiny_total_vol, total_vol

OK = 0
BELOW_INTRINSIC = 1  # price under the discounted intrinsic value
ABOVE_MAXIMUM = 2  # price at or over D·F (call) or D·K (put); at t = 0 any time value
NO_TIME_VALUE = 3  # price equals the discounted intrinsic value to rounding
NON_FINITE = 4  # an input is nan, infinite or outside its domain

NAMES = ("price", "forward", "strike", "t_years", "discount", "is_call")
STATUS_NAMES = ("OK", "BELOW_INTRINSIC", "ABOVE_MAXIMUM", "NO_TIME_VALUE", "NON_FINITE")
EPSILON = float(np.finfo(np.float64).eps)


class Implied(NamedTuple):
    """vol: annual, nan unless status is OK; status: int8 codes of this module; both of the broadcast shape."""

    vol: Floats
    status: NDArray[np.int8]


@njit(cache=True, error_model="numpy", forceinline=True)
def price_status(price: float, forward: float, strike: float, t_years: float, discount: float, is_call: bool) -> int:
    """Status of one price, as a choice between numbers.

    >>> STATUS_NAMES[price_status(9.0, 110.0, 100.0, 1.0, 1.0, True)]
    'BELOW_INTRINSIC'
    """
    known = (abs(price) < math.inf) & (forward > 0.0) & (forward < math.inf) & (strike > 0.0) & (strike < math.inf)
    known &= (t_years >= 0.0) & (t_years < math.inf) & (discount > 0.0) & (discount < math.inf)
    undiscounted = price / discount
    money = forward - strike if is_call else strike - forward
    intrinsic = money if money > 0.0 else 0.0
    time_value = undiscounted - intrinsic
    over = (undiscounted >= (forward if is_call else strike)) | (t_years == 0.0)
    none = (abs(time_value) <= 4.0 * EPSILON * intrinsic) | (time_value == 0.0)
    status = ABOVE_MAXIMUM if over else OK
    status = BELOW_INTRINSIC if time_value < 0.0 else status
    status = NO_TIME_VALUE if none else status
    return status if known else NON_FINITE


@njit(cache=True, error_model="numpy", forceinline=True)
def _parts(
    price: float, forward: float, strike: float, discount: float, is_call: bool
) -> tuple[float, float, float, float]:
    """(a, time value, gap below its maximum, √(m/max(F, K))), the middle two in units of m = min(F, K)."""
    undiscounted = price / discount
    money = forward - strike if is_call else strike - forward
    most, other = (forward, strike) if forward < strike else (strike, forward)
    value = (undiscounted - (money if money > 0.0 else 0.0)) / most
    gap = ((forward if is_call else strike) - undiscounted) / most
    return abs(log_moneyness(forward, strike)), value, gap, math.sqrt(most / other)


@njit(cache=True, error_model="numpy", forceinline=True)
def _quick_vol(price: float, forward: float, strike: float, t_years: float, discount: float, is_call: bool) -> float:
    """The volatility where the price has one and a single step finds it, else nan; without a branch."""
    status = price_status(price, forward, strike, t_years, discount, is_call)
    a, value, gap, root_ratio = _parts(price, forward, strike, discount, is_call)
    vol = quick_total_vol(a, value, gap, root_ratio) / math.sqrt(t_years)
    return vol if status == OK else math.nan


@njit(cache=True, error_model="numpy")
def _slow_vol(price: float, forward: float, strike: float, t_years: float, discount: float, is_call: bool) -> float:
    """The volatility of a price of status OK; nan where it is too small a number."""
    a, value, gap, root_ratio = _parts(price, forward, strike, discount, is_call)
    if value * root_ratio >= TINY:
        return total_vol(a, value, gap, root_ratio) / math.sqrt(t_years)
    if a == 0.0:
        return math.nan
    most = min(forward, strike)
    time_value = price / discount - max(forward - strike if is_call else strike - forward, 0.0)
    return tiny_total_vol(a, math.log(time_value) - math.log(most), -0.5 * a) / math.sqrt(t_years)


@njit(cache=True, error_model="numpy")
def implied_vol(
    price: float, forward: float, strike: float, t_years: float, discount: float, is_call: bool
) -> tuple[float, int]:
    """(vol, status) of one price; vol is nan unless status is OK.

    price, forward, strike: currency; t_years: years; discount: factor. Never raises.

    >>> vol, status = implied_vol(7.965567455405804, 100.0, 100.0, 1.0, 1.0, True)
    >>> round(vol, 14), STATUS_NAMES[status]
    (0.2, 'OK')
    >>> implied_vol(9.0, 110.0, 100.0, 1.0, 1.0, True)
    (nan, 1)
    """
    status = price_status(price, forward, strike, t_years, discount, is_call)
    vol = _quick_vol(price, forward, strike, t_years, discount, is_call)
    if status == OK and math.isnan(vol):
        vol = _slow_vol(price, forward, strike, t_years, discount, is_call)
        status = NO_TIME_VALUE if math.isnan(vol) else OK
    return vol, status


@njit(cache=True, error_model="numpy")
def _status_loop(
    price: Floats,
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    status: NDArray[np.int8],
) -> None:
    for i in range(status.shape[0]):
        status[i] = price_status(price[i], forward[i], strike[i], t_years[i], discount[i], is_call[i])


@njit(cache=True, error_model="numpy")
def _quick_loop(
    price: Floats,
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = _quick_vol(price[i], forward[i], strike[i], t_years[i], discount[i], is_call[i])


@njit(cache=True, error_model="numpy")
def _slow_loop(
    price: Floats,
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
    status: NDArray[np.int8],
) -> bool:
    """Solve what the quick loop has left; whether all input was finite and within its domain."""
    good = True
    for i in range(out.shape[0]):
        good = good and status[i] != NON_FINITE
        if status[i] == OK and math.isnan(out[i]):
            out[i] = _slow_vol(price[i], forward[i], strike[i], t_years[i], discount[i], is_call[i])
            if math.isnan(out[i]):
                status[i] = NO_TIME_VALUE
    return good


def implied(
    *,
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
) -> Implied:
    """Implied volatilities of prices per unit; the arguments broadcast against each other.

    price: currency, any number (nan gets the status NON_FINITE); forward, strike: above 0; t_years: years, at
    least 0; discount: factor above 0; is_call: boolean. Raises ValueError for all but a bad price.

    >>> r = implied(price=[2.0, float("nan"), 0.0], forward=100.0, strike=105.0, t_years=0.25, discount=0.99,
    ...             is_call=True)
    >>> r.vol.round(6), r.status
    (array([0.197579,      nan,      nan]), array([0, 4, 3], dtype=int8))
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
    _status_loop(*lines, status.reshape(-1))
    _quick_loop(*lines, vol.reshape(-1))
    good = _slow_loop(*lines, vol.reshape(-1), status.reshape(-1))
    if not good:  # the loop has looked at every number: only now is it worth while to find which is bad
        for name, values, sign in zip(NAMES[1:5], columns[1:5], (POSITIVE, POSITIVE, NON_NEGATIVE, POSITIVE)):
            check(name, values, sign)
    return Implied(vol, status)
