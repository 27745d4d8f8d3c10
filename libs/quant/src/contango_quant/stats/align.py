"""Two series brought to the timestamps that both have.

Series joined by their tails instead of their times give a correlation of nothing with nothing as soon as one
misses a day.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.stats.lines import line


class Joined(NamedTuple):
    """ts (n,) common to both, ascending; a and b (n,) the values there."""

    ts: NDArray[Any]
    a: Floats
    b: Floats


def inner_join(ts_a: ArrayLike, a: ArrayLike, ts_b: ArrayLike, b: ArrayLike) -> Joined:
    """Values of both series at common timestamps; an empty result when there are none.

    ts_a, ts_b: integers (nanoseconds, days, …) or datetime64, both the same kind, strictly ascending; a, b:
    finite values, one a timestamp. Raises ValueError naming the argument and the first bad position.

    >>> inner_join([1, 2, 4], [10.0, 20.0, 40.0], [2, 3, 4], [5.0, 6.0, 7.0])
    Joined(ts=array([2, 4]), a=array([20., 40.]), b=array([5., 7.]))
    """
    times_a, times_b = _times("ts_a", ts_a), _times("ts_b", ts_b)
    if (times_a.dtype.kind == "M") != (times_b.dtype.kind == "M") and times_a.size and times_b.size:
        raise ValueError(f"ts_a and ts_b must be of one kind, got {times_a.dtype} and {times_b.dtype}")
    values_a, values_b = line("a", a), line("b", b)
    for name, times, values in (("a", times_a, values_a), ("b", times_b, values_b)):
        if times.size != values.size:
            raise ValueError(f"{name} must have one value a timestamp, got {values.size} for {times.size}")
    if not (times_a.size and times_b.size):
        return Joined(times_a[:0], values_a[:0], values_b[:0])
    ts, at_a, at_b = np.intersect1d(times_a, times_b, assume_unique=True, return_indices=True)
    return Joined(ts, values_a[at_a], values_b[at_b])


def _times(name: str, values: ArrayLike) -> NDArray[Any]:
    times = np.asarray(values)
    if times.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {times.shape}")
    if times.size == 0:
        return times.astype(np.int64)
    if times.dtype.kind not in "iuM":
        raise ValueError(f"{name} must be integers or datetime64, got {times.dtype}")
    # nan-like times compare as false and are caught here too.
    ordered = times[1:] > times[:-1]
    if not ordered.all():
        i = int(np.argmin(ordered)) + 1
        raise ValueError(f"{name} must be strictly ascending, got {times[i - 1]} then {times[i]} at position {i}")
    return times
