"""Core equity: holds an asset while it stands above its 200-session average.

Bought when the close is above the long average and the votes reach the threshold; sold when the close is ``exit_below``
under the average, so that it is not thrown out by a day's noise. No target, a wide stop.
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bars import entry, read, stopped, would
from contango_signals.strategies.spec import Asset, Entry, Leave, Spec
from contango_signals.strategies.stocks import Stock, confidence, votes


class Params(Stock):
    """Parameters of core equity.

    >>> Params().multiplier
    1.0
    """

    threshold: float = param(0.55, "confidence needed", unit="score in [0, 1]", ge=0, le=1, tune=(0.45, 0.65))
    multiplier: float = param(1.0, "size, of 3.5", unit="ratio", gt=0, le=3.5, tune=(0.8, 1.5))
    stop_atr: float = param(6.0, "stop below the entry", unit="ATR", gt=0, le=20, tune=(3.0, 10.0))
    exit_below: float = param(
        0.02, "under the long average at which it is sold", unit="fraction", ge=0, le=0.5, tune=(0.0, 0.05)
    )


def decide(asset: Asset, p: Params) -> Entry | Leave | None:
    """Buy, leave, or nothing."""
    average, atr = read(asset, p, "sma_long", "atr")
    if average is None:
        return stopped(asset, {}) if asset.held is not None else None
    if asset.held is not None:
        if asset.close < average * (1.0 - p.exit_below):
            return Leave("below_average", {"close": asset.close, "sma_long": average})
        return stopped(asset, {"sma_long": average})
    seen = votes(asset, p)
    if seen is None or atr is None or asset.close <= average:
        return None
    score, numbers = confidence(seen, p)
    if score < p.threshold:
        return None
    why = {**numbers, "sma_long": average}
    return entry(asset, p, atr, score, why, size_factor=p.size_factor, alternatives=would("threshold", score))


SPEC = Spec(
    name="core_equity",
    kind="single",
    on="bars",
    module="stocks",
    meaning="holds an asset while it stands above its 200-session average",
    params=Params,
    decide=decide,
)
