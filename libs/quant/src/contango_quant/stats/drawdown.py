"""Drawdowns: how far below its highest value a curve stands, how long, and a high-water mark to carry on.

    depth_t = 1 − equity_t/max(high_water, equity_0 … equity_t)

A mark kept only since the morning or the week's start hides every slow loss; the mark here is an argument
and a result, to be stored and handed in again: a curve cut anywhere and carried on gives the same depths.
The deepest fall of a curve is `performance.max_drawdown`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import POSITIVE, Floats
from contango_quant.stats.lines import line, number


class Mark(NamedTuple):
    """high_water: highest equity so far; depth: fraction of it that is lost now, at least 0."""

    high_water: float
    depth: float


class Episode(NamedTuple):
    """One stretch below a peak: positions of peak, of the lowest value and of the first one back at the peak
    (None: not yet); depth: greatest fraction lost; samples: from the peak to recovery, or to the last sample.
    """

    peak: int
    trough: int
    recovery: int | None
    depth: float
    samples: int


class Water(NamedTuple):
    """Samples below the high-water mark: longest run, the run that is open at the end, and the share of all."""

    longest_samples: int
    open_samples: int
    share: float


def underwater(equity: ArrayLike, *, high_water: float | None = None) -> Floats:
    """Depth (n,) below the running peak, at least 0; above 1 when equity is below 0.

    equity: currency, the first one above 0; high_water: mark carried from before, None at the very start. Raises
    ValueError.

    >>> underwater([100.0, 120.0, 90.0, 130.0])
    array([0.  , 0.  , 0.25, 0.  ])
    >>> underwater([90.0, 130.0], high_water=120.0)
    array([0.25, 0.  ])
    """
    curve = line("equity", equity)
    return np.asarray(1.0 - curve / _peaks(curve, high_water))


def carry(equity: float, *, high_water: float | None) -> Mark:
    """The mark after one more value, and the depth below it.

    >>> carry(90.0, high_water=120.0)
    Mark(high_water=120.0, depth=0.25)
    """
    depth = underwater([equity], high_water=high_water)
    peak = equity if high_water is None else max(high_water, equity)
    return Mark(float(peak), float(depth[0]))


def episodes(equity: ArrayLike) -> list[Episode]:
    """Every stretch below a peak, in order of time; a peak reached several times counts from the last.

    >>> episodes([100.0, 120.0, 90.0, 128.0, 96.0])
    [Episode(peak=1, trough=2, recovery=3, depth=0.25, samples=2), Episode(peak=3, trough=4, recovery=None, \
depth=0.25, samples=1)]
    """
    curve = line("equity", equity)
    if curve.size == 0:
        return []
    depth = 1.0 - curve / _peaks(curve, None)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], depth > 0.0, [False])).astype(np.int8)))
    return [_episode(depth, int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def time_under_water(equity: ArrayLike, *, high_water: float | None = None) -> Water:
    """Runs of samples below the high-water mark; a run counts from the first sample below.

    >>> time_under_water([101.0, 99.0, 100.0, 102.0])
    Water(longest_samples=2, open_samples=0, share=0.5)
    """
    below = underwater(equity, high_water=high_water) > 0.0
    if below.size == 0:
        return Water(0, 0, 0.0)
    here = np.arange(below.size)
    run = here - np.maximum.accumulate(np.where(below, -1, here))  # samples since the last one at the mark
    return Water(int(run.max()), int(run[-1]), float(below.mean()))


def _peaks(curve: Floats, high_water: float | None) -> Floats:
    if high_water is not None:
        return np.maximum(np.maximum.accumulate(curve), number("high_water", high_water, POSITIVE))
    if curve.size and curve[0] <= 0.0:
        raise ValueError(f"equity must begin above 0, got {float(curve[0])!r}")
    return np.maximum.accumulate(curve)


def _episode(depth: Floats, start: int, stop: int) -> Episode:
    """`start`: first sample below; `stop`: first one back, or the end."""
    trough = start + int(np.argmax(depth[start:stop]))
    recovery = stop if stop < depth.size else None
    return Episode(start - 1, trough, recovery, float(depth[trough]), min(stop, depth.size - 1) - (start - 1))
