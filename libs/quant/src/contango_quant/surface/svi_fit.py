"""Least squares fit of an SVI smile to total variances, kept free of arbitrage.

The hyperbola is described by what is bounded: slopes p and c of the left and right wing, lowest total variance v,
position m and roundness σ of the vertex,

    w(k) = v − σ√(pc) + (c − p)/2 (k − m) + (c + p)/2 √((k − m)² + σ²),   0 < p, c ≤ 2,   0 < v,   0 < σ

in the logarithms of p, c, v, σ, so that every step is admissible. The start is the best of a few (m, σ), for each of
which the other three are linear [1]. Levenberg-Marquardt steps then lower

    Σ h(weight·(w(k) − data)) + penalties,   h(r) = 2 c² (√(1 + (r/c)²) − 1)

where h counts a stray quote linearly. The penalties act on nodes: Durrleman's g below a small margin, and
total variance over a given ceiling or under a given floor (the neighbouring expiries). They are raised until none is
broken; the last resort is a smile flattened towards its value at the forward, which always is free of butterflies.

References:
    [1] Zeliade Systems, "Quasi-explicit calibration of Gatheral's SVI model", 2009.
    [2] K. Madsen, H. B. Nielsen, O. Tingleff, "Methods for non-linear least squares problems", 2004, ch. 3.
"""

import math

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.surface.linear import add_row, solve_damped
from contango_quant.surface.svi import MAX_SLOPE, durrleman, svi_derivatives

SIZE = 5  # parameters: ln p, ln c, ln v, m, ln σ
P, C, V, M, S = 0, 1, 2, 3, 4
STEEPEST = 4.0  # slope of a wing, in units of the least total volatility
BEND = 2.0  # residuals, in half quoted spreads, beyond which a quote counts linearly
MARGIN_G = 0.004
MARGIN_W = 1e-5  # of the ceiling or floor
FORCE = 1e6  # of the penalties, per squared unit of g
STIFF = 30.0  # times that per squared relative excess of w


@njit(cache=True, error_model="numpy")
def to_raw(x: Floats) -> tuple[float, float, float, float, float]:
    """(a, b, ρ, m, σ) of the five parameters of the fit."""
    p, c, v, sigma = math.exp(x[P]), math.exp(x[C]), math.exp(x[V]), math.exp(x[S])
    return v - sigma * math.sqrt(p * c), 0.5 * (p + c), (c - p) / (c + p), x[M], sigma


@njit(cache=True, error_model="numpy")
def _bound(x: Floats, low: Floats, high: Floats) -> None:
    for i in range(SIZE):
        x[i] = min(max(x[i], low[i]), high[i])


@njit(cache=True, error_model="numpy")
def _cost(
    x: Floats,
    k: Floats,
    w: Floats,
    weight: Floats,
    nodes: Floats,
    floor: Floats,
    ceiling: Floats,
    force: float,
) -> float:
    a, b, rho, m, sigma = to_raw(x)
    total = 0.0
    for i in range(k.shape[0]):
        z = k[i] - m
        r = weight[i] * (a + b * (rho * z + math.sqrt(z * z + sigma * sigma)) - w[i]) / BEND
        total += math.sqrt(1.0 + r * r) - 1.0
    total *= 2.0 * BEND * BEND
    if force == 0.0:
        return total
    for i in range(nodes.shape[0]):
        at, first, second = svi_derivatives(nodes[i], a, b, rho, m, sigma)
        miss = MARGIN_G - durrleman(nodes[i], at, first, second)
        if miss > 0.0:
            total += force * miss * miss
        over = at / ceiling[i] - 1.0 + MARGIN_W
        if over > 0.0:
            total += STIFF * force * over * over
        under = 1.0 + MARGIN_W - at / floor[i]
        if under > 0.0:
            total += STIFF * force * under * under
    return total


@njit(cache=True, error_model="numpy")
def _equations(
    x: Floats,
    k: Floats,
    w: Floats,
    weight: Floats,
    nodes: Floats,
    floor: Floats,
    ceiling: Floats,
    force: float,
    normal: Floats,
    slope: Floats,
) -> None:
    """Fill the lower triangle of JᵀJ and Jᵀr at x."""
    p, c, v, sigma, m = math.exp(x[P]), math.exp(x[C]), math.exp(x[V]), math.exp(x[S]), x[M]
    mean = math.sqrt(p * c)
    half, tilt = 0.5 * (p + c), 0.5 * (c - p)
    base = v - sigma * mean
    normal[:], slope[:] = 0.0, 0.0
    row = np.empty(SIZE)
    row[V] = v
    for i in range(k.shape[0]):
        z = k[i] - m
        root = math.sqrt(z * z + sigma * sigma)
        row[P] = 0.5 * (p * (root - z) - sigma * mean)
        row[C] = 0.5 * (c * (root + z) - sigma * mean)
        row[M] = -tilt - half * z / root
        row[S] = sigma * (half * sigma / root - mean)
        miss = base + tilt * z + half * root - w[i]
        r = weight[i] * miss / BEND
        add_row(row, miss, weight[i] * weight[i] / math.sqrt(1.0 + r * r), normal, slope)
    if force == 0.0:
        return
    bent = np.empty(SIZE)
    for i in range(nodes.shape[0]):
        at = nodes[i]
        z = at - m
        root = math.sqrt(z * z + sigma * sigma)
        y, q = z / root, sigma / root
        total, first, second = base + tilt * z + half * root, tilt + half * y, half * q * q / root
        row[P] = 0.5 * (p * (root - z) - sigma * mean)
        row[C] = 0.5 * (c * (root + z) - sigma * mean)
        row[M] = -tilt - half * y
        row[S] = sigma * (half * q - mean)
        over = total / ceiling[i] - 1.0 + MARGIN_W
        if over > 0.0:
            add_row(row, over * ceiling[i], STIFF * force / (ceiling[i] * ceiling[i]), normal, slope)
        under = total / floor[i] - 1.0 - MARGIN_W
        if under < 0.0:
            add_row(row, under * floor[i], STIFF * force / (floor[i] * floor[i]), normal, slope)
        miss = durrleman(at, total, first, second) - MARGIN_G
        if miss < 0.0:
            lean = 1.0 - 0.5 * at * first / total
            by_w = lean * at * first / (total * total) + 0.25 * first * first / (total * total)
            by_first = -lean * at / total - 0.5 * first * (1.0 / total + 0.25)
            bend = q * q / root
            bent[P] = by_w * row[P] + by_first * 0.5 * p * (y - 1.0) + 0.25 * p * bend
            bent[C] = by_w * row[C] + by_first * 0.5 * c * (y + 1.0) + 0.25 * c * bend
            bent[V] = by_w * v
            bent[M] = by_w * row[M] - by_first * second + 1.5 * second * y / root
            bent[S] = by_w * row[S] - by_first * half * y * q * q + 0.5 * second * (2.0 - 3.0 * q * q)
            add_row(bent, miss, force, normal, slope)


@njit(cache=True, error_model="numpy")
def _descend(
    x: Floats,
    low: Floats,
    high: Floats,
    k: Floats,
    w: Floats,
    weight: Floats,
    nodes: Floats,
    floor: Floats,
    ceiling: Floats,
    force: float,
    tolerance: float,
    max_steps: int,
) -> tuple[float, int]:
    """Levenberg-Marquardt from x, in place; (cost, steps). Ends after two gains in a row below `tolerance`."""
    normal, slope, step, new = np.empty((SIZE, SIZE)), np.empty(SIZE), np.empty(SIZE), np.empty(SIZE)
    cost = _cost(x, k, w, weight, nodes, floor, ceiling, force)
    damp, fresh, calm = 1e-3, True, 0
    for count in range(max_steps):
        if fresh:
            _equations(x, k, w, weight, nodes, floor, ceiling, force, normal, slope)
        if not solve_damped(normal, slope, damp, step):
            damp *= 10.0
            fresh = False
            continue
        for i in range(SIZE):
            new[i] = x[i] + min(max(step[i], -2.0), 2.0)
        _bound(new, low, high)
        trial = _cost(new, k, w, weight, nodes, floor, ceiling, force)
        fresh = trial < cost
        if fresh:
            calm = calm + 1 if cost - trial < tolerance * cost else 0
            x[:] = new
            cost = trial
            damp = max(0.1 * damp, 1e-9)
            if calm >= 2:
                return cost, count
        else:
            damp *= 8.0
            if damp > 1e8:
                return cost, count
    return cost, max_steps


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
            cost = _cost(x, k, w, weight, k, w, w, 0.0)
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
def from_raw(raw: Floats) -> Floats:
    """The five parameters of the fit of (a, b, ρ, m, σ); the inverse of `to_raw`."""
    a, b, rho, sigma = raw[0], max(raw[1], 1e-12), min(max(raw[2], -1.0 + 1e-9), 1.0 - 1e-9), raw[4]
    p, c = b * (1.0 - rho), b * (1.0 + rho)
    v = max(a + sigma * math.sqrt(p * c), 1e-12)
    return np.array([math.log(p), math.log(c), math.log(v), raw[3], math.log(sigma)])


@njit(cache=True, error_model="numpy")
def fit_core(
    raw: Floats,
    k: Floats,
    w: Floats,
    weight: Floats,
    nodes: Floats,
    floor: Floats,
    ceiling: Floats,
    tolerance: float,
    max_steps: int,
) -> None:
    """Set `raw` = (a, b, ρ, m, σ) to the SVI smile nearest to total variances w (n,) at k (n,), penalties obeyed.

    raw: the start, or nan for one found from the data. weight (n,): residuals are weight·(model − w), in half quoted spreads. nodes, floor, ceiling (N,): where the
    smile must be free of butterflies and within these total variances (0 and inf: no limit).
    """
    low, high = parameter_bounds(k, w)
    x = from_raw(raw) if raw[0] == raw[0] else _start(k, w, weight, low, high)
    _bound(x, low, high)
    force = FORCE
    for _ in range(3):
        _descend(x, low, high, k, w, weight, nodes, floor, ceiling, force, tolerance, max_steps)
        raw[0], raw[1], raw[2], raw[3], raw[4] = to_raw(x)
        if nodes.shape[0] == 0 or _is_free(raw, nodes, floor, ceiling):
            break
        force *= 100.0


@njit(cache=True, error_model="numpy")
def _is_free(raw: Floats, nodes: Floats, floor: Floats, ceiling: Floats) -> bool:
    for i in range(nodes.shape[0]):
        w, first, second = svi_derivatives(nodes[i], raw[0], raw[1], raw[2], raw[3], raw[4])
        if not durrleman(nodes[i], w, first, second) >= 0.0 or w > ceiling[i] or w < floor[i]:
            return False
    return True


@njit(cache=True, error_model="numpy")
def flatten(raw: Floats, nodes: Floats) -> None:
    """Draw the smile towards its value at the forward, w(0), until no butterfly is left at the nodes."""
    nothing, everything = np.zeros(nodes.shape[0]), np.full(nodes.shape[0], np.inf)
    z = raw[3]
    centre = raw[0] + raw[1] * (-raw[2] * z + math.sqrt(z * z + raw[4] * raw[4]))
    for _ in range(60):
        if _is_free(raw, nodes, nothing, everything):
            return
        raw[0] = 0.2 * centre + 0.8 * raw[0]
        raw[1] *= 0.8
