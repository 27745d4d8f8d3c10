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
from contango_quant.surface.correction import is_free, lay_knots, shrink
from contango_quant.surface.essvi import essvi_project, essvi_to_raw, fit_essvi
from contango_quant.surface.smile import NODES, fit_bumps, lay_nodes, prepare

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
    nodes, floor, ceiling = np.empty(NODES), np.zeros(NODES), np.full(NODES, np.inf)
    low, high = 0.0, 0.0
    theta, rho, psi = 0.0, 0.0, 0.0
    for e in range(expiries):
        if rows[e, c.STATUS] == c.OK:
            here = slice(first[e], ends[e])
            free = fit_essvi(k[here], w[here], weight[here], rows[e, c.SCALE] ** 2)
            theta, rho, psi = essvi_project(*free, theta, rho, psi) if psi > 0.0 else free
            rows[e, c.SVI : c.SVI + 5] = essvi_to_raw(theta, rho, psi)
            low, high = min(low, rows[e, c.K_LOW]), max(high, rows[e, c.K_HIGH])
            lay_knots(low, high, rows[e])
            lay_nodes(rows[e], nodes)
            fit_bumps(k[here], w[here], weight[here], nodes, floor, ceiling, rows[e])
    later = rows[0, :0]
    for e in range(expiries - 1, -1, -1):
        if rows[e, c.STATUS] == c.OK:
            here = slice(first[e], ends[e])
            lay_nodes(rows[e], nodes)
            _limits(rows, e, later, nodes, floor, ceiling)
            if not _is_within(rows[e], nodes, floor, ceiling):
                fit_bumps(k[here], w[here], weight[here], nodes, floor, ceiling, rows[e])
            later = rows[e]
    _finish(rows)


@njit(cache=True, error_model="numpy")
def _limits(rows: Floats, e: int, later: Floats, nodes: Floats, floor: Floats, ceiling: Floats) -> None:
    """Ceiling of expiry e: the one after it. Floor beyond its own quotes: those before it as far as theirs reach."""
    low, high = rows[e, c.K_LOW], rows[e, c.K_HIGH]
    for i in range(nodes.shape[0]):
        x = nodes[i]
        ceiling[i] = variance_at(x, later) if later.shape[0] else np.inf
        floor[i] = 0.0
        if low <= x <= high:
            continue
        for j in range(e):
            if rows[j, c.STATUS] == c.OK and rows[j, c.K_LOW] <= x <= rows[j, c.K_HIGH]:
                floor[i] = max(floor[i], variance_at(x, rows[j]))
        floor[i] = min(floor[i], 0.999 * ceiling[i])


@njit(cache=True, error_model="numpy")
def _is_within(row: Floats, nodes: Floats, floor: Floats, ceiling: Floats) -> bool:
    for i in range(nodes.shape[0]):
        if not floor[i] <= variance_at(nodes[i], row) <= ceiling[i]:
            return False
    return True


@njit(cache=True, error_model="numpy")
def _finish(rows: Floats) -> None:
    """On the fine grid: no butterfly in any expiry, each lifted over the one before it; what is left is marked."""
    grid = np.empty(GRID_POINTS)
    for i in range(GRID_POINTS):
        grid[i] = math.log(GRID_LOW + GRID_STEP * i)
    before = -1
    for e in range(rows.shape[0]):
        if rows[e, c.STATUS] != c.OK:
            continue
        shrink(rows[e], grid)
        if before >= 0:
            lack = 0.0
            for i in range(GRID_POINTS):
                lack = max(lack, variance_at(grid[i], rows[before]) - variance_at(grid[i], rows[e]))
            if lack > 0.0:
                rows[e, c.SVI] += lack * (1.0 + 1e-9) + 1e-15
                if not is_free(rows[e], grid):
                    rows[e, c.STATUS] = c.ARBITRAGE
        before = e
