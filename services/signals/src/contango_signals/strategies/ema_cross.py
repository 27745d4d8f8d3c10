"""EMA cross: long while the fast average of closes is above the slow one. One asset, no options.

A proposal at a cross up when flat, an exit signal at a cross down. The first comparison only says where the averages
stand; it is no cross.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from pydantic import model_validator

from contango_common.domain.arrays import Array
from contango_common.domain.declare import Section, param
from contango_quant.stream import ema
from contango_signals.strategies.spec import Spec


class Params(Section):
    """Parameters of the EMA cross; it trades the book's ``assets``.

    >>> Params(fast=5).slow
    20
    """

    fast: int = param(10, "fast average", unit="bars", ge=1, le=10_000, tune=(5, 30))
    slow: int = param(20, "slow average", unit="bars", ge=2, le=10_000, tune=(20, 200))
    quantity_cap: int = param(1, "units of one proposal, at most", unit="units", ge=1, le=1_000_000_000)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError("fast must be below slow")
        return self


SPEC = Spec(
    name="ema_cross",
    kind="single",
    on="bars",
    module="stocks",
    meaning="holds an asset while the fast average of its closes is above the slow one",
    params=Params,
)


@dataclass(slots=True)
class Cross:
    """Two averages of one symbol, fast and slow; ``turn`` is +1 or −1 on the bar of a cross, else 0."""

    averages: Array
    side: int = 0
    turn: int = 0
    ts_ns: int = 0
    close: float = 0.0


def new_cross(fast: int, slow: int) -> Cross:
    return Cross(np.concatenate([ema.init(ema.Params(window)) for window in (fast, slow)]))


@njit(cache=True)
def _side(averages, close):  # type: ignore[no-untyped-def]
    """+1 fast above slow, −1 below, 0 equal or not ready."""
    gap = ema.step(averages[:1], close) - ema.step(averages[1:], close)
    return 1 if gap > 0.0 else -1 if gap < 0.0 else 0


def averages(cross: Cross) -> dict[str, float | None]:
    """Both averages of the last closes, by name."""
    fast, slow = (float(x) for x in cross.averages["mean"])
    return {"ema_fast": fast, "ema_slow": slow}


def take(cross: Cross, close: float, ts_ns: int) -> None:
    """One closed bar."""
    if ts_ns <= cross.ts_ns:
        return
    side = _side(cross.averages, close)
    cross.turn = side if cross.side == -side else 0
    cross.side = side or cross.side
    cross.ts_ns, cross.close = ts_ns, close
