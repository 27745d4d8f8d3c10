"""The volatility index in points: latest close, last daily close, and where it stands among its own daily closes.

Indices of other horizons (VIX9D, VIX3M …) are remembered by their latest close where they are given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from contango_common.domain.arrays import Array
from contango_common.domain.blocks import Block
from contango_quant.stream import rank
from contango_signals.history import KEPT, day_of


@dataclass(slots=True)
class VolIndex:
    """``closes`` are the last daily closes, oldest first, as many as the ranks' window; ``by_day`` has those of before
    that history gave, by day."""

    rank: Array
    close: float | None = None
    close_ns: int = 0
    daily_close: float | None = None
    daily_ns: int = 0
    closes: list[float] = field(default_factory=list)
    by_day: dict[int, float] = field(default_factory=dict)
    others: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IvRank:
    """Rank and percentile in [0, 100], None while the history is short; ``count`` samples are there."""

    rank: float | None
    percentile: float | None
    count: int


def new_vol_index(window: int, least: int | None) -> VolIndex:
    return VolIndex(rank.init(rank.Params(window, least)))


@njit(cache=True)
def _fold_rank(state, close):  # type: ignore[no-untyped-def]
    for i in range(close.shape[0]):
        rank.step(state, close[i])


def take_close(v: VolIndex, close: float, ts_ns: int) -> None:
    """An intraday close of the index."""
    if ts_ns > v.close_ns:
        v.close, v.close_ns = close, ts_ns


def take_daily(v: VolIndex, close: float, ts_ns: int) -> None:
    """A daily close of the index: it enters the window of the rank."""
    if ts_ns > v.daily_ns:
        rank.step(v.rank, close)
        _note(v, [close], ts_ns)


def take_history(v: VolIndex, bars: Block) -> None:
    """Daily closes of before, oldest first; those already taken in are left out."""
    rows = np.flatnonzero(np.asarray(bars["ts_ns"]) > v.daily_ns)
    if not len(rows):
        return
    close = np.ascontiguousarray(bars["close"][rows], dtype=np.float64)
    _fold_rank(v.rank, close)
    _note(v, close.tolist(), int(bars["ts_ns"][rows[-1]]))
    days = [day_of(int(ts_ns)) for ts_ns in bars["ts_ns"][rows][-KEPT:]]
    v.by_day = dict(zip(days, close[-KEPT:].tolist(), strict=True))


def _note(v: VolIndex, closes: Sequence[float], ts_ns: int) -> None:
    v.closes = [*v.closes, *closes][-int(v.rank["window"][0]) :]
    v.daily_close, v.daily_ns = closes[-1], ts_ns
    if ts_ns >= v.close_ns:
        v.close, v.close_ns = closes[-1], ts_ns


def iv_rank(v: VolIndex) -> IvRank:
    """Where the index stands now among its daily closes; the window's newest value is the current one.

    Among closes that are all the same it stands in the middle.
    """
    if v.close is None:
        return IvRank(None, None, int(v.rank["count"][0]))
    window = v.rank.copy()
    if v.daily_ns >= v.close_ns:  # the current value is the daily close that the window already ends with
        window["count"] -= 1
    at, percentile = rank.step(window, v.close)
    rank_now = min(float(at), 100.0) if at == at else 50.0  # rounding may pass the end; a window that stands still
    count = int(min(window["count"][0], window["window"][0]))
    return IvRank(rank_now if percentile == percentile else None, _defined(percentile), count)


def _defined(x: float) -> float | None:
    return None if x != x else float(x)
