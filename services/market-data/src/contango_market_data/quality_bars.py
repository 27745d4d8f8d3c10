"""Quality of bars: columns in, flags out. Pure; nothing is repaired.

``ts_ns`` are closing instants. The grid of a timeframe starts at each session's opening; the last bar of a session
ends with it.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from contango_common.domain.sessions import MINUTE_NS, Sessions
from contango_market_data.quality_flag import Flag

Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]


def bar_flags(ts_ns: Instants, columns: Mapping[str, Floats], where: str) -> list[Flag]:
    """Prices that no trading can have made, and instants that repeat or run backwards.

    ``columns`` holds open, high, low, close and volume (NaN where absent).
    """
    open_, high, low, close = (columns[name] for name in ("open", "high", "low", "close"))
    step = np.diff(ts_ns)
    checks = {
        "not positive: a price of 0 or less": (open_ <= 0) | (high <= 0) | (low <= 0) | (close <= 0),
        "high below low": high < low,
        "open or close outside high and low": ((open_ > high) | (open_ < low) | (close > high) | (close < low))
        & (high >= low),
        "negative volume": columns["volume"] < 0,
        "repeated instant": np.append(False, step == 0),
        "instant before its predecessor": np.append(False, step < 0),
    }
    return [_flag(reason, rows, ts_ns, where) for reason, rows in checks.items() if np.any(rows)]


def session_grid(sessions: Sessions, minutes: int, first_ns: int, last_ns: int) -> Instants:
    """Closing instants of every bar of ``minutes`` in the sessions that lie between two instants (both included).

    A length of a day or more gives each session's close.
    """
    opens, closes = np.asarray(sessions.open_ns, dtype=np.int64), np.asarray(sessions.close_ns, dtype=np.int64)
    inside = (closes >= first_ns) & (opens < last_ns)
    opens, closes = opens[inside], closes[inside]
    length = minutes * MINUTE_NS
    if minutes >= 1440:
        ends = closes
    else:
        counts = -((opens - closes) // length)
        session = np.repeat(np.arange(len(opens)), counts)
        number = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts) + 1
        ends = np.minimum(opens[session] + number * length, closes[session])
    return ends[(ends >= first_ns) & (ends <= last_ns)]


def grid_flags(ts_ns: Instants, sessions: Sessions, minutes: int, where: str) -> list[Flag]:
    """Bars that the sessions call for and that are missing; bars outside the sessions or off their grid."""
    if len(ts_ns) == 0:
        return []
    grid = session_grid(sessions, minutes, int(ts_ns.min()), int(ts_ns.max()))
    missing = grid[~np.isin(grid, ts_ns)]
    foreign = ~np.isin(ts_ns, grid)
    closes, opens = np.asarray(sessions.close_ns), np.asarray(sessions.open_ns)
    row = np.minimum(np.searchsorted(closes, ts_ns, side="left"), len(closes) - 1)
    outside = foreign & ~((ts_ns > opens[row]) & (ts_ns <= closes[row]))
    flags = []
    if len(missing):
        lost = _lost_sessions(grid, missing, sessions)
        detail = f"{len(missing)} of {len(grid)} bars, among them {lost} whole sessions"
        flags.append(Flag("gap: bars missing", len(missing), f"{where}, {_instant(missing[0])}", detail))
    for reason, rows in (("outside the sessions", outside), ("off the sessions' grid", foreign & ~outside)):
        if np.any(rows):
            flags.append(_flag(reason, rows, ts_ns, where))
    return flags


def _lost_sessions(grid: Instants, missing: Instants, sessions: Sessions) -> int:
    closes = np.asarray(sessions.close_ns)
    wanted = np.bincount(np.searchsorted(closes, grid), minlength=1)
    lost = np.bincount(np.searchsorted(closes, missing), minlength=len(wanted))
    return int(np.count_nonzero((wanted > 0) & (wanted == lost)))


def _flag(reason: str, rows: npt.NDArray[np.bool_], ts_ns: Instants, where: str) -> Flag:
    count = int(np.count_nonzero(rows))
    return Flag(reason, count, f"{where}, {_instant(ts_ns[int(np.argmax(rows))])}", f"{count} of {len(ts_ns)} bars")


def _instant(ts_ns: np.int64 | int) -> str:
    return f"{np.datetime64(int(ts_ns), 'ns').astype('M8[s]')}Z"
