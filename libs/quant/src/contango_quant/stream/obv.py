"""On-balance volume after Granville: volume added on a rise of the close, taken off on a fall.

    obv += sign(close − close before)·volume, begun with the first volume (as TA-Lib does)

Only its changes mean anything; the level depends on where the series begins. Whole volumes are exact up to 2⁵³.

References:
    [1] J. E. Granville, "New Key to Stock Market Profits", 1963.

>>> from contango_quant.stream import kernel, obv
>>> stream = kernel.Stream(obv, obv.Params())
>>> [stream.update(*row) for row in ((10.0, 5.0), (11.0, 3.0), (10.5, 7.0))]
[5.0, 8.0, 1.0]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("close", "volume")
OUTPUTS = ("obv",)


@dataclass(frozen=True, slots=True)
class Params:
    """Nothing to choose."""


def WARM_UP(params: Params) -> int:
    """One sample."""
    return 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Last close and the sum."""
    return np.dtype([*kernel.HEADER, ("last", "<f8"), ("obv", "<f8")])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params))


@njit(cache=True)
def step(state, close, volume):  # type: ignore[no-untyped-def]
    """Take one close and volume ≥ 0; the sum."""
    s = state[0]
    if not (math.isfinite(close) and 0.0 <= volume < math.inf):
        s.rejected += 1
        return math.nan
    s.count += 1
    if s.count == 1 or close > s.last:
        s.obv += volume
    elif close < s.last:
        s.obv -= volume
    s.last = close
    return s.obv


@njit(cache=True)
def batch(state, close, volume, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n,)."""
    for i in range(volume.shape[0]):
        out[i] = step(state, close[i], volume[i])
