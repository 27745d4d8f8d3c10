"""Average true range after Wilder, in price units.

The true range needs the close before, so the first bar gives none; the average begins with the plain mean
of the first `window` true ranges and goes on with factor 1/window.

References:
    [1] J. W. Wilder, "New Concepts in Technical Trading Systems", 1978, section III.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("high", "low", "close")
OUTPUTS = ("atr",)


@dataclass(frozen=True, slots=True)
class Params:
    """window: true ranges that are averaged."""

    window: int = 14

    def __post_init__(self) -> None:
        kernel.check_window(self.window)


def WARM_UP(params: Params) -> int:
    """`window` true ranges need one bar more."""
    return params.window + 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Last close and the average, at first as running sum."""
    return np.dtype([*kernel.HEADER, ("window", "<i8"), ("last", "<f8"), ("atr", "<f8")])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window)


@njit(cache=True)
def true_range(high, low, last_close):  # type: ignore[no-untyped-def]
    """The bar's range, widened to the close before it.

    >>> true_range(12.0, 11.0, 9.0)
    3.0
    """
    return max(high, last_close) - min(low, last_close)


@njit(cache=True)
def bar_is_good(high, low, close):  # type: ignore[no-untyped-def]
    """Whether all three are finite and the high is not below the low."""
    return math.isfinite(high) and math.isfinite(low) and math.isfinite(close) and high >= low


@njit(cache=True)
def step(state, high, low, close):  # type: ignore[no-untyped-def]
    """Take one bar; the average true range, or nan."""
    s = state[0]
    if not bar_is_good(high, low, close):
        s.rejected += 1
        return math.nan
    tr = true_range(high, low, s.last)
    s.last = close
    s.count += 1
    if s.count == 1:
        return math.nan
    if s.count > s.window + 1:
        s.atr = (s.atr * (s.window - 1) + tr) / s.window
        return s.atr
    s.atr += tr
    if s.count <= s.window:
        return math.nan
    s.atr /= s.window
    return s.atr


@njit(cache=True)
def batch(state, high, low, close, out):  # type: ignore[no-untyped-def]
    """`step` for every bar of the columns (n,) into `out` (n,)."""
    for i in range(close.shape[0]):
        out[i] = step(state, high[i], low[i], close[i])
