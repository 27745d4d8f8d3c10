"""Bars of 15 minutes, 1 hour, 4 hours and 1 day out of closed 5-minute bars. Pure.

Buckets are aligned to the session's opening (midnight UTC for markets that never shut: their calendar is ``24/7``);
the last bucket of a session ends with it, however short. A bucket is given out once its last 5-minute bar has closed,
or once a later bucket has begun; in the second case it is marked incomplete, with the number of bars it has and
should have. What is still forming is never given out. ``Resampler`` eats one bar at a time; ``resample`` runs it over
columns, so that batch and stream are the same code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from contango_common.domain.errors import UserError
from contango_common.domain.sessions import MINUTE_NS, Sessions
from contango_market_data.catalog.schema import TIMEFRAMES
from contango_market_data.quality_flag import Flag

SOURCE = "5m"
TARGETS = ("15m", "1h", "4h", "1d")


class Bar(NamedTuple):
    """A closed bar; ``ts_ns`` is the instant it closed, ``volume`` None where the source has none."""

    ts_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None


class Resampled(NamedTuple):
    """A larger bar with the number of 5-minute bars it was made of and the number its bucket should have."""

    bar: Bar
    parts: int
    parts_due: int

    @property
    def complete(self) -> bool:
        return self.parts == self.parts_due


@dataclass(slots=True)
class _Forming:
    end_ns: int
    parts_due: int
    bar: Bar
    parts: int


class Resampler:
    """Feed closed 5-minute bars in order; each call gives the larger bars that this one completed or ended."""

    def __init__(self, timeframe: str, sessions: Sessions) -> None:
        if timeframe not in TARGETS:
            raise UserError(f"cannot resample {SOURCE} bars to {timeframe!r}: use one of {', '.join(TARGETS)}")
        self._length_ns = TIMEFRAMES[timeframe] * MINUTE_NS
        self._source_ns = TIMEFRAMES[SOURCE] * MINUTE_NS
        self._sessions = sessions
        self._row = 0
        self._forming: _Forming | None = None
        self._last_ns: int | None = None
        self.outside = 0
        """Bars that lie in no session of the table; they are counted and left out."""

    def push(self, bar: Bar) -> list[Resampled]:
        """Bars that are known to be over now that ``bar`` has closed; UserError when it is not after the last one."""
        if self._last_ns is not None and bar.ts_ns <= self._last_ns:
            raise UserError(f"bars must ascend: {bar.ts_ns} came after {self._last_ns}")
        self._last_ns = bar.ts_ns
        bucket = self._bucket(bar.ts_ns)
        if bucket is None:
            self.outside += 1
            return []
        end_ns, parts_due = bucket
        over = []
        if self._forming is not None and self._forming.end_ns != end_ns:
            over.append(self._give_out())
        self._take(bar, end_ns, parts_due)
        if bar.ts_ns == end_ns:
            over.append(self._give_out())
        return over

    def _take(self, bar: Bar, end_ns: int, parts_due: int) -> None:
        forming = self._forming
        if forming is None:
            self._forming = _Forming(end_ns, parts_due, bar, 1)
            return
        old = forming.bar
        volume = None if old.volume is None or bar.volume is None else old.volume + bar.volume
        forming.bar = Bar(bar.ts_ns, old.open, max(old.high, bar.high), min(old.low, bar.low), bar.close, volume)
        forming.parts += 1

    def _give_out(self) -> Resampled:
        forming = self._forming
        assert forming is not None
        self._forming = None
        bar = forming.bar
        stamped = Bar(forming.end_ns, bar.open, bar.high, bar.low, bar.close, bar.volume)
        return Resampled(stamped, forming.parts, forming.parts_due)

    def _bucket(self, ts_ns: int) -> tuple[int, int] | None:
        """(end of the bucket that a bar closing at ``ts_ns`` belongs to, 5-minute bars due in it)."""
        closes, opens = self._sessions.close_ns, self._sessions.open_ns
        while self._row < len(closes) and closes[self._row] < ts_ns:
            self._row += 1
        if self._row == len(closes) or ts_ns <= opens[self._row]:
            return None
        start = opens[self._row] + (ts_ns - 1 - opens[self._row]) // self._length_ns * self._length_ns
        end = min(start + self._length_ns, closes[self._row])
        return end, -((start - end) // self._source_ns)


def resample(columns: dict[str, npt.NDArray[Any]], timeframe: str, sessions: Sessions) -> list[Resampled]:
    """Larger bars out of the columns of ``Catalog.bars``; what is still forming at the end is not among them."""
    resampler = Resampler(timeframe, sessions)
    return [over for bar in bars_of(columns) for over in resampler.push(bar)]


def bars_of(columns: dict[str, npt.NDArray[Any]]) -> Iterator[Bar]:
    """Rows of the columns of ``Catalog.bars``."""
    names = ("ts_ns", "open", "high", "low", "close", "volume")
    for ts_ns, open_, high, low, close, volume in zip(*(columns[name].tolist() for name in names), strict=True):
        yield Bar(ts_ns, open_, high, low, close, None if volume != volume else volume)


def to_columns(bars: list[Resampled]) -> dict[str, npt.NDArray[Any]]:
    """Columns as ``Catalog.bars`` gives them, with ``parts`` and ``parts_due``."""
    rows = [over.bar for over in bars]
    columns: dict[str, npt.NDArray[Any]] = {"ts_ns": np.array([bar.ts_ns for bar in rows], dtype=np.int64)}
    for name in ("open", "high", "low", "close"):
        columns[name] = np.array([getattr(bar, name) for bar in rows], dtype=np.float64)
    columns["volume"] = np.array([np.nan if bar.volume is None else bar.volume for bar in rows])
    columns["parts"] = np.array([over.parts for over in bars], dtype=np.int64)
    columns["parts_due"] = np.array([over.parts_due for over in bars], dtype=np.int64)
    return columns


def incomplete_flags(bars: list[Resampled], where: str) -> list[Flag]:
    """One flag that counts the bars with missing parts, empty when all are complete."""
    odd = [over for over in bars if not over.complete]
    if not odd:
        return []
    first = odd[0]
    detail = f"first has {first.parts} of {first.parts_due} parts"
    instant = f"{np.datetime64(first.bar.ts_ns, 'ns').astype('M8[s]')}Z"
    return [Flag("incomplete bar", len(odd), f"{where}, {instant}", detail)]
