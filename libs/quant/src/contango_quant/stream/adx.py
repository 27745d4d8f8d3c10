"""Directional movement after Wilder: ADX, +DI and −DI, each in [0, 100].

True range, +DM and −DM are Wilder sums (S −= S/window; S += new) begun with the sum of the first `window`
values; DI = 100·DM/TR; DX = 100·|+DI − −DI|/(+DI + −DI); ADX begins with the mean of the first `window` DX
and goes on with factor 1/window. No range at all means DI = 0, and no directional movement means DX = 0:
both are what the words say, not a stand-in.

References:
    [1] J. W. Wilder, "New Concepts in Technical Trading Systems", 1978, section IV.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel
from contango_quant.stream.atr import bar_is_good, true_range

INPUTS = ("high", "low", "close")
OUTPUTS = ("adx", "plus_di", "minus_di")


@dataclass(frozen=True, slots=True)
class Params:
    """window: bars of each of the two smoothings."""

    window: int = 14

    def __post_init__(self) -> None:
        kernel.check_window(self.window)


def WARM_UP(params: Params) -> int:
    """2·window bars for ADX; the two DI are there after window + 1 already."""
    return 2 * params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Last bar, the three Wilder sums, and ADX, at first as running sum of DX."""
    names = ("high", "low", "close", "tr", "plus_dm", "minus_dm", "adx")
    return np.dtype([*kernel.HEADER, ("window", "<i8"), *((name, "<f8") for name in names)])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window)


@njit(cache=True)
def step(state, high, low, close):  # type: ignore[no-untyped-def]
    """Take one bar; (ADX, +DI, −DI), each nan until it is defined."""
    s = state[0]
    if not bar_is_good(high, low, close):
        s.rejected += 1
        return math.nan, math.nan, math.nan
    up, down = high - s.high, s.low - low
    tr = true_range(high, low, s.close)
    s.high, s.low, s.close = high, low, close
    s.count += 1
    if s.count == 1:
        return math.nan, math.nan, math.nan
    keep = 1.0 - 1.0 / s.window if s.count > s.window + 1 else 1.0
    s.tr = s.tr * keep + tr
    s.plus_dm = s.plus_dm * keep + (up if up > down and up > 0.0 else 0.0)
    s.minus_dm = s.minus_dm * keep + (down if down > up and down > 0.0 else 0.0)
    if s.count <= s.window:
        return math.nan, math.nan, math.nan
    plus_di = 100.0 * s.plus_dm / s.tr if s.tr > 0.0 else 0.0
    minus_di = 100.0 * s.minus_dm / s.tr if s.tr > 0.0 else 0.0
    return _smooth(s, _dx(plus_di, minus_di)), plus_di, minus_di


@njit(cache=True)
def _dx(plus_di, minus_di):  # type: ignore[no-untyped-def]
    total = plus_di + minus_di
    return 100.0 * abs(plus_di - minus_di) / total if total > 0.0 else 0.0


@njit(cache=True)
def _smooth(s, dx):  # type: ignore[no-untyped-def]
    if s.count > 2 * s.window:
        s.adx = (s.adx * (s.window - 1) + dx) / s.window
        return s.adx
    s.adx += dx
    if s.count < 2 * s.window:
        return math.nan
    s.adx /= s.window
    return s.adx


@njit(cache=True)
def batch(state, high, low, close, out):  # type: ignore[no-untyped-def]
    """`step` for every bar of the columns (n,) into `out` (n, 3)."""
    for i in range(close.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = step(state, high[i], low[i], close[i])
