"""An index or fund against its future, measured from the basis that the two have had.

    b = ln(future/spot) − carry            carry = (rate − yield)·time to the future's expiry, 0 where it is not known
    deviation = mean of the last `window` b − b,   z = deviation/their standard deviation

The newest basis is not among those that it is measured against. Positive: the spot is rich. A fixed ratio (a tenth of
the future, say) has the wrong mean for months: the basis of three months is larger than the usual threshold, and jumps
when the future rolls. A roll shows as a basis that stays more than `jump` standard deviations away for `patience`
samples on one side: the window then begins anew, so that a roll is told at most that long.

>>> from contango_quant.stream import basis, kernel
>>> stream = kernel.Stream(basis, basis.Params(window=3, patience=2))
>>> for future in (100.1, 100.2, 100.3):
...     _ = stream.update(100.0, future, 0.0)
>>> [round(x, 5) for x in stream.update(100.0, 99.9, 0.0)]
[0.003, 3.00417]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("spot", "future", "carry")
OUTPUTS = ("deviation", "z")
PLAIN_RATIO, PLAIN_THRESHOLD = 10.0, 0.005
STILL = 1e-12  # a spread below it is rounding, not a spread


@dataclass(frozen=True, slots=True)
class Params:
    """window: samples of the basis; jump: deviations that are no noise; patience: samples before it is a roll."""

    window: int = 120
    jump: float = 4.0
    patience: int = 3

    def __post_init__(self) -> None:
        kernel.check_window(self.window, least=3)
        kernel.check_window(self.patience)
        if not 0.0 < self.jump < math.inf:
            raise ValueError(f"jump must be finite and above 0, got {self.jump!r}")


def WARM_UP(params: Params) -> int:
    """`window` samples before the newest."""
    return params.window + 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """A ring of bases, how many are in it since it last began, and how long the newest have been far away, by side."""
    numbers = [("window", "<i8"), ("patience", "<i8"), ("jump", "<f8"), ("held", "<i8"), ("away", "<i8")]
    return np.dtype([*kernel.HEADER, *numbers, ("ring", "<f8", (kernel.capacity(params.window),))])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), window=params.window, patience=params.patience, jump=params.jump)


@njit(cache=True)
def step(state, spot, future, carry):  # type: ignore[no-untyped-def]
    """Take both prices, above 0; (deviation, z), nan before the window is full."""
    s = state[0]
    if not (0.0 < spot < math.inf and 0.0 < future < math.inf and math.isfinite(carry)):
        s.rejected += 1
        return math.nan, math.nan
    s.count += 1
    b = math.log(future / spot) - carry
    deviation, z = math.nan, math.nan
    if s.held >= s.window:
        mean, sd = _moments(s.ring, s.window)
        deviation = mean - b
        z = deviation / sd if sd > STILL * max(1.0, abs(mean)) else math.nan
        _watch(s, z)
    s.ring[s.held % s.window] = b
    s.held += 1
    return deviation, z


@njit(cache=True)
def _watch(s, z):  # type: ignore[no-untyped-def]
    """Count samples in a row that lie far away on one side; after `patience` of them the window begins anew."""
    if z > s.jump:
        s.away = max(s.away, 0) + 1
    elif z < -s.jump:
        s.away = min(s.away, 0) - 1
    else:
        s.away = 0
    if abs(s.away) >= s.patience:
        s.held, s.away = 0, 0


@njit(cache=True)
def _moments(ring, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(n):
        total += ring[i]
    mean = total / n
    squares = 0.0
    for i in range(n):
        squares += (ring[i] - mean) ** 2
    return mean, math.sqrt(squares / (n - 1))


@njit(cache=True)
def batch(state, spot, future, carry, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n, 2)."""
    for i in range(carry.shape[0]):
        out[i, 0], out[i, 1] = step(state, spot[i], future[i], carry[i])


def plain_divergence(spot: float, future: float) -> float:
    """The published figure: (spot − future/10)/(future/10); its signal is |…| > 0.005.

    >>> round(plain_divergence(505.0, 5000.0), 4)
    0.01
    """
    return (spot - future / PLAIN_RATIO) / (future / PLAIN_RATIO)
