"""One bar's variance from its range: Parkinson, Garman-Klass and Rogers-Satchell; each is a variance per
bar (not annual), of log prices.

    Parkinson        ln(H/L)² / (4 ln 2)                          no drift, range only
    Garman-Klass     ½ ln(H/L)² − (2 ln 2 − 1) ln(C/O)²           no drift
    Rogers-Satchell  ln(H/C) ln(H/O) + ln(L/C) ln(L/O)            any drift

None of them sees the gap before the open. They keep no history: the state only counts.

References:
    [1] M. Parkinson, J. Business 53 (1980) 61-65.
    [2] M. Garman, M. Klass, J. Business 53 (1980) 67-78.
    [3] L. C. G. Rogers, S. E. Satchell, Annals of Applied Probability 1 (1991) 504-512.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("open", "high", "low", "close")
OUTPUTS = ("parkinson_var", "garman_klass_var", "rogers_satchell_var")


@dataclass(frozen=True, slots=True)
class Params:
    """Nothing to choose."""


def WARM_UP(params: Params) -> int:
    """One bar."""
    return 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """The two counts."""
    return np.dtype(kernel.HEADER)


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params))


@njit(cache=True)
def parkinson(high, low):  # type: ignore[no-untyped-def]
    """Parkinson's variance of one bar.

    >>> round(parkinson(102.0, 100.0), 8)
    0.00014144
    """
    return math.log(high / low) ** 2 / (4.0 * math.log(2.0))


@njit(cache=True)
def garman_klass(open_, high, low, close):  # type: ignore[no-untyped-def]
    """Garman's and Klass's variance of one bar."""
    return 0.5 * math.log(high / low) ** 2 - (2.0 * math.log(2.0) - 1.0) * math.log(close / open_) ** 2


@njit(cache=True)
def rogers_satchell(open_, high, low, close):  # type: ignore[no-untyped-def]
    """Rogers' and Satchell's variance of one bar."""
    up = math.log(high / close) * math.log(high / open_)
    return up + math.log(low / close) * math.log(low / open_)


@njit(cache=True)
def step(state, open_, high, low, close):  # type: ignore[no-untyped-def]
    """Take one bar with 0 < low ≤ open, close ≤ high; its three variances, or nan."""
    s = state[0]
    # Every comparison with nan is false, so a bar with a nan is not inside.
    if not (0.0 < low <= open_ <= high < math.inf and low <= close <= high):
        s.rejected += 1
        return math.nan, math.nan, math.nan
    s.count += 1
    return (
        parkinson(high, low),
        garman_klass(open_, high, low, close),
        rogers_satchell(open_, high, low, close),
    )


@njit(cache=True)
def batch(state, open_, high, low, close, out):  # type: ignore[no-untyped-def]
    """`step` for every bar of the columns (n,) into `out` (n, 3)."""
    for i in range(close.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = step(state, open_[i], high[i], low[i], close[i])
