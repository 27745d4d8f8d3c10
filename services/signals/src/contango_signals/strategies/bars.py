"""What strategies on closed bars share: reading values by timeframe, stops in ATR, and the words of a decision. Pure.

Only purchases are made: a short sale of a spot asset can lose without bound, and nothing here does that. Stops and
targets are frozen at the entry, in ATR of that bar; a position leaves on the first closed bar at or beyond them.
"""

from typing import Literal

from contango_common.domain.declare import Section, param
from contango_signals.strategies.spec import Asset, Entry, Leave

Timeframe = Literal["5m", "15m", "1h", "4h", "1d"]
Numbers = dict[str, float | None]


class OnBars(Section):
    """The timeframe that a strategy decides on, and its stop.

    >>> OnBars().timeframe
    '15m'
    """

    timeframe: Timeframe = param("15m", "closed bars that it decides on")
    stop_atr: float = param(2.5, "stop below the entry", unit="ATR", gt=0, le=20, tune=(1.0, 4.0))
    target_atr: float | None = param(
        5.0, "target above the entry; null: none", unit="ATR", gt=0, le=50, tune=(2.0, 8.0)
    )


def read(asset: Asset, p: OnBars, *names: str) -> list[float | None]:
    """Outputs of the strategy's timeframe, None where not ready. An ATR of 0 is none: it leaves no room for a stop."""
    found = [asset.values.get(f"{name}_{p.timeframe}") for name in names]
    return [None if name == "atr" and not x else x for name, x in zip(names, found, strict=True)]


def stop_and_target(asset: Asset, p: OnBars, atr: float) -> tuple[float | None, float | None]:
    """Prices around the close; a stop that would lie at or below 0 is none."""
    stop = asset.close - p.stop_atr * atr
    target = None if p.target_atr is None else asset.close + p.target_atr * atr
    return (stop if stop > 0.0 else None), target


def stopped(asset: Asset, why: Numbers) -> Leave | None:
    """The exit when the close has reached the stop or the target of the entry."""
    stop, target = asset.values.get("stop"), asset.values.get("target")
    numbers = {**why, "close": asset.close, "stop": stop, "target": target}
    if stop is not None and asset.close <= stop:
        return Leave("stop", numbers)
    if target is not None and asset.close >= target:
        return Leave("target", numbers)
    return None


def would(name: str, value: float) -> dict[str, float | str | bool | None]:
    """One alternative: the value of a parameter at which the decision would have turned."""
    return {name: f"would have triggered at {value:.6g}"}


def entry(
    asset: Asset,
    p: OnBars,
    atr: float,
    score: float,
    why: Numbers,
    *,
    size_factor: float = 1.0,
    alternatives: dict[str, float | str | bool | None] | None = None,
) -> Entry:
    """A purchase with its stop and target, and the numbers that every trade carries."""
    stop, target = stop_and_target(asset, p, atr)
    numbers: Numbers = {
        "price": asset.close,
        "atr": atr,
        "stop_atr": p.stop_atr,
        "target_atr": p.target_atr,
        "score": score,
        "size_factor": size_factor,
        "weighted_confidence": asset.weighted_confidence,
        "volatile": float("VOLATILE" in asset.overlay),
        "at_key_level": float(asset.key_level is not None),
        **why,
    }
    return Entry(score, numbers, stop, target, size_factor, alternatives or {})
