"""Session tables and expiry instants against the exchange's calendar and against known days."""

import datetime as dt
from bisect import bisect_right
from functools import lru_cache
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_common.domain.instrument import KNOWN_ROOTS
from contango_common.domain.sessions import DAY_NS, MINUTE_NS, Sessions, days_between
from contango_common.edge.calendar import expiry_instants, session_table

NEW_YORK = ZoneInfo("America/New_York")
FIRST, LAST = dt.date(2012, 1, 3), dt.date(2022, 12, 30)


@lru_cache(maxsize=1)
def table() -> Sessions:
    return session_table("XNYS", FIRST, LAST)


@lru_cache(maxsize=1)
def exchange() -> exchange_calendars.ExchangeCalendar:
    return exchange_calendars.get_calendar("XNYS", start="2011-01-03", end="2023-12-29")


def ns(date: int, hour: int, minute: int) -> int:
    """Instant of a New York wall-clock time, exact."""
    day = dt.datetime.strptime(str(date), "%Y%m%d").replace(hour=hour, minute=minute, tzinfo=NEW_YORK)
    return int(day.timestamp()) * 1_000_000_000


def number(day: dt.date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


# The table


def test_the_table_is_the_exchanges_own():
    found = table()
    sessions = exchange().sessions_in_range(str(FIRST), str(LAST))
    assert found.date == tuple(int(day.strftime("%Y%m%d")) for day in sessions)
    assert found.open_ns == tuple(exchange().session_open(day).value for day in sessions)
    assert found.close_ns == tuple(exchange().session_close(day).value for day in sessions)
    assert len(found) == len(sessions)


def test_sessions_ascend_and_do_not_overlap():
    found = table()
    instants = [instant for pair in zip(found.open_ns, found.close_ns, strict=True) for instant in pair]
    assert instants == sorted(set(instants))
    assert list(found.date) == sorted(set(found.date))


CLOSED = {
    "Hurricane Sandy": (20121029, 20121030),
    "Good Friday": (20140418, 20160325, 20180330, 20190419, 20210402, 20220415),
    "day of mourning": (20181205,),
    "Juneteenth observed": (20220620,),
    "Christmas observed": (20211224, 20221226),
    "weekend": (20180324, 20180325),
}


@pytest.mark.parametrize("date", [date for days in CLOSED.values() for date in days])
def test_the_exchange_is_shut(date):
    assert table().row_of(date) is None
    assert table().close_of(date) is None
    assert table().at(ns(date, 12, 0)) is None
    before = table().local_date(ns(date, 12, 0))
    assert before is not None
    assert before < date


@pytest.mark.parametrize("date", [20121123, 20130703, 20141224, 20151127, 20180703, 20181123, 20181224, 20191129])
def test_half_days_close_at_one(date):
    close = ns(date, 13, 0)
    assert table().close_of(date) == close
    row = table().row_of(date)
    assert table().at(close) == row
    assert table().at(close + 1) is None
    assert table().at(ns(date, 15, 0)) is None
    assert table().local_date(ns(date, 15, 0)) == date


@pytest.mark.parametrize(
    ("date", "opens_utc"),
    [
        (20180309, (14, 30)),
        (20180312, (13, 30)),
        (20181102, (13, 30)),
        (20181105, (14, 30)),
        (20200306, (14, 30)),
        (20200309, (13, 30)),
    ],
)
def test_daylight_saving_moves_the_opening(date, opens_utc):
    row = table().row_of(date)
    assert row is not None
    opening = dt.datetime.fromtimestamp(table().open_ns[row] // 10**9, dt.UTC)
    assert (opening.hour, opening.minute) == opens_utc
    assert table().close_ns[row] - table().open_ns[row] == 390 * MINUTE_NS
    assert table().open_ns[row] == ns(date, 9, 30)


def _slow_at(ts_ns: int) -> int | None:
    found = table()
    rows = [i for i in range(len(found)) if found.open_ns[i] < ts_ns <= found.close_ns[i]]
    return rows[0] if rows else None


def _slow_date(ts_ns: int) -> int | None:
    found = table()
    return max((found.date[i] for i in range(len(found)) if found.open_ns[i] <= ts_ns), default=None)


def _near_edges() -> st.SearchStrategy[int]:
    steps = st.sampled_from([-MINUTE_NS, -1, 0, 1, MINUTE_NS])
    return st.builds(int.__add__, st.sampled_from((*table().open_ns, *table().close_ns)), steps)


def _anywhere() -> st.SearchStrategy[int]:
    return st.integers(table().open_ns[0] - 3 * DAY_NS, table().close_ns[-1] + 3 * DAY_NS)


# Deferred: the calendar is read when the tests run, not when they are collected.
instants = st.deferred(_near_edges) | st.deferred(_anywhere)


@settings(deadline=None)
@given(instants)
def test_rows_and_dates_equal_the_slow_twin(ts_ns):
    assert table().at(ts_ns) == _slow_at(ts_ns)
    assert table().local_date(ts_ns) == _slow_date(ts_ns)


@settings(deadline=None)
@given(instants)
def test_minutes_in_a_session_are_the_exchanges_trading_minutes(ts_ns):
    minute = ts_ns // MINUTE_NS
    # exchange_calendars labels a trading minute by its start: a minute that ends at ``ts`` is labelled one before.
    label = pd.Timestamp((minute - 1) * MINUTE_NS, tz="UTC")
    assert (table().at(minute * MINUTE_NS) is not None) == exchange().is_open_on_minute(label)


@settings(deadline=None)
@given(st.dates(FIRST, LAST))
def test_rows_of_dates_equal_the_exchange(day):
    found, date = table(), number(day)
    if exchange().is_session(str(day)):
        assert found.close_of(date) == exchange().session_close(str(day)).value
        assert found.last_on_or_before(date) == found.row_of(date)
    else:
        assert found.close_of(date) is None
        row = found.last_on_or_before(date)
        assert row is not None
        assert found.date[row] < date
        assert row + 1 == len(found) or found.date[row + 1] > date


def test_before_the_table_there_is_nothing():
    found = table()
    assert found.local_date(found.open_ns[0] - 1) is None
    assert found.local_date(found.open_ns[0]) == found.date[0]
    assert found.at(found.open_ns[0]) is None
    assert found.last_on_or_before(found.date[0] - 1) is None


def test_an_empty_table_answers_none():
    empty = Sessions("XNYS", (), (), ())
    assert (len(empty), empty.at(1), empty.local_date(1), empty.close_of(20180102)) == (0, None, None, None)
    assert len(session_table("XNYS", dt.date(2018, 3, 24), dt.date(2018, 3, 25))) == 0


def test_a_market_that_never_shuts_has_every_day():
    always = session_table("24/7", dt.date(2020, 2, 28), dt.date(2020, 3, 1))
    assert always.date == (20200228, 20200229, 20200301)
    assert always.close_ns[:-1] == always.open_ns[1:]
    assert [always.at(instant) for instant in always.close_ns] == [0, 1, 2]


def test_an_unknown_calendar_is_the_users_mistake():
    with pytest.raises(UserError, match="XNIX"):
        session_table("XNIX", FIRST, LAST)


# Days


@settings(deadline=None)
@given(st.dates(), st.dates())
def test_days_between_equals_datetime(one, other):
    assert days_between(number(one), number(other)) == (other - one).days


@pytest.mark.parametrize(
    ("earlier", "later", "days"),
    [(20180228, 20180302, 2), (20200228, 20200302, 3), (20000228, 20000301, 2), (19000228, 19000301, 1)],
)
def test_days_over_the_end_of_february(earlier, later, days):
    assert days_between(earlier, later) == days
    assert days_between(later, earlier) == -days


# Expiries

PM_CASES = [
    ("an ordinary Friday", "SPXW", 20180316, (20180316, 16, 0)),
    ("the Thursday before Good Friday", "SPXW", 20180329, (20180329, 16, 0)),
    ("dated on Good Friday", "SPXW", 20180330, (20180329, 16, 0)),
    ("a Saturday in the symbol", "XSP", 20140322, (20140321, 16, 0)),
    ("a Saturday after Good Friday", "XSP", 20140419, (20140417, 16, 0)),
    ("the half-day after Thanksgiving", "SPXW", 20181123, (20181123, 13, 0)),
    ("Christmas Eve", "SPXW", 20181224, (20181224, 13, 0)),
    ("the eve of Independence Day", "SPXW", 20180703, (20180703, 13, 0)),
    ("after daylight saving began", "SPXW", 20180312, (20180312, 16, 0)),
    ("month end", "SPXW", 20180131, (20180131, 16, 0)),
]
AM_CASES = [
    ("an ordinary third Friday", "SPX", 20180316, 20180316, (20180315, 16, 0)),
    ("a Saturday in the symbol", "SPX", 20140322, 20140321, (20140320, 16, 0)),
    ("Good Friday is the third Friday", "SPX", 20190419, 20190418, (20190417, 16, 0)),
    ("a Saturday after Good Friday", "SPX", 20140419, 20140417, (20140416, 16, 0)),
    ("Good Friday 2022", "NDX", 20220415, 20220414, (20220413, 16, 0)),
    ("the Monday after a half-day", "RUT", 20181126, 20181126, (20181123, 13, 0)),
    ("the day after a day of mourning", "SPX", 20181206, 20181206, (20181204, 16, 0)),
    ("Friday of the week when clocks changed", "SPX", 20180316, 20180316, (20180315, 16, 0)),
    ("the Monday when clocks had changed", "SPX", 20181105, 20181105, (20181102, 16, 0)),
]


@pytest.mark.parametrize(("name", "root", "date", "close"), PM_CASES, ids=lambda v: str(v).replace(" ", "-"))
def test_pm_contracts_stop_and_settle_at_the_close(name, root, date, close):
    assert expiry_instants(KNOWN_ROOTS[root], date, table()) == (ns(*close), ns(*close))


@pytest.mark.parametrize(("name", "root", "date", "opens", "last"), AM_CASES, ids=lambda v: str(v).replace(" ", "-"))
def test_am_contracts_settle_at_the_opening_and_stop_the_session_before(name, root, date, opens, last):
    assert expiry_instants(KNOWN_ROOTS[root], date, table()) == (ns(opens, 9, 30), ns(*last))


@settings(deadline=None)
@given(st.dates(dt.date(2012, 2, 1), dt.date(2022, 12, 29)), st.sampled_from(["SPX", "SPXW"]))
def test_instants_equal_the_slow_twin(day, root):
    session = exchange().date_to_session(str(day), direction="previous")
    if root == "SPXW":
        expected = (exchange().session_close(session).value,) * 2
    else:
        before = exchange().previous_session(session)
        expected = (exchange().session_open(session).value, exchange().session_close(before).value)
    found = expiry_instants(KNOWN_ROOTS[root], number(day), table())
    assert found == expected
    assert found[1] <= found[0]
    # Instants lie on the table: the last trade closes a session, and nothing expires later than its day.
    assert found[1] in table().close_ns
    assert table().date[bisect_right(table().open_ns, found[0]) - 1] <= number(day)


@pytest.mark.parametrize("date", [20111230, 20221231, 20230120])
def test_an_expiry_outside_the_table_is_refused(date):
    with pytest.raises(UserError, match=str(date)):
        expiry_instants(KNOWN_ROOTS["SPXW"], date, table())


def test_an_am_expiry_on_the_first_session_has_no_last_trade():
    with pytest.raises(UserError, match="first session"):
        expiry_instants(KNOWN_ROOTS["SPX"], table().date[0], table())
    assert expiry_instants(KNOWN_ROOTS["SPXW"], table().date[0], table())[0] == table().close_ns[0]
