"""Discount, forward, interest and dividends of one expiry from its European option prices alone.

A box (call and put at two strikes) pays K2 − K1 for certain, so its price is the discount factor:

    (C1 − P1) − (C2 − P2) = D (K2 − K1)

Put-call parity, C − P = D (F − K), is a line in the strike. It is fitted by weighted least squares with Huber weights:
a pair counts by the inverse square of its width, and less where it lies off the line, so that neither a stale quote
nor a wide one moves it. The start is the weighted median of boxes whose strikes lie far apart. American options hold
parity only roughly: their early-exercise premium would pass for carry.

References:
    [1] J. van Binsbergen, W. Diamond, M. Grotteria, "Risk-free interest rates", J. Financial Economics 143 (2022)
        1-29: the rate from the line of put-call parity.
    [2] P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Statistics 35 (1964) 73-101.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import Floats
from contango_quant.surface.forward import MAD_TO_SIGMA, usable_pairs, weighted_median

MIN_PAIRS = 4
HUBER = 1.345  # of the spread: 95 % efficient on normal errors
ROUNDS = 30


class CarryFit(NamedTuple):
    """forward: currency; discount: factor; rate: continuous per year; each with a standard error.

    None when not identified, and then `reason` says why. pairs: strikes used.
    """

    forward: float | None
    forward_error: float | None
    discount: float | None
    discount_error: float | None
    rate: float | None
    rate_error: float | None
    pairs: int
    reason: str | None


class Dividends(NamedTuple):
    """present_value: currency, of all dividends to expiry; div_yield: continuous, per year."""

    present_value: float
    div_yield: float


def carry_from_parity(
    *,
    strike: ArrayLike,
    call_bid: ArrayLike,
    call_ask: ArrayLike,
    put_bid: ArrayLike,
    put_ask: ArrayLike,
    t_years: float,
) -> CarryFit:
    """Forward and discount together from columns (n,) of one expiry, one row per strike; rate = −ln(D)/t_years.

    Rows with a missing (nan), zero, negative or crossed quote are left out. Raises ValueError for columns of unequal
    length or t_years not above 0.

    >>> k = np.array([90.0, 95.0, 100.0, 105.0, 110.0])
    >>> call = np.array([12.9, 9.1, 6.0, 3.7, 2.1])
    >>> put = call - 0.98 * (102.0 - k)
    >>> quotes = dict(call_bid=call - 0.05, call_ask=call + 0.05, put_bid=put - 0.05, put_ask=put + 0.05)
    >>> fit = carry_from_parity(strike=k, t_years=0.5, **quotes)
    >>> round(fit.forward, 6), round(fit.discount, 6), round(fit.rate, 6), fit.pairs
    (102.0, 0.98, 0.040405, 5)
    """
    if not (math.isfinite(t_years) and t_years > 0.0):
        raise ValueError(f"t_years must be finite and above 0, got {float(t_years)!r}")
    k, parity, width = usable_pairs(strike, call_bid, call_ask, put_bid, put_ask)
    if k.size < MIN_PAIRS or not k.max() > k.min():
        return _refusal(int(k.size), f"{k.size} usable call-put pairs, {MIN_PAIRS} needed")
    width = np.maximum(width, max(0.1 * float(np.median(width)), 1e-12 * float(k.max())))
    return _line(k, parity, width, float(t_years))


def _refusal(pairs: int, reason: str) -> CarryFit:
    return CarryFit(None, None, None, None, None, None, pairs, reason)


def box_discount(k: Floats, parity: Floats, width: Floats) -> float:
    """Weighted median of the boxes of ascending strikes k (n,), each with the strike half the list further on.

    parity: mid call − mid put; width: its half-width; a box counts by (K2 − K1)²/(width1² + width2²).

    >>> k = np.array([90.0, 95.0, 105.0, 110.0])
    >>> round(box_discount(k, 0.97 * (100.0 - k), np.full(4, 0.1)), 12)
    0.97
    """
    half = k.size // 2
    run = k[half:] - k[: k.size - half]
    boxes = (parity[: k.size - half] - parity[half:]) / run
    weight = run**2 / (width[half:] ** 2 + width[: k.size - half] ** 2)
    return weighted_median(boxes, weight)


def _line(k: Floats, parity: Floats, width: Floats, t_years: float) -> CarryFit:
    order = np.argsort(k, kind="stable")
    k, parity, width = k[order], parity[order], width[order]
    discount = box_discount(k, parity, width)
    level = weighted_median(parity + discount * k, 1.0 / width**2)
    weight = 1.0 / width**2
    spread = 1.0
    for _ in range(ROUNDS):
        off = (parity - (level - discount * k)) / width
        # At least 0.1: quotes are no better than a tenth of their width, however well they agree.
        spread = max(MAD_TO_SIGMA * float(np.median(np.abs(off))), 0.1)
        weight = np.minimum(1.0, HUBER * spread / np.maximum(np.abs(off), 1e-300)) / width**2
        before = level, discount
        centre = float(np.average(k, weights=weight))
        slope = float(np.sum(weight * (k - centre) * parity) / np.sum(weight * (k - centre) ** 2))
        discount = -slope
        level = float(np.average(parity, weights=weight)) + discount * centre
        if abs(level - before[0]) + abs(discount - before[1]) * float(k.max()) <= 1e-13 * abs(level):
            break
    if not discount > 0.0 or not level > 0.0:
        return _refusal(int(k.size), f"the line of parity gives a discount of {discount:.6g}, level {level:.6g}")
    forward = level / discount
    variance = spread**2 / float(np.sum(weight * (k - centre) ** 2))
    at_centre = spread**2 / float(np.sum(weight))
    forward_error = math.sqrt(at_centre + variance * (forward - centre) ** 2) / discount
    error = math.sqrt(variance)
    rate, rate_error = -math.log(discount) / t_years, error / discount / t_years
    return CarryFit(forward, forward_error, discount, error, rate, rate_error, int(k.size), None)


def implied_dividends(*, spot: float, forward: float, discount: float, t_years: float) -> Dividends:
    """What the underlying pays until expiry: PV = S − D F, and as yield q = −ln(D F/S)/t_years.

    spot, forward: currency; discount: factor; t_years: years; all above 0. Borrow costs count as dividends. Raises
    ValueError naming argument and value.

    >>> paid = implied_dividends(spot=100.0, forward=101.0, discount=0.98, t_years=0.5)
    >>> round(paid.present_value, 6), round(paid.div_yield, 6)
    (1.02, 0.020505)
    """
    given = {"spot": spot, "forward": forward, "discount": discount, "t_years": t_years}
    for name, value in given.items():
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"{name} must be finite and above 0, got {float(value)!r}")
    today = discount * forward
    return Dividends(float(spot - today), float(-math.log(today / spot) / t_years))
