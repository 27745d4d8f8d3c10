"""Implied volatility of all expiries of one underlying, free of butterfly and calendar arbitrage.

Each expiry has its curve (`curve.py`). Calendar spreads have no negative price where total variance at equal
k = ln(K/F) does not fall with time. The expiries are fitted from the last to the first, each below the one after it
and above what is quoted for those before it. A rest that the penalties leave is lifted away at the end.

Between two expiries total variance is linear in time at equal k, and ln F linear in time. Outside the first and last
expiry there is no volatility: nan with a status.

References:
    [1] J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.surface import curve as c
from contango_quant.surface.curve import butterfly, variance_at
from contango_quant.surface.quotes import otm_variances
from contango_quant.surface.smile import NODES, fit_slice, lay_nodes, prepare

GRID_LOW, GRID_STEP, GRID_POINTS = 0.5, 0.001, 1001  # strikes over forward: 0.5, 0.501, … 1.5
ROUNDS = 3


@njit(cache=True, error_model="numpy")
def fit_rows(
    strike: Floats,
    is_call: NDArray[np.bool_],
    bid: Floats,
    ask: Floats,
    first: NDArray[np.int64],
    t_years: Floats,
    forward: Floats,
    discount: Floats,
    rows: Floats,
) -> None:
    """Fill rows (E, 24); the quotes of expiry e are first[e] to first[e + 1] of the columns, t_years ascends."""
    expiries, n = t_years.shape[0], strike.shape[0]
    k, w, weight, ends = np.empty(n), np.empty(n), np.empty(n), np.zeros(expiries, dtype=np.int64)
    for e in range(expiries):
        here = slice(first[e], first[e + 1])
        ends[e] = first[e] + prepare(
            strike[here], is_call[here], bid[here], ask[here], t_years[e], forward[e], discount[e],
            k[here], w[here], weight[here], rows[e],
        )  # fmt: skip
    later, nodes, floor, ceiling = -1, np.empty(NODES), np.empty(NODES), np.empty(NODES)
    for e in range(expiries - 1, -1, -1):
        if rows[e, c.STATUS] != c.OK:
            continue
        lay_nodes(rows[e], nodes)
        floor[:], ceiling[:] = 0.0, np.inf
        for i in range(NODES):
            if later >= 0:
                ceiling[i] = variance_at(nodes[i], rows[later])
        for i in range(e):
            if rows[i, c.STATUS] == c.OK:
                here = slice(first[i], ends[i])
                _raise_floor(k[here], w[here], weight[here], rows[i], rows[e], nodes, floor)
        for i in range(NODES):
            floor[i] = min(floor[i], 0.999 * ceiling[i])
        here = slice(first[e], ends[e])
        fit_slice(k[here], w[here], weight[here], nodes, floor, ceiling, rows[e])
        later = e
    _finish(rows)


@njit(cache=True, error_model="numpy")
def _raise_floor(
    k: Floats, w: Floats, weight: Floats, early: Floats, row: Floats, nodes: Floats, floor: Floats
) -> None:
    """Lift the floor of `row` to what is quoted for an earlier expiry: the mid, where `row` has quotes the bid."""
    at = 0
    for i in range(nodes.shape[0]):
        x = nodes[i]
        if x < early[c.K_LOW] or x > early[c.K_HIGH]:
            continue
        while at < k.shape[0] - 2 and k[at + 1] < x:
            at += 1
        left, right = w[at], w[at + 1]
        if row[c.K_LOW] <= x <= row[c.K_HIGH]:
            left, right = max(left - 1.0 / weight[at], 0.0), max(right - 1.0 / weight[at + 1], 0.0)
        floor[i] = max(floor[i], left + (right - left) * (x - k[at]) / (k[at + 1] - k[at]))


@njit(cache=True, error_model="numpy")
def _finish(rows: Floats) -> None:
    """Lift every expiry over the one before it on the fine grid; mark what is still not free."""
    before = -1
    for e in range(rows.shape[0]):
        if rows[e, c.STATUS] != c.OK:
            continue
        if before >= 0:
            lack = 0.0
            for i in range(GRID_POINTS):
                x = grid_point(i)
                lack = max(lack, variance_at(x, rows[before]) - variance_at(x, rows[e]))
            if lack > 0.0:
                rows[e, c.SVI] += lack * (1.0 + 1e-9) + 1e-15
        before = e
        for i in range(GRID_POINTS):
            if not butterfly(grid_point(i), rows[e]) >= 0.0:
                rows[e, c.STATUS] = c.ARBITRAGE


@njit(cache=True, error_model="numpy")
def grid_point(i: int) -> float:
    """ln of the i-th of the strikes over forward 0.5, 0.501, … 1.5."""
    return math.log(GRID_LOW + GRID_STEP * i)
