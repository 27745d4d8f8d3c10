"""Crash put: one put bought while the market crashes.

The only strategy here that opens in crash mode, beside staying flat. The put is the one out of the money nearest to the
wanted delta. Volatility is dear by then, so neither its rank nor the volatility index caps the entry (crash mode begins
above the usual cap), and nothing but the premium is lost.

References:
    [1] L. McMillan, "Options as a Strategic Investment", 5th ed., 2012, ch. 16 (put buying).
    [2] G. Cohen, "The Bible of Options Strategies", 2nd ed., 2015, "Long Put".
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bought import BoughtByDelta, bought_options
from contango_signals.strategies.spec import Candidate, Spec, View


class Params(BoughtByDelta):
    """Parameters of the crash put.

    >>> Params().max_vix is None
    True
    """

    regimes_allowed: tuple[str, ...] = param(("CRASH_MODE",), "regimes of the deciding detector in which it opens")
    dte_min: int = param(20, "days to the first expiry, at least", unit="calendar days", ge=0, le=1000, tune=(7, 45))
    dte_max: int = param(60, "days to the first expiry, at most", unit="calendar days", ge=0, le=1000, tune=(30, 90))
    dte_target: int = param(40, "days to the first expiry wanted", unit="calendar days", ge=0, le=1000, tune=(14, 60))
    long_delta: float = param(
        0.30, "absolute spot delta wanted of the bought leg", unit="delta", gt=0, lt=0.6, tune=(0.1, 0.5)
    )
    max_iv_rank: float | None = param(None, "IV rank, at most", unit="points of 100", ge=0, le=100)
    max_vix: float | None = param(None, "volatility index, at most", unit="vol points", gt=0, le=1000)


def propose(view: View, p: Params) -> list[Candidate]:
    """Puts at three deltas on one expiry."""
    return bought_options(view, p, is_call=False)


SPEC = Spec(
    name="crash_put",
    kind="single",
    on="chain",
    module="options",
    meaning="buys a put in a crash and lives on its going on",
    params=Params,
    propose=propose,
)
