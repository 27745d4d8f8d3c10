"""Signal of a mean-reverting value: how many stationary deviations it stands from its mean.

    z = (x − mean)/stationary_sd;   z ≥ entry: SELL,   z ≤ −entry: BUY,   else HOLD

A value whose reversion is not identified has no z and no signal: SUPPRESSED, which is not HOLD.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import ANY, POSITIVE, Floats, booleans, common_shape, flat, floats
from contango_quant.stats.lines import number

if TYPE_CHECKING:
    from contango_quant.stats.ou import OuFit  # brings scipy: 30 MB that a reader of signals does not need

SELL, HOLD, BUY, SUPPRESSED = -1, 0, 1, 2
ENTRY_Z = 2.0


class Signals(NamedTuple):
    """z (nan where suppressed) and signal (int8: SELL, HOLD, BUY or SUPPRESSED), both of the broadcast shape."""

    z: Floats
    signal: NDArray[np.int8]


@njit(cache=True)
def signal_of(z: float, entry: float) -> int:
    """SELL at or above `entry`, BUY at or below −`entry`, HOLD between; SUPPRESSED for nan.

    >>> signal_of(2.0, 2.0), signal_of(-2.5, 2.0), signal_of(1.9, 2.0), signal_of(float("nan"), 2.0)
    (-1, 1, 0, 2)
    """
    if math.isnan(z):
        return SUPPRESSED
    if z >= entry:
        return SELL
    return BUY if z <= -entry else HOLD


@njit(cache=True, error_model="numpy")
def _signal_loop(values, mean, sd, identified, entry, steps, z, signal):  # type: ignore[no-untyped-def]
    for i in range(z.shape[0]):
        z[i] = math.nan
        if identified[i * steps[3]]:
            # In halves, so that the difference of two huge numbers does not overflow.
            half = 0.5 * values[i * steps[0]] - 0.5 * mean[i * steps[1]]
            z[i] = half / sd[i * steps[2]] * 2.0
        signal[i] = signal_of(z[i], entry)


def signals(
    *,
    values: ArrayLike,
    mean: ArrayLike,
    stationary_sd: ArrayLike,
    identified: ArrayLike,
    entry_z: float = ENTRY_Z,
) -> Signals:
    """z and signal for every value; the arguments broadcast against each other.

    values, mean: one unit; stationary_sd: the same, above 0; identified: boolean; entry_z: above 0. Raises
    ValueError naming argument and value.

    >>> signals(values=[3.1, -1.0, 9.0], mean=1.0, stationary_sd=1.0, identified=[True, True, False])
    Signals(z=array([ 2.1, -2. ,  nan]), signal=array([-1,  1,  2], dtype=int8))
    """
    columns = (
        floats("values", values, ANY),
        floats("mean", mean, ANY),
        floats("stationary_sd", stationary_sd, POSITIVE),
        booleans("identified", identified),
    )
    entry = number("entry_z", entry_z, POSITIVE)
    shape = common_shape(("values", "mean", "stationary_sd", "identified"), columns)
    z, signal = np.empty(shape), np.empty(shape, dtype=np.int8)
    lines = [flat(column, shape) for column in columns]
    steps = tuple(step for _, step in lines)
    _signal_loop(*(column for column, _ in lines), entry, steps, z.reshape(-1), signal.reshape(-1))
    return Signals(z, signal)


def latest(fit: "OuFit", value: float, *, entry_z: float = ENTRY_Z) -> tuple[float | None, int]:
    """z and signal of one value under a fit; (None, SUPPRESSED) when the fit is not identified.

    >>> from contango_quant.stats import ou
    >>> latest(ou.fit([1.0] * 20), 5.0)
    (None, 2)
    """
    number("value", value)
    number("entry_z", entry_z, POSITIVE)
    if fit.mean is None or not fit.stationary_sd:
        return None, SUPPRESSED
    z = (value - fit.mean) / fit.stationary_sd
    return z, int(signal_of(z, entry_z))
