"""Least squares fit of an SVI smile to total variances, kept free of arbitrage.

The start is the best of a few positions and roundnesses of the vertex, for each of which the other three parameters
are linear [1]. Levenberg-Marquardt steps then lower the objective of `svi_objective`. Its penalty is raised until
g ≥ 0 at all nodes; the last resort is a smile flattened towards its value at the forward, which in the end is free of
butterflies.

References:
    [1] Zeliade Systems, "Quasi-explicit calibration of Gatheral's SVI model", 2009.
    [2] K. Madsen, H. B. Nielsen, O. Tingleff, "Methods for non-linear least squares problems", 2004, ch. 3.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import ANY, POSITIVE, Floats, floats
from contango_quant.surface.linear import solve_damped
from contango_quant.surface.svi import MAX_SLOPE, RawSvi, svi_durrleman
from contango_quant.surface.svi_objective import SIZE, C, M, P, S, V, svi_cost, svi_equations, to_raw

STEEPEST = 4.0  # slope of a wing, in units of the least total volatility
FORCE = 1e6  # of the penalty, per squared unit of g
TOLERANCE, MAX_STEPS = 1e-9, 200
MIN_POINTS = 5
NODES = 160

OK = 0
FEW_POINTS = 1
FLATTENED = 2  # free of butterflies only after being drawn flat
STATUS_NAMES = ("OK", "FEW_POINTS", "FLATTENED")


@njit(cache=True, error_model="numpy")
def _bound(x: Floats, low: Floats, high: Floats) -> None:
    for i in range(SIZE):
        x[i] = min(max(x[i], low[i]), high[i])


@njit(cache=True, error_model="numpy")
def _descend(
    x: Floats,
    low: Floats,
    high: Floats,
    k: Floats,
    w: Floats,
    weight: Floats,
    nodes: Floats,
    force: float,
) -> float:
    """Levenberg-Marquardt from x, in place; the cost reached."""
    normal, slope, step, new = np.empty((SIZE, SIZE)), np.empty(SIZE), np.empty(SIZE), np.empty(SIZE)
    cost = svi_cost(x, k, w, weight, nodes, force)
    damp, fresh, calm = 1e-3, True, 0
    for _ in range(MAX_STEPS):
        if fresh:
            svi_equations(x, k, w, weight, nodes, force, normal, slope)
        if not solve_damped(normal, slope, damp, step):
            damp *= 10.0
            fresh = False
            continue
        for i in range(SIZE):
            new[i] = x[i] + min(max(step[i], -2.0), 2.0)
        _bound(new, low, high)
        trial = svi_cost(new, k, w, weight, nodes, force)
        fresh = trial < cost
        if fresh:
            calm = calm + 1 if cost - trial < TOLERANCE * cost else 0
            x[:] = new
            cost = trial
            damp = max(0.1 * damp, 1e-9)
            if calm >= 2:
                return cost
        else:
            damp *= 8.0
            if damp > 1e8:
                return cost
    return cost


@njit(cache=True, error_model="numpy")
def _start(k: Floats, w: Floats, weight: Floats, low: Floats, high: Floats) -> Floats:
    """The best of a few (m, σ) with the linear remainder solved, within the bounds."""
    n = k.shape[0]
    lowest, spread = math.inf, 0.0
    for i in range(n):
        lowest = min(lowest, w[i])
        spread = max(spread, abs(k[i]))
    scale = min(math.sqrt(lowest), spread)
    best, least = np.empty(SIZE), math.inf
    x = np.empty(SIZE)
    for im in range(5):
        m = scale * (-1.0 + im)
        for isig in range(4):
            sigma = scale * 0.15 * 3.0**isig
            s00 = s01 = s02 = s11 = s12 = s22 = t0 = t1 = t2 = 0.0
            for i in range(n):
                y = k[i] - m
                d = math.sqrt(y * y + sigma * sigma)
                q = weight[i] * weight[i]
                s00 += q
                s01 += q * y
                s02 += q * d
                s11 += q * y * y
                s12 += q * y * d
                s22 += q * d * d
                t0 += q * w[i]
                t1 += q * y * w[i]
                t2 += q * d * w[i]
            c11, c12, c22 = s11 - s01 * s01 / s00, s12 - s01 * s02 / s00, s22 - s02 * s02 / s00
            u1, u2 = t1 - s01 * t0 / s00, t2 - s02 * t0 / s00
            det = c11 * c22 - c12 * c12
            if not det > 0.0:
                continue
            tilt, half = (u1 * c22 - u2 * c12) / det, (u2 * c11 - u1 * c12) / det
            p, c = max(half - tilt, 1e-4), max(half + tilt, 1e-4)
            a = (t0 - 0.5 * (c - p) * s01 - 0.5 * (c + p) * s02) / s00
            v = max(a + sigma * math.sqrt(p * c), 0.02 * lowest)
            x[P], x[C], x[V], x[M], x[S] = math.log(p), math.log(c), math.log(v), m, math.log(sigma)
            _bound(x, low, high)
            cost = svi_cost(x, k, w, weight, k, 0.0)
            if cost < least:
                least = cost
                best[:] = x
    return best


@njit(cache=True, error_model="numpy")
def parameter_bounds(k: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Bounds (5,), (5,) of the parameters: wings no steeper than 2 nor than the data can tell, vertex near the data."""
    lowest, k_low, k_high = math.inf, math.inf, -math.inf
    for i in range(k.shape[0]):
        lowest = min(lowest, w[i])
        k_low, k_high = min(k_low, k[i]), max(k_high, k[i])
    reach = k_high - k_low
    s = math.sqrt(lowest)
    steep = math.log(min(0.999 * MAX_SLOPE, STEEPEST * s))
    low = np.array([steep - 16.0, steep - 16.0, math.log(lowest) - 8.0, k_low - reach, math.log(reach) - 7.0])
    high = np.array([steep, steep, math.log(lowest) + 0.5, k_high + reach, math.log(reach) + 1.0])
    return low, high


@njit(cache=True, error_model="numpy")
def fit_kernel(k: Floats, w: Floats, weight: Floats, nodes: Floats) -> tuple[Floats, float, int]:
    """((a, b, ρ, m, σ), objective, status) of the SVI smile nearest to w (n,) at k (n,), n ≥ 5; no checks.

    weight (n,): residuals are weight·(model − w), in half quoted spreads. nodes: where g ≥ 0 is demanded; of length
    0 for a fit that may have arbitrage.
    """
    low, high = parameter_bounds(k, w)
    x = _start(k, w, weight, low, high)
    raw, objective, status, force = np.empty(SIZE), 0.0, FLATTENED, FORCE
    for _ in range(4):
        objective = _descend(x, low, high, k, w, weight, nodes, force)
        raw[0], raw[1], raw[2], raw[3], raw[4] = to_raw(x)
        if _is_free(raw, nodes):
            status = OK
            break
        force *= 30.0
    flatten(raw, nodes)
    return raw, objective, status


@njit(cache=True, error_model="numpy")
def _is_free(raw: Floats, nodes: Floats) -> bool:
    free = True
    for k in nodes:
        free = free and svi_durrleman(k, raw[0], raw[1], raw[2], raw[3], raw[4]) >= 0.0
    return free


@njit(cache=True, error_model="numpy")
def flatten(raw: Floats, nodes: Floats) -> None:
    """Draw the smile towards its value at the forward, w(0), until no butterfly is left at the nodes."""
    z = raw[3]
    centre = raw[0] + raw[1] * (-raw[2] * z + math.sqrt(z * z + raw[4] * raw[4]))
    for _ in range(60):
        if _is_free(raw, nodes):
            return
        raw[0] = 0.2 * centre + 0.8 * raw[0]
        raw[1] *= 0.8


class SviFit(NamedTuple):
    """svi, and rms of weight·(model − w): None where status is FEW_POINTS; status: a code of this module."""

    svi: RawSvi | None
    rms: float | None
    status: int


def fit_svi(*, k: ArrayLike, total_variance: ArrayLike, weight: ArrayLike, free_of_arbitrage: bool = True) -> SviFit:
    """The SVI smile nearest to total variances (n,) at log moneyness k (n,), by default without butterflies.

    total_variance, weight: above 0; a residual is weight·(model − data), and beyond 2 it counts linearly. g ≥ 0 holds
    on strikes from a third to three times the forward, and wherever there is data. Raises ValueError for unequal
    or bad columns.

    >>> k = np.linspace(-0.5, 0.4, 19)
    >>> w = 0.02 + 0.1 * (-0.4 * (k - 0.05) + np.sqrt((k - 0.05) ** 2 + 0.2**2))
    >>> fit = fit_svi(k=k, total_variance=w, weight=np.full(19, 1e4))
    >>> [round(x, 4) for x in fit.svi]
    [0.02, 0.1, -0.4, 0.05, 0.2]
    """
    at, w = floats("k", k, ANY), floats("total_variance", total_variance, POSITIVE)
    size = floats("weight", weight, POSITIVE)
    if at.ndim != 1 or at.shape != w.shape or at.shape != size.shape:
        raise ValueError(f"columns must be equally long lines, got shapes {[at.shape, w.shape, size.shape]}")
    if np.unique(at).size < MIN_POINTS:
        return SviFit(None, None, FEW_POINTS)
    nodes = np.empty(0)
    if free_of_arbitrage:
        scale = math.sqrt(float(w.min()))
        ends = np.arcsinh(np.array([min(-1.1, float(at.min())), max(1.1, float(at.max()))]) / scale)
        nodes = scale * np.sinh(np.linspace(ends[0], ends[1], NODES))
    lines = [np.require(c, requirements=["C", "W"]) for c in (at, w, size)]
    raw, _, status = fit_kernel(*lines, nodes)
    svi = RawSvi(*(float(x) for x in raw))
    z = at - svi.m
    miss = size * (svi.a + svi.b * (svi.rho * z + np.hypot(z, svi.sigma)) - w)
    return SviFit(svi, float(np.sqrt(np.mean(miss**2))), status)
