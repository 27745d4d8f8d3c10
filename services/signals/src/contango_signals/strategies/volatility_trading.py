"""Volatility trading: buys an asset when fear is high and begins to give way.

The volatility index must stand ``entry_z`` stationary deviations above its mean (only where its reversion is
identified), or, without a fit, at the top of its year; and the asset must have stopped falling (close above the fast
average). Sold when the index is back at its mean, at the stop, or at the target.
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bars import entry, read, stopped, would
from contango_signals.strategies.spec import Asset, Entry, Leave, Spec
from contango_signals.strategies.stocks import Stock, confidence, votes

MIDDLE = 50.0  # percentile that stands for the mean where no fit says one


class Params(Stock):
    """Parameters of volatility trading.

    >>> Params().entry_z
    1.5
    """

    threshold: float = param(0.55, "confidence needed", unit="score in [0, 1]", ge=0, le=1, tune=(0.45, 0.65))
    multiplier: float = param(1.8, "size, of 3.5", unit="ratio", gt=0, le=3.5, tune=(1.2, 2.4))
    entry_z: float = param(
        1.5, "deviation of the index above its mean", unit="standard deviations", ge=0, le=10, tune=(1, 3)
    )
    entry_percentile: float = param(
        90.0, "percentile of the index where no fit says more", unit="points of 100", ge=0, le=100
    )
    target_atr: float | None = param(6.0, "target above the entry; null: none", unit="ATR", gt=0, le=50, tune=(3, 10))


def decide(asset: Asset, p: Params) -> Entry | Leave | None:
    """Buy, leave, or nothing."""
    fast, atr = read(asset, p, "ema_fast", "atr")
    z, percentile = asset.values.get("ou_z"), asset.values.get("iv_percentile")
    numbers = {"ou_z": z, "iv_percentile": percentile, "ema_fast": fast}
    if asset.held is not None:
        if z <= 0.0 if z is not None else percentile is not None and percentile <= MIDDLE:
            return Leave("reverted", numbers)
        return stopped(asset, numbers)
    if fast is None or atr is None:
        return None
    stretched = z >= p.entry_z if z is not None else percentile is not None and percentile >= p.entry_percentile
    seen = votes(asset, p)
    if seen is None or not stretched or asset.close <= fast:
        return None
    score, votes_of = confidence({**seen, "volatility": 1.0}, p)  # high volatility is what it looks for
    if score < p.threshold:
        return None
    why = {**votes_of, **numbers}
    return entry(asset, p, atr, score, why, size_factor=p.size_factor, alternatives=would("threshold", score))


SPEC = Spec(
    name="volatility_trading",
    kind="single",
    on="bars",
    module="stocks",
    meaning="buys an asset when volatility is stretched and begins to revert",
    params=Params,
    decide=decide,
)
