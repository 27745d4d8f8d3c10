"""Put credit spread (bull put spread): a put sold below the market, a put bought further below, one expiry.

Lives on the market not falling to the sold strike. The sold put is the one nearest to the wanted delta inside the hard
band, a rich one against the smile preferred; the bought put is the first usable one at least the regime's width lower.
It must bring premium at mid; the most that can be lost is the width less the premium.

References:
    [1] S. Natenberg, "Option Volatility and Pricing", 2nd ed., 2015, ch. 12 (bull and bear spreads).
    [2] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Bull Put Spread".
"""

from contango_common.domain.declare import param
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.strategies.verticals import CreditSpread, credit_spreads


class Params(CreditSpread):
    """Parameters of the put credit spread.

    >>> Params().regimes_allowed
    ('LOW_VOL_RANGE', 'HIGH_VOL_RANGE', 'BULL_TREND')
    """

    regimes_allowed: tuple[str, ...] = param(
        ("LOW_VOL_RANGE", "HIGH_VOL_RANGE", "BULL_TREND"), "regimes of the deciding detector in which it opens"
    )


def propose(view: View, p: Params) -> list[Candidate]:
    """Spreads at three deltas on one expiry."""
    return credit_spreads(view, p, is_call=False)


SPEC = Spec(
    name="put_credit_spread",
    kind="vertical",
    on="chain",
    module="options",
    meaning="sells a put spread below the market and lives on the market not falling to it",
    params=Params,
    credit=True,
    propose=propose,
)
