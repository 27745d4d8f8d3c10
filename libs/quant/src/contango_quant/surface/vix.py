"""The Cboe volatility index method: model-free variance of one expiry, and interpolation to 30 days.

    σ² = (2/T) Σ ΔK/K² e^(RT) Q(K) − (1/T) (F/K0 − 1)²

F comes from the strike where call and put mid are nearest; K0 is the highest strike at or below F; Q is the
mid of the out-of-the-money option, at K0 the mean of call and put. Going outward, options without a bid are
left out, and after two of them in a row nothing further counts. ΔK is half the distance of the neighbours
used, at either end the whole distance to the one neighbour.

References:
    [1] Cboe, "The CBOE Volatility Index - VIX", white paper, 2009.
    [2] Cboe, "VIX White Paper: Cboe Volatility Index", 2019: weekly expiries, those 24 to 36 days away.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import Floats

TARGET_YEARS = 30.0 / 365.0
MIN_OPTIONS = 3
NEAREST_YEARS, FARTHEST_YEARS = 23.0 / 365.0, 37.0 / 365.0


class TermVariance(NamedTuple):
    """variance: annual; forward, at_strike (K0): currency; options: how many strikes entered the sum."""

    variance: float
    forward: float
    at_strike: float
    options: int


@njit(cache=True, error_model="numpy")
def term_variance_kernel(
    strike: Floats,
    call_bid: Floats,
    call_ask: Floats,
    put_bid: Floats,
    put_ask: Floats,
    t_years: float,
    rate: float,
) -> tuple[float, float, float, int]:
    """(variance, forward, K0, options) of one expiry; options = 0 and nan when it cannot be computed.

    Columns (n,) by ascending strike; a missing quote is nan or a bid of 0; t_years above 0; rate continuous.
    """
    n, growth = strike.shape[0], math.exp(rate * t_years)
    forward = _forward(strike, call_bid, call_ask, put_bid, put_ask, growth)
    at = np.searchsorted(strike, forward, side="right") - 1  # nan sorts last: at = n - 1, refused below
    if math.isnan(forward) or at < 0:
        return math.nan, forward, math.nan, 0
    both = 0.25 * (call_bid[at] + call_ask[at] + put_bid[at] + put_ask[at])
    if math.isnan(both):
        return math.nan, forward, strike[at], 0
    used = np.empty(n, dtype=np.int64)
    low = _outward(put_bid, put_ask, at, -1, used)
    used[:low] = used[:low][::-1].copy()
    used[low] = at
    options = low + 1 + _outward(call_bid, call_ask, at, 1, used[low + 1 :])
    if options < MIN_OPTIONS:
        return math.nan, forward, strike[at], 0
    total = 0.0
    for j in range(options):
        left, right, i = max(j - 1, 0), min(j + 1, options - 1), used[j]
        width = (strike[used[right]] - strike[used[left]]) / (right - left)
        mid = 0.5 * (put_bid[i] + put_ask[i]) if i < at else 0.5 * (call_bid[i] + call_ask[i])
        total += width / strike[i] ** 2 * (both if i == at else mid)
    variance = 2.0 / t_years * growth * total - (forward / strike[at] - 1.0) ** 2 / t_years
    return variance, forward, strike[at], options


@njit(cache=True, error_model="numpy")
def _forward(
    strike: Floats, call_bid: Floats, call_ask: Floats, put_bid: Floats, put_ask: Floats, growth: float
) -> float:
    nearest, forward = math.inf, math.nan
    for i in range(strike.shape[0]):
        if call_bid[i] > 0.0 and put_bid[i] > 0.0:
            gap = 0.5 * (call_bid[i] + call_ask[i] - put_bid[i] - put_ask[i])
            if abs(gap) < nearest:
                nearest, forward = abs(gap), strike[i] + growth * gap
    return forward


@njit(cache=True, error_model="numpy")
def _outward(bid: Floats, ask: Floats, at: int, way: int, used: Floats) -> int:
    """Fill `used` with the rows that count on one side of row `at`, nearest first; how many they are."""
    count, missing, i = 0, 0, at + way
    while 0 <= i < bid.shape[0] and missing < 2:
        if bid[i] > 0.0 and ask[i] >= bid[i]:
            used[count] = i
            count += 1
            missing = 0
        else:
            missing += 1
        i += way
    return count


@njit(cache=True, error_model="numpy")
def interpolate(
    near_variance: float, near_years: float, far_variance: float, far_years: float, target_years: float
) -> float:
    """Annual variance at `target_years`, linear in total variance between (or beyond) two expiries.

    >>> round(interpolate(0.04, 20 / 365, 0.05, 40 / 365, 30 / 365), 6)
    0.046667
    """
    near, far = near_variance * near_years, far_variance * far_years
    weight = (target_years - near_years) / (far_years - near_years)
    return (near + (far - near) * weight) / target_years


def term_variance(
    *,
    strike: ArrayLike,
    call_bid: ArrayLike,
    call_ask: ArrayLike,
    put_bid: ArrayLike,
    put_ask: ArrayLike,
    t_years: float,
    rate: float,
) -> TermVariance | None:
    """The variance of one expiry, or None when fewer than three options or no forward can be found.

    Columns (n,) in currency, a missing quote nan or a bid of 0; t_years above 0 (the index counts minutes);
    rate: continuous per year. Raises ValueError for unequal columns, strikes not ascending, bad t_years.
    """
    columns = [
        np.require(c, dtype=np.float64, requirements=["C", "W"]) for c in (strike, call_bid, call_ask, put_bid, put_ask)
    ]
    if any(c.ndim != 1 or c.shape != columns[0].shape for c in columns):
        raise ValueError(f"columns must be equally long lines, got shapes {[c.shape for c in columns]}")
    if not bool(np.all(columns[0] > 0.0) and np.all(np.diff(columns[0]) > 0.0)):
        raise ValueError("strike must be above 0 and ascending without repeats")
    if not (math.isfinite(t_years) and t_years > 0.0 and math.isfinite(rate)):
        raise ValueError(f"t_years must be above 0 and rate finite, got {t_years!r} and {rate!r}")
    result = TermVariance(*term_variance_kernel(*columns, float(t_years), float(rate)))
    return result if result.options else None


def index_30_days(near: TermVariance, near_years: float, far: TermVariance, far_years: float) -> float | None:
    """The volatility index in points (20.0 = 20 %) at 30 days; None when the variance is not positive."""
    if not 0.0 < near_years < far_years:
        raise ValueError(f"expiries must be 0 < near < far, got {near_years!r} and {far_years!r}")
    variance = interpolate(near.variance, near_years, far.variance, far_years, TARGET_YEARS)
    return 100.0 * math.sqrt(variance) if variance > 0.0 else None


def near_and_next(t_years: ArrayLike) -> tuple[int, int] | None:
    """Places, in times (n,), ascending, of the two expiries that make the index: the last up to 30 days, the next.

    Both must be more than 23 and less than 37 days away, else None. The index counts only expiries on Fridays, on the
    third Friday those settled in the morning: leave the others out beforehand. Raises ValueError for times not
    ascending.

    >>> near_and_next([9 / 365, 24 / 365, 28 / 365, 35 / 365])
    (2, 3)
    >>> near_and_next([9 / 365, 37 / 365]) is None
    True
    """
    times = np.asarray(t_years, dtype=np.float64)
    if times.ndim != 1 or not bool(np.all(np.diff(times) > 0.0)):
        raise ValueError("t_years must be a line that ascends without repeats")
    after = int(np.searchsorted(times, TARGET_YEARS, side="right"))
    if not 0 < after < times.size or times[after - 1] <= NEAREST_YEARS or times[after] >= FARTHEST_YEARS:
        return None
    return after - 1, after
