"""The exercise boundary of the American put: the smooth-pasting integral equation, solved by Newton's method.

With τ the time to expiry, g = φ(d)/(σ√t), d = [ln(B(τ)/B(τ−t)) + (r − q)t]/(σ√t) + σ√t/2 and d_K the same with
B(τ)/K over the whole of τ, the delta is −1 on the boundary when [1, equation (33)]

    G(τ) = N(d_K) + q ∫₀^τ e^(q(τ−t)) N(d) dt − ∫₀^τ e^(q(τ−t)) g (rK/B(τ−t) − q) dt = 0.

[1] iterates a fixed point of this equation, which is slow or unstable when r√T/σ is large. Here G and its whole
Jacobian are taken at the nodes of `scheme`: the interpolated boundary is linear in H = ζ², so a column of the
Jacobian costs one pass of multiplications, and two Newton rounds from QD+ leave about 1e-7 of the price.

All is in units of T, K and s = σ√T: a = rT, b = qT, c = (a − b)/s + s/2, ζ = ln(X/B)/s with X = B(0+).

References:
    [1] L. Andersen, M. Lake, D. Offengenden, "High-performance American option pricing",
        J. Computational Finance 20 (2016), 39-87.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.gauss import bell_and_cdf, fast_exp
from contango_quant.pricing.american.guess import perpetual_boundary, qd_plus
from contango_quant.pricing.american.scheme import Scheme
from contango_quant.pricing.normal import INV_SQRT_2PI

REFRESH = 4  # the Jacobian serves so many rounds


class Work(NamedTuple):
    """Scratch memory of one thread for one scheme, and the boundary found last."""

    zeta: Floats  # (N,)
    node: Floats  # (N,) G at the nodes
    jacobian: Floats  # (N, N) [i, j] = ∂G_i/∂ζ_j, then its factors
    points: Floats  # (6, max(L·N, P))
    solved: Floats  # (5,) rT, qT, vol·√T of that boundary; part of T in which it moves; the last step of ζ


@njit(cache=True, error_model="numpy")
def make_work(scheme: Scheme) -> Work:
    """Memory for `scheme`."""
    n = scheme.root.shape[0]
    size = max(scheme.root_t.shape[0], scheme.outer_root_t.shape[0])
    return Work(np.empty(n), np.empty(n), np.empty((n, n)), np.empty((6, size)), np.full(5, np.nan))


@njit(cache=True, error_model="numpy")
def start_of(a: float, b: float) -> float:
    """ln(X/K): just before expiry the put is exercised below X = K·min(1, r/q).

    >>> start_of(0.05, 0.0), round(start_of(0.05, 0.1), 12)
    (0.0, -0.69314718056)
    """
    return math.log(a / b) if b > a else 0.0


@njit(cache=True, error_model="numpy")
def find_boundary(a: float, b: float, s: float, scheme: Scheme, work: Work) -> float:
    """Leave the boundary of a = rT, b = qT, s = vol·√T in `work`; ln(B(T)/K). Equal arguments are solved once.

    The boundary nears that of the perpetual put as e^(−(c₋² + 2a)τ/2T), c₋ = (a − b)/s − s/2. It is solved as long
    as it moves: up to τ = T·solved[3]. ζ is in units of vol·√τ there.
    """
    solved = work.solved
    if not (solved[0] == a and solved[1] == b and solved[2] == s):
        drift = (a - b) / s - 0.5 * s
        moving = min(1.0, scheme.still / (0.5 * drift * drift + a))
        solved[0], solved[1], solved[2], solved[3] = a, b, s, moving
        solved[4] = solve_boundary(a * moving, b * moving, s * math.sqrt(moving), scheme, work)
    return start_of(a, b) - s * math.sqrt(solved[3]) * work.zeta[0]


@njit(cache=True, error_model="numpy")
def solve_boundary(a: float, b: float, s: float, scheme: Scheme, work: Work) -> float:
    """Fill work.zeta for 0 < a or (a = 0, b < 0); the last step of ζ, relative to the largest ζ."""
    start = start_of(a, b)
    qd_plus(a, b, s, start, scheme.root, work.zeta)
    size, c = scheme.root_t.shape[0], (a - b) / s + 0.5 * s
    at, dm, bell, cdf = work.points[0, :size], work.points[1, :size], work.points[2, :size], work.points[3, :size]
    own, growth = work.points[4, :size], work.points[5, :size]
    _exp_of(b, scheme.rest, growth)
    change = math.inf
    highest = (start - perpetual_boundary(a, b, s)) / s
    for done in range(scheme.rounds):
        interpolate(scheme.interpolate, work.zeta, at)
        _deviates(at, _tile(work.zeta, own), scheme.inverse_t, c, dm)
        _bells(dm, scheme.root_t, bell, cdf)
        _weigh(bell, cdf, growth, scheme.weight_bell, scheme.weight_cdf)
        _integrands(a * math.exp(-start), b, s, at, dm, bell, cdf)
        _at_nodes(start / s, c, scheme.root, work.zeta, work.node, own)
        _add_up(at, work.node)
        if done % REFRESH == 0:
            _add_up(bell, own[: work.node.shape[0]])
            _jacobian(cdf, scheme.spread, work.zeta, own, work.jacobian)
            _factorise(work.jacobian)
        change = _step(work.jacobian, work.node, work.zeta, highest) / work.zeta[0]
        if change < scheme.close:
            break
    return change


@njit(cache=True, error_model="numpy")
def interpolate(weights: Floats, zeta: Floats, out: Floats) -> None:
    """ζ at the points of `weights`: √ of the interpolated H."""
    out[:] = 0.0
    for j in range(zeta.shape[0]):
        row, h = weights[j], zeta[j] * zeta[j]
        for k in range(out.shape[0]):
            out[k] += row[k] * h
    for k in range(out.shape[0]):
        out[k] = math.sqrt(max(out[k], 0.0))


@njit(cache=True, error_model="numpy")
def _exp_of(factor: float, x: Floats, out: Floats) -> None:
    for k in range(x.shape[0]):
        out[k] = fast_exp(factor * x[k])


@njit(cache=True, error_model="numpy")
def _tile(values: Floats, out: Floats) -> Floats:
    n = values.shape[0]
    for k in range(0, out.shape[0], n):
        for i in range(n):
            out[k + i] = values[i]
    return out


@njit(cache=True, error_model="numpy")
def _deviates(at: Floats, own: Floats, inverse_t: Floats, c: float, dm: Floats) -> None:
    """d/√(t/T)."""
    for k in range(dm.shape[0]):
        dm[k] = (at[k] - own[k]) * inverse_t[k] + c


@njit(cache=True, error_model="numpy")
def _bells(dm: Floats, root_t: Floats, bell: Floats, cdf: Floats) -> None:
    for k in range(dm.shape[0]):
        bell[k], cdf[k] = bell_and_cdf(dm[k] * root_t[k])


@njit(cache=True, error_model="numpy")
def _weigh(bell: Floats, cdf: Floats, growth: Floats, weight_bell: Floats, weight_cdf: Floats) -> None:
    for k in range(bell.shape[0]):
        bell[k] *= growth[k] * weight_bell[k]
        cdf[k] *= growth[k] * weight_cdf[k]


@njit(cache=True, error_model="numpy")
def _integrands(a_x: float, b: float, s: float, at: Floats, dm: Floats, bell: Floats, cdf: Floats) -> None:
    """Terms of G into `at`, of −∂G/∂ζ(τ) into `bell`, of 2 ∂G/∂H(τ−t) into `cdf`; a_x = rTK/X."""
    inverse = 1.0 / s
    for k in range(at.shape[0]):
        z, slope = at[k], dm[k]
        gap = bell[k] * inverse * (a_x * fast_exp(s * z) - b)  # e^(q(τ−t)) g (rK/B − q)
        at[k] = b * cdf[k] - gap
        bell[k] = b * bell[k] + slope * gap
        cdf[k] = gap * (slope - s) / z if z > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def _at_nodes(start: float, c: float, root: Floats, zeta: Floats, value: Floats, slope: Floats) -> None:
    """N(d_K), and −∂/∂ζ of it."""
    for i in range(zeta.shape[0]):
        x = root[i]
        bell, value[i] = bell_and_cdf((start - zeta[i]) / x + c * x)
        slope[i] = bell * INV_SQRT_2PI / x


@njit(cache=True, error_model="numpy")
def _add_up(terms: Floats, total: Floats) -> None:
    """Add the points of each node."""
    n = total.shape[0]
    for k in range(0, terms.shape[0], n):
        part = terms[k : k + n]
        for i in range(n):
            total[i] += part[i]


@njit(cache=True, error_model="numpy")
def _jacobian(twice: Floats, spread: Floats, zeta: Floats, own: Floats, jacobian: Floats) -> None:
    """∂G_i/∂ζ_j: by way of the interpolation, H_j = ζ_j², and directly on the diagonal."""
    n = zeta.shape[0]
    for i in range(n):
        row = jacobian[i]
        row[:] = 0.0
        for k in range(i, twice.shape[0], n):
            weights, factor = spread[k], twice[k]
            for j in range(n):
                row[j] += factor * weights[j]
        for j in range(n):
            row[j] *= zeta[j]
        row[i] -= own[i]


@njit(cache=True, error_model="numpy")
def _factorise(jacobian: Floats) -> None:
    """LU factors in place, the diagonal inverted; the diagonal dominates, so no rows change place."""
    n = jacobian.shape[0]
    for p in range(n):
        pivot_row = jacobian[p]
        pivot_row[p] = 1.0 / pivot_row[p]
        for i in range(p + 1, n):
            row = jacobian[i]
            factor = row[p] * pivot_row[p]
            row[p] = factor
            for j in range(p + 1, n):
                row[j] -= factor * pivot_row[j]


@njit(cache=True, error_model="numpy")
def _step(factors: Floats, g: Floats, zeta: Floats, highest: float) -> float:
    """Subtract the solution from ζ; the largest change. A step below 0 is cut to half the way."""
    n = g.shape[0]
    for i in range(n):
        row = factors[i]
        for j in range(i):
            g[i] -= row[j] * g[j]
    change = 0.0
    for i in range(n - 1, -1, -1):
        row = factors[i]
        for j in range(i + 1, n):
            g[i] -= row[j] * g[j]
        g[i] *= row[i]
    for i in range(n):
        step = max(min(g[i], 0.5 * zeta[i]), zeta[i] - highest)
        change = max(change, abs(step))
        zeta[i] -= step
    return change
