"""IV rank and IV percentile with reasons, of a whole history or sample by sample.

The numbers are those of `stream/rank`: over the last `window` samples, the newest included,

    rank        100·(now − lowest)/(highest − lowest)
    percentile  100·(others strictly below now)/(number of others)

Where the range is below 1e-8 the rank is 50. A rank compares like with like: the history must be of the same
object as the newest sample, such as the at-the-money-forward volatility at 30 days.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.stream import kernel
from contango_quant.stream import rank as stream_rank

NO_RANGE = 1e-8
MIDDLE = 50.0


class IvRank(NamedTuple):
    """iv_rank, iv_percentile: 0 to 100, None while not defined, and then `reason` says why; samples: in the window."""

    iv_rank: float | None
    iv_percentile: float | None
    samples: int
    reason: str | None


def new_history(*, window: int = 252, min_count: int | None = None) -> kernel.State:
    """The record to give to `push`; `min_count` samples are needed for a rank (`window` when None).

    Raises ValueError for a window below 2 or a min_count out of range.
    """
    return stream_rank.init(stream_rank.Params(window=window, min_count=min_count))


def push(history: kernel.State, iv_annual: float) -> IvRank:
    """Take one volatility into `history` and place it. A sample that is not finite is counted, not taken.

    >>> history = new_history(window=4, min_count=3)
    >>> [push(history, x).iv_rank for x in (0.2, 0.3, 0.25, 0.3)]
    [None, None, 50.0, 100.0]
    >>> push(history, float("nan")).reason
    'sample is nan'
    """
    rank, percentile = stream_rank.step(history, float(iv_annual))
    samples = int(min(history["count"][0], history["window"][0]))
    if not math.isfinite(iv_annual):
        return IvRank(None, None, samples, f"sample is {float(iv_annual)!r}")
    if math.isnan(percentile):
        return IvRank(None, None, samples, f"{samples} samples, {int(history['min_count'][0])} needed")
    held = history["ring"][0][:samples]
    has_range = float(held.max()) - float(held.min()) >= NO_RANGE
    # Rounding may carry the rank of the highest sample past 100.
    return IvRank(min(float(rank), 100.0) if has_range else MIDDLE, float(percentile), samples, None)


def iv_rank_of(history: ArrayLike, *, window: int = 252, min_count: int | None = None) -> IvRank:
    """Rank and percentile of the newest of the volatilities (n,), oldest first; those not finite are passed over.

    Raises ValueError for a history that is not a line, or as `new_history`.

    >>> iv_rank_of([0.10, 0.20, 0.30, 0.25], window=4)
    IvRank(iv_rank=75.0, iv_percentile=66.66666666666667, samples=4, reason=None)
    >>> iv_rank_of([0.10, 0.20], window=252).reason
    '2 samples, 252 needed'
    """
    line = np.asarray(history, dtype=np.float64)
    if line.ndim != 1:
        raise ValueError(f"history must be a line, got shape {line.shape}")
    good = line[np.isfinite(line)]
    state = new_history(window=window, min_count=min_count)
    if not good.size:
        return IvRank(None, None, 0, f"0 samples, {int(state['min_count'][0])} needed")
    kernel.run(stream_rank, state, good[max(0, good.size - window) : -1])
    return push(state, float(good[-1]))
