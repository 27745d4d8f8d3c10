"""Risk of a structure on each side of its body, by enumeration: "no risk on one side" proved, not read from a name.

The body is the stretch between the outermost sold options (of an iron condor: the two short strikes; of a broken-wing
butterfly: the doubly sold one). Below and above it profit is linear between strikes, so its worst value on a side is
found at S = 0, at a strike, or in the upper tail. Prices in ticks (int) keep the proof exact.
"""

from collections.abc import Sequence
from typing import NamedTuple

from contango_quant.pricing.payoff import Leg, extremes, kinks, profit_at, tail_slope


class Side(NamedTuple):
    """Most that is lost on one side (None: unbounded); below 0 it is a profit that is certain there."""

    max_loss: float | None
    is_riskless: bool  # max_loss at most 0
    is_certain_profit: bool  # max_loss below 0


class Sides(NamedTuple):
    """Prices from 0 to the body's lower end, within the body, and from its upper end on; ends included."""

    down: Side
    body: Side
    up: Side


def body(legs: Sequence[Leg]) -> tuple[float, float]:
    """The lowest and the highest strike of the sold options; stock is no option.

    Raises ValueError when no option is sold.

    >>> body([Leg(1, 90, False), Leg(-1, 95, False), Leg(-1, 105, True), Leg(1, 110, True)])
    (95, 105)
    """
    sold = [leg.strike for leg in legs if leg.quantity < 0 and leg.strike > 0]
    if not sold:
        raise ValueError(f"a body needs a sold option, got {list(legs)}")
    return min(sold), max(sold)


def sides(legs: Sequence[Leg], net_premium: float, *, low: float, high: float) -> Sides:
    """Maximum loss at expiry below `low`, from `low` to `high`, and above `high`; exact, in integers for integers.

    low, high: ends of the body in the strikes' unit, 0 ≤ low ≤ high (`body` gives the usual ones). Raises ValueError
    for ends out of order and for what `extremes` refuses.

    >>> broken_wing = [Leg(1, 105, False), Leg(-2, 100, False), Leg(1, 90, False)]  # puts, credit 1
    >>> risk = sides(broken_wing, 1, low=100, high=100)
    >>> risk.up, risk.down.max_loss
    (Side(max_loss=-1, is_riskless=True, is_certain_profit=True), 4)
    """
    if not 0 <= low <= high:
        raise ValueError(f"the body needs 0 <= low <= high, got {float(low)!r} and {float(high)!r}")
    extremes(legs, net_premium)  # checks the legs
    points = kinks(legs)
    return Sides(
        down=_side(legs, net_premium, [*(p for p in points if p < low), low]),
        body=_side(legs, net_premium, [low, *(p for p in points if low < p < high), high]),
        up=_side(legs, net_premium, [high, *(p for p in points if p > high)], falls=tail_slope(legs) < 0),
    )


def _side(legs: Sequence[Leg], net_premium: float, points: Sequence[float], falls: bool = False) -> Side:
    if falls:
        return Side(None, is_riskless=False, is_certain_profit=False)
    loss = -min(profit_at(legs, net_premium, point) for point in points)
    return Side(loss, is_riskless=loss <= 0, is_certain_profit=loss < 0)
