"""Mean and variance of the last `window` samples.

    mean = Σ x/n,   var_population = Σ (x − mean)²/n,   var_sample = Σ (x − mean)²/(n − 1)

Two passes over the window at each sample, O(window), over distances to the newest: no drift, an extreme value
leaves without a trace, and equal samples have a variance of exactly 0.

References:
    [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", The American
        Statistician 37 (1983) 242-247.

>>> from contango_quant.stream import kernel, rolling_moments
>>> stream = kernel.Stream(rolling_moments, rolling_moments.Params(window=2))
>>> [stream.update(x) for x in (1e17, 1.0, 3.0)][-1]
(2.0, 1.0, 2.0)
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel, window

INPUTS = ("x",)
OUTPUTS = ("mean", "var_population", "var_sample")


@dataclass(frozen=True, slots=True)
class Params:
    """window: samples, at least 2."""

    window: int

    def __post_init__(self) -> None:
        kernel.check_window(self.window, least=2)


def WARM_UP(params: Params) -> int:
    """`window` samples."""
    return params.window


def state_dtype(params: Params) -> np.dtype[np.void]:
    """A ring of samples."""
    return np.dtype([*kernel.HEADER, ("window", "<i8"), ("ring", "<f8", (kernel.capacity(params.window),))])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window)


@njit(cache=True)
def step(state, x):  # type: ignore[no-untyped-def]
    """Take one sample; (mean, population variance, sample variance), or nan."""
    s = state[0]
    if not math.isfinite(x):
        s.rejected += 1
        return math.nan, math.nan, math.nan
    s.ring[s.count % s.window] = x
    s.count += 1
    if s.count < s.window:
        return math.nan, math.nan, math.nan
    mean, variance = window.moments(s.ring, s.window, x)
    return mean, variance, variance * (s.window / (s.window - 1.0))


@njit(cache=True)
def batch(state, x, out):  # type: ignore[no-untyped-def]
    """`step` for every element of `x` (n,) into `out` (n, 3)."""
    for i in range(x.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = step(state, x[i])
