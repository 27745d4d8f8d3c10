"""Crypto trend: buys in a market that the intraday rules call TRENDING_BULLISH, and holds while they do.

The timeframes must point up, the directional index lie above its adaptive threshold, and the close above the session's
VWAP. Stops are wide (2.5 ATR); it leaves at the stop or target, or when the label turns to ranging or to a falling
trend.
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bars import Numbers, OnBars, entry, read, stopped, would
from contango_signals.strategies.spec import Asset, Entry, Leave, Spec


class Params(OnBars):
    """Parameters of the crypto trend.

    >>> Params().min_confidence
    0.7
    """

    min_confidence: float = param(0.7, "agreement of the timeframes, at least", unit="score in [0, 1]", ge=0, le=1)
    target_atr: float | None = param(None, "target above the entry; null: none", unit="ATR", gt=0, le=50)


def decide(asset: Asset, p: Params) -> Entry | Leave | None:
    """Buy, leave, or nothing."""
    label = asset.labels.get("s1")
    if asset.held is not None:
        if label in ("RANGING", "TRENDING_BEARISH"):
            return Leave("trend_over", {"direction": float(asset.direction)})
        return stopped(asset, {})
    adx, vwap, atr = read(asset, p, "adx", "vwap", "atr")
    if adx is None or vwap is None or atr is None or label != "TRENDING_BULLISH":
        return None
    needed = asset.thresholds["adx"]
    if asset.direction <= 0 or asset.confidence < p.min_confidence or adx < needed or asset.close <= vwap:
        return None
    why: Numbers = {"adx": adx, "adx_needed": needed, "vwap": vwap, "confidence": asset.confidence}
    score = min(adx / 100.0 + 0.5 * asset.weighted_confidence, 1.0)
    return entry(asset, p, atr, score, why, alternatives=would("thresholds.adx", adx))


SPEC = Spec(
    name="crypto_trend",
    kind="single",
    on="bars",
    module="crypto",
    meaning="buys a rising trend above the VWAP and holds it with a wide stop",
    params=Params,
    decide=decide,
)
