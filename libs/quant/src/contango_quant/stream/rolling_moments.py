"""Mean and variance of the last `window` samples.

    mean = Σ x/n,   var_population = Σ (x − mean)²/n,   var_sample = Σ (x − mean)²/(n − 1)

The window is the current block plus the tail of the block before it, whose tails' moments were taken once; the two
are merged as in [1]: O(1) per sample, nothing is ever subtracted from a sum, an extreme value leaves without a trace.
Each part measures from a sample of its own (the block's first, the tail's last), so a level far from 0 costs no
digits, and equal samples have a variance of exactly 0. Differences below 1e-150 or above 1e150 leave the range of their
squares.

References:
    [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", The American
        Statistician 37 (1983) 242-247.

>>> from contango_quant.stream import kernel, rolling_moments
>>> stream = kernel.Stream(rolling_moments, rolling_moments.Params(window=2))
>>> [stream.update(x) for x in (1e17, 1.0, 3.0)][-1]
(2.0, 1.0, 2.0)
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("x",)
OUTPUTS = ("mean", "var_population", "var_sample")


@dataclass(frozen=True, slots=True)
class Params:
    """window: samples, at least 2."""

    window: int

    def __post_init__(self) -> None:
        kernel.check_window(self.window, least=2)


def WARM_UP(params: Params) -> int:
    """`window` samples."""
    return params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Current block with its mean (from its first sample) and squares; those of every tail of the previous block."""
    size = (kernel.capacity(params.window),)
    body = [("window", "<i8"), ("pos", "<i8"), ("mean", "<f8"), ("squares", "<f8"), ("last", "<f8")]
    arrays = [("block", "<f8", size), ("tail_mean", "<f8", size), ("tail_squares", "<f8", size)]
    return np.dtype([*kernel.HEADER, *body, *arrays])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window)


@njit(cache=True)
def step(state, x):  # type: ignore[no-untyped-def]
    """Take one sample; (mean, population variance, sample variance), or nan."""
    s = state[0]
    if not math.isfinite(x):
        s.rejected += 1
        return math.nan, math.nan, math.nan
    s.block[s.pos] = x
    s.pos += 1
    s.count += 1
    s.mean, s.squares = _add(s.mean, s.squares, x - s.block[0], s.pos)
    if s.pos == s.window:
        _turn(s)
        mean, squares = s.last + s.tail_mean[0], s.tail_squares[0]
    elif s.count < s.window:
        return math.nan, math.nan, math.nan
    else:
        mean, squares = _merge(s)
    return mean, squares / s.window, squares / (s.window - 1)


@njit(cache=True)
def _add(mean, squares, x, n):  # type: ignore[no-untyped-def]
    """(mean, sum of squared deviations) with `x` as n-th sample."""
    off = x - mean
    mean += off / n
    return mean, squares + off * (x - mean)


@njit(cache=True)
def _merge(s):  # type: ignore[no-untyped-def]
    """The current block with the tail of the previous one."""
    share = (s.window - s.pos) / s.window  # the tail's
    gap = (s.block[0] - s.last) + (s.mean - s.tail_mean[s.pos])
    squares = s.squares + s.tail_squares[s.pos] + gap * gap * share * s.pos
    return s.block[0] + (s.mean - gap * share), squares


@njit(cache=True)
def _turn(s):  # type: ignore[no-untyped-def]
    """The full block becomes the previous one: keep the moments of its tails, measured from its last sample."""
    s.last = s.block[s.window - 1]
    mean, squares = 0.0, 0.0
    for i in range(s.window - 1, -1, -1):
        mean, squares = _add(mean, squares, s.block[i] - s.last, s.window - i)
        s.tail_mean[i], s.tail_squares[i] = mean, squares
    s.pos, s.mean, s.squares = 0, 0.0, 0.0


@njit(cache=True)
def batch(state, x, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `x` (n,) into `out` (n, 3)."""
    for i in range(x.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = step(state, x[i])
