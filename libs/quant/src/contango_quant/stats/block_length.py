"""Block length for a block bootstrap of a mean, chosen by the data.

The mean squared error of the bootstrap's variance is least for blocks of

    b = (2 G²/D)^(1/3) n^(1/3),   G = Σ_k |k| λ(k/M) R_k,   D = 2 g² (stationary) or 4/3 g² (circular),
    g = Σ_k λ(k/M) R_k

with R the autocovariances and λ the flat-top window: 1 up to ½, falling to 0 at 1. M is twice the first lag
from which 5 or more autocorrelations in a row are within 2 √(log₁₀ n/n) of 0. White noise gives blocks of about 1;
the cube root of n (`bootstrap.usual_block`) is the order, not the constant.

References:
    [1] D. N. Politis, H. White, "Automatic block-length selection for the dependent bootstrap", Econometric
        Reviews 23 (2004) 53-70.
    [2] A. Patton, D. N. Politis, H. White, correction to [1], Econometric Reviews 28 (2009) 372-375.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import Floats
from contango_quant.stats.lines import line, scaled

MIN_SAMPLES = 20


class BlockLength(NamedTuple):
    """Mean block of the stationary, block of the circular bootstrap: at least 1, at most 3√n and n/3."""

    stationary: float
    circular: float


def block_length(values: ArrayLike) -> BlockLength | None:
    """Best block lengths for values (n,) in order of time; None for fewer than 20 or no dispersion.

    >>> noise = np.random.default_rng(0).normal(size=1000)
    >>> runs = np.convolve(noise, np.ones(10), "valid")
    >>> block_length(noise).stationary < 5.0 < block_length(runs).stationary
    True
    """
    x, _ = scaled(line("values", values))
    if x.size < MIN_SAMPLES or bool((x == x[0]).all()):
        return None
    run = max(5, int(math.log10(x.size)))
    most = math.ceil(math.sqrt(x.size)) + run
    covariances = _autocovariances(x, most)
    if covariances[0] == 0.0:
        return None
    width = _bandwidth(covariances, run, most, x.size)
    lags = np.arange(1.0, width + 1.0)
    weighted = 2.0 * np.clip(2.0 * (1.0 - lags / width), 0.0, 1.0) * covariances[1 : width + 1]
    slope, level = float(lags @ weighted), float(covariances[0] + weighted.sum())
    longest = float(math.ceil(min(3.0 * math.sqrt(x.size), x.size / 3.0)))
    # No long-run variance at all (a differenced series): no block is too long.
    ratio = x.size * (slope / level) ** 2 if level != 0.0 else math.inf
    lengths = (ratio ** (1.0 / 3.0), (1.5 * ratio) ** (1.0 / 3.0))
    return BlockLength(*(min(max(b, 1.0), longest) for b in lengths))


def _autocovariances(x: Floats, most: int) -> Floats:
    deviations = x - x.mean()
    return np.array([float(deviations[k:] @ deviations[: x.size - k]) / x.size for k in range(most + 1)])


def _bandwidth(covariances: Floats, run: int, most: int, n: int) -> int:
    """Twice the lag where the first run of small autocorrelations begins; `most` when there is none."""
    small = np.abs(covariances[1:]) < 2.0 * math.sqrt(math.log10(n) / n) * covariances[0]
    runs = np.lib.stride_tricks.sliding_window_view(small, run).all(axis=1)
    if not runs.any():
        return most
    return min(2 * (int(np.argmax(runs)) + 1), most)
