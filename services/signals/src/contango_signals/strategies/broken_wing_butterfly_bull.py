"""Broken-wing butterfly for a bull trend, of puts: one in the money bought, two at the money sold, one far out bought.

The body is the quoted put strike nearest to the forward, the near wing lies ``near_wing`` above it, the far wing at
least ``skip_ratio`` times as far below it. Entered for a credit it loses nothing above the body, where the trend
leads, and is exposed below; that is why puts are the bullish side: the same shape of calls has its risk above. Both
sides' worst results are enumerated and stand in the numbers as ``loss_below`` and ``loss_above`` (currency a unit, at
mid; negative is a certain profit).

References:
    [1] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Modified Put Butterfly".
    [2] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 10 (butterfly spreads).
"""

from contango_common.domain.declare import param
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.strategies.wings import BrokenWing, broken_wings


class Params(BrokenWing):
    """Parameters of the bullish broken-wing butterfly.

    >>> Params().regimes_allowed
    ('BULL_TREND',)
    """

    regimes_allowed: tuple[str, ...] = param(("BULL_TREND",), "regimes of the deciding detector in which it opens")


def propose(view: View, p: Params) -> list[Candidate]:
    """Put butterflies of three far wings."""
    return broken_wings(view, p, is_call=False)


SPEC = Spec(
    name="broken_wing_butterfly_bull",
    kind="butterfly",
    on="chain",
    module="options",
    meaning="sells two puts at the money between one bought above and one bought further below; the risk lies below",
    params=Params,
    propose=propose,
)
