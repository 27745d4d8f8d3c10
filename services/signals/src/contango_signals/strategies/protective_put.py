"""Protective put: the underlying bought together with a put on it, in a bear trend.

Lives on a recovery; the put bounds the loss from the spot down to its strike. The put is the one out of the money
nearest to the wanted delta. Only where the underlying itself can be bought (an index cannot). One unit is as many
shares as the contract's multiplier and one put; at most spot − strike + premium is lost.

References:
    [1] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 17 (puts with stock).
    [2] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Synthetic Call".
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bought import BoughtByDelta, bought_options
from contango_signals.strategies.build import Pick
from contango_signals.strategies.spec import Candidate, Spec, View


class Params(BoughtByDelta):
    """Parameters of the protective put. ``min_confidence`` of the published source: 0.40.

    >>> Params().long_delta
    0.3
    """

    regimes_allowed: tuple[str, ...] = param(("BEAR_TREND",), "regimes of the deciding detector in which it opens")
    long_delta: float = param(
        0.30, "absolute spot delta wanted of the bought leg", unit="delta", gt=0, lt=0.6, tune=(0.15, 0.45)
    )
    min_confidence: float | None = param(
        None, "fused confidence, at least", unit="score in [0, 1]", ge=0, le=1, tune=(0.3, 0.5)
    )


def propose(view: View, p: Params) -> list[Candidate]:
    """The underlying with puts at three deltas on one expiry; none where it cannot be bought."""
    return bought_options(view, p, False, SPEC.kind, beside=(Pick(1),)) if view.tradable else []


SPEC = Spec(
    name="protective_put",
    kind="protective_put",
    on="chain",
    module="options",
    meaning="buys the underlying and a put that bounds its loss",
    params=Params,
    propose=propose,
)
