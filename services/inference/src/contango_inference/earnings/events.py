"""An earnings announcement, the bars around it, and what the price did. Pure.

An announcement is known to lie between two instants. What may be used to forecast it closed at or before the first;
what it did is read off at the first close after the second:

    before the open (bmo):  midnight .. 09:30 of its date      after the close (amc):  16:00 .. midnight
    time not known:         midnight .. midnight; the move then spans two sessions

All times are New York's.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Timing = Literal["bmo", "amc", "unknown"]

DAY_NS = 86_400_000_000_000
MOST_GAP_DAYS = 7
"""Bars further than this from the announcement say nothing about it (holidays make gaps of up to five days)."""
_SPANS: dict[Timing, tuple[float, float]] = {"bmo": (0.0, 9.5), "amc": (16.0, 24.0), "unknown": (0.0, 24.0)}
_NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Window:
    """Prices of the two sessions around an announcement, where no daily bars are at hand.

    ``vol_annual``: annual volatility of the closes (about ten) up to ``pre_close``; None where it is not given.
    """

    pre_ns: int
    pre_close: float
    post_ns: int
    post_close: float
    vol_annual: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One announcement. ``date`` is yyyymmdd; ``sector`` the symbol whose bars stand for its sector."""

    symbol: str
    date: int
    timing: Timing
    earliest_ns: int
    latest_ns: int
    eps_estimate: float | None = None
    eps: float | None = None
    sector: str | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class DailyBars:
    """Columns (n,), oldest first: the instant of each session's close and its four prices, all above 0."""

    close_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def rows_until(self, ts_ns: int) -> int:
        """How many sessions have closed at ``ts_ns``."""
        return int(np.searchsorted(self.close_ns, ts_ns, side="right"))


@dataclass(frozen=True, slots=True)
class Reaction:
    """Close before and first close after an announcement; ``move`` is their simple return, known at ``after_ns``."""

    before_ns: int
    before_close: float
    after_ns: int
    after_close: float

    @property
    def move(self) -> float:
        return self.after_close / self.before_close - 1.0


def instants(date: int, timing: Timing) -> tuple[int, int]:
    """(earliest_ns, latest_ns) of an announcement. Raises ValueError for an impossible date.

    >>> earliest, latest = instants(20240201, "amc")
    >>> (latest - earliest) / 3.6e12
    8.0
    """
    start, stop = _SPANS[timing]
    return _at(date, start), _at(date, stop)


def close_ns(date: int) -> int:
    """The instant of a regular close, 16:00 in New York, for bars that carry a date only.

    >>> close_ns(20240102) == instants(20240102, "amc")[0]
    True
    """
    return _at(date, 16.0)


def reaction(event: Event, bars: DailyBars | None) -> Reaction | str:
    """What the price did, from the bars or else from the event's own window; a reason where neither says.

    Bars that do not reach the announcement leave it to the window.

    >>> earliest, latest = instants(20240201, "amc")
    >>> seen = Window(earliest, 100.0, latest + DAY_NS, 108.0)
    >>> round(reaction(Event("X", 20240201, "amc", earliest, latest, window=seen), None).move, 6)
    0.08
    """
    found = None if bars is None else _from_bars(event, bars)
    if isinstance(found, Reaction) or (found is not None and event.window is None):
        return found
    return _from_window(event)


def cutoff_ns(event: Event, bars: DailyBars | None, market: DailyBars | None = None) -> int:
    """The last close before the announcement that any of the symbol's bars, its window and the market show.

    Without one: the announcement's earliest instant.
    """
    seen = [] if event.window is None else [event.window.pre_ns]
    for held in (bars, market):
        if held is not None and (rows := held.rows_until(event.earliest_ns)):
            seen.append(int(held.close_ns[rows - 1]))
    return max((ns for ns in seen if ns <= event.earliest_ns), default=event.earliest_ns)


def _from_bars(event: Event, bars: DailyBars) -> Reaction | str:
    before, after = bars.rows_until(event.earliest_ns) - 1, bars.rows_until(event.latest_ns)
    if before < 0:
        return f"bars of {event.symbol} begin after the announcement"
    if after >= len(bars.close_ns):
        return f"bars of {event.symbol} end before the first close after the announcement"
    found = Reaction(
        int(bars.close_ns[before]), float(bars.close[before]), int(bars.close_ns[after]), float(bars.close[after])
    )
    return _near(event, found)


def _from_window(event: Event) -> Reaction | str:
    seen = event.window
    if seen is None:
        return f"no bars and no prices around the announcement of {event.symbol}"
    return _near(event, Reaction(seen.pre_ns, seen.pre_close, seen.post_ns, seen.post_close))


def _near(event: Event, found: Reaction) -> Reaction | str:
    if found.before_ns > event.earliest_ns or found.after_ns <= event.latest_ns:
        return "the prices given as before and after do not stand around the announcement"
    if event.earliest_ns - found.before_ns > MOST_GAP_DAYS * DAY_NS:
        return f"no close of {event.symbol} within {MOST_GAP_DAYS} days before"
    if found.after_ns - event.latest_ns > MOST_GAP_DAYS * DAY_NS:
        return f"no close of {event.symbol} within {MOST_GAP_DAYS} days after"
    return found


def _at(date: int, hour: float) -> int:
    day = datetime(date // 10_000, date // 100 % 100, date % 100)
    whole, minutes = int(hour), round(hour % 1.0 * 60)
    local = (day + timedelta(days=1)) if whole == 24 else day.replace(hour=whole, minute=minutes)
    stamp = local.replace(tzinfo=_NEW_YORK).astimezone(UTC)
    return int(stamp.timestamp()) * 1_000_000_000
