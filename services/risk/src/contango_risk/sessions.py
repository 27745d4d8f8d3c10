"""The session table inside the state: only sessions that are not over yet, so that snapshots stay small."""

import numpy as np

from contango_common.events.market import SessionTable
from contango_risk.state import Calendar


def take(table: SessionTable) -> Calendar:
    """The table as columns."""
    return Calendar(
        np.array(table.date, dtype=np.int64),
        np.array(table.open_ns, dtype=np.int64),
        np.array(table.close_ns, dtype=np.int64),
        first_close_ns=table.close_ns[0] if table.close_ns else 0,
    )


def trimmed(calendar: Calendar, ts_ns: int) -> Calendar:
    """Without the sessions that closed before ``ts_ns``; the running or next session becomes the first row."""
    first = int(np.searchsorted(calendar.close_ns, ts_ns))
    if first == 0:
        return calendar
    return Calendar(
        calendar.date[first:].copy(),
        calendar.open_ns[first:].copy(),
        calendar.close_ns[first:].copy(),
        int(calendar.open_ns[first - 1]),
        int(calendar.close_ns[first]) if first < len(calendar.close_ns) else 0,
    )


def next_open_ns(calendar: Calendar, ts_ns: int) -> int | None:
    """First opening instant after ``ts_ns``; None beyond the table."""
    row = int(np.searchsorted(calendar.open_ns, ts_ns, side="right"))
    return int(calendar.open_ns[row]) if row < len(calendar.open_ns) else None


def minutes_open(calendar: Calendar, ts_ns: int) -> float | None:
    """Minutes since the running session opened; None outside sessions or without a table."""
    if not len(calendar.open_ns) or ts_ns < calendar.open_ns[0] or ts_ns > calendar.close_ns[0]:
        return None
    return float(ts_ns - int(calendar.open_ns[0])) / 60e9


def sessions_until(calendar: Calendar, ts_ns: int, instant_ns: int) -> int | None:
    """Sessions between the running one and the one that contains ``instant_ns`` (0: the same); None without a table."""
    if not len(calendar.close_ns):
        return None
    now, then = np.searchsorted(calendar.close_ns, [ts_ns, instant_ns])
    return int(then - now)
