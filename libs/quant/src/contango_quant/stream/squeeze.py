"""Squeeze after Carter: the Bollinger bands lie inside the Keltner channel.

    ratio = k·σ/(m·ATR),   is_squeezed = 1 when ratio < 1, else 0

Bands mean ± k·σ and channel mean ± m·ATR share their middle, the mean of the last `window` closes, so "inside" is
one comparison of the two half widths. σ has divisor n, as in `bollinger`; ATR is Wilder's. Where nothing moves at
all (ATR = 0) neither is defined (nan).

References:
    [1] J. F. Carter, "Mastering the Trade", 2nd ed. 2012, chapter 11.

>>> from contango_quant.stream import kernel, squeeze
>>> stream = kernel.Stream(squeeze, squeeze.Params(window=2))
>>> [stream.update(*bar) for bar in ((11.0, 9.0, 10.0), (11.0, 9.0, 10.5), (11.0, 9.0, 10.0))][-1]
(0.16666666666666666, 1.0)
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import atr, kernel, rolling_moments

INPUTS = ("high", "low", "close")
OUTPUTS = ("ratio", "is_squeezed")


@dataclass(frozen=True, slots=True)
class Params:
    """window: closes and true ranges; k: standard deviations to the bands; m: ATRs to the channel."""

    window: int = 20
    k: float = 2.0
    m: float = 1.5

    def __post_init__(self) -> None:
        kernel.check_window(self.window, least=2)
        for name in ("k", "m"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be finite and above 0, got {getattr(self, name)!r}")


def WARM_UP(params: Params) -> int:
    """`window` true ranges need one bar more."""
    return params.window + 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The states of the closes' moments and of ATR."""
    moments = rolling_moments.state_dtype(rolling_moments.Params(params.window))
    parts = [("moments", moments, (1,)), ("atr", atr.state_dtype(atr.Params()), (1,))]
    return np.dtype([*kernel.HEADER, ("k", "<f8"), ("m", "<f8"), *parts])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    state = kernel.new_state(state_dtype(params), k=params.k, m=params.m)
    state["moments"] = rolling_moments.init(rolling_moments.Params(params.window))
    state["atr"] = atr.init(atr.Params(params.window))
    return state


@njit(cache=True)
def step(state, high, low, close):  # type: ignore[no-untyped-def]
    """Take one bar; (ratio, is_squeezed), nan where not defined."""
    s = state[0]
    if not atr.bar_is_good(high, low, close):
        s.rejected += 1
        return math.nan, math.nan
    s.count += 1
    _, variance, _ = rolling_moments.step(s.moments, close)
    range_mean = atr.step(s.atr, high, low, close)
    if not range_mean > 0.0:
        return math.nan, math.nan
    ratio = s.k * math.sqrt(variance) / (s.m * range_mean)
    return ratio, 1.0 if ratio < 1.0 else 0.0


@njit(cache=True)
def batch(state, high, low, close, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n, 2)."""
    for i in range(close.shape[0]):
        out[i, 0], out[i, 1] = step(state, high[i], low[i], close[i])
