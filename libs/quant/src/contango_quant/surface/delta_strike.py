"""The strike at which an option of a smile has a given delta.

    forward delta:  call N(d1), put N(d1) − 1     spot delta:  D F/S times that (e^(−qT))

d1 = −k/√w + √w/2 with the smile's own w(k) falls everywhere as the strike rises, as long as there is no butterfly
arbitrage [1]; so there is one strike for each delta, found by Newton's method inside a bracket.

References:
    [1] M. Fukasawa, "The normalizing transformation of the implied volatility smile", Mathematical Finance 22 (2012)
        753-762.
"""

import math

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.pricing.normal import inverse_cdf
from contango_quant.surface import curve as c
from contango_quant.surface.curve import Smile, curve_between, forward_between
from contango_quant.surface.surface import Surface, place_of

FARTHEST = 40.0  # |ln(K/F)| beyond which no strike is looked for
MAX_ROUNDS = 100


@njit(cache=True, error_model="numpy")
def strike_of_d1(target: float, near: Floats, far: Floats, part: float) -> float:
    """The strike with d1 = `target`, the share `part` of the way between two smiles; nan when there is none."""
    scale = near[c.SCALE]
    low, high, reach = 0.0, 0.0, scale
    while _d1(low, near, far, part)[0] < target:  # d1 rises towards low strikes
        low, reach = low - reach, 2.0 * reach
        if low < -FARTHEST:
            return math.nan
    reach = scale
    while _d1(high, near, far, part)[0] > target:
        high, reach = high + reach, 2.0 * reach
        if high > FARTHEST:
            return math.nan
    k = 0.5 * (low + high)
    for _ in range(MAX_ROUNDS):
        at, slope = _d1(k, near, far, part)
        if at > target:
            low = k
        else:
            high = k
        new = k - (at - target) / slope
        if not low < new < high:
            new = 0.5 * (low + high)
        if abs(new - k) <= 1e-15 * max(abs(k), scale):
            break
        k = new
    return forward_between(near, far, part) * math.exp(k)


@njit(cache=True, error_model="numpy")
def _d1(k: float, near: Floats, far: Floats, part: float) -> tuple[float, float]:
    """d1 and its derivative in k."""
    w, first, _ = curve_between(k, near, far, part)
    s = math.sqrt(w)
    return 0.5 * s - k / s, -1.0 / s + 0.5 * first / s * (0.5 + k / w)


@njit(cache=True, error_model="numpy")
def strike_at_forward_delta(delta: float, is_call: bool, near: Floats, far: Floats, part: float) -> float:
    """The strike at which the option has forward delta `delta` (put: negative); nan when there is none.

    For one smile give it twice and a part of 0.
    """
    share = delta if is_call else 1.0 + delta
    if not 0.0 < share < 1.0 or near[c.STATUS] != c.OK:
        return math.nan
    # inverse_cdf is exact for small arguments: a put's far strike keeps its digits that way.
    target = inverse_cdf(delta) if is_call else -inverse_cdf(-delta)
    return strike_of_d1(target, near, far, part)


def strike_at_delta(smile: Smile, *, delta: float, is_call: bool, spot: float | None = None) -> float | None:
    """The strike whose option has this delta: forward delta, or spot delta where `spot` is given; None if none has.

    delta: 0 to 1 for a call, −1 to 0 for a put; spot: currency. Raises ValueError for a delta of the wrong sign or
    size. None without a fitted smile, or where no strike has that spot delta.

    >>> flat = Smile(100.0, 1.0, 1.0, 0.04, 0.0, 0.0, 0.0, 0.1, 0.2, 0.0, 1.0, *[0.0] * 10, -1.0, 1.0, 0.0, 9.0, 0.0)
    >>> round(strike_at_delta(flat, delta=-0.25, is_call=False), 6)
    89.145711
    """
    row = np.array(smile)
    return _strike(delta, is_call, spot, row, row, 0.0)


def strike_on(
    surface: Surface, *, delta: float, is_call: bool, t_years: float, spot: float | None = None
) -> float | None:
    """`strike_at_delta` at any time between the first and the last expiry of a surface; None outside.

    The discount factor of a spot delta is interpolated like the forward.
    """
    near, far, part = place_of(float(t_years), surface.rows)
    if near < 0:
        return None
    return _strike(delta, is_call, spot, surface.rows[near], surface.rows[far], part)


def _strike(delta: float, is_call: bool, spot: float | None, near: Floats, far: Floats, part: float) -> float | None:
    bound = (0.0, 1.0) if is_call else (-1.0, 0.0)
    if not bound[0] < delta < bound[1]:
        raise ValueError(f"delta must be between {bound[0]} and {bound[1]}, got {float(delta)!r}")
    share = float(delta)
    if spot is not None:
        if not (math.isfinite(spot) and spot > 0.0):
            raise ValueError(f"spot must be finite and above 0, got {float(spot)!r}")
        discount = near[c.DISCOUNT] * (far[c.DISCOUNT] / near[c.DISCOUNT]) ** part
        share = share * float(spot) / (discount * forward_between(near, far, part))
    strike = strike_at_forward_delta(share, bool(is_call), near, far, part)
    return None if math.isnan(strike) else float(strike)
