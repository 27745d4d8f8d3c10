"""Trading sessions as plain tables: dates, opening and closing instants in UTC nanoseconds.

The table is generated from an exchange calendar at the edge (holidays, half-days, daylight saving) and is a fact on
the log; nothing below the edge knows a calendar library.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Sessions:
    """Columns of equal length, ascending: ``date`` (yyyymmdd, exchange-local), ``open_ns``, ``close_ns``."""

    calendar: str
    date: tuple[int, ...]
    open_ns: tuple[int, ...]
    close_ns: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.date)

    def at(self, ts_ns: int) -> int | None:
        """Row of the session with open < ts ≤ close (a bar that closes at ``ts`` belongs to it), else None."""
        row = bisect_left(self.close_ns, ts_ns)
        if row == len(self.date) or ts_ns <= self.open_ns[row]:
            return None
        return row

    def row_of(self, date: int) -> int | None:
        row = bisect_left(self.date, date)
        return row if row < len(self.date) and self.date[row] == date else None

    def close_of(self, date: int) -> int | None:
        """Closing instant of the session on ``date``, or None when the exchange is shut."""
        row = self.row_of(date)
        return None if row is None else self.close_ns[row]

    def last_on_or_before(self, date: int) -> int | None:
        """Row of the last session whose date is not after ``date``, or None before the table."""
        row = bisect_right(self.date, date) - 1
        return None if row < 0 else row

    def local_date(self, ts_ns: int) -> int | None:
        """Date of the session that contains ``ts_ns``, or of the last one before it; None before the table."""
        row = self.at(ts_ns)
        if row is None:
            row = bisect_right(self.open_ns, ts_ns) - 1
        return None if row < 0 else self.date[row]


def days_between(earlier: int, later: int) -> int:
    """Calendar days from one yyyymmdd date to another (negative when reversed).

    >>> days_between(20180228, 20180302)
    2
    """
    return _ordinal(later) - _ordinal(earlier)


def _ordinal(date: int) -> int:
    """Days since 0000-03-01 of the proleptic Gregorian calendar."""
    year, month, day = date // 10_000, date // 100 % 100, date % 100
    shifted = (month + 9) % 12
    year -= month <= 2
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * shifted + 2) // 5 + day - 1
