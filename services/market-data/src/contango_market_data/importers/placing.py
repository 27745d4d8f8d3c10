"""When a quote or bar belongs: end-of-day dates to closing instants, bar starts to bar ends. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contango_common.domain.sessions import MINUTE_NS, Sessions
from contango_market_data.catalog.dates import local_dates
from contango_market_data.catalog.schema import TIMEFRAMES

NEVER = -1
Instants = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SessionColumns:
    """A session table as arrays: ``date`` (yyyymmdd), ``open_ns``, ``close_ns``."""

    date: Instants
    open_ns: Instants
    close_ns: Instants

    @classmethod
    def of(cls, sessions: Sessions) -> "SessionColumns":
        columns = (sessions.date, sessions.open_ns, sessions.close_ns)
        return cls(*(np.asarray(column, dtype=np.int64) for column in columns))


def closes_of(dates: Instants, sessions: SessionColumns) -> Instants:
    """Closing instant of the session on each date (yyyymmdd), ``NEVER`` where the exchange was shut."""
    known, close = sessions.date, sessions.close_ns
    row = np.minimum(np.searchsorted(known, dates), len(known) - 1)
    return np.where(known[row] == dates, close[row], NEVER)


def bar_ends(ts_ns: Instants, timeframe: str, sessions: SessionColumns, time_zone: str) -> Instants:
    """Closing instants of bars that are stamped at their start; a bar that starts inside a session ends with it.

    Daily bars end at the close of the session on their date, ``NEVER`` where there was none.
    """
    if timeframe == "1d":
        return closes_of(local_dates(ts_ns, time_zone), sessions)
    ends = ts_ns + TIMEFRAMES[timeframe] * MINUTE_NS
    if TIMEFRAMES[timeframe] < 60:
        return ends
    opens, closes = sessions.open_ns, sessions.close_ns
    row = np.clip(np.searchsorted(closes, ts_ns, side="right"), 0, len(closes) - 1)
    crosses = (ends > closes[row]) & (ts_ns < closes[row]) & (ends > opens[row])
    return np.where(crosses, closes[row], ends)


def after_hours_closes(ts_ns: Instants, sessions: SessionColumns) -> Instants:
    """Snapshots between a close and the next day's date get that close; all others keep their instant.

    A snapshot before the opening of a session day is neither that day's nor the day before's and is kept as it is.
    """
    opens, closes = sessions.open_ns, sessions.close_ns
    row = np.clip(np.searchsorted(closes, ts_ns, side="left") - 1, 0, len(closes) - 1)
    following = np.minimum(row + 1, len(opens) - 1)
    evening = (ts_ns > closes[row]) & (ts_ns < _day_start(opens[following]))
    return np.where(evening, closes[row], ts_ns)


def _day_start(open_ns: npt.NDArray[np.int64]) -> Instants:
    """An instant after the night before an opening: eight hours ahead of it covers every exchange's local midnight."""
    return open_ns - 8 * 60 * MINUTE_NS


def instants_of(ts_ns: Instants) -> pa.Array:
    """Numbers back to timestamp[ns, UTC]."""
    return pa.array(ts_ns).cast(pa.timestamp("ns", tz="UTC"))


def numbers_of(column: pa.Array | pa.ChunkedArray) -> Instants:
    """timestamp[ns, UTC] to numbers; rows without a value must be filtered before."""
    values: Instants = (
        column.cast(pa.int64()).to_numpy(zero_copy_only=False)
        if isinstance(column, pa.Array)
        else column.cast(pa.int64()).to_numpy()
    )
    return values
