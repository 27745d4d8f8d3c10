"""Fit of the spline correction over an SVI core, kept free of arbitrage.

The correction is linear in its ten coefficients c; robust least squares on what the core leaves over is done by
damped Gauss-Newton steps, with penalties at nodes: Durrleman's g below a margin, and total variance above a ceiling or
under a floor (the neighbouring expiries). A butterfly that is left afterwards is cured by shrinking the correction
towards 0, where only the core remains.
"""

import math

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.surface.curve import (
    BUMP_COUNT,
    BUMPS,
    SCALE,
    START,
    STEP,
    butterfly,
    curve,
    spline_bends,
    spline_cell,
    spline_slopes,
    spline_weights,
)
from contango_quant.surface.linear import add_row, solve_damped
from contango_quant.surface.svi import durrleman

BEND = 1.0  # half quoted spreads beyond which a residual counts linearly
MARGIN_G = 0.004
MARGIN_W = 1e-5  # of the ceiling or floor
FORCE = 1e6  # of the penalties, per squared unit of g
STIFF = 30.0  # times that per squared relative excess of w
RIDGE = 1e-4  # of the mean diagonal: holds coefficients that no quote reaches
MAX_STEPS = 12


@njit(cache=True, error_model="numpy")
def lay_knots(k_low: float, k_high: float, row: Floats) -> None:
    """Knots over the quoted range and one interval beyond each end; coefficients 0."""
    low, high = math.asinh(k_low / row[SCALE]), math.asinh(k_high / row[SCALE])
    row[STEP] = max((high - low) / (BUMP_COUNT + 1), 1e-3)
    row[START] = low - row[STEP]
    row[BUMPS : BUMPS + BUMP_COUNT] = 0.0


@njit(cache=True, error_model="numpy")
def _cost(
    row: Floats,
    k: Floats,
    rest: Floats,
    weight: Floats,
    cells: Floats,
    nodes: Floats,
    floor: Floats,
    ceiling: Floats,
    ridge: float,
) -> float:
    total = 0.0
    for i in range(k.shape[0]):
        r = weight[i] * (_bump(row, cells[i, 0], cells[i, 1]) - rest[i]) / BEND
        total += math.sqrt(1.0 + r * r) - 1.0
    total *= 2.0 * BEND * BEND
    for j in range(BUMP_COUNT):
        total += ridge * row[BUMPS + j] ** 2
    for i in range(nodes.shape[0]):
        at, first, second = curve(nodes[i], row)
        miss = MARGIN_G - durrleman(nodes[i], at, first, second)
        if miss > 0.0:
            total += FORCE * miss * miss
        over = at / ceiling[i] - 1.0 + MARGIN_W
        if over > 0.0:
            total += STIFF * FORCE * over * over
        under = 1.0 + MARGIN_W - at / floor[i]
        if under > 0.0:
            total += STIFF * FORCE * under * under
        if not at > 0.0:
            return math.inf
    return total


@njit(cache=True, error_model="numpy")
def _bump(row: Floats, cell: float, f: float) -> float:
    total, values, at = 0.0, spline_weights(f), int(cell) - 3
    for i in range(4):
        if 0 <= at + i < BUMP_COUNT:
            total += row[BUMPS + at + i] * values[i]
    return total


@njit(cache=True, error_model="numpy")
def _equations(
    row: Floats,
    k: Floats,
    rest: Floats,
    weight: Floats,
    cells: Floats,
    nodes: Floats,
    floor: Floats,
    ceiling: Floats,
    ridge: float,
    normal: Floats,
    slope: Floats,
) -> None:
    normal[:], slope[:] = 0.0, 0.0
    for i in range(k.shape[0]):
        miss = _bump(row, cells[i, 0], cells[i, 1]) - rest[i]
        r = weight[i] * miss / BEND
        pull = weight[i] * weight[i] / math.sqrt(1.0 + r * r)
        values, at = spline_weights(cells[i, 1]), int(cells[i, 0]) - 3
        for p in range(4):
            if 0 <= at + p < BUMP_COUNT:
                slope[at + p] += pull * values[p] * miss
                for q in range(p + 1):
                    if at + q >= 0:
                        normal[at + p, at + q] += pull * values[p] * values[q]
    for j in range(BUMP_COUNT):
        normal[j, j] += ridge
        slope[j] += ridge * row[BUMPS + j]
    value, bent = np.empty(BUMP_COUNT), np.empty(BUMP_COUNT)
    for i in range(nodes.shape[0]):
        at, first, second = curve(nodes[i], row)
        miss = durrleman(nodes[i], at, first, second) - MARGIN_G
        over, under = at / ceiling[i] - 1.0 + MARGIN_W, at / floor[i] - 1.0 - MARGIN_W
        if miss >= 0.0 and over <= 0.0 and under >= 0.0:
            continue
        _basis(nodes[i], at, first, row, value, bent)
        if miss < 0.0:
            add_row(bent, miss, FORCE, normal, slope)
        if over > 0.0:
            add_row(value, over * ceiling[i], STIFF * FORCE / (ceiling[i] * ceiling[i]), normal, slope)
        if under < 0.0:
            add_row(value, under * floor[i], STIFF * FORCE / (floor[i] * floor[i]), normal, slope)


@njit(cache=True, error_model="numpy")
def _basis(k: float, w: float, first: float, row: Floats, value: Floats, bent: Floats) -> None:
    """Derivatives of w(k) and of g(k) by the coefficients."""
    value[:], bent[:] = 0.0, 0.0
    cell, f = spline_cell(math.asinh(k / row[SCALE]), row[START], row[STEP])
    if cell < 0:
        return
    values, slopes, bends = spline_weights(f), spline_slopes(f), spline_bends(f)
    root = math.sqrt(row[SCALE] * row[SCALE] + k * k)
    turn = 1.0 / (root * row[STEP])
    lean = 1.0 - 0.5 * k * first / w
    by_w = (lean * k * first + 0.25 * first * first) / (w * w)
    by_first = -lean * k / w - 0.5 * first * (1.0 / w + 0.25)
    for i in range(4):
        j = cell - 3 + i
        if 0 <= j < BUMP_COUNT:
            value[j] = values[i]
            rise = slopes[i] * turn
            bent[j] = by_w * values[i] + by_first * rise
            bent[j] += 0.5 * (bends[i] * turn * turn - rise * k / (root * root))


@njit(cache=True, error_model="numpy")
def fit_correction(
    row: Floats, k: Floats, rest: Floats, weight: Floats, nodes: Floats, floor: Floats, ceiling: Floats
) -> None:
    """Set the coefficients of `row` (knots laid, core fitted) to fit `rest` = data − core at k (n,)."""
    cells = np.empty((k.shape[0], 2))
    for i in range(k.shape[0]):
        cells[i, 0], cells[i, 1] = spline_cell(math.asinh(k[i] / row[SCALE]), row[START], row[STEP])
    normal, slope, step = np.zeros((BUMP_COUNT, BUMP_COUNT)), np.zeros(BUMP_COUNT), np.zeros(BUMP_COUNT)
    _equations(row, k, rest, weight, cells, nodes[:0], floor, ceiling, 0.0, normal, slope)
    ridge = RIDGE * np.trace(normal) / BUMP_COUNT
    best = row[BUMPS : BUMPS + BUMP_COUNT].copy()
    cost = _cost(row, k, rest, weight, cells, nodes, floor, ceiling, ridge)
    damp = 1e-9
    for _ in range(MAX_STEPS):
        _equations(row, k, rest, weight, cells, nodes, floor, ceiling, ridge, normal, slope)
        done = True
        for _ in range(8):
            if solve_damped(normal, slope, damp, step):
                row[BUMPS : BUMPS + BUMP_COUNT] = best + step
                trial = _cost(row, k, rest, weight, cells, nodes, floor, ceiling, ridge)
                if trial < cost:
                    done = cost - trial < 1e-3 * cost
                    cost = trial
                    best[:] = row[BUMPS : BUMPS + BUMP_COUNT]
                    damp = max(0.1 * damp, 1e-9)
                    break
            row[BUMPS : BUMPS + BUMP_COUNT] = best
            damp = max(10.0 * damp, 1e-3)
        if done:
            break


@njit(cache=True, error_model="numpy")
def is_free(row: Floats, nodes: Floats) -> bool:
    """Whether the smile has g ≥ 0 at all nodes."""
    free = True
    for k in nodes:
        free = free and butterfly(k, row) >= 0.0
    return free


@njit(cache=True, error_model="numpy")
def shrink(row: Floats, nodes: Floats) -> None:
    """The largest share of the correction (to 1/64) that is free of butterflies at the nodes; 0 if none is."""
    if is_free(row, nodes):
        return
    full = row[BUMPS : BUMPS + BUMP_COUNT].copy()
    good, bad = 0.0, 1.0
    for _ in range(6):
        share = 0.5 * (good + bad)
        row[BUMPS : BUMPS + BUMP_COUNT] = share * full
        if is_free(row, nodes):
            good = share
        else:
            bad = share
    row[BUMPS : BUMPS + BUMP_COUNT] = good * full
