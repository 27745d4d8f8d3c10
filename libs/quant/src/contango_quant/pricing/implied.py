"""Implied volatility of European prices (Black-76), to the precision of the price over its whole attainable range.

The intrinsic value is taken off and the rest, the time value, solved for s = vol·√t without iteration to tolerance:
a guess from the normal model and as a rule one Householder step of fifth order (`total_vol`). Against 60-digit numbers
the answer is within 4e-15 of the volatility behind the exact price, from s = 1e-8 to 50 and time values down to
1e-290 of the forward.

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

from contango_quant.broadcast import NON_NEGATIVE, POSITIVE, Floats, booleans, check, common_shape, flat, numbers
from contango_quant.pricing.terms import log_moneyness
from contango_quant.pricing.total_vol import TINY, tiny_total_vol, total_vol

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
    known = abs(price) < math.inf and 0.0 < forward < math.inf and 0.0 < strike < math.inf
    if not (known and 0.0 <= t_years < math.inf and 0.0 < discount < math.inf):
        return math.nan, NON_FINITE
    undiscounted = price / discount
    intrinsic = max(forward - strike, 0.0) if is_call else max(strike - forward, 0.0)
    time_value = undiscounted - intrinsic
    if abs(time_value) <= 4.0 * EPSILON * intrinsic or time_value == 0.0:
        return math.nan, NO_TIME_VALUE
    if time_value < 0.0:
        return math.nan, BELOW_INTRINSIC
    gap = (forward if is_call else strike) - undiscounted  # below the maximum
    if gap <= 0.0 or t_years == 0.0:
        return math.nan, ABOVE_MAXIMUM
    most = min(forward, strike)
    a = abs(log_moneyness(forward, strike))
    root_ratio = math.sqrt(most / max(forward, strike))
    value = time_value / most
    if value * root_ratio >= TINY:
        s = total_vol(a, value, gap / most, root_ratio)
    elif a > 0.0:
        s = tiny_total_vol(a, math.log(time_value) - math.log(most), -0.5 * a)
    else:  # the volatility itself is too small a number
        return math.nan, NO_TIME_VALUE
    return s / math.sqrt(t_years), OK


@njit(cache=True, error_model="numpy")
def _implied_loop(
    price: Floats,
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    steps: tuple[int, ...],
    out: Floats,
    status: NDArray[np.int8],
) -> bool:
    """Whether all input was finite and within its domain."""
    good = True
    for i in range(out.shape[0]):
        out[i], status[i] = implied_vol(
            price[i * steps[0]],
            forward[i * steps[1]],
            strike[i * steps[2]],
            t_years[i * steps[3]],
            discount[i * steps[4]],
            is_call[i * steps[5]],
        )
        good = good and status[i] != NON_FINITE
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
    lines = [flat(column, shape) for column in columns]
    vol, status = np.empty(shape), np.empty(shape, dtype=np.int8)
    good = _implied_loop(
        *(values for values, _ in lines),
        tuple(step for _, step in lines),
        vol.reshape(-1),
        status.reshape(-1),
    )
    if not good:  # the loop has looked at every number: only now is it worth while to find which is bad
        for name, values, sign in zip(NAMES[1:5], columns[1:5], (POSITIVE, POSITIVE, NON_NEGATIVE, POSITIVE)):
            check(name, values, sign)
    return Implied(vol, status)
