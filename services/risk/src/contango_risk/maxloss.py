"""Maximum loss of a whole position from its payoff: every strike and both tails, in integers, no margin formula.

The payoff at expiry is piecewise linear in the price S of the underlying, so its minimum over S ≥ 0 lies at 0, at a
strike, or (when the slope beyond the last strike is negative) nowhere: the loss is not finite.

Legs of several expiries: when all sold legs expire at one instant and no bought leg before it (calendars, diagonals),
the bought legs are counted at intrinsic value at that instant. Otherwise every expiry is taken at its own worst price
and the minima are added: a bought leg that expires first protects nothing that lives longer.

A stock is a call with strike 0 that never expires: bought, it covers a sold call whenever that one ends (buy-write);
with a bought put it is counted at the put's expiry, for what is left of a structure then is closed.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from contango_quant.pricing import payoff

NEVER = 99_999_999  # expiry date of what has none, after all dates


class Holding(NamedTuple):
    """``weight`` is micros of payoff per 1 USD of S in the money, signed; a stock is a call with strike 0."""

    weight: int
    strike_millis: int
    is_call: bool
    expiry_date: int = 0


def min_payoff_micros(holdings: Iterable[Holding]) -> int | None:
    """Smallest value that the holdings can end with, in micros; None when there is no smallest.

    >>> min_payoff_micros([Holding(-100_000_000, 100_000, False), Holding(100_000_000, 95_000, False)])
    -500000000
    """
    held = [h for h in holdings if h.weight]
    groups = [held] if _one_worst_price(held) else _by_expiry(held)
    total = 0
    for group in groups:
        least = _min_of_group(group)
        if least is None:
            return None
        total += least
    return total


def max_loss_micros(cash_micros: int, holdings: Iterable[Holding]) -> int | None:
    """Most that can be lost when ``cash_micros`` was received (negative: paid) for the holdings; None: not finite."""
    least = min_payoff_micros(holdings)
    return None if least is None else max(0, -(cash_micros + least))


def _one_worst_price(held: Sequence[Holding]) -> bool:
    sold = {h.expiry_date for h in held if h.weight < 0}
    bought = [h.expiry_date for h in held if h.weight > 0]
    return not sold or (len(sold) == 1 and all(date >= max(sold) for date in bought))


def _by_expiry(held: Sequence[Holding]) -> list[list[Holding]]:
    dates = sorted({h.expiry_date for h in held})
    return [[h for h in held if h.expiry_date == date] for date in dates]


def _min_of_group(group: Sequence[Holding]) -> int | None:
    legs = [payoff.Leg(h.weight, h.strike_millis, h.is_call) for h in group]
    worst = payoff.max_loss_ticks(legs, 0)  # in thousandths of a micro: weight × thousandths of a USD
    return None if worst is None else -worst // 1000  # floor: never understates a loss
