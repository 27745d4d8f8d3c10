"""Stochastic RSI: where Wilder's RSI stands in the range of its own last values, in [0, 100].

    raw = 100·(RSI − lowest RSI)/(highest RSI − lowest RSI) of `window` values; k, d: means as in `stochastic`

k_window = 1 is TA-Lib's STOCHRSI. Where RSI is not defined or has no range, raw is not defined, and neither are the
means that would need it (nan). Closes that stand still leave RSI where it is but for its last digits, so a range
below 1e-9 points counts as none.

References:
    [1] T. S. Chande, S. Kroll, "The New Technical Trader", 1994.

>>> from contango_quant.stream import kernel, stoch_rsi
>>> stream = kernel.Stream(stoch_rsi, stoch_rsi.Params(rsi_window=1, window=2, k_window=1, d_window=2))
>>> [stream.update(x) for x in (1.0, 2.0, 1.0, 2.0)][-1]
(100.0, 50.0)
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel, rsi, window
from contango_quant.stream.stochastic import place, smooth

INPUTS = ("close",)
OUTPUTS = ("k", "d")
LEAST_RANGE = 1e-9  # points of RSI; its rounding is near 1e-13


@dataclass(frozen=True, slots=True)
class Params:
    """rsi_window: changes in RSI; window: RSI values of the range; k_window, d_window: values averaged."""

    rsi_window: int = 14
    window: int = 14
    k_window: int = 3
    d_window: int = 3

    def __post_init__(self) -> None:
        for count in (self.rsi_window, self.window, self.k_window, self.d_window):
            kernel.check_window(count)


def WARM_UP(params: Params) -> int:
    """`rsi_window` closes before the first RSI, then `window` of those, then both means."""
    return params.rsi_window + params.window + params.k_window + params.d_window - 2


def state_dtype(params: Params) -> np.dtype[np.void]:
    """RSI's state, and rings of RSI, raw values and k."""
    windows = [(name, "<i8") for name in ("rsi_window", "window", "k_window", "d_window")]
    sizes = (params.window, params.k_window, params.d_window)
    rings = [(name, "<f8", (kernel.capacity(n),)) for name, n in zip(("rsis", "raws", "ks"), sizes, strict=True)]
    return np.dtype([*kernel.HEADER, *windows, *rings, ("rsi", rsi.state_dtype(rsi.Params()), (1,))])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    state = kernel.new_state(state_dtype(params))
    for name in ("rsi_window", "window", "k_window", "d_window"):
        state[name] = getattr(params, name)
    state["rsi"] = rsi.init(rsi.Params(params.rsi_window))
    return state


@njit(cache=True)
def step(state, close):  # type: ignore[no-untyped-def]
    """Take one close; (k, d), nan where not defined."""
    s = state[0]
    if not math.isfinite(close):
        s.rejected += 1
        return math.nan, math.nan
    s.count += 1
    index = rsi.step(s.rsi, close)
    i = s.count - 1 - s.rsi_window
    if i < 0:
        return math.nan, math.nan
    s.rsis[i % s.window] = index
    if i + 1 < s.window:
        return math.nan, math.nan
    lowest, highest = window.lowest_highest(s.rsis, s.window)
    raw = place(index, lowest, highest) if highest - lowest > LEAST_RANGE else math.nan
    return smooth(s, i + 1 - s.window, raw)


@njit(cache=True)
def batch(state, close, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `close` (n,) into `out` (n, 2)."""
    for i in range(close.shape[0]):
        out[i, 0], out[i, 1] = step(state, close[i])
