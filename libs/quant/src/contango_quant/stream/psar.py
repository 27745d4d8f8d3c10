"""Parabolic stop and reverse after Wilder: a stop that follows the trend faster the longer it lasts.

    next stop = stop + af·(extreme − stop),   af = rate at first, + rate at each new extreme, at most max_rate

The stop never enters the range of the last two bars. A bar that touches it turns the trend: the stop jumps to the
extreme of the trend that ended. The first trend, which [1] leaves open, is down when the second bar's directional
movement is, else up, and its stop starts at the first bar's far end (as TA-Lib does).

References:
    [1] J. W. Wilder, "New Concepts in Technical Trading Systems", 1978, section II.

>>> from contango_quant.stream import kernel, psar
>>> stream = kernel.Stream(psar, psar.Params())
>>> [stream.update(*bar) for bar in ((11.0, 10.0), (13.0, 12.0), (12.0, 9.0))]
[(None, None), (10.0, 1.0), (13.0, 0.0)]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("high", "low")
OUTPUTS = ("psar", "is_up")


@dataclass(frozen=True, slots=True)
class Params:
    """rate: acceleration at first and per new extreme; max_rate: its ceiling, at most 1."""

    rate: float = 0.02
    max_rate: float = 0.2

    def __post_init__(self) -> None:
        if not 0.0 < self.rate <= self.max_rate <= 1.0:
            raise ValueError(f"rates must be 0 < rate <= max_rate <= 1, got {self.rate!r} and {self.max_rate!r}")


def WARM_UP(params: Params) -> int:
    """Two bars."""
    return 2


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Last bar, the stop for the next one, the trend's extreme, acceleration and direction."""
    names = ("rate", "max_rate", "high", "low", "psar", "extreme", "af")
    return np.dtype([*kernel.HEADER, *((name, "<f8") for name in names), ("is_up", "<i8")])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), rate=params.rate, max_rate=params.max_rate)


@njit(cache=True)
def step(state, high, low):  # type: ignore[no-untyped-def]
    """Take one bar; (stop that held during it or to which it turned, 1.0 in an up-trend else 0.0), or nan."""
    s = state[0]
    if not -math.inf < low <= high < math.inf:
        s.rejected += 1
        return math.nan, math.nan
    s.count += 1
    if s.count == 1:
        s.high, s.low = high, low
        return math.nan, math.nan
    if s.count == 2:
        _begin(s, high, low)
    if (low <= s.psar) if s.is_up else (high >= s.psar):
        _turn(s, high, low)
    elif (high > s.extreme) if s.is_up else (low < s.extreme):
        s.extreme = high if s.is_up else low
        s.af = min(s.af + s.rate, s.max_rate)
    stop, is_up = s.psar, float(s.is_up)
    s.psar = _outside(s, stop + s.af * (s.extreme - stop), high, low)
    s.high, s.low = high, low
    return stop, is_up


@njit(cache=True)
def _begin(s, high, low):  # type: ignore[no-untyped-def]
    down = s.low - low
    s.is_up = 0 if down > 0.0 and down > high - s.high else 1
    s.psar, s.extreme = (s.low, high) if s.is_up else (s.high, low)
    s.high, s.low, s.af = high, low, s.rate  # the stop may enter the first bar: it lies at its end


@njit(cache=True)
def _turn(s, high, low):  # type: ignore[no-untyped-def]
    s.is_up = 1 - s.is_up
    s.psar = _outside(s, s.extreme, high, low)
    s.extreme = high if s.is_up else low
    s.af = s.rate


@njit(cache=True)
def _outside(s, stop, high, low):  # type: ignore[no-untyped-def]
    if s.is_up:
        return min(stop, s.low, low)
    return max(stop, s.high, high)


@njit(cache=True)
def batch(state, high, low, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n, 2)."""
    for i in range(low.shape[0]):
        out[i, 0], out[i, 1] = step(state, high[i], low[i])
