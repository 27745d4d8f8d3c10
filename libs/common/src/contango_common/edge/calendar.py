"""Session tables and expiry instants from ``exchange_calendars``: the only place that knows a calendar library."""

from datetime import date as Date
from functools import lru_cache
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np

from contango_common.domain.errors import UserError
from contango_common.domain.instrument import RootSpec, Settlement
from contango_common.domain.sessions import Sessions

NEW_YORK = ZoneInfo("America/New_York")


def session_table(calendar: str, first: Date, last: Date) -> Sessions:
    """Sessions of ``calendar`` (an exchange_calendars name such as ``XNYS``) between two dates, both included."""
    cal = _calendar(calendar, first.year - 1, last.year + 2)
    schedule = cal.schedule.loc[str(first) : str(last)]
    dates = tuple(int(day.strftime("%Y%m%d")) for day in schedule.index)
    return Sessions(calendar, dates, _ns(schedule["open"]), _ns(schedule["close"]))


@lru_cache(maxsize=8)
def _calendar(name: str, first_year: int, last_year: int) -> exchange_calendars.ExchangeCalendar:
    try:
        return exchange_calendars.get_calendar(name, start=f"{first_year}-01-01", end=f"{last_year}-12-31")
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise UserError(f"calendar {name!r} is unknown: use an exchange_calendars name such as XNYS") from error


def _ns(column) -> tuple[int, ...]:  # type: ignore[no-untyped-def]
    return tuple(
        int(x) for x in column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("M8[ns]").astype(np.int64)
    )


def expiry_instants(spec: RootSpec, expiry_date: int, sessions: Sessions) -> tuple[int, int]:
    """(expiry_ns, last_trade_ns) of a contract of ``spec`` that expires on ``expiry_date`` (yyyymmdd).

    PM: the close of the expiry session, or of the last session before it when the exchange is shut that day (a
    Saturday expiry, Good Friday). AM: the opening of that session, last trade at the close of the session before.
    Raises UserError when the table does not reach the date.
    """
    row = sessions.last_on_or_before(expiry_date)
    if row is None or (row == len(sessions) - 1 and sessions.date[row] < expiry_date):
        raise UserError(f"expiry {expiry_date} lies outside the session table: build a longer one")
    if spec.settlement is Settlement.PM:
        return sessions.close_ns[row], sessions.close_ns[row]
    if row == 0:
        raise UserError(f"expiry {expiry_date} is the first session of the table: build one that starts earlier")
    return sessions.open_ns[row], sessions.close_ns[row - 1]
