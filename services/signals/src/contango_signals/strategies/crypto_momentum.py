"""Session-aware crypto momentum: buys when momentum, volatility and volume of this part of the day are strong enough.

    score = w_momentum·m + w_volatility·v + w_volume·u, weights renormalised to 1

    m   20-bar log return in units of its own expected size (realised volatility of a bar times √20), 1 from two on
    v   percentile of the ATR, best in the middle: movement, but no storm
    u   relative volume over twice its adaptive threshold, at most 1

Each part of the UTC day (Asia 0-8, Europe 8-16, US 16-24) has its own threshold and multiplier. At least three of four
timeframes must point up. The multipliers never enlarge what risk allows: the largest possible one is the whole of it.
Leaves at the stop or target, or when the timeframes agree on down.
"""

from contango_common.domain.declare import param
from contango_signals.strategies.bars import Numbers, OnBars, entry, read, stopped, would
from contango_signals.strategies.spec import Asset, Entry, Leave, Spec

LARGEST_MULTIPLIER = 1.6


class Params(OnBars):
    """Thresholds and multipliers by part of the day.

    >>> Params().threshold_europe
    0.5
    """

    threshold_asia: float = param(
        0.45, "score needed from 0 to 8 UTC", unit="score in [0, 1]", ge=0, le=1, tune=(0.35, 0.55)
    )
    threshold_europe: float = param(
        0.50, "score needed from 8 to 16 UTC", unit="score in [0, 1]", ge=0, le=1, tune=(0.4, 0.6)
    )
    threshold_us: float = param(
        0.40, "score needed from 16 to 24 UTC", unit="score in [0, 1]", ge=0, le=1, tune=(0.3, 0.5)
    )
    multiplier_asia: float = param(1.2, "size from 0 to 8 UTC, of 1.6", unit="ratio", gt=0, le=1.6, tune=(0.8, 1.6))
    multiplier_europe: float = param(1.0, "size from 8 to 16 UTC, of 1.6", unit="ratio", gt=0, le=1.6, tune=(0.8, 1.4))
    multiplier_us: float = param(1.1, "size from 16 to 24 UTC, of 1.6", unit="ratio", gt=0, le=1.6, tune=(0.8, 1.5))
    weight_momentum: float = param(0.40, "weight of momentum", unit="fraction", ge=0, le=1, tune=(0.2, 0.6))
    weight_volatility: float = param(0.30, "weight of volatility", unit="fraction", ge=0, le=1, tune=(0.15, 0.45))
    weight_volume: float = param(0.30, "weight of volume", unit="fraction", ge=0, le=1, tune=(0.15, 0.45))


def parts(asset: Asset, p: Params) -> dict[str, float] | None:
    """The three scores in [0, 1]; None while one cannot be known."""
    momentum, rvol, atr_percent = read(asset, p, "momentum", "rvol", "atr_percent")
    atr_pctl = asset.values.get("atr_pctl_1h")
    threshold = asset.thresholds["rvol"]
    if momentum is None or rvol is None or atr_percent is None or atr_pctl is None or atr_percent <= 0.0:
        return None
    expected = atr_percent / 100.0 * 20.0**0.5
    return {
        "momentum": min(max(momentum / (2.0 * expected), 0.0), 1.0),
        "volatility": 1.0 - abs(atr_pctl - 50.0) / 50.0,
        "volume": min(rvol / (2.0 * threshold), 1.0),
    }


def decide(asset: Asset, p: Params) -> Entry | Leave | None:
    """Buy, leave, or nothing."""
    if asset.held is not None:
        return stopped(asset, {}) or (
            Leave("timeframes_down", {"direction": float(asset.direction), "confidence": asset.confidence})
            if asset.direction < 0 and asset.confidence > 0.0
            else None
        )
    seen, (atr,) = parts(asset, p), read(asset, p, "atr")
    if seen is None or atr is None or asset.direction <= 0 or not asset.confidence > 0.0:
        return None
    weights = {"momentum": p.weight_momentum, "volatility": p.weight_volatility, "volume": p.weight_volume}
    total = sum(weights.values())
    if not total > 0.0:
        return None
    score = sum(weights[name] * seen[name] for name in weights) / total
    threshold, multiplier = getattr(p, f"threshold_{asset.session}"), getattr(p, f"multiplier_{asset.session}")
    if score < threshold:
        return None
    why: Numbers = {
        **{f"{name}_score": x for name, x in seen.items()},
        **{f"weight_{name}": w / total for name, w in weights.items()},
        "threshold": threshold,
        "multiplier": multiplier,
        "confidence": asset.confidence,
    }
    alternatives = would(f"threshold_{asset.session}", score)
    return entry(asset, p, atr, score, why, size_factor=multiplier / LARGEST_MULTIPLIER, alternatives=alternatives)


SPEC = Spec(
    name="crypto_momentum",
    kind="single",
    on="bars",
    module="crypto",
    meaning="buys when momentum, volatility and volume of this part of the day are strong and the timeframes point up",
    params=Params,
    decide=decide,
)
