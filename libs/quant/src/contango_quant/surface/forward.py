"""The forward of one expiry from put-call parity, C − P = D (F − K), of European options.

Each strike with two usable quotes gives one estimate K + (C − P)/D. Of the pairs nearest to the money the
median is taken, weighted by 1/width², so that neither a stale quote nor a wide one moves it. American
options hold parity only roughly: de-Americanise first, or expect a bias of about the early-exercise premium.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import Floats

NEAREST_PAIRS = 12
MAD_TO_SIGMA = 1.4826  # of a normal distribution


class ForwardFit(NamedTuple):
    """value and error: currency, None when not identifiable, and then `reason` says why.

    error: standard error: the weighted median absolute deviation scaled to a normal σ, but at least half of
    the narrowest pair's half-width, over the root of the number of pairs. pairs: strikes used.
    """

    value: float | None
    pairs: int
    error: float | None
    reason: str | None


def forward_from_parity(
    *,
    strike: ArrayLike,
    call_bid: ArrayLike,
    call_ask: ArrayLike,
    put_bid: ArrayLike,
    put_ask: ArrayLike,
    discount: float,
    nearest_pairs: int = NEAREST_PAIRS,
    min_pairs: int = 3,
) -> ForwardFit:
    """The forward from columns (n,) of one expiry, one row per strike; discount: factor to expiry.

    Rows with a missing (nan), zero, negative or crossed quote are left out. Raises ValueError for columns of
    unequal length or an impossible discount.

    >>> k = [95.0, 100.0, 105.0, 110.0]
    >>> fit = forward_from_parity(strike=k, call_bid=[7.9, 4.4, 2.1, 0.8], call_ask=[8.1, 4.6, 2.3, 1.0],
    ...     put_bid=[1.9, 3.4, 6.1, 9.8], put_ask=[2.1, 3.6, 6.3, 10.0], discount=1.0)
    >>> round(fit.value, 6), fit.pairs
    (101.0, 4)
    """
    if not (math.isfinite(discount) and discount > 0.0):
        raise ValueError(f"discount must be finite and above 0, got {discount!r}")
    columns = _columns(strike, call_bid, call_ask, put_bid, put_ask)
    value, error, pairs = forward_kernel(*columns, float(discount), nearest_pairs, min_pairs)
    if pairs < min_pairs:
        return ForwardFit(None, pairs, None, f"{pairs} usable call-put pairs, {min_pairs} needed")
    if not value > 0.0:
        return ForwardFit(None, pairs, None, f"parity gives a forward of {value:.6g}")
    return ForwardFit(value, pairs, error, None)


@njit(cache=True, error_model="numpy")
def forward_kernel(
    strike: Floats,
    call_bid: Floats,
    call_ask: Floats,
    put_bid: Floats,
    put_ask: Floats,
    discount: float,
    nearest_pairs: int,
    min_pairs: int,
) -> tuple[float, float, int]:
    """(forward, standard error, pairs) of equally long columns; where pairs are too few, nan and how many there are."""
    k, parity, width = usable_rows(strike, call_bid, call_ask, put_bid, put_ask)
    if k.size < min_pairs:
        return math.nan, math.nan, k.size
    near = np.argsort(np.abs(parity), kind="mergesort")[:nearest_pairs]
    estimates, halves = k[near] + parity[near] / discount, width[near] / discount
    # A locked pair is no certain one: its width counts as at least a tenth of the usual.
    halves = np.maximum(halves, max(0.1 * np.median(halves), 1e-9 * np.abs(estimates).max()))
    weight = 1.0 / halves**2
    value = weighted_median(estimates, weight)
    spread = MAD_TO_SIGMA * weighted_median(np.abs(estimates - value), weight)
    error = max(spread, 0.5 * halves.min()) / math.sqrt(estimates.size)
    return value, error, estimates.size


def usable_pairs(
    strike: ArrayLike, call_bid: ArrayLike, call_ask: ArrayLike, put_bid: ArrayLike, put_ask: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Strike, mid call − mid put, and half the joint bid-ask width, of the rows (n,) with two usable quotes.

    Raises ValueError for columns of unequal length.

    >>> usable_pairs([95.0, 100.0], [7.9, 4.4], [8.1, 4.6], [1.9, 0.0], [2.1, 3.6])
    (array([95.]), array([6.]), array([0.2]))
    """
    found: tuple[Floats, Floats, Floats] = usable_rows(*_columns(strike, call_bid, call_ask, put_bid, put_ask))
    return found


def _columns(*columns: ArrayLike) -> list[Floats]:
    lines = [np.require(c, dtype=np.float64, requirements=["C", "W"]) for c in columns]
    if any(c.ndim != 1 or c.shape != lines[0].shape for c in lines):
        raise ValueError(f"columns must be equally long lines, got shapes {[c.shape for c in lines]}")
    return lines


@njit(cache=True, error_model="numpy")
def usable_rows(
    strike: Floats, call_bid: Floats, call_ask: Floats, put_bid: Floats, put_ask: Floats
) -> tuple[Floats, Floats, Floats]:
    """`usable_pairs` for compiled callers."""
    n, size = 0, strike.shape[0]
    k, parity, width = np.empty(size), np.empty(size), np.empty(size)
    for i in range(size):
        cb, ca, pb, pa = call_bid[i], call_ask[i], put_bid[i], put_ask[i]
        if 0.0 < strike[i] < np.inf and 0.0 < cb <= ca < np.inf and 0.0 < pb <= pa < np.inf:
            k[n], parity[n], width[n] = strike[i], 0.5 * (cb + ca - pb - pa), 0.5 * (ca - cb + pa - pb)
            n += 1
    return k[:n], parity[:n], width[:n]


@njit(cache=True, error_model="numpy")
def weighted_median(values: Floats, weights: Floats) -> float:
    """The value at which half the weight is reached; the mean of two when it is reached exactly between.

    >>> weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 5.0]))
    2.0
    """
    order = np.argsort(values, kind="mergesort")
    sums = np.cumsum(weights[order])
    half = 0.5 * sums[-1]
    i = np.searchsorted(sums, half)
    if sums[i] == half:
        return 0.5 * (values[order[i]] + values[order[i + 1]])
    return values[order[i]]
