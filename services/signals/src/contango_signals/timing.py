"""Where an instant lies in its session, and how many sessions are left to an expiry. Pure."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from contango_common.domain.sessions import DAY_NS, MINUTE_NS, Sessions
from contango_signals.params import SignalsParams

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, slots=True)
class InSession:
    """The session around an instant; ``next_close_ns`` is None when the table ends with it."""

    open_ns: int
    close_ns: int
    next_close_ns: int | None


def session_of(sessions: Sessions | None, ts_ns: int) -> InSession | None:
    """The session that contains ``ts_ns``, or None (no table, or the exchange is shut)."""
    row = None if sessions is None else sessions.at(ts_ns)
    if sessions is None or row is None:
        return None
    following = sessions.close_ns[row + 1] if row + 1 < len(sessions) else None
    return InSession(sessions.open_ns[row], sessions.close_ns[row], following)


def before_open(sessions: Sessions | None, session_date: int, ts_ns: int) -> bool:
    """Whether the session of ``session_date`` has not opened yet: its scan is still to come."""
    row = None if sessions is None else sessions.row_of(session_date)
    return sessions is not None and row is not None and ts_ns <= sessions.open_ns[row]


def sessions_between(sessions: Sessions | None, earlier_ns: int, later_ns: int) -> int | None:
    """Closes after ``earlier_ns`` and not after ``later_ns``."""
    if sessions is None:
        return None
    return bisect_right(sessions.close_ns, later_ns) - bisect_right(sessions.close_ns, earlier_ns)


def sessions_to(sessions: Sessions | None, now_ns: int, expiry_ns: int, sessions_per_year: int) -> float | None:
    """Sessions left, the running one by its rest; past the end of the table by calendar days."""
    if sessions is None or not len(sessions):
        return None
    first = bisect_left(sessions.close_ns, now_ns + 1)
    count = float(bisect_right(sessions.close_ns, expiry_ns) - first)
    if first < len(sessions) and sessions.open_ns[first] < now_ns:
        length = sessions.close_ns[first] - sessions.open_ns[first]
        count -= (now_ns - sessions.open_ns[first]) / length
    past_table = max(0, expiry_ns - max(sessions.close_ns[-1], now_ns))
    return count + past_table / DAY_NS * sessions_per_year / DAYS_PER_YEAR


def valid_until(session: InSession | None, ts_ns: int, p: SignalsParams) -> int:
    """Last instant a proposal of ``ts_ns`` may be opened: within the session, or to the close of the next one."""
    if session is None:
        return ts_ns + p.valid_minutes * MINUTE_NS
    if p.allow_closing_frame and session.next_close_ns is not None:
        return session.next_close_ns
    return min(ts_ns + p.valid_minutes * MINUTE_NS, session.close_ns)
