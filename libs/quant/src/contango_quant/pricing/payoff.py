"""Profit and loss of a structure at expiry, and its exact extremes.

At a common expiry the value of options and stock is piecewise linear in the underlying's price S ≥ 0, with
kinks at the strikes only. So the extremes lie at S = 0, at a strike, or in the upper tail: enumerating those
is exact, whatever the legs. Prices are all ticks (int: exact) or all currency (float), never mixed.

Signs: quantity + bought, − sold; net_premium + received, − paid (for stock too); a loss is positive. An
unbounded gain or loss is None. A maximum loss below 0 is a profit that is certain.

Quantity counts equal sizes: 100 shares beside options of multiplier 100 are quantity 1.
"""

import math
import operator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Leg(NamedTuple):
    """`quantity` options (+ bought, − sold) of one strike; strike in ticks or currency, at least 0."""

    quantity: float
    strike: float
    is_call: bool


class Extremes(NamedTuple):
    """Best and worst outcome at expiry; None means unbounded."""

    max_gain: float | None
    max_loss: float | None


def stock(quantity: float) -> Leg:
    """A leg of the underlying itself, which pays S: the same as a call of strike 0.

    >>> stock(1)
    Leg(quantity=1, strike=0, is_call=True)
    """
    return Leg(quantity, 0, True)


def profit_at(legs: Sequence[Leg], net_premium: float, settle: float) -> float:
    """Profit per unit when all legs settle at price `settle`; exact for integers.

    >>> condor = [Leg(1, 90, False), Leg(-1, 95, False), Leg(-1, 105, True), Leg(1, 110, True)]
    >>> [profit_at(condor, 2, s) for s in (80, 94, 100, 120)]
    [-3, 1, 2, -3]
    """
    total = net_premium
    for quantity, strike, is_call in legs:
        inside = settle - strike if is_call else strike - settle
        if inside > 0:
            total += quantity * inside
    return total


def profits(legs: Sequence[Leg], net_premium: float, settle: ArrayLike) -> NDArray[np.float64]:
    """Profit per unit at every price of `settle` (any shape), as float64."""
    prices = np.asarray(settle, dtype=np.float64)
    total = np.full(prices.shape, float(net_premium))
    for quantity, strike, is_call in legs:
        total += quantity * np.maximum(prices - strike if is_call else strike - prices, 0.0)
    return total


def tail_slope(legs: Sequence[Leg]) -> float:
    """Profit per 1.00 of underlying above the highest strike."""
    return sum(quantity for quantity, _, is_call in legs if is_call)


def kinks(legs: Sequence[Leg]) -> list[float]:
    """The prices between which profit is linear, ascending, from 0."""
    return sorted({0, *(leg.strike for leg in legs)})


def extremes(legs: Sequence[Leg], net_premium: float) -> Extremes:
    """Exact maximum gain and maximum loss per unit at the common expiry.

    Raises ValueError for a strike or quantity that is not finite, or a strike below 0.

    >>> extremes([Leg(1, 90, False), Leg(-1, 95, False), Leg(-1, 105, True), Leg(1, 120, True)], 2)
    Extremes(max_gain=2, max_loss=13)
    >>> extremes([Leg(-1, 105, True)], 2)
    Extremes(max_gain=2, max_loss=None)
    """
    _check(legs, net_premium)
    outcomes = [profit_at(legs, net_premium, price) for price in kinks(legs)]
    slope = tail_slope(legs)
    return Extremes(
        max_gain=None if slope > 0 else max(outcomes),
        max_loss=None if slope < 0 else -min(outcomes),
    )


def max_loss_ticks(legs: Sequence[Leg], net_premium_ticks: int) -> int | None:
    """Exact maximum loss per unit in ticks, by integers alone; None when unbounded.

    Raises ValueError unless quantities, strikes (ticks) and premium are integers.

    >>> max_loss_ticks([Leg(-1, 9500, False), Leg(1, 9000, False)], 120)
    380
    """
    exact = [Leg(_integer("quantity", q), _integer("strike", k), is_call) for q, k, is_call in legs]
    worst = extremes(exact, _integer("net_premium_ticks", net_premium_ticks)).max_loss
    return None if worst is None else operator.index(worst)  # type: ignore[arg-type]


def break_evens(legs: Sequence[Leg], net_premium: float) -> list[float]:
    """Prices at which the profit is 0, ascending; of a stretch without profit or loss its ends.

    >>> break_evens([Leg(-1, 95, False), Leg(1, 90, False), Leg(-1, 105, True), Leg(1, 110, True)], 2)
    [93.0, 107.0]
    >>> break_evens([Leg(1, 100, True)], -4)
    [104.0]
    """
    _check(legs, net_premium)
    prices = kinks(legs)
    values = [profit_at(legs, net_premium, price) for price in prices]
    zeros = {float(price) for price, value in zip(prices, values, strict=True) if value == 0}
    for i in range(len(prices) - 1):
        low, high = values[i], values[i + 1]
        if (low < 0) != (high < 0) and low != 0 and high != 0:
            zeros.add(prices[i] + (prices[i + 1] - prices[i]) * (-low / (high - low)))
    slope = tail_slope(legs)
    if slope != 0 and (values[-1] < 0) == (slope > 0) and values[-1] != 0:
        zeros.add(prices[-1] - values[-1] / slope)
    return sorted(zeros)


def profit_intervals(legs: Sequence[Leg], net_premium: float) -> list[tuple[float, float]]:
    """The open intervals of prices with a profit above 0, ascending; an upper end of inf is the tail.

    A profit within rounding of 0 (1e-14 of strikes and premium) counts as none.

    >>> profit_intervals([Leg(-1, 95, False), Leg(1, 90, False), Leg(-1, 105, True), Leg(1, 110, True)], 2)
    [(93.0, 107.0)]
    >>> profit_intervals([Leg(1, 100, True), Leg(1, 100, False)], -7)
    [(0.0, 93.0), (107.0, inf)]
    """
    cuts = sorted({float(price) for price in (*kinks(legs), *break_evens(legs, net_premium))})
    noise = min(0.5, 1e-14 * (abs(net_premium) + sum(abs(leg.quantity) * leg.strike for leg in legs)))
    found: list[tuple[float, float]] = []
    for low, high in zip(cuts, [*cuts[1:], math.inf], strict=True):
        inside = 0.5 * (low + high) if high < math.inf else 2.0 * low + 1.0
        if profit_at(legs, net_premium, inside) <= noise:
            continue
        if found and found[-1][1] == low and profit_at(legs, net_premium, low) > noise:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


def max_loss_lower_bound(
    near: Sequence[Leg],
    far: Sequence[Leg],
    net_premium: float,
    *,
    far_discount: float = 1,
    far_yield_discount: float = 1,
) -> float | None:
    """Maximum loss per unit at the near expiry, with every far leg at its European bound; None: unbounded.

    The far legs still live then. A bought one is worth at least its lower bound, max(0, q·S − d·K) for a call
    and max(0, d·K − q·S) for a put; a sold one costs at most its upper bound, q·S and d·K. Here d =
    `far_discount` is the discount factor from near to far expiry and q = `far_yield_discount` the factor
    lost to dividends. What a position can lose at the near expiry is therefore never more than this number,
    as long as d and q are right; with both left at 1 and integers it is exact in integers, but deep puts
    of a European far leg may then lose (1 − d)·K more.

    >>> max_loss_lower_bound([Leg(-1, 100, True)], [Leg(1, 100, True)], -3)
    3
    >>> max_loss_lower_bound([Leg(-1, 100, False)], [Leg(1, 100, False)], -3, far_discount=0.99)
    4.0
    """
    _check(far, net_premium)
    d, q = far_discount, far_yield_discount
    if not (0 < d < math.inf and 0 < q < math.inf):
        raise ValueError(f"far_discount and far_yield_discount must be above 0, got {d!r} and {q!r}")
    held, cash = list(near), net_premium
    for quantity, strike, is_call in far:
        if quantity > 0:
            held.append(Leg(quantity * q, strike if d == q else strike * d / q, is_call))
        elif is_call:
            held.append(stock(quantity * q))
        else:
            cash += quantity * d * strike
    return extremes(held, cash).max_loss


def _check(legs: Sequence[Leg], net_premium: float) -> None:
    for leg in legs:
        if not (math.isfinite(leg.quantity) and math.isfinite(leg.strike) and leg.strike >= 0):
            raise ValueError(f"a leg needs a finite quantity and a finite strike of at least 0, got {leg}")
    if not math.isfinite(net_premium):
        raise ValueError(f"net_premium must be finite, got {net_premium!r}")


def _integer(name: str, value: float) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"{name} must be an integer, got {value!r}") from error
