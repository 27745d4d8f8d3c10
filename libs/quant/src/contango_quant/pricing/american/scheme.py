"""Nodes, quadrature and interpolation of the boundary equation, as constant tables.

Boundary: the unknowns are its values at Chebyshev points of √τ in [0, √T]; H = ζ² is interpolated, where
ζ = ln(X/B)/(σ√T) and X = B(0+) [1].

Integrals over time t in [0, τ]: with t = τ sin²θ both √t (the kernel) and √(τ − t) (the boundary) are smooth in
θ, so that Gauss-Legendre in θ in [0, π/2] converges fast. A node, a point and an interpolation weight do not depend on
the option: interpolating the boundary at all points at once is one product with a constant matrix.

References:
    [1] L. Andersen, M. Lake, D. Offengenden, "High-performance American option pricing",
        J. Computational Finance 20 (2016), 39-87.
"""

from typing import NamedTuple

import numpy as np

from contango_quant.broadcast import Floats


class Scheme(NamedTuple):
    """N nodes, L points of an inner and P points of the outer integral; points of node i lie at [k·N + i]."""

    root: Floats  # (N,) √(τ/T) of the nodes, from 1 downwards; the node at 0 is left out, for H = 0 there
    root_t: Floats  # (L·N,) √(t/T)
    inverse_t: Floats  # (L·N,) T/t
    rest: Floats  # (L·N,) (τ − t)/T
    interpolate: Floats  # (N, L·N) from H at the nodes to H at the points
    spread: Floats  # (L·N, N) the same, transposed
    weight_bell: Floats  # (L·N,) Σ w e^(−d²/2) = ∫ φ(d) dt/√(tT)
    weight_cdf: Floats  # (L·N,) Σ w f = ∫ f dt/T
    outer_root_t: Floats  # (P,) √(t/T)
    outer_interpolate: Floats  # (N, P)
    outer_weight: Floats  # (P,) ∫ f dt = T Σ w f
    rounds: int  # of Newton's method, at most
    close: float  # a step of ζ, relative, below which the rounds end early
    trust: float  # a last step above it means that the boundary was not found
    still: float  # the boundary stands still when it is within e^(−still) of the perpetual one


def make_scheme(nodes: int, inner: int, outer: int, rounds: int, close: float, trust: float, still: float) -> Scheme:
    """Tables for `nodes` unknowns, `inner` and `outer` Gauss-Legendre points."""
    places = np.cos(np.pi * np.arange(nodes + 1) / nodes)
    root = 0.5 * (1.0 + places[:-1])
    angle, weight = _quarter_circle(inner)
    outer_angle, outer_weight = _quarter_circle(outer)
    root_t = np.multiply.outer(np.sin(angle), root).reshape(-1)
    root_rest = np.multiply.outer(np.cos(angle), root).reshape(-1)
    inner_weights = _interpolation(places, 2.0 * root_rest - 1.0)
    return Scheme(
        root=root,
        root_t=root_t,
        inverse_t=1.0 / (root_t * root_t),
        rest=root_rest * root_rest,
        interpolate=inner_weights,
        spread=np.ascontiguousarray(inner_weights.T),
        weight_bell=np.multiply.outer(2.0 * weight * np.cos(angle) / np.sqrt(2.0 * np.pi), root).reshape(-1),
        weight_cdf=np.multiply.outer(weight * np.sin(2.0 * angle), root * root).reshape(-1),
        outer_root_t=np.sin(outer_angle),
        outer_interpolate=_interpolation(places, 2.0 * np.cos(outer_angle) - 1.0),
        outer_weight=outer_weight * np.sin(2.0 * outer_angle),
        rounds=rounds,
        close=close,
        trust=trust,
        still=still,
    )


def _quarter_circle(count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre points and weights on [0, π/2]."""
    x, w = np.polynomial.legendre.leggauss(count)
    return 0.25 * np.pi * (1.0 + x), 0.25 * np.pi * w


def _interpolation(places: Floats, at: Floats) -> Floats:
    """(N, M) weights of the polynomial through the Chebyshev points `places`, the last one (value 0) left out."""
    sign = (-1.0) ** np.arange(places.size)
    sign[[0, -1]] *= 0.5
    gap = np.subtract.outer(at, places)
    hit = gap == 0.0
    share = sign / np.where(hit, 1.0, gap)
    share = np.where(hit.any(axis=1, keepdims=True), hit, share / share.sum(axis=1, keepdims=True))
    return np.ascontiguousarray(share[:, :-1].T)


FAST = make_scheme(nodes=8, inner=6, outer=12, rounds=2, close=0.0, trust=0.05, still=10.0)
PRECISE = make_scheme(nodes=24, inner=40, outer=32, rounds=60, close=1e-12, trust=1e-5, still=16.0)
