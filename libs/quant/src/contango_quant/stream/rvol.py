"""Relative volume: the newest volume over the mean of the `window` volumes before it.

    rvol = volume/mean(previous `window`),   rvol_inclusive = volume/mean(last `window`, the newest included)

The second, the plain rolling mean of many scripts, holds its own numerator and cannot exceed `window`; use one or
the other, their thresholds differ. A mean of 0 leaves the ratio undefined (nan). Volumes of a day have a shape:
compare like bars (the same time of day) where that matters.

>>> from contango_quant.stream import kernel, rvol
>>> stream = kernel.Stream(rvol, rvol.Params(window=2))
>>> [stream.update(x) for x in (10.0, 20.0, 30.0)]
[(None, None), (None, None), (2.0, 1.2)]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel, sma

INPUTS = ("volume",)
OUTPUTS = ("rvol", "rvol_inclusive")


@dataclass(frozen=True, slots=True)
class Params:
    """window: volumes averaged."""

    window: int = 20

    def __post_init__(self) -> None:
        kernel.check_window(self.window)


def WARM_UP(params: Params) -> int:
    """`window` volumes before the newest; both values begin together."""
    return params.window + 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The average's state and its last value."""
    average = ("sma", sma.state_dtype(sma.Params(params.window)), (1,))
    return np.dtype([*kernel.HEADER, ("mean", "<f8"), average])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    state = kernel.new_state(state_dtype(params), mean=math.nan)
    state["sma"] = sma.init(sma.Params(params.window))
    return state


@njit(cache=True)
def step(state, volume):  # type: ignore[no-untyped-def]
    """Take one volume ≥ 0; (rvol, rvol_inclusive), nan where not defined."""
    s = state[0]
    if not 0.0 <= volume < math.inf:
        s.rejected += 1
        return math.nan, math.nan
    s.count += 1
    before, s.mean = s.mean, sma.step(s.sma, volume)
    if before != before:
        return math.nan, math.nan
    return _ratio(volume, before), _ratio(volume, s.mean)


@njit(cache=True)
def _ratio(volume, mean):  # type: ignore[no-untyped-def]
    return volume / mean if mean > 0.0 else math.nan


@njit(cache=True)
def batch(state, volume, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `volume` (n,) into `out` (n, 2)."""
    for i in range(volume.shape[0]):
        out[i, 0], out[i, 1] = step(state, volume[i])
