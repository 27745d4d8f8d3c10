"""Stationary bootstrap's interval of a skill 1 − Σ loss / Σ baseline's loss, by sums of blocks.

In law the same as `bootstrap.interval` of that figure over both columns; but a block's sum is a difference of running
sums, so that a resample costs as much as it has blocks and not as much as it has rows.

References:
    [1] D. N. Politis, J. P. Romano, "The stationary bootstrap", JASA 89 (1994) 1303-1313.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.stats.block_length import block_length
from contango_quant.stats.bootstrap import usual_block
from contango_quant.stats.lines import count, line, same_length

_CHUNK = 2_000_000  # blocks drawn at once: bounds memory


def skill_interval(
    losses: ArrayLike,
    baseline_losses: ArrayLike,
    *,
    overlap: int = 1,
    tail: float = 0.025,
    seed: int = 0,
    resamples: int = 1000,
) -> tuple[float | None, float | None]:
    """Stationary bootstrap's percentile interval of the skill with `tail` outside at each end; None twice without one.

    losses, baseline_losses (n,): in order of time; overlap: how many successive targets share data. None, too, when the
    baseline's losses sum to 0 in most resamples. Raises ValueError.

    >>> skill_interval([1.0] * 30, [2.0] * 30)
    (0.5, 0.5)
    """
    model, base = line("losses", losses), line("baseline_losses", baseline_losses)
    same_length(losses=model, baseline_losses=base)
    if model.size < 2 or not 0.0 < tail < 0.5:
        return None, None
    gains = base - model
    mean_block = mean_block_for(gains, count("overlap", overlap, 1))
    rng = np.random.default_rng(seed)
    base_sums, gain_sums = _resampled_sums((base, gains), mean_block, rng, count("resamples", resamples, 1))
    defined = base_sums > 0.0
    if 2 * int(defined.sum()) < resamples:
        return None, None
    low, high = np.quantile(gain_sums[defined] / base_sums[defined], [tail, 1.0 - tail])
    return float(low), float(high)


def mean_block_for(gains: Floats, overlap: int) -> float:
    """Mean block for gains (n,): what the data ask for, at least two windows and n^(1/3), at most a quarter of n."""
    chosen = block_length(gains)
    wanted = max(2.0 * (overlap - 1), float(usual_block(gains.size)), chosen.stationary if chosen else 1.0)
    return max(1.0, min(wanted, gains.size / 4.0))


def _resampled_sums(columns: Sequence[Floats], mean_block: float, rng: np.random.Generator, resamples: int) -> Floats:
    """Sums (C, resamples) of stationary bootstrap resamples of C columns (n,), all drawn alike."""
    n = columns[0].size
    expected = n / mean_block
    blocks = math.ceil(expected + 6.0 * math.sqrt(expected) + 8.0)  # too few once in ages
    running = [np.concatenate([[0.0], np.cumsum(np.concatenate([column, column]))]) for column in columns]
    step = max(1, _CHUNK // blocks)
    found = []
    for first in range(0, resamples, step):
        starts, lengths = _blocks((min(step, resamples - first), blocks), n, mean_block, rng)
        turns, rest = lengths // n, lengths % n  # a block longer than the series goes round it
        found.append([(r[starts + rest] - r[starts]).sum(axis=1) + turns.sum(axis=1) * r[n] for r in running])
    return np.concatenate(found, axis=1)


def _blocks(
    shape: tuple[int, int], n: int, mean_block: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of blocks, a resample a row: geometric lengths, the last cut so that n values are drawn."""
    if mean_block > 1.0:
        drawn = np.ceil(rng.standard_exponential(shape) / -math.log1p(-1.0 / mean_block)).astype(np.int64)
    else:
        drawn = np.ones(shape, dtype=np.int64)
    ends = np.minimum(np.cumsum(np.maximum(drawn, 1), axis=1), n)
    ends[:, -1] = n
    return rng.integers(n, size=shape), np.diff(ends, axis=1, prepend=0)
