"""Block bootstrap intervals for figures of dependent series.

Blocks keep what neighbours have to do with each other. The stationary bootstrap draws blocks of random
(geometric) length, the circular one of fixed length; both wrap around, so every value is drawn equally
often. The generator is the caller's: the same seed gives the same interval.

References:
    [1] D. N. Politis, J. P. Romano, "The stationary bootstrap", JASA 89 (1994) 1303-1313.
    [2] D. N. Politis, J. P. Romano, "A circular block-resampling procedure", 1992.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import ANY, Floats, floats

Indices = NDArray[np.int64]
Draw = Callable[[int, np.random.Generator], Indices]


class Interval(NamedTuple):
    """Percentile interval; undefined: resamples on which the figure had no value, left out."""

    low: float
    high: float
    level: float
    resamples: int
    undefined: int


def stationary(mean_block: float) -> Draw:
    """Draws of blocks with geometric length of mean `mean_block` ≥ 1.

    >>> stationary(3.0)(5, np.random.default_rng(1)).shape
    (5,)
    """
    if not (math.isfinite(mean_block) and mean_block >= 1.0):
        raise ValueError(f"mean_block must be at least 1, got {mean_block!r}")

    def draw(n: int, rng: np.random.Generator) -> Indices:
        jump = rng.random(n) < 1.0 / mean_block
        starts = rng.integers(n, size=n)
        if n:
            jump[0] = True
        here = np.arange(n)
        block = np.maximum.accumulate(np.where(jump, here, 0))  # where this position's block began
        return (starts[block] + here - block) % max(n, 1)

    return draw


def circular(block: int) -> Draw:
    """Draws of blocks of exactly `block` ≥ 1 values, the last one cut.

    >>> circular(3)(5, np.random.default_rng(2))
    array([4, 0, 1, 1, 2])
    """
    if block < 1:
        raise ValueError(f"block must be at least 1, got {block!r}")

    def draw(n: int, rng: np.random.Generator) -> Indices:
        starts = rng.integers(max(n, 1), size=-(-n // block))
        return ((starts[:, None] + np.arange(block)).reshape(-1)[:n]) % max(n, 1)

    return draw


def usual_block(n: int) -> int:
    """The cube root of `n`, rounded: the order at which block length should grow.

    >>> usual_block(1000)
    10
    """
    return max(1, round(n ** (1.0 / 3.0)))


def interval(
    figure: Callable[[Floats], float | None],
    values: ArrayLike,
    *,
    draw: Draw,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.9,
) -> Interval | None:
    """Percentile interval of `figure` over resamples of `values` (n,) or (n, columns), by rows.

    None when there are fewer than two values or the figure is undefined on more than half of the resamples.

    >>> got = interval(lambda x: float(x.mean()), [1.0] * 10, draw=circular(2), rng=np.random.default_rng(0))
    >>> got.low, got.high
    (1.0, 1.0)
    """
    rows = floats("values", values, ANY)
    if resamples < 1 or not 0.0 < level < 1.0:
        raise ValueError(f"resamples must be at least 1 and level in (0, 1), got {resamples!r}, {level!r}")
    n = rows.shape[0] if rows.ndim else 0
    if n < 2:
        return None
    found = [figure(rows[draw(n, rng)]) for _ in range(resamples)]
    defined = np.array([x for x in found if x is not None], dtype=np.float64)
    if 2 * defined.size < resamples:
        return None
    low, high = np.quantile(defined, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    return Interval(float(low), float(high), level, resamples, resamples - int(defined.size))
