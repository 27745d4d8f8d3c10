"""Bollinger bands: where the close stands between mean − k·σ and mean + k·σ of the last `window` closes.

    position = (close − lower)/(upper − lower) = ½ + (close − mean)/(2kσ),   width = (upper − lower)/mean

σ is the population's standard deviation (divisor n), as in [1] and TA-Lib. `position_sample` is the position with
the sample's (divisor n − 1), as many scripts have it: ½ + (position − ½)·√((n − 1)/n). `position_clipped` is
`position` held within [0, 1]. All closes equal: no band, the positions are not defined (nan).

References:
    [1] J. Bollinger, "Bollinger on Bollinger Bands", 2001 (%b and BandWidth).

>>> from contango_quant.stream import bollinger, kernel
>>> stream = kernel.Stream(bollinger, bollinger.Params(window=2))
>>> [stream.update(x) for x in (9.0, 11.0)][-1][3:]
(0.4, 10.0, 8.0, 12.0)
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel, rolling_moments

INPUTS = ("close",)
OUTPUTS = ("position", "position_clipped", "position_sample", "width", "mean", "lower", "upper")


@dataclass(frozen=True, slots=True)
class Params:
    """window: closes, at least 2; k: standard deviations from the middle to each band."""

    window: int = 20
    k: float = 2.0

    def __post_init__(self) -> None:
        kernel.check_window(self.window, least=2)
        if not (math.isfinite(self.k) and self.k > 0.0):
            raise ValueError(f"k must be finite and above 0, got {self.k!r}")


def WARM_UP(params: Params) -> int:
    """`window` closes."""
    return params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The moments' state."""
    moments = rolling_moments.state_dtype(rolling_moments.Params(params.window))
    return np.dtype([*kernel.HEADER, ("window", "<i8"), ("k", "<f8"), ("moments", moments, (1,))])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    state = kernel.new_state(state_dtype(params), window=params.window, k=params.k)
    state["moments"] = rolling_moments.init(rolling_moments.Params(params.window))
    return state


@njit(cache=True)
def step(state, close):  # type: ignore[no-untyped-def]
    """Take one close, above 0; the values in the order of OUTPUTS, nan where not defined."""
    s = state[0]
    nan = math.nan
    if not 0.0 < close < math.inf:
        s.rejected += 1
        return nan, nan, nan, nan, nan, nan, nan
    s.count += 1
    mean, variance, _ = rolling_moments.step(s.moments, close)
    if s.count < s.window:
        return nan, nan, nan, nan, nan, nan, nan
    reach = s.k * math.sqrt(variance)
    off = (close - mean) / (2.0 * reach) if reach > 0.0 else nan
    clipped = min(max(0.5 + off, 0.0), 1.0) if reach > 0.0 else nan
    sample = 0.5 + off * math.sqrt(1.0 - 1.0 / s.window)
    return 0.5 + off, clipped, sample, 2.0 * reach / mean, mean, mean - reach, mean + reach


@njit(cache=True)
def batch(state, close, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `close` (n,) into `out` (n, 7)."""
    for i in range(close.shape[0]):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3], out[i, 4], out[i, 5], out[i, 6] = step(state, close[i])
