"""Momentum: holds the strongest of the universe.

Bought when the symbol is among the first ``top`` by 20-session momentum, that momentum is above 0 and the votes reach
the threshold; sold when it falls out of the first ``keep`` or its momentum turns negative.
"""

from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import param
from contango_signals.strategies.bars import Numbers, entry, read, stopped, would
from contango_signals.strategies.spec import Asset, Entry, Leave, Spec
from contango_signals.strategies.stocks import Stock, confidence, momentum_rank, votes


class Params(Stock):
    """Parameters of momentum.

    >>> Params().top
    3
    """

    threshold: float = param(0.75, "confidence needed", unit="score in [0, 1]", ge=0, le=1, tune=(0.65, 0.85))
    multiplier: float = param(2.0, "size, of 3.5", unit="ratio", gt=0, le=3.5, tune=(1.2, 2.8))
    top: int = param(3, "symbols bought", unit="symbols", ge=1, le=1000, tune=(1, 5))
    keep: int = param(5, "rank down to which one is kept", unit="symbols", ge=1, le=1000, tune=(3, 8))

    @model_validator(mode="after")
    def _kept(self) -> Self:
        if self.keep < self.top:
            raise ValueError("top <= keep must hold")
        return self


def decide(asset: Asset, p: Params) -> Entry | Leave | None:
    """Buy, leave, or nothing."""
    moved, atr = read(asset, p, "momentum", "atr")
    rank = momentum_rank(asset, p, by_risk=False)
    if moved is None or rank is None:
        return stopped(asset, {}) if asset.held is not None else None
    numbers: Numbers = {"momentum": moved, "rank": float(rank[0]), "universe": float(rank[1])}
    if asset.held is not None:
        if rank[0] > p.keep or moved < 0.0:
            return Leave("rank_lost", numbers)
        return stopped(asset, numbers)
    seen = votes(asset, p)
    if seen is None or atr is None or rank[0] > p.top or moved <= 0.0:
        return None
    score, votes_of = confidence(seen, p)
    if score < p.threshold:
        return None
    why = {**votes_of, **numbers}
    return entry(asset, p, atr, score, why, size_factor=p.size_factor, alternatives=would("threshold", score))


SPEC = Spec(
    name="momentum",
    kind="single",
    on="bars",
    module="stocks",
    meaning="holds the strongest of its universe by momentum",
    params=Params,
    decide=decide,
)
