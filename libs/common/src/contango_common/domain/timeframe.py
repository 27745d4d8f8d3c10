"""Longer bars out of shorter closed ones, one bar at a time. Pure.

Buckets are aligned to the session's opening (midnight UTC for markets that never shut: their calendar is ``24/7``);
the last bucket of a session ends with it, however short. A bucket is given out once its last source bar has closed, or
once a later bucket has begun; in the second case it is incomplete, with the number of bars it has and should have. What
is still forming is never given out.
"""

from dataclasses import dataclass
from typing import NamedTuple

from contango_common.domain.sessions import Sessions


class Bar(NamedTuple):
    """A closed bar; ``ts_ns`` is the instant it closed, ``volume`` None where the source has none."""

    ts_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None


class Closed(NamedTuple):
    """A longer bar with the number of source bars it was made of and the number its bucket should have."""

    bar: Bar
    parts: int
    parts_due: int

    @property
    def complete(self) -> bool:
        return self.parts == self.parts_due


@dataclass(frozen=True, slots=True)
class Forming:
    """What a bucket has so far; ``end_ns`` is when it will close, ``last_ns`` the last bar in it."""

    end_ns: int
    parts_due: int
    parts: int
    last_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None


def push(
    forming: Forming | None, bar: Bar, *, length_ns: int, source_ns: int, sessions: Sessions
) -> tuple[Forming | None, list[Closed]]:
    """What is forming after ``bar``, and the buckets that are known to be over now that it has closed.

    A bar outside every session changes nothing. Bars must come in order; the caller sees to that.

    >>> day = Sessions("24/7", (20240101,), (0,), (86_400,))
    >>> forming, over = push(None, Bar(300, 1.0, 2.0, 1.0, 2.0, 5.0), length_ns=900, source_ns=300, sessions=day)
    >>> forming, over = push(forming, Bar(900, 2.0, 3.0, 2.0, 3.0, 5.0), length_ns=900, source_ns=300, sessions=day)
    >>> over[0].bar, over[0].complete
    (Bar(ts_ns=900, open=1.0, high=3.0, low=1.0, close=3.0, volume=10.0), False)
    """
    bucket = bucket_of(bar.ts_ns, length_ns, source_ns, sessions)
    if bucket is None:
        return forming, []
    end_ns, parts_due = bucket
    over: list[Closed] = []
    if forming is not None and forming.end_ns != end_ns:
        over.append(_closed(forming))
        forming = None
    forming = _taken(forming, bar, end_ns, parts_due)
    if bar.ts_ns == end_ns:
        over.append(_closed(forming))
        forming = None
    return forming, over


def bucket_of(ts_ns: int, length_ns: int, source_ns: int, sessions: Sessions) -> tuple[int, int] | None:
    """(end of the bucket that a bar closing at ``ts_ns`` belongs to, source bars due in it); None out of session."""
    row = sessions.at(ts_ns)
    if row is None:
        return None
    opened = sessions.open_ns[row]
    start = opened + (ts_ns - 1 - opened) // length_ns * length_ns
    end = min(start + length_ns, sessions.close_ns[row])
    return end, -((start - end) // source_ns)


def _taken(forming: Forming | None, bar: Bar, end_ns: int, parts_due: int) -> Forming:
    if forming is None:
        return Forming(end_ns, parts_due, 1, bar.ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume)
    volume = None if forming.volume is None or bar.volume is None else forming.volume + bar.volume
    return Forming(
        end_ns=end_ns,
        parts_due=parts_due,
        parts=forming.parts + 1,
        last_ns=bar.ts_ns,
        open=forming.open,
        high=max(forming.high, bar.high),
        low=min(forming.low, bar.low),
        close=bar.close,
        volume=volume,
    )


def _closed(f: Forming) -> Closed:
    return Closed(Bar(f.end_ns, f.open, f.high, f.low, f.close, f.volume), f.parts, f.parts_due)
