"""Rank and percentile of a volatility within its own recent history, both in [0, 100].

Over the last `window` samples, the newest included:
    rank        100·(x − lowest)/(highest − lowest): where it stands in the range
    percentile  100·(how many of the others are strictly below)/(number of the others)

Too little history is not ready: fewer than `min_count` samples give nan. Where all samples are equal the
range is 0 and the rank is not defined (nan); the percentile is 0, for nothing is below.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("iv_annual",)
OUTPUTS = ("iv_rank", "iv_percentile")


@dataclass(frozen=True, slots=True)
class Params:
    """window: samples looked at; min_count: samples needed, from 2 to window (window when None)."""

    window: int = 252
    min_count: int | None = None

    def __post_init__(self) -> None:
        kernel.check_window(self.window, least=2)
        if self.min_count is not None and not 2 <= self.min_count <= self.window:
            raise ValueError(f"min_count must be from 2 to window {self.window}, got {self.min_count!r}")


def WARM_UP(params: Params) -> int:
    """`min_count` samples."""
    return params.window if params.min_count is None else params.min_count


def state_dtype(params: Params) -> np.dtype[np.void]:
    """A ring of samples."""
    ring = ("ring", "<f8", (kernel.capacity(params.window),))
    return np.dtype([*kernel.HEADER, ("window", "<i8"), ("min_count", "<i8"), ring])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window, min_count=WARM_UP(params))


@njit(cache=True)
def step(state, iv_annual):  # type: ignore[no-untyped-def]
    """Take one volatility; (rank, percentile), nan where not defined."""
    s = state[0]
    if not math.isfinite(iv_annual):
        s.rejected += 1
        return math.nan, math.nan
    s.ring[s.count % s.window] = iv_annual
    s.count += 1
    if s.count < s.min_count:
        return math.nan, math.nan
    return _place(s.ring, min(s.count, s.window), iv_annual)


@njit(cache=True)
def _place(ring, n, x):  # type: ignore[no-untyped-def]
    lowest, highest, below = x, x, 0
    for i in range(n):
        lowest = min(lowest, ring[i])
        highest = max(highest, ring[i])
        below += ring[i] < x
    rank = 100.0 * (x - lowest) / (highest - lowest) if highest > lowest else math.nan
    return rank, 100.0 * below / (n - 1)


@njit(cache=True)
def batch(state, iv_annual, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `iv_annual` (n,) into `out` (n, 2)."""
    for i in range(iv_annual.shape[0]):
        out[i, 0], out[i, 1] = step(state, iv_annual[i])
