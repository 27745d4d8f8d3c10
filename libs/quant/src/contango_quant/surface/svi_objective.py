"""The objective of the SVI fit and its normal equations, in parameters that are admissible by themselves.

The hyperbola is described by what is bounded: slopes p and c of the left and right wing, lowest total variance v,
position m and roundness σ of the vertex,

    w(k) = v − σ√(pc) + (c − p)/2 (k − m) + (c + p)/2 √((k − m)² + σ²),   0 < p, c ≤ 2,   0 < v,   0 < σ

with the logarithms of p, c, v, σ as parameters. The objective is

    Σ h(weight·(w(k) − data)) + force·Σ max(0, margin − g(node))²,   h(r) = 2 c² (√(1 + (r/c)²) − 1)

where h counts a stray quote linearly and g is Durrleman's function.

References:
    [1] K. Madsen, H. B. Nielsen, O. Tingleff, "Methods for non-linear least squares problems", 2004, ch. 3.
"""

import math

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.surface.linear import add_row
from contango_quant.surface.svi import durrleman, svi_derivatives

SIZE = 5  # parameters: ln p, ln c, ln v, m, ln σ
P, C, V, M, S = 0, 1, 2, 3, 4
BEND = 2.0  # residuals, in half quoted spreads, beyond which a quote counts linearly
MARGIN_G = 0.004


@njit(cache=True, error_model="numpy")
def to_raw(x: Floats) -> tuple[float, float, float, float, float]:
    """(a, b, ρ, m, σ) of the five parameters of the fit."""
    p, c, v, sigma = math.exp(x[P]), math.exp(x[C]), math.exp(x[V]), math.exp(x[S])
    return v - sigma * math.sqrt(p * c), 0.5 * (p + c), (c - p) / (c + p), x[M], sigma


@njit(cache=True, error_model="numpy")
def svi_cost(
    x: Floats,
    k: Floats,
    w: Floats,
    weight: Floats,
    nodes: Floats,
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
    return total


@njit(cache=True, error_model="numpy")
def svi_equations(
    x: Floats,
    k: Floats,
    w: Floats,
    weight: Floats,
    nodes: Floats,
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
    if force > 0.0:
        _penalties(x, nodes, force, normal, slope)


@njit(cache=True, error_model="numpy")
def _penalties(x: Floats, nodes: Floats, force: float, normal: Floats, slope: Floats) -> None:
    """Add the nodes whose g is below the margin to the equations."""
    p, c, v, sigma, m = math.exp(x[P]), math.exp(x[C]), math.exp(x[V]), math.exp(x[S]), x[M]
    mean = math.sqrt(p * c)
    half, tilt = 0.5 * (p + c), 0.5 * (c - p)
    base = v - sigma * mean
    row, bent = np.empty(SIZE), np.empty(SIZE)
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
