"""Relative strength index after Wilder: 100·gain/(gain + loss), in [0, 100].

gain and loss are Wilder means (factor 1/window) of the upward and downward changes, begun with the plain
mean of the first `window` changes. Where nothing has moved at all, gain + loss = 0: the index is not
defined and nan is returned.

References:
    [1] J. W. Wilder, "New Concepts in Technical Trading Systems", 1978, section VI.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("close",)
OUTPUTS = ("rsi",)


@dataclass(frozen=True, slots=True)
class Params:
    """window: changes that are averaged."""

    window: int = 14

    def __post_init__(self) -> None:
        kernel.check_window(self.window)


def WARM_UP(params: Params) -> int:
    """`window` changes need one sample more."""
    return params.window + 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Last sample and the two means, at first as running sums."""
    return np.dtype([*kernel.HEADER, ("window", "<i8"), ("last", "<f8"), ("gain", "<f8"), ("loss", "<f8")])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window)


@njit(cache=True)
def step(state, close):  # type: ignore[no-untyped-def]
    """Take one sample; the index, or nan."""
    s = state[0]
    if not math.isfinite(close):
        s.rejected += 1
        return math.nan
    change = close - s.last
    s.last = close
    s.count += 1
    if s.count == 1:
        return math.nan
    up, down = max(change, 0.0), max(-change, 0.0)
    if s.count > s.window + 1:
        s.gain = (s.gain * (s.window - 1) + up) / s.window
        s.loss = (s.loss * (s.window - 1) + down) / s.window
    else:
        s.gain += up
        s.loss += down
        if s.count <= s.window:
            return math.nan
        s.gain /= s.window
        s.loss /= s.window
    moved = s.gain + s.loss
    return 100.0 * s.gain / moved if moved > 0.0 else math.nan


@njit(cache=True)
def batch(state, close, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `close` (n,) into `out` (n,)."""
    for i in range(close.shape[0]):
        out[i] = step(state, close[i])
