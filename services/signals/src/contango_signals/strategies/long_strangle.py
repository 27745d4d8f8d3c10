"""Long strangle: a put below and a call above the market bought, one expiry.

Lives on a large move either way, or on volatility rising; cheaper than a straddle and in need of a larger move. Both
legs are the options nearest to the wanted delta. Volatility must stand low in its year and not far above what the
forecast expects. Nothing but the premium is lost.

References:
    [1] S. Natenberg, "Option Volatility and Pricing", 2nd ed., 2015, ch. 11 (straddles and strangles).
    [2] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 18 (buying puts with calls).
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bought import BoughtByDelta, bought_leg
from contango_signals.strategies.build import around, candidate, distinct, nearest_expiry, net_mid
from contango_signals.strategies.spec import Candidate, Spec, View


class Params(BoughtByDelta):
    """Parameters of the long strangle. ``min_confidence`` of the published source: 0.60.

    >>> Params().long_delta
    0.25
    """

    regimes_allowed: tuple[str, ...] = param(("LOW_VOL_RANGE",), "regimes of the deciding detector in which it opens")
    long_delta: float = param(
        0.25, "absolute spot delta wanted of the bought legs", unit="delta", gt=0, lt=0.6, tune=(0.15, 0.4)
    )
    max_iv_rank: float | None = param(25.0, "IV rank, at most", unit="points of 100", ge=0, le=100, tune=(10, 50))
    max_vrp_ratio: float | None = param(
        1.1, "implied variance over the forecast's median, at most", ge=0, le=10, tune=(0.8, 1.5)
    )
    min_confidence: float | None = param(
        None, "fused confidence, at least", unit="score in [0, 1]", ge=0, le=1, tune=(0.5, 0.7)
    )


def propose(view: View, p: Params) -> list[Candidate]:
    """Strangles at three deltas on the expiry nearest to the target."""
    s = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    if s is None:
        return []
    found = []
    for off, delta in around(p.long_delta, p.long_delta_step):
        put, call = bought_leg(s, p, False, delta), bought_leg(s, p, True, delta)
        if put is not None and call is not None:
            why: dict[str, float | None] = {"premium_to_spot": net_mid(view, (put, call)) / view.spot}
            found.append(candidate(view, SPEC.kind, (put, call), off_target=off, why=why))
    return distinct(found)


SPEC = Spec(
    name="long_strangle",
    kind="strangle",
    on="chain",
    module="options",
    meaning="buys a put below and a call above the market and lives on a large move either way",
    params=Params,
    propose=propose,
)
