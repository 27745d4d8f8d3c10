"""Call credit spread (bear call spread): a call sold above the market, a call bought further above, one expiry.

Lives on the market not rising to the sold strike. The sold call is the one nearest to the wanted delta inside the hard
band, a rich one against the smile preferred; the bought call is the first usable one at least the regime's width
higher. It must bring premium at mid; the most that can be lost is the width less the premium.

References:
    [1] S. Natenberg, "Option Volatility and Pricing", 2nd ed., 2015, ch. 12 (bull and bear spreads).
    [2] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Bear Call Spread".
"""

from contango_common.domain.declare import param
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.strategies.verticals import CreditSpread, credit_spreads


class Params(CreditSpread):
    """Parameters of the call credit spread.

    >>> Params().regimes_allowed
    ('LOW_VOL_RANGE', 'HIGH_VOL_RANGE', 'BEAR_TREND')
    """

    regimes_allowed: tuple[str, ...] = param(
        ("LOW_VOL_RANGE", "HIGH_VOL_RANGE", "BEAR_TREND"), "regimes of the deciding detector in which it opens"
    )


def propose(view: View, p: Params) -> list[Candidate]:
    """Spreads at three deltas on one expiry."""
    return credit_spreads(view, p, is_call=True)


SPEC = Spec(
    name="call_credit_spread",
    kind="vertical",
    on="chain",
    module="options",
    meaning="sells a call spread above the market and lives on the market not rising to it",
    params=Params,
    credit=True,
    propose=propose,
)
