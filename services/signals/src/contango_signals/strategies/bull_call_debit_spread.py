"""Bull call spread, bought: the call at the money bought, a call further out sold, one expiry.

Lives on a rise to the sold strike. The bought strike is the quoted one nearest to the forward; the sold call is the one
nearest to the wanted delta inside the hard band. The debit at mid must be above 0 and at most the given part of the
width, so that the most that is won is worth what can be lost, which is the debit.

References:
    [1] S. Natenberg, "Option Volatility and Pricing", 2nd ed., 2015, ch. 12 (bull and bear spreads).
    [2] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 7 (bull spreads).
"""

from contango_common.domain.declare import param
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.strategies.verticals import DebitSpread, debit_spreads


class Params(DebitSpread):
    """Parameters of the bull call spread. ``min_confidence`` of the published source: 0.60.

    >>> Params().regimes_allowed
    ('BULL_TREND',)
    """

    regimes_allowed: tuple[str, ...] = param(("BULL_TREND",), "regimes of the deciding detector in which it opens")
    min_confidence: float | None = param(
        None, "fused confidence, at least", unit="score in [0, 1]", ge=0, le=1, tune=(0.5, 0.7)
    )


def propose(view: View, p: Params) -> list[Candidate]:
    """Spreads at three sold deltas on one expiry."""
    return debit_spreads(view, p, is_call=True)


SPEC = Spec(
    name="bull_call_debit_spread",
    kind="vertical",
    on="chain",
    module="options",
    meaning="buys a call at the money, sells one further out and lives on a rise",
    params=Params,
    propose=propose,
)
