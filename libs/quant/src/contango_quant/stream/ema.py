"""Exponential moving average: e += 2/(window + 1)·(x − e), begun with the mean of the first `window`."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("x",)
OUTPUTS = ("ema",)


@dataclass(frozen=True, slots=True)
class Params:
    """window: samples; the smoothing factor is 2/(window + 1)."""

    window: int

    def __post_init__(self) -> None:
        kernel.check_window(self.window)


def WARM_UP(params: Params) -> int:
    """`window` samples."""
    return params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The mean so far, at first as running sum."""
    return np.dtype([*kernel.HEADER, ("window", "<i8"), ("mean", "<f8")])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window)


@njit(cache=True)
def step(state, x):  # type: ignore[no-untyped-def]
    """Take one sample; the average, or nan."""
    s = state[0]
    if not math.isfinite(x):
        s.rejected += 1
        return math.nan
    s.count += 1
    if s.count <= s.window:
        s.mean += x
        if s.count < s.window:
            return math.nan
        s.mean /= s.window
    else:
        s.mean += 2.0 / (s.window + 1.0) * (x - s.mean)
    return s.mean


@njit(cache=True)
def batch(state, x, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `x` (n,) into `out` (n,)."""
    for i in range(x.shape[0]):
        out[i] = step(state, x[i])
