"""Chaikin money flow: volume weighted by where each bar closed in its range, in [−1, 1].

    cmf = Σ flow/Σ volume over `window` bars,   flow = volume·((close − low) − (high − close))/(high − low)

A bar without range has moved money neither way: its flow is 0, its volume counts. Without any volume in the window
cmf is not defined (nan).

References:
    [1] S. B. Achelis, "Technical Analysis from A to Z", 2nd ed. 2000, "Chaikin Money Flow".

>>> from contango_quant.stream import cmf, kernel
>>> stream = kernel.Stream(cmf, cmf.Params(window=2))
>>> [stream.update(*bar) for bar in ((12.0, 10.0, 12.0, 30.0), (12.0, 10.0, 10.0, 10.0))]
[None, 0.5]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel, sma

INPUTS = ("high", "low", "close", "volume")
OUTPUTS = ("cmf",)


@dataclass(frozen=True, slots=True)
class Params:
    """window: bars summed."""

    window: int = 20

    def __post_init__(self) -> None:
        kernel.check_window(self.window)


def WARM_UP(params: Params) -> int:
    """`window` bars."""
    return params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The averages of flow and volume."""
    mean = sma.state_dtype(sma.Params(params.window))
    return np.dtype([*kernel.HEADER, ("flow", mean, (1,)), ("volume", mean, (1,))])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    state = kernel.new_state(state_dtype(params))
    state["flow"] = state["volume"] = sma.init(sma.Params(params.window))
    return state


@njit(cache=True)
def flow(high, low, close, volume):  # type: ignore[no-untyped-def]
    """One bar's money flow.

    >>> flow(12.0, 10.0, 11.5, 100.0)
    50.0
    """
    return volume * (((close - low) - (high - close)) / (high - low)) if high > low else 0.0


@njit(cache=True)
def step(state, high, low, close, volume):  # type: ignore[no-untyped-def]
    """Take one bar with low ≤ close ≤ high and volume ≥ 0; the money flow, or nan."""
    s = state[0]
    if not (-math.inf < low <= close <= high < math.inf and 0.0 <= volume < math.inf):
        s.rejected += 1
        return math.nan
    s.count += 1
    flow_mean, volume_mean = sma.step(s.flow, flow(high, low, close, volume)), sma.step(s.volume, volume)
    return flow_mean / volume_mean if volume_mean > 0.0 else math.nan


@njit(cache=True)
def batch(state, high, low, close, volume, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n,)."""
    for i in range(volume.shape[0]):
        out[i] = step(state, high[i], low[i], close[i], volume[i])
