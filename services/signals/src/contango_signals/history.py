"""The last daily bars of one symbol as columns, for what looks back over sessions. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from contango_common.domain.sessions import DAY_NS

KEPT = 300  # rows; the longest look-back is a year


@dataclass(slots=True)
class Daily:
    """Oldest first, equal lengths; ``volumes`` and ``ivs`` (the index's close of that day) None where unknown.

    ``rvs`` are the realised volatilities after each row that had one.
    """

    ts_ns: list[int] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    closes: list[float] = field(default_factory=list)
    volumes: list[float | None] = field(default_factory=list)
    ivs: list[float | None] = field(default_factory=list)
    rvs: list[float] = field(default_factory=list)


def day_of(ts_ns: int) -> int:
    """Days since 1970 of a session closed at ``ts_ns``; a close at midnight belongs to the day before."""
    return (ts_ns - 1) // DAY_NS


def with_row(
    d: Daily,
    ts_ns: int,
    high: float,
    low: float,
    close: float,
    volume: float | None,
    iv: float | None,
    rv: float | None,
) -> Daily:
    """The history after one more session; a row that is not newer changes nothing."""
    if d.ts_ns and ts_ns <= d.ts_ns[-1]:
        return d
    return Daily(
        ts_ns=[*d.ts_ns, ts_ns][-KEPT:],
        highs=[*d.highs, high][-KEPT:],
        lows=[*d.lows, low][-KEPT:],
        closes=[*d.closes, close][-KEPT:],
        volumes=[*d.volumes, volume][-KEPT:],
        ivs=[*d.ivs, iv][-KEPT:],
        rvs=d.rvs if rv is None else [*d.rvs, rv][-KEPT:],
    )


def range_volatility(d: Daily, sessions: int, sessions_per_year: int) -> float | None:
    """Annual volatility of the last ``sessions`` sessions from their true ranges; None when fewer, or one still, are
    there.

    Parkinson's variance ln(high / low)² / (4 ln 2), where the previous close widens the range, so that gaps count [1].

    References:
        [1] M. Parkinson, Journal of Business 53 (1980) 61-65.

    >>> d = Daily(ts_ns=[1, 2], highs=[101.0, 102.0], lows=[99.0, 100.0], closes=[100.0, 101.0])
    >>> round(range_volatility(d, 1, 252), 4)
    0.1888
    """
    if len(d.closes) <= sessions:
        return None
    total = 0.0
    for i in range(len(d.closes) - sessions, len(d.closes)):
        before = d.closes[i - 1]
        total += math.log(max(d.highs[i], before) / min(d.lows[i], before)) ** 2
    variance = total / sessions / (4.0 * math.log(2.0))
    return math.sqrt(variance * sessions_per_year) if variance > 0.0 else None


def percentile_of_last(values: Sequence[float], window: int) -> float | None:
    """Share (0 to 100) of the last ``window`` values not above the newest; None when fewer are there.

    >>> percentile_of_last([1.0, 3.0, 2.0, 2.5], 4)
    75.0
    """
    if len(values) < window:
        return None
    last = values[-window:]
    return 100.0 * sum(x <= last[-1] for x in last) / window
