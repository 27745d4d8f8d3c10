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

from contango_quant.stream import kernel, window

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
    """A ring of volumes."""
    return np.dtype([*kernel.HEADER, ("window", "<i8"), ("ring", "<f8", (kernel.capacity(params.window),))])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window)


@njit(cache=True)
def step(state, volume):  # type: ignore[no-untyped-def]
    """Take one volume ≥ 0; (rvol, rvol_inclusive), nan where not defined."""
    s = state[0]
    if not 0.0 <= volume < math.inf:
        s.rejected += 1
        return math.nan, math.nan
    before = window.mean(s.ring, s.window)
    s.ring[s.count % s.window] = volume
    s.count += 1
    if s.count <= s.window:
        return math.nan, math.nan
    return _ratio(volume, before), _ratio(volume, window.mean(s.ring, s.window))


@njit(cache=True)
def _ratio(volume, mean):  # type: ignore[no-untyped-def]
    return volume / mean if mean > 0.0 else math.nan


@njit(cache=True)
def batch(state, volume, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `volume` (n,) into `out` (n, 2)."""
    for i in range(volume.shape[0]):
        out[i, 0], out[i, 1] = step(state, volume[i])
