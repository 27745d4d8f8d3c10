"""Volume-weighted average price of the session so far: Σ price·volume/Σ volume.

`session` is any number that names the session (the date as an integer, say); a sample with another number begins
anew. A number, and not a flag on the first sample: a rejected first sample cannot swallow the reset. The weighted
mean is moved, not divided from two sums, so equal prices give exactly that price. Without any volume so far it is
not defined (nan). `price` is the trade's price, or a bar's typical price (high + low + close)/3.

References:
    [1] S. A. Berkowitz, D. E. Logue, E. A. Noser, "The Total Cost of Transactions on the NYSE", Journal of Finance
        43 (1988) 97-112.

>>> from contango_quant.stream import kernel, vwap
>>> stream = kernel.Stream(vwap, vwap.Params())
>>> [stream.update(*trade) for trade in ((10.0, 1.0, 1), (14.0, 3.0, 1), (20.0, 5.0, 2))]
[10.0, 13.0, 20.0]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("price", "volume", "session")
OUTPUTS = ("vwap",)


@dataclass(frozen=True, slots=True)
class Params:
    """Nothing to choose."""


def WARM_UP(params: Params) -> int:
    """One sample."""
    return 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Session, its volume and its mean so far."""
    return np.dtype([*kernel.HEADER, ("session", "<f8"), ("volume", "<f8"), ("vwap", "<f8")])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params))


@njit(cache=True)
def step(state, price, volume, session):  # type: ignore[no-untyped-def]
    """Take one sample with volume ≥ 0; the session's mean, or nan."""
    s = state[0]
    if not (math.isfinite(price) and 0.0 <= volume < math.inf and math.isfinite(session)):
        s.rejected += 1
        return math.nan
    if session != s.session:
        s.session, s.volume, s.vwap = session, 0.0, 0.0
    s.count += 1
    if volume > 0.0:
        s.volume += volume
        s.vwap += volume / s.volume * (price - s.vwap)
    return s.vwap if s.volume > 0.0 else math.nan


@njit(cache=True)
def batch(state, price, volume, session, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n,)."""
    for i in range(session.shape[0]):
        out[i] = step(state, price[i], volume[i], session[i])
