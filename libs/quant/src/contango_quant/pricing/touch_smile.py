"""Probability of touching a barrier when all that is known is the price's distribution at the end: bounds, estimate.

A distribution at one date does not determine the chance to touch before it. For a forward price that is a martingale
with mean F, expected calls C(K) and puts P(K) of the table bound it, whatever the dynamics between [1]. For a barrier
B > F

    touch ≤ min over K < B of C(K)/(B − K)                                     (also with jumps)
    touch ≥ P(S ≥ B) + max over K < B of (C(B) − P(K))⁺/(B − K)                (for continuous paths)

and mirrored, with calls and puts exchanged, for B < F. The barrier is one of the forward price for the table's date;
one of the spot differs by the carry until then. The minimum is exact: at it C(K)/(B − K) = P(S ≥ K), the K above which
the mean price is B. The maximum is taken over the table's own prices: every K gives a valid bound.

The estimate between them is an approximation, not proved: the reflection principle, with the table's own numbers.

    touch ≈ P(beyond B) · R(B) · h,   R(B) = touch/beyond of the lognormal with the vol that the table implies at B,
                                      h = P(beyond F) of the lognormal at the money, over the table's own

R(B), about 2, says that a price at the barrier ends on either side of it with like chances; h corrects for the skew,
supposing that the smile travels with the price: at the barrier the chances are those of the table around its mean.
"2·P(beyond)" leaves both out. Neither it nor the estimate is a bound.

References:
    [1] H. Brown, D. Hobson, L. C. G. Rogers, "Robust hedging of barrier options", Mathematical Finance 11 (2001),
        285-314.
"""

import math
from typing import NamedTuple

import numpy as np

from contango_quant.broadcast import NON_NEGATIVE, floats
from contango_quant.pricing.density import Density, expected_call, expected_put, mean, probability_below
from contango_quant.pricing.implied import OK, implied_vol
from contango_quant.pricing.lognormal import finish_between
from contango_quant.pricing.normal import cdf
from contango_quant.pricing.touch import touch


class TouchSmile(NamedTuple):
    """`lowest` and `highest` are proved under the module's assumptions; `estimate` lies between them."""

    lowest: float
    estimate: float
    highest: float


def touch_smile(table: Density, *, barrier: float) -> TouchSmile:
    """Probability that the forward price, now at the table's mean, touches `barrier` by the table's date.

    barrier: currency, at least 0. Raises ValueError otherwise.

    >>> from contango_quant.pricing.density import density
    >>> table = density(price=[70, 80, 90, 95, 100, 105, 110, 120], cdf=[0, 0.02, 0.11, 0.24, 0.48, 0.78, 0.94, 1])
    >>> [round(x, 4) for x in touch_smile(table, barrier=90.0)]
    [0.135, 0.2446, 0.3137]
    """
    level = float(floats("barrier", barrier, NON_NEGATIVE))
    forward = mean(table)
    if level == forward:
        return TouchSmile(1.0, 1.0, 1.0)
    beyond = _beyond(table, level, forward)
    bounds = _bounds_above if level > forward else _bounds_below
    lowest, highest = bounds(table, level, beyond)
    guess = _by_reflection(table, level, forward)
    return TouchSmile(lowest, min(max(guess, lowest), highest), highest)


def _by_reflection(table: Density, barrier: float, forward: float) -> float:
    """The estimate before it is kept within the bounds; 0 for a barrier beyond all prices of the table."""
    s, at_money = _total_vol(table, barrier, forward), _total_vol(table, forward, forward)
    if s == 0.0 or at_money == 0.0:
        return 0.0
    beyond = _beyond(table, barrier, forward)
    likely = _beyond_lognormal(barrier, forward, s)
    below = float(probability_below(table, forward))
    middle = 1.0 - below if barrier > forward else below
    if likely == 0.0 or middle == 0.0:
        return 0.0
    up = cdf(-0.5 * at_money)  # the lognormal's chance to end above its mean
    skew = (up if barrier > forward else 1.0 - up) / middle
    return beyond * (touch(forward, barrier, 1.0, s, 0.0) / likely) * skew


def _total_vol(table: Density, strike: float, forward: float) -> float:
    """vol·√t that the table implies for this strike; 0 where it has no time value."""
    is_call = strike >= forward
    time_value = float(expected_call(table, strike) if is_call else expected_put(table, strike))
    s, status = implied_vol(time_value, forward, strike, 1.0, 1.0, is_call)
    return s if status == OK else 0.0


def _beyond(table: Density, barrier: float, forward: float) -> float:
    below = float(probability_below(table, barrier))
    return 1.0 - below if barrier > forward else below


def _beyond_lognormal(barrier: float, forward: float, s: float) -> float:
    if barrier > forward:
        return finish_between(barrier, math.inf, forward, s)
    return finish_between(0.0, barrier, forward, s)


def _bounds_above(table: Density, barrier: float, beyond: float) -> tuple[float, float]:
    strikes = table.price[table.price < barrier]
    extra = (float(expected_call(table, barrier)) - expected_put(table, strikes)) / (barrier - strikes)
    strikes = np.append(strikes, barrier)
    above = 1.0 - probability_below(table, strikes)
    rising = expected_call(table, strikes) - above * (barrier - strikes)  # sign of the slope of C/(B − K)
    i = max(int(np.argmax(rising >= 0.0)), 1)
    at = barrier - _flat_distance(
        barrier - strikes[i - 1], barrier - strikes[i], -rising[i - 1], above[i - 1] - above[i]
    )
    return _ordered(beyond + max(float(np.max(extra)), 0.0), 1.0 - float(probability_below(table, at)))


def _bounds_below(table: Density, barrier: float, beyond: float) -> tuple[float, float]:
    strikes = table.price[table.price > barrier]
    extra = (float(expected_put(table, barrier)) - expected_call(table, strikes)) / (strikes - barrier)
    strikes = np.append(strikes[::-1], barrier)
    below = probability_below(table, strikes)
    rising = expected_put(table, strikes) - below * (strikes - barrier)
    i = max(int(np.argmax(rising >= 0.0)), 1)
    at = barrier + _flat_distance(
        strikes[i - 1] - barrier, strikes[i] - barrier, -rising[i - 1], below[i - 1] - below[i]
    )
    return _ordered(beyond + max(float(np.max(extra)), 0.0), float(probability_below(table, at)))


def _flat_distance(far: float, close: float, missing: float, mass: float) -> float:
    """Distance from the barrier, between two prices' `far` and `close`, where the slope of C/(B − K) is 0.

    In a cell of even density g the slope's numerator rises from −`missing` by g·(far² − distance²)/2.
    """
    if mass <= 0.0:
        return float(close)
    square = far * far - 2.0 * missing * (far - close) / mass
    return float(min(max(math.sqrt(max(square, 0.0)), close), far))


def _ordered(lowest: float, highest: float) -> tuple[float, float]:
    return min(lowest, highest), highest  # they may be equal up to rounding
