"""Quantile of the last `window` samples, linear between order statistics.

    h = (n − 1)·level,   quantile = x_(⌊h⌋) + (h − ⌊h⌋)·(x_(⌊h⌋+1) − x_(⌊h⌋)),   x_(0) ≤ x_(1) ≤ …

This is definition 7 of [1], numpy's default; level 0.5 is the median. A sorted copy of the window is kept: a search
and one move, O(window), per sample. Where a value stands in its window is `rank`.

References:
    [1] R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996)
        361-365.

>>> from contango_quant.stream import kernel, rolling_quantile
>>> stream = kernel.Stream(rolling_quantile, rolling_quantile.Params(window=3, level=0.5))
>>> [stream.update(x) for x in (5.0, 1.0, 2.0, 9.0)]
[None, None, 2.0, 2.0]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("x",)
OUTPUTS = ("quantile",)


@dataclass(frozen=True, slots=True)
class Params:
    """window: samples; level: probability below the quantile, from 0 to 1."""

    window: int
    level: float

    def __post_init__(self) -> None:
        kernel.check_window(self.window)
        if not 0.0 <= self.level <= 1.0:
            raise ValueError(f"level must be from 0 to 1, got {self.level!r}")


def WARM_UP(params: Params) -> int:
    """`window` samples."""
    return params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The samples in order of time (a ring) and of size."""
    size = (kernel.capacity(params.window),)
    body = [("window", "<i8"), ("level", "<f8"), ("ring", "<f8", size), ("ordered", "<f8", size)]
    return np.dtype([*kernel.HEADER, *body])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window, level=params.level)


@njit(cache=True)
def step(state, x):  # type: ignore[no-untyped-def]
    """Take one sample; the quantile, or nan."""
    s = state[0]
    if not math.isfinite(x):
        s.rejected += 1
        return math.nan
    at, n = s.count % s.window, min(s.count, s.window)
    if n == s.window:
        n = _take_out(s.ordered, n, s.ring[at])
    s.ring[at] = x
    n = _put_in(s.ordered, n, x)
    s.count += 1
    if n < s.window:
        return math.nan
    return _between(s.ordered, n, (n - 1) * s.level)


@njit(cache=True)
def _between(ordered, n, h):  # type: ignore[no-untyped-def]
    i = min(int(h), n - 1)
    part, below, above = h - i, ordered[i], ordered[min(i + 1, n - 1)]
    if part == 0.0 or below == above:
        return below
    return below * (1.0 - part) + above * part  # weights, for the gap of two finite values may be infinite


@njit(cache=True)
def _first_not_below(ordered, n, x):  # type: ignore[no-untyped-def]
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True)
def _take_out(ordered, n, x):  # type: ignore[no-untyped-def]
    for i in range(_first_not_below(ordered, n, x), n - 1):
        ordered[i] = ordered[i + 1]
    return n - 1


@njit(cache=True)
def _put_in(ordered, n, x):  # type: ignore[no-untyped-def]
    place = _first_not_below(ordered, n, x)
    for i in range(n, place, -1):
        ordered[i] = ordered[i - 1]
    ordered[place] = x
    return n + 1


@njit(cache=True)
def batch(state, x, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `x` (n,) into `out` (n,)."""
    for i in range(x.shape[0]):
        out[i] = step(state, x[i])
