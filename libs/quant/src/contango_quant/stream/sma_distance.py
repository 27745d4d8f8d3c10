"""Distance of the close from its simple moving average, as a share of the average: close/SMA − 1.

The average holds the newest close too. 0.02 = 2 % above.

>>> from contango_quant.stream import kernel, sma_distance
>>> stream = kernel.Stream(sma_distance, sma_distance.Params(window=2))
>>> [stream.update(x) for x in (6.0, 10.0)]
[None, 0.25]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel, sma

INPUTS = ("close",)
OUTPUTS = ("sma_distance",)


@dataclass(frozen=True, slots=True)
class Params:
    """window: closes averaged."""

    window: int = 20

    def __post_init__(self) -> None:
        kernel.check_window(self.window)


def WARM_UP(params: Params) -> int:
    """`window` closes."""
    return params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The average's state."""
    return np.dtype([*kernel.HEADER, ("sma", sma.state_dtype(sma.Params(params.window)), (1,))])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    state = kernel.new_state(state_dtype(params))
    state["sma"] = sma.init(sma.Params(params.window))
    return state


@njit(cache=True)
def step(state, close):  # type: ignore[no-untyped-def]
    """Take one close, above 0; the distance, or nan."""
    s = state[0]
    if not 0.0 < close < math.inf:
        s.rejected += 1
        return math.nan
    s.count += 1
    mean = sma.step(s.sma, close)
    return (close - mean) / mean


@njit(cache=True)
def batch(state, close, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `close` (n,) into `out` (n,)."""
    for i in range(close.shape[0]):
        out[i] = step(state, close[i])
