"""Calendar spread: an option at the money sold, the same strike and right bought in a later expiry.

Lives on a market that stays, and on volatility rising: long vega, short gamma. Both rights are looked at; the strike
is the one nearest to the first expiry's forward that both expiries quote. What drives the edge is not that volatility
is low but that the sold expiry is rich against the volatility which the quotes imply between the two expiries:
``min_front_over_forward`` asks for that. It must cost something at mid, and that is the most that can be lost by
intrinsic values when the sold option expires.

Above 1 the sold expiry is rich outright. On stored index chains of 2022 to 2024 the ratio lay between 0.82 and 0.94
while volatility at the money was below 18 %, and above 1 in one of six at all; hence a default below 1.

The published conditions, IV rank below 20 and a volatility index below 12, are met in a handful of years only:
``max_iv_rank=20, max_vix=12``.

References:
    [1] S. Natenberg, "Option Volatility and Pricing", 2nd ed., 2015, ch. 11 (calendar spreads).
    [2] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 9 (calendar spreads).
    [3] J. Gatheral, "The Volatility Surface", 2006, ch. 3 (total variance and calendar spreads).
"""

from contango_common.domain.declare import param
from contango_signals.chainview import Slice
from contango_signals.strategies.build import (
    Pick,
    at_strike,
    at_the_money,
    candidate,
    distinct,
    nearest_expiry,
    net_mid,
)
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.strategies.timespreads import TimeSpread, later_expiry, time_numbers

Numbers = dict[str, float | None]


class Params(TimeSpread):
    """Parameters of the calendar spread.

    >>> Params(max_vix=12.0, max_iv_rank=20.0).max_vix
    12.0
    """

    regimes_allowed: tuple[str, ...] = param(("LOW_VOL_RANGE",), "regimes of the deciding detector in which it opens")
    max_iv_rank: float | None = param(40.0, "IV rank, at most", unit="points of 100", ge=0, le=100, tune=(10, 60))
    max_vix: float | None = param(18.0, "volatility index, at most", unit="vol points", gt=0, le=1000, tune=(12, 25))
    min_front_over_forward: float | None = param(
        0.9,
        "volatility of the sold expiry over that between the two, at least",
        unit="ratio",
        gt=0,
        le=10,
        tune=(0.8, 1.1),
    )
    max_off_money: float = param(
        0.02, "distance of the strike from the forward, at most", unit="fraction", gt=0, lt=0.5
    )


def propose(view: View, p: Params) -> list[Candidate]:
    """A call and a put calendar at the money; none where the sold expiry is not rich enough."""
    near = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    far = None if near is None else later_expiry(view, near, p)
    if near is None or far is None:
        return []
    numbers = time_numbers(near, far)
    rich = numbers["front_over_forward"]
    if p.min_front_over_forward is not None and (rich is None or rich < p.min_front_over_forward):
        return []
    return distinct(_calendar(view, near, far, is_call, p, numbers) for is_call in (True, False))


def _calendar(view: View, near: Slice, far: Slice, is_call: bool, p: Params, numbers: Numbers) -> Candidate | None:
    assert near.forward is not None
    strike = at_the_money((near, far), (is_call,), near.forward)
    if strike is None:
        return None
    off = abs(strike / near.forward - 1.0)
    sold, bought = at_strike(near, is_call, strike), at_strike(far, is_call, strike)
    if sold is None or bought is None or off > p.max_off_money:
        return None
    legs = (Pick(-1, near, sold), Pick(1, far, bought))
    return candidate(view, SPEC.kind, legs, off_target=off, why=numbers) if net_mid(view, legs) > 0.0 else None


SPEC = Spec(
    name="calendar",
    kind="calendar",
    on="chain",
    module="options",
    meaning="sells an option at the money, buys the same one in a later expiry and lives on a market that stays",
    params=Params,
    propose=propose,
)
