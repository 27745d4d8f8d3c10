"""Features of time: how long since the last announcement, where in the year, and the market's phase.

days_since_last    calendar days since the symbol's announcement before this one
season_sin, _cos   of the day of the year as an angle
weekday            0 Monday … 4 Friday
after_close        1 for amc, 0 for bmo, missing where the time is not known
market_phase       1 bull, 0 sideways, −1 bear: the market's close and its mean of 50 sessions both above, or both
                   below, its mean of 200; anything else is sideways
"""

import math
from collections.abc import Sequence
from datetime import date as Date

from contango_inference.earnings.events import DailyBars, Event
from contango_inference.earnings.group import Row

NAME = "time_features"
NAMES = ("days_since_last", "season_sin", "season_cos", "weekday", "after_close", "market_phase")
_YEAR_DAYS, _SHORT, _LONG = 365.25, 50, 200


def row(event: Event, earlier: Sequence[Event], market: DailyBars | None, until_ns: int) -> Row:
    """Features of one event; ``earlier`` announcements of the symbol, oldest first, count once they are over.

    >>> from contango_inference.earnings.events import instants
    >>> one, two = (Event("X", day, "amc", *instants(day, "amc")) for day in (20231101, 20240201))
    >>> row(two, [one], None, two.earliest_ns).values["days_since_last"]
    92.0
    """
    day = _day(event.date)
    before = [each for each in earlier if each.latest_ns <= until_ns]
    angle = 2.0 * math.pi * day.timetuple().tm_yday / _YEAR_DAYS
    phase, known_ns = _phase(market, event)
    values: dict[str, float | None] = {
        "days_since_last": float((day - _day(before[-1].date)).days) if before else None,
        "season_sin": math.sin(angle),
        "season_cos": math.cos(angle),
        "weekday": float(day.weekday()),
        "after_close": None if event.timing == "unknown" else float(event.timing == "amc"),
        "market_phase": phase,
    }
    lacking = {"days_since_last": "first announcement", "after_close": "time not known", "market_phase": "no market"}
    reasons = [why for name, why in lacking.items() if values[name] is None]
    newest = [ns for ns in (known_ns, before[-1].latest_ns if before else None) if ns is not None]
    return Row(values, max(newest, default=None), reasons)


def _phase(market: DailyBars | None, event: Event) -> tuple[float | None, int | None]:
    rows = 0 if market is None else market.rows_until(event.earliest_ns)
    if market is None or rows < _LONG:
        return None, None
    close = market.close[rows - _LONG : rows]
    long = close.mean()
    above = float(close[-1] > long) + float(close[-_SHORT:].mean() > long)
    return above - 1.0, int(market.close_ns[rows - 1])


def _day(date: int) -> Date:
    return Date(date // 10_000, date // 100 % 100, date % 100)
