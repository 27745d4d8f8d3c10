"""Broken-wing butterfly for a bear trend, of calls: one in the money bought, two at the money sold, one far out bought.

The body is the quoted call strike nearest to the forward, the near wing lies ``near_wing`` below it, the far
wing at least ``skip_ratio`` times as far above it. Entered for a credit it loses nothing below the body, where the
trend leads, and is exposed above; that is why calls are the bearish side. Both sides' worst results are enumerated and
stand in the numbers as ``loss_below`` and ``loss_above`` (currency a unit, at mid; negative is a certain profit).

References:
    [1] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Modified Call Butterfly".
    [2] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 10 (butterfly spreads).
"""

from contango_common.domain.declare import param
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.strategies.wings import BrokenWing, broken_wings


class Params(BrokenWing):
    """Parameters of the bearish broken-wing butterfly.

    >>> Params().regimes_allowed
    ('BEAR_TREND',)
    """

    regimes_allowed: tuple[str, ...] = param(("BEAR_TREND",), "regimes of the deciding detector in which it opens")


def propose(view: View, p: Params) -> list[Candidate]:
    """Call butterflies of three far wings."""
    return broken_wings(view, p, is_call=True)


SPEC = Spec(
    name="broken_wing_butterfly_bear",
    kind="butterfly",
    on="chain",
    module="options",
    meaning="sells two calls at the money between one bought below and one bought further above; the risk lies above",
    params=Params,
    propose=propose,
)
