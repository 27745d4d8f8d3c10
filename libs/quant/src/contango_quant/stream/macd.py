"""Moving average convergence/divergence: two exponential averages of the close, and how their gap moves.

    macd = EMA(close, fast) − EMA(close, slow),   signal = EMA(macd, signal),   histogram = macd − signal

Each average begins with the plain mean of its own first values. TA-Lib begins the fast one with the `fast` closes
before its slow one is ready; the two differ at first, by an amount that fades with 1 − 2/(fast + 1) a bar.

References:
    [1] G. Appel, "Technical Analysis: Power Tools for Active Investors", 2005, chapter 8.

>>> from contango_quant.stream import kernel, macd
>>> stream = kernel.Stream(macd, macd.Params(fast=1, slow=2, signal=2))
>>> [stream.update(x) for x in (1.0, 2.0, 4.0)][-1]
(0.8333333333333335, 0.6666666666666667, 0.16666666666666674)
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import ema, kernel

INPUTS = ("close",)
OUTPUTS = ("macd", "signal", "histogram")


@dataclass(frozen=True, slots=True)
class Params:
    """fast, slow: samples of the two averages, fast < slow; signal: samples of the average of their gap."""

    fast: int = 12
    slow: int = 26
    signal: int = 9

    def __post_init__(self) -> None:
        for count in (self.fast, self.slow, self.signal):
            kernel.check_window(count)
        if self.fast >= self.slow:
            raise ValueError(f"fast must be below slow {self.slow}, got {self.fast!r}")


def WARM_UP(params: Params) -> int:
    """`slow` closes, and `signal` − 1 more for the signal; all three values begin together."""
    return params.slow + params.signal - 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The three averages."""
    parts = [(name, ema.state_dtype(ema.Params(1)), (1,)) for name in ("fast", "slow", "signal")]
    return np.dtype([*kernel.HEADER, *parts])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    state = kernel.new_state(state_dtype(params))
    for name in ("fast", "slow", "signal"):
        state[name] = ema.init(ema.Params(getattr(params, name)))
    return state


@njit(cache=True)
def step(state, close):  # type: ignore[no-untyped-def]
    """Take one close; (macd, signal, histogram), or three nan."""
    s = state[0]
    if not math.isfinite(close):
        s.rejected += 1
        return math.nan, math.nan, math.nan
    s.count += 1
    gap = ema.step(s.fast, close) - ema.step(s.slow, close)
    if gap != gap:
        return math.nan, math.nan, math.nan
    signal = ema.step(s.signal, gap)
    return (gap if signal == signal else math.nan), signal, gap - signal


@njit(cache=True)
def batch(state, close, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `close` (n,) into `out` (n, 3)."""
    for i in range(close.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = step(state, close[i])
