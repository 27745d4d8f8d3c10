"""Implied volatility of European prices (Black-76).

With x = −|ln(F/K)|, s = vol·√t and the time value in units of √(FK), the price is

    b(s) = e^(x/2) N(x/s + s/2) − e^(−x/2) N(x/s − s/2),   0 < b < e^(x/2),   b'(s) = φ(x/s) e^(−s²/8)

which has its one inflection at s_c = √(2|x|). Below it the equation is solved in 1/√(−ln b), which is
nearly linear in s; above it in b itself, and for prices above half the maximum in √(−ln(1 − b/max)),
nearly linear again. Halley steps, kept inside a bracket, end after a few rounds.

A quoted price is not exact: an in-the-money price carries its time value only in its last digits, and the
volatility can be no better than that. Prices whose time value is below the rounding of the price itself
have no volatility: the status says so, and vol is nan.

References:
    [1] P. Jäckel, "Let's be rational", Wilmott (2015) 40-53: the normalised price and its two transforms.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import NON_NEGATIVE, POSITIVE, Floats, booleans, common_shape, flat, floats
from contango_quant.pricing.black import log_moneyness
from contango_quant.pricing.normal import INV_SQRT_2PI, cdf, centred_inverse, inverse_cdf

OK = 0
BELOW_INTRINSIC = 1  # price under the discounted intrinsic value
ABOVE_MAXIMUM = 2  # price at or over D·F (call) or D·K (put); at t = 0 any time value
NO_TIME_VALUE = 3  # price equals the discounted intrinsic value to rounding
NON_FINITE = 4  # an input is nan, infinite or outside its domain

STATUS_NAMES = ("OK", "BELOW_INTRINSIC", "ABOVE_MAXIMUM", "NO_TIME_VALUE", "NON_FINITE")
MAX_ROUNDS = 40
EPSILON = float(np.finfo(np.float64).eps)
CLOSE = 3e-7
LOW, MIDDLE, HIGH = 0, 1, 2


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
    total = price + forward + strike + t_years + discount
    if not (math.isfinite(total) and forward > 0.0 and strike > 0.0 and discount > 0.0 and t_years >= 0.0):
        return math.nan, NON_FINITE
    undiscounted = price / discount
    intrinsic = max(forward - strike, 0.0) if is_call else max(strike - forward, 0.0)
    most = min(forward, strike)  # of the time value
    time_value = undiscounted - intrinsic
    if abs(time_value) <= 4.0 * EPSILON * intrinsic or time_value == 0.0:
        return math.nan, NO_TIME_VALUE
    if time_value < 0.0:
        return math.nan, BELOW_INTRINSIC
    if time_value >= most or t_years == 0.0:
        return math.nan, ABOVE_MAXIMUM
    unit = math.sqrt(forward) * math.sqrt(strike)
    x = -abs(log_moneyness(forward, strike))
    s = total_vol(x, time_value / unit, (most - time_value) / unit)
    return s / math.sqrt(t_years), OK


@njit(cache=True, error_model="numpy")
def total_vol(x: float, beta: float, gap: float) -> float:
    """s = vol·√t for x ≤ 0, normalised time value `beta` and its distance `gap` from the maximum e^(x/2).

    >>> round(total_vol(0.0, 0.07965567455405804, 1.0 - 0.07965567455405804), 14)
    0.2
    """
    most = math.exp(0.5 * x)
    if x == 0.0:
        return 2.0 * centred_inverse(0.5 * beta) if beta < 0.85 else -2.0 * inverse_cdf(0.5 * gap)
    centre = math.sqrt(-2.0 * x)
    b_centre = _price(x, centre)
    if beta < b_centre:
        y, y_centre = 1.0 / math.sqrt(-math.log(beta)), 1.0 / math.sqrt(-math.log(b_centre))
        return _solve(LOW, x, y, most, centre * y / y_centre, 0.0, centre)
    if beta < 0.5 * most:
        guess = centre + (beta - b_centre) / _slope(x, centre)
        return _solve(MIDDLE, x, beta, most, guess, centre, math.inf)
    guess = max(centre, -2.0 * inverse_cdf(0.5 * gap / most))
    return _solve(HIGH, x, math.sqrt(-math.log(gap / most)), most, guess, centre, math.inf)


@njit(cache=True, error_model="numpy")
def _solve(branch: int, x: float, target: float, most: float, s: float, low: float, high: float) -> float:
    """Halley's method on the branch's transform, which rises with s; a step out of (low, high) is halved."""
    for _ in range(MAX_ROUNDS):
        y, first, second = _transform(branch, x, s, most)
        miss = y - target
        if miss > 0.0:
            high = min(high, s)
        else:
            low = max(low, s)
        newton = -miss / first if first > 0.0 else math.nan
        step = newton / max(0.5, 1.0 + 0.5 * newton * second / first) if first > 0.0 else math.nan
        new = s + step
        if abs(step) <= CLOSE * s:  # the next step would be of the order CLOSE³
            return new
        if not (low < new < high):
            new = 0.5 * (low + high) if high < math.inf else 2.0 * low
        if new == s:
            return s
        s = new
    return s


@njit(cache=True, error_model="numpy")
def _transform(branch: int, x: float, s: float, most: float) -> tuple[float, float, float]:
    """The transform y of b at s, and its first and second derivative in s."""
    slope = _slope(x, s)
    bend = slope * ((x / s) * (x / s) / s - 0.25 * s)
    if branch == MIDDLE:
        return _price(x, s), slope, bend
    if branch == LOW:
        b = _price(x, s)
        if b <= 0.0:
            return 0.0, 0.0, 0.0
        u, u1 = -math.log(b), -slope / b  # y = u^(-1/2)
        u2 = -bend / b + u1 * u1
        y = 1.0 / math.sqrt(u)
        return y, -0.5 * y / u * u1, 0.75 * y / (u * u) * u1 * u1 - 0.5 * y / u * u2
    gap = most * cdf(-x / s - 0.5 * s) + cdf(x / s - 0.5 * s) / most
    if gap <= 0.0:
        return math.inf, 0.0, 0.0
    u, u1 = -math.log(gap / most), slope / gap  # y = u^(1/2)
    u2 = bend / gap + u1 * u1
    y = math.sqrt(max(u, 1e-300))
    return y, 0.5 / y * u1, -0.25 / (y * y * y) * u1 * u1 + 0.5 / y * u2


@njit(cache=True, error_model="numpy")
def _price(x: float, s: float) -> float:
    return math.exp(0.5 * x) * cdf(x / s + 0.5 * s) - math.exp(-0.5 * x) * cdf(x / s - 0.5 * s)


@njit(cache=True, error_model="numpy")
def _slope(x: float, s: float) -> float:
    h = x / s
    return INV_SQRT_2PI * math.exp(-0.5 * (h * h + 0.25 * s * s))


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
) -> None:
    for i in range(out.shape[0]):
        out[i], status[i] = implied_vol(
            price[i * steps[0]],
            forward[i * steps[1]],
            strike[i * steps[2]],
            t_years[i * steps[3]],
            discount[i * steps[4]],
            is_call[i * steps[5]],
        )


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
        np.asarray(price, dtype=np.float64),
        floats("forward", forward, POSITIVE),
        floats("strike", strike, POSITIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("discount", discount, POSITIVE),
        booleans("is_call", is_call),
    )
    shape = common_shape(("price", "forward", "strike", "t_years", "discount", "is_call"), columns)
    lines = [flat(column, shape) for column in columns]
    vol, status = np.empty(shape), np.empty(shape, dtype=np.int8)
    _implied_loop(
        *(values for values, _ in lines),
        tuple(step for _, step in lines),
        vol.reshape(-1),
        status.reshape(-1),
    )
    return Implied(vol, status)
