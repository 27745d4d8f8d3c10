"""The exercise boundary of the American put: the smooth-pasting integral equation, solved by Newton's method.

With τ the time to expiry, g = φ(d)/(σ√t), d = [ln(B(τ)/B(τ−t)) + (r − q)t]/(σ√t) + σ√t/2 and d_K the same with
B(τ)/K over the whole of τ, the delta is −1 on the boundary when [1]

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
from contango_quant.pricing.american.gauss import bell_and_cdf
from contango_quant.pricing.american.guess import FLAT, perpetual_boundary, qd_plus
from contango_quant.pricing.american.scheme import Scheme
from contango_quant.pricing.elementary import exp
from contango_quant.pricing.normal import INV_SQRT_2PI

REFRESH = 2  # the Jacobian serves so many rounds
SLACK, SLACK_STILL = 0.02, 1e-3  # relative and absolute, for a boundary that hardly moves
SHORTEST, FAR = 1e-5, 10.0  # of qT, and in deviations of ln S
WIDEST_FLAT = 2.0  # of vol √T at a rate near 0 and a yield below 0, where the first guess may be false beyond


class Work(NamedTuple):
    """Scratch memory of one thread for one scheme, and the boundary found last. Points of node i lie at [k·N + i]."""

    zeta: Floats  # (N,)
    solved: Floats  # (5,) rT, qT, vol·√T of that boundary; part of T in which it moves; the last step of ζ
    node: Floats  # (N,) G at the nodes
    slope: Floats  # (N,) and −∂/∂ζ of it, with the rest of the boundary held
    guess: Floats  # (4, N)
    jacobian: Floats  # (N, N) [i, j] = ∂G_i/∂ζ_j, then its factors
    at: Floats  # (L·N,) ζ at the points; also the terms of G
    dm: Floats  # (L·N,) d/√(t/T)
    bell: Floats  # (L·N,)
    cdf: Floats  # (L·N,)
    growth: Floats  # (L·N,) e^(q(τ−t))
    outer: Floats  # (P,) ζ at the points of the outer integral
    income: Floats  # (P,)
    income2: Floats  # (P,)


@njit(cache=True, error_model="numpy")
def make_work(scheme: Scheme) -> Work:
    """Memory for `scheme`."""
    n, size, count = scheme.root.shape[0], scheme.root_t.shape[0], scheme.outer_root_t.shape[0]
    return Work(
        np.empty(n),
        np.full(5, np.nan),
        np.empty(n),
        np.empty(n),
        np.empty((4, n)),
        np.empty((n, n)),
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(count),
        np.empty(count),
        np.empty(count),
    )


@njit(cache=True, error_model="numpy")
def start_of(a: float, b: float) -> float:
    """ln(X/K): just before expiry the put is exercised below X = K·min(1, r/q).

    >>> start_of(0.05, 0.0), round(start_of(0.05, 0.1), 12)
    (0.0, -0.69314718056)
    """
    return math.log(a / b) if b > a else 0.0


@njit(cache=True, error_model="numpy", inline="always")
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
        part = moving * _stretch(a * moving, b * moving, s * math.sqrt(moving))
        solved[4] = solve_boundary(a * part, b * part, s * math.sqrt(part), scheme, work)
    return start_of(a, b) - s * math.sqrt(solved[3]) * work.zeta[0]


@njit(cache=True, error_model="numpy")
def _stretch(a: float, b: float, s: float) -> float:
    """Factor on a time so short that G drowns in rounding: far from the strike ζ then depends on τ/T alone."""
    factor = max(SHORTEST / b, 1.0) if b > a else 1.0
    return factor if start_of(a, b) < -FAR * s * math.sqrt(factor) else 1.0


@njit(cache=True, error_model="numpy", inline="always")
def solve_boundary(a: float, b: float, s: float, scheme: Scheme, work: Work) -> float:
    """Fill work.zeta for 0 < a or (a = 0, b < 0); the last step of ζ, relative; inf for a false root."""
    start, c = start_of(a, b), (a - b) / s + 0.5 * s
    # Each access to a field counts a reference, which is slow beside these short loops: the fields are named once.
    root, root_t, inverse_t, weights, spread = (
        scheme.root,
        scheme.root_t,
        scheme.inverse_t,
        scheme.interpolate,
        scheme.spread,
    )
    weight_bell, weight_cdf = scheme.weight_bell, scheme.weight_cdf
    zeta, node, slope, jacobian = work.zeta, work.node, work.slope, work.jacobian
    at, dm, bell, cdf, growth = work.at, work.dm, work.bell, work.cdf, work.growth
    qd_plus(a, b, s, start, root, work.guess, zeta)
    _exp_of(b, scheme.rest, growth)
    change = math.inf
    highest = (start - perpetual_boundary(a, b, s)) / s
    a_x = a * math.exp(-start)
    for done in range(scheme.rounds):
        interpolate(weights, zeta, at)
        _deviates(at, zeta, inverse_t, c, dm)
        _bells(dm, root_t, bell, cdf)
        _weigh(bell, cdf, growth, weight_bell, weight_cdf)
        _integrands(a_x, b, s, at, dm, bell, cdf)
        _at_nodes(start / s, c, root, zeta, node, slope)
        _add_up(at, node)
        if done % REFRESH == 0:
            _add_up(bell, slope)
            _jacobian(cdf, spread, zeta, slope, jacobian)
            _factorise(jacobian)
        change = _step(jacobian, node, zeta, highest) / zeta[0]
        if change < scheme.close:
            break
    return change if _falls(zeta) and not (a < -FLAT * b and s > WIDEST_FLAT) else math.inf


@njit(cache=True, error_model="numpy")
def interpolate(weights: Floats, zeta: Floats, out: Floats) -> None:
    """ζ at the points of `weights`: √ of the interpolated H."""
    out[:] = 0.0
    for j in range(zeta.shape[0]):
        h = zeta[j] * zeta[j]
        for k in range(out.shape[0]):
            out[k] += weights[j, k] * h
    for k in range(out.shape[0]):
        out[k] = math.sqrt(max(out[k], 0.0))


@njit(cache=True, error_model="numpy")
def _falls(zeta: Floats) -> bool:
    """Whether the boundary falls with time to expiry, as the true one does; else a false root was found."""
    good = True
    for i in range(zeta.shape[0] - 1):
        good = good and zeta[i + 1] <= (1.0 + SLACK) * zeta[i] + SLACK_STILL
    return good


@njit(cache=True, error_model="numpy")
def _exp_of(factor: float, x: Floats, out: Floats) -> None:
    for k in range(x.shape[0]):
        out[k] = exp(factor * x[k])


@njit(cache=True, error_model="numpy")
def _deviates(at: Floats, zeta: Floats, inverse_t: Floats, c: float, dm: Floats) -> None:
    n = zeta.shape[0]
    for k in range(0, dm.shape[0], n):
        for i in range(n):
            dm[k + i] = (at[k + i] - zeta[i]) * inverse_t[k + i] + c


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
        gap = bell[k] * inverse * (a_x * exp(s * z) - b)  # e^(q(τ−t)) g (rK/B − q)
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
        for i in range(n):
            total[i] += terms[k + i]


@njit(cache=True, error_model="numpy")
def _jacobian(twice: Floats, spread: Floats, zeta: Floats, slope: Floats, jacobian: Floats) -> None:
    """∂G_i/∂ζ_j: by way of the interpolation, H_j = ζ_j², and directly on the diagonal."""
    n = zeta.shape[0]
    for i in range(n):
        for j in range(n):
            jacobian[i, j] = 0.0
        for k in range(i, twice.shape[0], n):
            factor = twice[k]
            for j in range(n):
                jacobian[i, j] += factor * spread[k, j]
        for j in range(n):
            jacobian[i, j] *= zeta[j]
        jacobian[i, i] -= slope[i]


@njit(cache=True, error_model="numpy")
def _factorise(jacobian: Floats) -> None:
    """LU factors in place, the diagonal inverted; the diagonal dominates, so no rows change place."""
    n = jacobian.shape[0]
    for p in range(n):
        jacobian[p, p] = 1.0 / jacobian[p, p]
        for i in range(p + 1, n):
            factor = jacobian[i, p] * jacobian[p, p]
            jacobian[i, p] = factor
            for j in range(p + 1, n):
                jacobian[i, j] -= factor * jacobian[p, j]


@njit(cache=True, error_model="numpy")
def _step(factors: Floats, g: Floats, zeta: Floats, highest: float) -> float:
    """Subtract the solution from ζ; the largest change. A step below 0 is cut to half the way."""
    n = g.shape[0]
    for i in range(n):
        for j in range(i):
            g[i] -= factors[i, j] * g[j]
    change = 0.0
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            g[i] -= factors[i, j] * g[j]
        g[i] *= factors[i, i]
    for i in range(n):
        step = max(min(g[i], 0.5 * zeta[i]), zeta[i] - highest)
        change = max(change, abs(step))
        zeta[i] -= step
    return change
