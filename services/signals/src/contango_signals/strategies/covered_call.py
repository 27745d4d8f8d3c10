"""Covered call: the underlying bought, a call on it sold out of the money, in a bull trend.

Lives on a slow rise to the sold strike; the premium is income that cushions a fall, and what lies above the strike is
given up. The call is the one nearest to the wanted delta inside the hard band, a rich one against the smile preferred.
Only where the underlying itself can be bought (an index cannot). One unit is as many shares as the contract's
multiplier and one call; at most spot − premium is lost, at a price of 0.

References:
    [1] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 2 (covered call writing).
    [2] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Covered Call".
"""

from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import param
from contango_signals.strategies.build import Pick, around, candidate, distinct, nearest_expiry
from contango_signals.strategies.iron_condor import sold_leg
from contango_signals.strategies.screen import Screen
from contango_signals.strategies.spec import Candidate, Spec, View


class Params(Screen):
    """Parameters of the covered call. ``min_confidence`` of the published source: 0.50.

    >>> Params().short_delta
    0.3
    """

    regimes_allowed: tuple[str, ...] = param(("BULL_TREND",), "regimes of the deciding detector in which it opens")
    delta_min: float = param(0.15, "absolute spot delta of the sold leg, at least", unit="delta", gt=0.0, lt=1.0)
    delta_max: float = param(0.40, "absolute spot delta of the sold leg, at most", unit="delta", gt=0.0, lt=1.0)
    short_delta: float = param(
        0.30, "absolute spot delta wanted of the sold leg", unit="delta", gt=0, lt=0.5, tune=(0.15, 0.4)
    )
    short_delta_step: float = param(0.06, "distance of the two other deltas looked at", unit="delta", ge=0, lt=0.5)
    rich_weight: float = param(
        0.005, "delta given up per half-spread that the sold leg is rich against the smile", unit="delta", ge=0, le=0.1
    )
    min_credit_to_width: float | None = param(None, "credit over the wider wing", unit="fraction", ge=0, lt=1)
    min_confidence: float | None = param(
        None, "fused confidence, at least", unit="score in [0, 1]", ge=0, le=1, tune=(0.4, 0.6)
    )
    max_units: int | None = param(2, "units of one proposal, at most", unit="units", ge=1, le=10**9, tune=(1, 5))

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.delta_min <= self.short_delta <= self.delta_max:
            raise ValueError("delta_min <= short_delta <= delta_max must hold")
        return self


def propose(view: View, p: Params) -> list[Candidate]:
    """The underlying with calls sold at three deltas on one expiry; none where it cannot be bought."""
    s = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max) if view.tradable else None
    if s is None:
        return []
    found = []
    for off, delta in around(p.short_delta, p.short_delta_step):
        sold = sold_leg(s, True, delta, p.delta_min, p.delta_max, p.rich_weight)
        if sold is not None:
            found.append(candidate(view, SPEC.kind, (Pick(1), Pick(-1, s, sold)), off_target=off))
    return distinct(found)


SPEC = Spec(
    name="covered_call",
    kind="covered_call",
    on="chain",
    module="options",
    meaning="buys the underlying, sells a call above it and lives on a slow rise",
    params=Params,
    propose=propose,
)
