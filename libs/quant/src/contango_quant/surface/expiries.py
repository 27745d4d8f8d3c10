"""Compiled fit of all expiries of one underlying, free of butterfly and calendar arbitrage.

The cores are eSSVI smiles, each moved to where it is nowhere below the one before. The corrections are fitted freely;
then, from the last expiry to the first, one that breaks a limit is fitted again: below the expiry after it, and beyond
its own quotes above what is quoted for those before it. A rest that the penalties leave is lifted away at the end:
more total variance throughout leaves a smile without butterflies free of them, as a rule, and is checked.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from contango_quant.broadcast import Floats
from contango_quant.surface import curve as c
from contango_quant.surface.correction import is_free, lay_knots, shrink
from contango_quant.surface.curve import curve_between, variance_at
from contango_quant.surface.essvi import essvi_project, essvi_to_raw, fit_essvi
from contango_quant.surface.smile import NODES, fit_bumps, lay_nodes, prepare
from contango_quant.surface.svi import durrleman

GRID_LOW, GRID_STEP, GRID_POINTS = 0.5, 0.001, 1001  # strikes over forward: 0.5, 0.501, … 1.5
ROUNDS = 6


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
    """Fill rows (E, 26); the quotes of expiry e are first[e] to first[e + 1] of the columns, t_years ascends."""
    expiries, n = t_years.shape[0], strike.shape[0]
    k, w, weight, ends = np.empty(n), np.empty(n), np.empty(n), np.zeros(expiries, dtype=np.int64)
    for e in range(expiries):
        here = slice(first[e], first[e + 1])
        ends[e] = first[e] + prepare(
            strike[here], is_call[here], bid[here], ask[here], t_years[e], forward[e], discount[e],
            k[here], w[here], weight[here], rows[e],
        )  # fmt: skip
    _fit_free(k, w, weight, first, ends, rows)
    nodes, floor, ceiling = np.empty(NODES), np.empty(NODES), np.empty(NODES)
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
def _fit_free(
    k: Floats, w: Floats, weight: Floats, first: NDArray[np.int64], ends: NDArray[np.int64], rows: Floats
) -> None:
    """Cores in calendar order, and corrections that know of no other expiry; knots reach as far as any quote so far."""
    nodes, floor, ceiling = np.empty(NODES), np.zeros(NODES), np.full(NODES, np.inf)
    low, high, theta, rho, psi = 0.0, 0.0, 0.0, 0.0, 0.0
    for e in range(rows.shape[0]):
        if rows[e, c.STATUS] != c.OK:
            continue
        here = slice(first[e], ends[e])
        own = fit_essvi(k[here], w[here], weight[here], rows[e, c.SCALE] ** 2)
        theta, rho, psi = essvi_project(own[0], own[1], own[2], theta, rho, psi) if psi > 0.0 else own
        rows[e, c.SVI : c.SVI + 5] = np.array(essvi_to_raw(theta, rho, psi))
        low, high = min(low, rows[e, c.K_LOW]), max(high, rows[e, c.K_HIGH])
        lay_knots(low, high, rows[e])
        lay_nodes(rows[e], nodes)
        fit_bumps(k[here], w[here], weight[here], nodes, floor, ceiling, rows[e])


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
    within = True
    for i in range(nodes.shape[0]):
        within = within and floor[i] <= variance_at(nodes[i], row) <= ceiling[i]
    return within


@njit(cache=True, error_model="numpy")
def _finish(rows: Floats) -> None:
    """No butterfly in or between expiries, each lifted over the one before; the rest is marked."""
    grid, fine, before = np.empty(GRID_POINTS), np.empty(4 * NODES), -1
    for i in range(GRID_POINTS):
        grid[i] = math.log(GRID_LOW + GRID_STEP * i)
    for e in range(rows.shape[0]):
        if rows[e, c.STATUS] == c.OK:
            lay_nodes(rows[e], fine)
            shrink(rows[e], fine)
            shrink(rows[e], grid)
            if before >= 0:
                _calm(rows[before], rows[e], grid)
            before = e
    before = -1
    for e in range(rows.shape[0]):
        if rows[e, c.STATUS] != c.OK:
            continue
        free = before < 0
        for _ in range(ROUNDS):
            if not free:
                lay_nodes(rows[e], fine)
                lack = max(_lack(rows[before], rows[e], grid), _lack(rows[before], rows[e], fine))
                if lack > 0.0:
                    rows[e, c.SVI] += lack * (1.0 + 1e-9) + 1e-15
                free = is_free(rows[e], grid)
            if not free:
                shrink(rows[e], grid)
        if free:
            before = e
        else:
            rows[e, c.STATUS] = c.ARBITRAGE


@njit(cache=True, error_model="numpy")
def _calm(near: Floats, far: Floats, grid: Floats) -> None:
    """Make both corrections smaller until there is no butterfly midway between the two expiries."""
    for _ in range(ROUNDS):
        for i in range(grid.shape[0]):
            if not butterfly_between(grid[i], near, far) >= 0.0:
                near[c.BUMPS : c.BUMPS + c.BUMP_COUNT] *= 0.8
                far[c.BUMPS : c.BUMPS + c.BUMP_COUNT] *= 0.8
                break
        else:
            return


@njit(cache=True, error_model="numpy")
def butterfly_between(k: float, near: Floats, far: Floats) -> float:
    """Durrleman's g at log moneyness k midway in total variance between two smiles."""
    w, first, second = curve_between(k, near, far, 0.5)
    return durrleman(k, w, first, second)


@njit(cache=True, error_model="numpy")
def _lack(before: Floats, row: Floats, nodes: Floats) -> float:
    """By how much total variance at a node falls from one smile to the next; 0 when it nowhere does."""
    lack = 0.0
    for i in range(nodes.shape[0]):
        lack = max(lack, variance_at(nodes[i], before) - variance_at(nodes[i], row))
    return lack
