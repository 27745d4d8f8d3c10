"""Which SPXW expiries exist: every week's last session from Thursday on, and every month's last session. Pure."""

from datetime import date

from contango_common.domain.sessions import Sessions, days_between

HORIZON_DAYS = 60
"""An expiry is listed from the first session at most this many calendar days before it."""


def expiry_dates(sessions: Sessions) -> tuple[int, ...]:
    """Dates (yyyymmdd) of the expiries in a session table, ascending; the table's last session is never one.

    The Friday weekly moves to Thursday when the exchange is shut on Friday.
    """
    return tuple(
        today
        for today, after in zip(sessions.date, sessions.date[1:])
        if _ends_week(today, after) or _ends_month(today, after)
    )


def listed(expiries: tuple[int, ...], today: int) -> tuple[int, ...]:
    """The expiries that trade on ``today``, its own included."""
    return tuple(expiry for expiry in expiries if 0 <= days_between(today, expiry) <= HORIZON_DAYS)


def _ends_month(today: int, after: int) -> bool:
    return today // 100 != after // 100


def _ends_week(today: int, after: int) -> bool:
    day, next_day = _date(today), _date(after)
    return day.weekday() >= 3 and day.isocalendar()[:2] != next_day.isocalendar()[:2]


def _date(number: int) -> date:
    return date(number // 10_000, number // 100 % 100, number % 100)
