"""Realised volatility, close to close: the standard deviation (n − 1) of the last `window` log returns,
annualised by the caller's number of periods per year.

The two passes over the window cost O(window) per sample and cannot drift.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("close",)
OUTPUTS = ("realised_vol_annual",)


@dataclass(frozen=True, slots=True)
class Params:
    """window: returns, at least 2; periods_per_year: samples a year holds (252 for daily closes)."""

    window: int
    periods_per_year: float

    def __post_init__(self) -> None:
        kernel.check_window(self.window, least=2)
        if not (math.isfinite(self.periods_per_year) and self.periods_per_year > 0.0):
            raise ValueError(f"periods_per_year must be finite and above 0, got {self.periods_per_year!r}")


def WARM_UP(params: Params) -> int:
    """`window` returns need one close more."""
    return params.window + 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Last close and a ring of returns."""
    ring = ("returns", "<f8", (kernel.capacity(params.window),))
    return np.dtype([*kernel.HEADER, ("window", "<i8"), ("periods_per_year", "<f8"), ("last", "<f8"), ring])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    dtype = state_dtype(params)
    return kernel.new_state(dtype, window=params.window, periods_per_year=params.periods_per_year)


@njit(cache=True)
def step(state, close):  # type: ignore[no-untyped-def]
    """Take one close, above 0; the annual volatility (0.20 = 20 %), or nan."""
    s = state[0]
    if not (math.isfinite(close) and close > 0.0):
        s.rejected += 1
        return math.nan
    s.count += 1
    if s.count > 1:
        s.returns[(s.count - 2) % s.window] = math.log(close / s.last)
    s.last = close
    if s.count <= s.window:
        return math.nan
    return math.sqrt(_variance(s.returns, s.window) * s.periods_per_year)


@njit(cache=True)
def _variance(values, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(n):
        total += values[i]
    mean, squares = total / n, 0.0
    for i in range(n):
        squares += (values[i] - mean) ** 2
    return squares / (n - 1)


@njit(cache=True)
def batch(state, close, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `close` (n,) into `out` (n,)."""
    for i in range(close.shape[0]):
        out[i] = step(state, close[i])
