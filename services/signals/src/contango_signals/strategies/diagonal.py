"""Diagonal spread: an option sold out of the money, one nearer the money bought in a later expiry.

Lives on the trend going on slowly to the sold strike: calls in a bull trend, puts in a bear trend, nothing otherwise.
The sold leg is the option of the first expiry nearest to the wanted delta inside the hard band; the bought strike is
the quoted one of the later expiry nearest to that expiry's forward, moved into the money by ``long_inside``. It must
protect at least as well as what is sold (a lower call, a higher put), so that by intrinsic values nothing but the debit
is ever lost; and the debit at mid is at most the given part of the distance of the strikes, so that a fast move
through the sold strike still ends in a gain.

References:
    [1] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 14 (diagonalizing a spread).
    [2] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Diagonal Call".
"""

from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import param
from contango_signals.chainview import Slice
from contango_signals.strategies.build import (
    Pick,
    around,
    by_delta,
    candidate,
    distinct,
    nearest_expiry,
    nearest_strike,
    net_mid,
)
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.strategies.timespreads import TimeSpread, later_expiry, time_numbers

IS_CALL_IN = {"BULL_TREND": True, "BEAR_TREND": False}


class Params(TimeSpread):
    """Parameters of the diagonal spread.

    >>> Params(short_delta=0.35).short_delta
    0.35
    """

    regimes_allowed: tuple[str, ...] = param(
        ("BULL_TREND", "BEAR_TREND"), "regimes of the deciding detector in which it opens"
    )
    delta_min: float = param(0.15, "absolute spot delta of the sold leg, at least", unit="delta", gt=0.0, lt=1.0)
    delta_max: float = param(0.40, "absolute spot delta of the sold leg, at most", unit="delta", gt=0.0, lt=1.0)
    short_delta: float = param(
        0.30, "absolute spot delta wanted of the sold leg", unit="delta", gt=0, lt=0.5, tune=(0.15, 0.4)
    )
    short_delta_step: float = param(0.06, "distance of the two other deltas looked at", unit="delta", ge=0, lt=0.5)
    long_inside: float = param(
        0.0, "how far the bought strike lies in the money", unit="fraction of forward", ge=0, lt=0.5, tune=(0.0, 0.1)
    )
    max_debit_to_width: float = param(
        0.75, "debit at mid over the distance of the strikes, at most", unit="fraction", gt=0, le=1, tune=(0.5, 0.9)
    )

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.delta_min <= self.short_delta <= self.delta_max:
            raise ValueError("delta_min <= short_delta <= delta_max must hold")
        return self


def propose(view: View, p: Params) -> list[Candidate]:
    """Diagonals at three sold deltas, in the direction of the trend."""
    is_call = IS_CALL_IN.get(view.regime or "")
    near = None if is_call is None else nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    far = None if near is None else later_expiry(view, near, p)
    if is_call is None or near is None or far is None:
        return []
    wanted = around(p.short_delta, p.short_delta_step)
    return distinct(_diagonal(view, near, far, is_call, p, delta, off) for off, delta in wanted)


def _diagonal(
    view: View, near: Slice, far: Slice, is_call: bool, p: Params, delta: float, off: float
) -> Candidate | None:
    assert far.forward is not None
    sold = by_delta(near, is_call, delta, p.delta_min, p.delta_max)
    bought = nearest_strike(far, is_call, far.forward * (1.0 - p.long_inside if is_call else 1.0 + p.long_inside))
    if sold is None or bought is None:
        return None
    width = float(near.strike[sold] - far.strike[bought]) * (1.0 if is_call else -1.0)
    legs = (Pick(-1, near, sold), Pick(1, far, bought))
    debit = net_mid(view, legs)
    if not (width > 0.0 and 0.0 < debit <= p.max_debit_to_width * width):
        return None
    why = {**time_numbers(near, far), "debit_to_width": debit / width}
    return candidate(view, SPEC.kind, legs, off_target=off, why=why)


SPEC = Spec(
    name="diagonal",
    kind="diagonal",
    on="chain",
    module="options",
    meaning="sells an option out of the money, buys one nearer the money in a later expiry and lives on a slow trend",
    params=Params,
    propose=propose,
)
