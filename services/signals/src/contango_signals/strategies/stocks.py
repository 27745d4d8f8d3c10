"""What the stock strategies share: a threshold of confidence, a multiplier under the risk caps, and three votes.

    confidence = w_technical·t + w_market·m + w_volatility·v, weights renormalised to 1

Multipliers of the module reach from 0.8 to 3.5; the largest is the whole of what risk allows, so that every one of them
scales down and none can lever anything up.
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bars import Numbers, OnBars, Timeframe
from contango_signals.strategies.spec import Asset

LARGEST_MULTIPLIER = 3.5


class Stock(OnBars):
    """Daily bars, a confidence threshold, a multiplier and the weights of the three votes.

    >>> Stock().timeframe
    '1d'
    """

    timeframe: Timeframe = param("1d", "closed bars that it decides on")
    stop_atr: float = param(3.0, "stop below the entry", unit="ATR", gt=0, le=20, tune=(1.5, 5.0))
    target_atr: float | None = param(None, "target above the entry; null: none", unit="ATR", gt=0, le=50)
    threshold: float = param(0.60, "confidence needed", unit="score in [0, 1]", ge=0, le=1)
    multiplier: float = param(1.0, "size, of 3.5", unit="ratio", gt=0, le=3.5)
    weight_technical: float = param(
        0.40, "weight of the technical vote", unit="fraction", ge=0, le=1, tune=(0.25, 0.55)
    )
    weight_market: float = param(0.40, "weight of the market's vote", unit="fraction", ge=0, le=1, tune=(0.25, 0.55))
    weight_volatility: float = param(0.20, "weight of volatility's vote", unit="fraction", ge=0, le=1, tune=(0.1, 0.35))

    @property
    def size_factor(self) -> float:
        return self.multiplier / LARGEST_MULTIPLIER


def votes(asset: Asset, p: Stock) -> dict[str, float] | None:
    """technical: trend and strength of this symbol; market: breadth of its peers; volatility: how calm it is."""
    tf = p.timeframe
    distance, rsi, vol = (asset.values.get(f"{name}_{tf}") for name in ("sma_distance", "rsi", "atr_pctl"))
    if distance is None or rsi is None:
        return None
    above = [d > 0.0 for v in asset.peers.values() if (d := v.get(f"sma_distance_{tf}")) is not None]
    if not above:
        return None
    return {
        "technical": min(max(0.5 * (rsi / 100.0) + 0.5 * (0.5 + 10.0 * distance), 0.0), 1.0),
        "market": sum(above) / len(above),
        "volatility": 0.5 if vol is None else 1.0 - vol / 100.0,
    }


def confidence(seen: dict[str, float], p: Stock) -> tuple[float, Numbers]:
    """The weighted votes, and the numbers behind them."""
    weights = {"technical": p.weight_technical, "market": p.weight_market, "volatility": p.weight_volatility}
    total = sum(weights.values()) or 1.0
    score = sum(weights[name] * seen[name] for name in weights) / total
    numbers: Numbers = {
        **{f"{name}_vote": x for name, x in seen.items()},
        **{f"weight_{name}": w / total for name, w in weights.items()},
        "threshold": p.threshold,
        "multiplier": p.multiplier,
    }
    return score, numbers


def momentum_rank(asset: Asset, p: Stock, *, by_risk: bool) -> tuple[int, int] | None:
    """(rank from 1, how many) of the symbol among its peers by momentum, over realised volatility where ``by_risk``.

    Ties go to the name that comes first, so that the order is the same everywhere.
    """
    scored = []
    for name, values in asset.peers.items():
        momentum, vol = values.get(f"momentum_{p.timeframe}"), values.get(f"realised_vol_{p.timeframe}")
        if momentum is None or (by_risk and not vol):
            continue
        scored.append((-(momentum / vol if by_risk and vol else momentum), name))
    names = [name for _, name in sorted(scored)]
    return (names.index(asset.symbol) + 1, len(names)) if asset.symbol in names else None
