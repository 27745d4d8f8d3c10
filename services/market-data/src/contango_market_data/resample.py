"""Bars of 15 minutes, 1 hour, 4 hours and 1 day out of closed 5-minute bars. Pure.

How buckets lie and when they are over: see ``contango_common.domain.timeframe``. ``Resampler`` eats one bar at a time;
``resample`` runs it over columns, so that batch and stream are the same code.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_common.domain.errors import UserError
from contango_common.domain.sessions import MINUTE_NS, Sessions
from contango_common.domain.timeframe import Bar, Closed, Forming, push
from contango_market_data.catalog.schema import TIMEFRAMES
from contango_market_data.quality_flag import Flag

SOURCE = "5m"
TARGETS = ("15m", "1h", "4h", "1d")


class Resampler:
    """Feed closed 5-minute bars in order; each call gives the larger bars that this one completed or ended."""

    def __init__(self, timeframe: str, sessions: Sessions) -> None:
        if timeframe not in TARGETS:
            raise UserError(f"cannot resample {SOURCE} bars to {timeframe!r}: use one of {', '.join(TARGETS)}")
        self._length_ns = TIMEFRAMES[timeframe] * MINUTE_NS
        self._source_ns = TIMEFRAMES[SOURCE] * MINUTE_NS
        self._sessions = sessions
        self._forming: Forming | None = None
        self._last_ns: int | None = None
        self.outside = 0
        """Bars that lie in no session of the table; they are counted and left out."""

    def push(self, bar: Bar) -> list[Closed]:
        """Bars that are known to be over now that ``bar`` has closed; UserError when it is not after the last one."""
        if self._last_ns is not None and bar.ts_ns <= self._last_ns:
            raise UserError(f"bars must ascend: {bar.ts_ns} came after {self._last_ns}")
        self._last_ns = bar.ts_ns
        if self._sessions.at(bar.ts_ns) is None:
            self.outside += 1
            return []
        self._forming, over = push(
            self._forming, bar, length_ns=self._length_ns, source_ns=self._source_ns, sessions=self._sessions
        )
        return over


def resample(columns: dict[str, npt.NDArray[Any]], timeframe: str, sessions: Sessions) -> list[Closed]:
    """Larger bars out of the columns of ``Catalog.bars``; what is still forming at the end is not among them."""
    resampler = Resampler(timeframe, sessions)
    return [over for bar in bars_of(columns) for over in resampler.push(bar)]


def bars_of(columns: dict[str, npt.NDArray[Any]]) -> Iterator[Bar]:
    """Rows of the columns of ``Catalog.bars``."""
    names = ("ts_ns", "open", "high", "low", "close", "volume")
    for ts_ns, open_, high, low, close, volume in zip(*(columns[name].tolist() for name in names), strict=True):
        yield Bar(ts_ns, open_, high, low, close, None if volume != volume else volume)


def to_columns(bars: list[Closed]) -> dict[str, npt.NDArray[Any]]:
    """Columns as ``Catalog.bars`` gives them, with ``parts`` and ``parts_due``."""
    rows = [over.bar for over in bars]
    columns: dict[str, npt.NDArray[Any]] = {"ts_ns": np.array([bar.ts_ns for bar in rows], dtype=np.int64)}
    for name in ("open", "high", "low", "close"):
        columns[name] = np.array([getattr(bar, name) for bar in rows], dtype=np.float64)
    columns["volume"] = np.array([np.nan if bar.volume is None else bar.volume for bar in rows])
    columns["parts"] = np.array([over.parts for over in bars], dtype=np.int64)
    columns["parts_due"] = np.array([over.parts_due for over in bars], dtype=np.int64)
    return columns


def incomplete_flags(bars: list[Closed], where: str) -> list[Flag]:
    """One flag that counts the bars with missing parts, empty when all are complete."""
    odd = [over for over in bars if not over.complete]
    if not odd:
        return []
    first = odd[0]
    detail = f"first has {first.parts} of {first.parts_due} parts"
    instant = f"{np.datetime64(first.bar.ts_ns, 'ns').astype('M8[s]')}Z"
    return [Flag("incomplete bar", len(odd), f"{where}, {instant}", detail)]
