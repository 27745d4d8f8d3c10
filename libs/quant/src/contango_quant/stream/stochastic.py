"""Slow stochastic oscillator after Lane: where the close stands in the range of the last bars, in [0, 100].

    raw = 100·(close − lowest low)/(highest high − lowest low) of `window` bars
    k = mean of the last `k_window` raw values,   d = mean of the last `d_window` k

k_window = 1 gives the fast oscillator. Where the bars had no range, raw is not defined, and neither are the means
that would need it (nan); TA-Lib puts 0 there.

References:
    [1] G. C. Lane, "Lane's Stochastics", Technical Analysis of Stocks & Commodities 2 (1984) 87-90.

>>> from contango_quant.stream import kernel, stochastic
>>> stream = kernel.Stream(stochastic, stochastic.Params(window=2, k_window=1, d_window=2))
>>> [stream.update(*bar) for bar in ((2.0, 0.0, 1.0), (4.0, 2.0, 3.0), (4.0, 3.0, 3.0))][-1]
(50.0, 62.5)
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel, window

INPUTS = ("high", "low", "close")
OUTPUTS = ("k", "d")


@dataclass(frozen=True, slots=True)
class Params:
    """window: bars of the range; k_window, d_window: values averaged."""

    window: int = 14
    k_window: int = 3
    d_window: int = 3

    def __post_init__(self) -> None:
        for count in (self.window, self.k_window, self.d_window):
            kernel.check_window(count)


def WARM_UP(params: Params) -> int:
    """`window` bars for the first raw value, then both means; k and d begin together."""
    return params.window + params.k_window + params.d_window - 2


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Rings of highs, lows, raw values and k."""
    windows = [(name, "<i8") for name in ("window", "k_window", "d_window")]
    sizes = (params.window, params.window, params.k_window, params.d_window)
    rings = [
        (name, "<f8", (kernel.capacity(n),)) for name, n in zip(("highs", "lows", "raws", "ks"), sizes, strict=True)
    ]
    return np.dtype([*kernel.HEADER, *windows, *rings])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    dtype = state_dtype(params)
    return kernel.new_state(dtype, window=params.window, k_window=params.k_window, d_window=params.d_window)


@njit(cache=True)
def step(state, high, low, close):  # type: ignore[no-untyped-def]
    """Take one bar with low ≤ close ≤ high; (k, d), nan where not defined."""
    s = state[0]
    if not -math.inf < low <= close <= high < math.inf:
        s.rejected += 1
        return math.nan, math.nan
    at = s.count % s.window
    s.highs[at], s.lows[at] = high, low
    s.count += 1
    if s.count < s.window:
        return math.nan, math.nan
    lowest, _ = window.lowest_highest(s.lows, s.window)
    _, highest = window.lowest_highest(s.highs, s.window)
    return smooth(s, s.count - s.window, place(close, lowest, highest))


@njit(cache=True)
def place(x, lowest, highest):  # type: ignore[no-untyped-def]
    """100·(x − lowest)/(highest − lowest); nan without a range.

    >>> place(3.0, 2.0, 4.0)
    50.0
    """
    return 100.0 * ((x - lowest) / (highest - lowest)) if highest > lowest else math.nan


@njit(cache=True)
def smooth(s, i, raw):  # type: ignore[no-untyped-def]
    """(k, d) after raw value number i, from 0; nan until both are there."""
    s.raws[i % s.k_window] = raw
    if i + 1 < s.k_window:
        return math.nan, math.nan
    j, k = i + 1 - s.k_window, window.mean(s.raws, s.k_window)
    s.ks[j % s.d_window] = k
    if j + 1 < s.d_window:
        return math.nan, math.nan
    return k, window.mean(s.ks, s.d_window)


@njit(cache=True)
def batch(state, high, low, close, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n, 2)."""
    for i in range(close.shape[0]):
        out[i, 0], out[i, 1] = step(state, high[i], low[i], close[i])
