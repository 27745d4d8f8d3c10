"""Leveraged funds: follows a trend in a fund that holds leverage itself, in calm markets only.

Such funds lose what the square of volatility costs, whatever the direction: so volatility must stand below ``max_pctl``
of its own history, the averages must be in order (fast above slow above long), and it is left as soon as one of that is
over.
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bars import entry, read, stopped, would
from contango_signals.strategies.spec import Asset, Entry, Leave, Spec
from contango_signals.strategies.stocks import Stock, confidence, votes


class Params(Stock):
    """Parameters of leveraged funds.

    >>> Params().threshold
    0.7
    """

    threshold: float = param(0.70, "confidence needed", unit="score in [0, 1]", ge=0, le=1, tune=(0.6, 0.8))
    multiplier: float = param(2.5, "size, of 3.5", unit="ratio", gt=0, le=3.5, tune=(1.5, 3.5))
    max_pctl: float = param(60.0, "percentile of the ATR, at most", unit="points of 100", ge=0, le=100, tune=(40, 80))
    stop_atr: float = param(2.0, "stop below the entry", unit="ATR", gt=0, le=20, tune=(1.0, 4.0))


def decide(asset: Asset, p: Params) -> Entry | Leave | None:
    """Buy, leave, or nothing."""
    fast, slow, long, pctl, atr = read(asset, p, "ema_fast", "ema_slow", "sma_long", "atr_pctl", "atr")
    numbers = {"ema_fast": fast, "ema_slow": slow, "sma_long": long, "atr_pctl": pctl}
    ordered = fast is not None and slow is not None and long is not None and fast > slow > long
    calm = pctl is not None and pctl <= p.max_pctl
    if asset.held is not None:
        known = all(x is not None for x in numbers.values())
        return Leave("trend_or_calm_over", numbers) if known and not (ordered and calm) else stopped(asset, numbers)
    seen = votes(asset, p)
    if seen is None or atr is None or not (ordered and calm):
        return None
    score, votes_of = confidence(seen, p)
    if score < p.threshold:
        return None
    why = {**votes_of, **numbers}
    return entry(asset, p, atr, score, why, size_factor=p.size_factor, alternatives=would("threshold", score))


SPEC = Spec(
    name="leveraged_etf",
    kind="single",
    on="bars",
    module="stocks",
    meaning="follows a calm trend in a fund that holds leverage itself",
    params=Params,
    decide=decide,
)
