"""Long call: one call bought, in a bull trend.

Lives on a rise faster than the premium wastes away. The call is the one out of the money nearest to the wanted delta,
on an expiry some two months out; volatility should not stand high in its year. Nothing but the premium is lost.

References:
    [1] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 3 (call buying).
    [2] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Long Call".
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bought import BoughtByDelta, bought_options
from contango_signals.strategies.spec import Candidate, Spec, View


class Params(BoughtByDelta):
    """Parameters of the long call. ``min_confidence`` of the published source: 0.75.

    >>> Params().long_delta
    0.4
    """

    regimes_allowed: tuple[str, ...] = param(("BULL_TREND",), "regimes of the deciding detector in which it opens")
    min_confidence: float | None = param(
        None, "fused confidence, at least", unit="score in [0, 1]", ge=0, le=1, tune=(0.65, 0.85)
    )


def propose(view: View, p: Params) -> list[Candidate]:
    """Calls at three deltas on one expiry."""
    return bought_options(view, p, is_call=True)


SPEC = Spec(
    name="long_call",
    kind="single",
    on="chain",
    module="options",
    meaning="buys a call and lives on a fast rise",
    params=Params,
    propose=propose,
)
