"""Dates of instants in a time zone: which session a quote belongs to. Pure."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from contango_common.domain.errors import UserError

_HOUR_NS = 3_600_000_000_000
_DAY_NS = 24 * _HOUR_NS


def zone(name: str) -> ZoneInfo:
    """The IANA time zone; UserError when unknown."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UserError(f"time zone {name!r} is unknown: use an IANA name such as America/New_York") from error


@lru_cache(maxsize=200_000)
def _offset_ns(name: str, hour: int) -> int:
    """Offset of local time from UTC in the hour since 1970 (zones change on the hour, in UTC, since 1970)."""
    moment = datetime.fromtimestamp(hour * 3600, UTC).astimezone(zone(name))
    offset = moment.utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * 1_000_000_000


def local_dates(ts_ns: npt.NDArray[np.int64], time_zone: str) -> npt.NDArray[np.int64]:
    """yyyymmdd of each UTC instant in ``time_zone``.

    >>> local_dates(np.array([1_520_000_000_000_000_000]), "America/New_York").tolist()
    [20180302]
    """
    hours, where = np.unique(ts_ns // _HOUR_NS, return_inverse=True)
    offsets = np.array([_offset_ns(time_zone, int(hour)) for hour in hours], dtype=np.int64)
    days = (ts_ns + offsets[where]) // _DAY_NS if len(ts_ns) else np.zeros(0, dtype=np.int64)
    return yyyymmdd(days)


def yyyymmdd(days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Dates of days since 1970-01-01."""
    calendar = days.astype("M8[D]")
    months = calendar.astype("M8[M]")
    years = calendar.astype("M8[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (calendar - months).astype(np.int64) + 1
    return np.asarray(years * 10_000 + month * 100 + day, dtype=np.int64)


def to_date(number: int) -> date:
    """20180302 -> date(2018, 3, 2)."""
    return date(number // 10_000, number // 100 % 100, number % 100)
