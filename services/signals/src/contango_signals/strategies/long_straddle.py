"""Long straddle: a call and a put of one strike at the money bought, one expiry.

Lives on a move, either way, larger than the premium, or on volatility rising. The strike is the one nearest to the
forward that is quoted in both rights. Volatility must stand low in its year and not far above what the forecast
expects, for what is bought is variance. Nothing but the premium is lost.

References:
    [1] S. Natenberg, "Option Volatility and Pricing", 2nd ed., 2015, ch. 11 (straddles and strangles).
    [2] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 18 (buying puts with calls).
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bought import Bought
from contango_signals.strategies.build import Pick, at_strike, at_the_money, candidate, nearest_expiry, net_mid
from contango_signals.strategies.spec import Candidate, Spec, View


class Params(Bought):
    """Parameters of the long straddle. ``min_confidence`` of the published source: 0.60.

    >>> Params().max_iv_rank
    25.0
    """

    regimes_allowed: tuple[str, ...] = param(("LOW_VOL_RANGE",), "regimes of the deciding detector in which it opens")
    max_iv_rank: float | None = param(25.0, "IV rank, at most", unit="points of 100", ge=0, le=100, tune=(10, 50))
    max_vrp_ratio: float | None = param(
        1.1, "implied variance over the forecast's median, at most", ge=0, le=10, tune=(0.8, 1.5)
    )
    min_confidence: float | None = param(
        None, "fused confidence, at least", unit="score in [0, 1]", ge=0, le=1, tune=(0.5, 0.7)
    )
    max_off_money: float = param(
        0.02, "distance of the strike from the forward, at most", unit="fraction", gt=0, lt=0.5
    )


def propose(view: View, p: Params) -> list[Candidate]:
    """One straddle on the expiry nearest to the target."""
    s = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    if s is None or s.forward is None:
        return []
    strike = at_the_money((s,), (False, True), s.forward)
    if strike is None or abs(strike / s.forward - 1.0) > p.max_off_money:
        return []
    put, call = at_strike(s, False, strike), at_strike(s, True, strike)
    if put is None or call is None:
        return []
    legs = (Pick(1, s, put), Pick(1, s, call))
    why: dict[str, float | None] = {"premium_to_spot": net_mid(view, legs) / view.spot}
    return [candidate(view, SPEC.kind, legs, off_target=abs(strike / s.forward - 1.0), why=why)]


SPEC = Spec(
    name="long_straddle",
    kind="straddle",
    on="chain",
    module="options",
    meaning="buys a call and a put at the money and lives on a large move either way",
    params=Params,
    propose=propose,
)
