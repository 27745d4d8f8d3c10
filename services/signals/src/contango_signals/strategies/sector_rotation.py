"""Sector rotation: holds the best of its universe by momentum over risk, and rotates when they are no longer.

A symbol is bought when it is among the first ``top`` by 20-session momentum over realised volatility, sold when it
falls out of the first ``keep``: the distance of the two keeps it from trading every wobble of the ranking.
"""

from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import param
from contango_signals.strategies.bars import Numbers, entry, read, stopped, would
from contango_signals.strategies.spec import Asset, Entry, Leave, Spec
from contango_signals.strategies.stocks import Stock, confidence, momentum_rank, votes


class Params(Stock):
    """Parameters of the sector rotation.

    >>> Params().keep
    5
    """

    threshold: float = param(0.60, "confidence needed", unit="score in [0, 1]", ge=0, le=1, tune=(0.5, 0.7))
    multiplier: float = param(1.5, "size, of 3.5", unit="ratio", gt=0, le=3.5, tune=(1.0, 2.0))
    top: int = param(3, "symbols held", unit="symbols", ge=1, le=1000, tune=(1, 5))
    keep: int = param(5, "rank down to which one is kept", unit="symbols", ge=1, le=1000, tune=(3, 8))

    @model_validator(mode="after")
    def _kept(self) -> Self:
        if self.keep < self.top:
            raise ValueError("top <= keep must hold")
        return self


def decide(asset: Asset, p: Params) -> Entry | Leave | None:
    """Buy, leave, or nothing."""
    rank, (atr,) = momentum_rank(asset, p, by_risk=True), read(asset, p, "atr")
    if rank is None:
        return stopped(asset, {}) if asset.held is not None else None
    numbers: Numbers = {"rank": float(rank[0]), "universe": float(rank[1])}
    if asset.held is not None:
        return Leave("rotated", numbers) if rank[0] > p.keep else stopped(asset, numbers)
    seen = votes(asset, p)
    if seen is None or atr is None or rank[0] > p.top:
        return None
    score, votes_of = confidence(seen, p)
    if score < p.threshold:
        return None
    why = {**votes_of, **numbers}
    return entry(asset, p, atr, score, why, size_factor=p.size_factor, alternatives=would("threshold", score))


SPEC = Spec(
    name="sector_rotation",
    kind="single",
    on="bars",
    module="stocks",
    meaning="holds the best sectors by momentum over risk and rotates",
    params=Params,
    decide=decide,
)
