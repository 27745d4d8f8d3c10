"""Crypto mean reversion: buys what has fallen to the lower band of a market that the intraday rules call RANGING.

RSI and band position must both be low; at a key level of the volume profile a little less will do. Stops are tight
(1 ATR), the target is the middle of the bands. Leaves at either, or when the market begins to trend down.
"""

from dataclasses import replace

from contango_common.domain.declare import param
from contango_signals.strategies.bars import Numbers, OnBars, entry, read, stopped, would
from contango_signals.strategies.spec import Asset, Entry, Leave, Spec


class Params(OnBars):
    """Parameters of the crypto mean reversion.

    >>> Params().stop_atr
    1.0
    """

    stop_atr: float = param(1.0, "stop below the entry", unit="ATR", gt=0, le=20, tune=(0.7, 2.0))
    target_atr: float | None = param(None, "not used: the target is the middle band", unit="ATR", gt=0, le=50)
    max_rsi: float = param(35.0, "RSI, at most", unit="points of 100", ge=0, le=100, tune=(20, 40))
    max_position: float = param(0.15, "position in the bands, at most", unit="fraction", ge=-1, le=1, tune=(0.0, 0.25))
    key_level_ease: float = param(0.05, "what a key level adds to max_position", unit="fraction", ge=0, le=0.5)


def decide(asset: Asset, p: Params) -> Entry | Leave | None:
    """Buy, leave, or nothing."""
    label = asset.labels.get("s1")
    if asset.held is not None:
        if label == "TRENDING_BEARISH":
            return Leave("range_broken", {"direction": float(asset.direction)})
        return stopped(asset, {})
    rsi, position, middle, atr = read(asset, p, "rsi", "bb_position", "bb_middle", "atr")
    if rsi is None or position is None or middle is None or atr is None or label != "RANGING":
        return None
    allowed = p.max_position + (p.key_level_ease if asset.key_level is not None else 0.0)
    if rsi > p.max_rsi or position > allowed or middle <= asset.close:
        return None
    why: Numbers = {"rsi": rsi, "bb_position": position, "bb_middle": middle, "allowed_position": allowed}
    score = min(max(0.5 + (p.max_rsi - rsi) / 100.0 + (allowed - position), 0.0), 1.0)
    made = entry(asset, p, atr, score, why, alternatives=would("max_rsi", rsi) | would("max_position", position))
    return replace(made, target=middle)


SPEC = Spec(
    name="crypto_reversion",
    kind="single",
    on="bars",
    module="crypto",
    meaning="buys at the lower band of a ranging market and sells at its middle",
    params=Params,
    decide=decide,
)
