"""Bear put spread, bought: the put at the money bought, a put further out sold, one expiry.

Lives on a fall to the sold strike. The bought strike is the quoted one nearest to the forward; the sold put is the one
nearest to the wanted delta inside the hard band. The debit at mid must be above 0 and at most the given part of the
width, so that the most that is won is worth what can be lost, which is the debit.

References:
    [1] S. Natenberg, "Option Volatility and Pricing", 2nd ed., 2015, ch. 12 (bull and bear spreads).
    [2] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 22 (put spreads).
"""

from contango_common.domain.declare import param
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.strategies.verticals import DebitSpread, debit_spreads


class Params(DebitSpread):
    """Parameters of the bear put spread.

    >>> Params().regimes_allowed
    ('BEAR_TREND',)
    """

    regimes_allowed: tuple[str, ...] = param(("BEAR_TREND",), "regimes of the deciding detector in which it opens")


def propose(view: View, p: Params) -> list[Candidate]:
    """Spreads at three sold deltas on one expiry."""
    return debit_spreads(view, p, is_call=False)


SPEC = Spec(
    name="bear_put_debit_spread",
    kind="vertical",
    on="chain",
    module="options",
    meaning="buys a put at the money, sells one further out and lives on a fall",
    params=Params,
    propose=propose,
)
