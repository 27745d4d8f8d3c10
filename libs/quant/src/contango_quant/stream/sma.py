"""Simple moving average of the last `window` samples.

The window is the current block plus the tail of the block before it, whose suffix sums were taken once:
O(1) per sample, and nothing is ever subtracted, so no error accumulates and an extreme value leaves
without a trace.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("x",)
OUTPUTS = ("sma",)


@dataclass(frozen=True, slots=True)
class Params:
    """window: samples averaged."""

    window: int

    def __post_init__(self) -> None:
        kernel.check_window(self.window)


def WARM_UP(params: Params) -> int:
    """`window` samples."""
    return params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Current block, suffix sums of the previous block, and where we stand."""
    size = (kernel.capacity(params.window),)
    body = [
        ("window", "<i8"),
        ("pos", "<i8"),
        ("front", "<f8"),
        ("block", "<f8", size),
        ("suffix", "<f8", size),
    ]
    return np.dtype([*kernel.HEADER, *body])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window)


@njit(cache=True)
def step(state, x):  # type: ignore[no-untyped-def]
    """Take one sample; the mean of the last `window`, or nan."""
    s = state[0]
    if not math.isfinite(x):
        s.rejected += 1
        return math.nan
    s.block[s.pos] = x
    s.front += x
    s.pos += 1
    s.count += 1
    if s.pos == s.window:
        _turn(s)
        return s.suffix[0] / s.window
    if s.count < s.window:
        return math.nan
    return (s.front + s.suffix[s.pos]) / s.window


@njit(cache=True)
def _turn(s):  # type: ignore[no-untyped-def]
    """The full block becomes the previous one: keep the sums of its tails."""
    total = 0.0
    for i in range(s.window - 1, -1, -1):
        total += s.block[i]
        s.suffix[i] = total
    s.pos = 0
    s.front = 0.0


@njit(cache=True)
def batch(state, x, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `x` (n,) into `out` (n,)."""
    for i in range(x.shape[0]):
        out[i] = step(state, x[i])
