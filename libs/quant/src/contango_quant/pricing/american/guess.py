"""First guess of the exercise boundary: the QD+ approximation of Li [1].

For each time to expiry τ the boundary B of the put solves, in units of the strike,

    B (1 − e^(−qτ) N(−d1)) + (λ + c)(1 − B − p(B)) = 0,

where p is the European put, λ < 0 the root of the quadratic approximation and c its correction. c (1 − B − p) is
kept together: alone, c has a pole where the boundary of a small rate passes 1 − B = p. Newton's method with the exact
derivative in ln B needs three or four rounds.

All nodes are taken side by side, so that the loop runs in vector registers.

References:
    [1] M. Li, "Analytical approximations for the critical stock prices of American options: a performance
        comparison", Review of Derivatives Research 13 (2010), 75-99.
"""

import math

from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.gauss import bell_and_cdf
from contango_quant.pricing.elementary import exp
from contango_quant.pricing.normal import INV_SQRT_2PI

ROUNDS, ROUNDS_FLAT = 4, 8  # the latter where the rate is small beside a yield below 0
FLAT = 1e-2
LOWEST_RATE = 1e-7  # relative to a yield below 0, in the bound for B: at r = 0 the perpetual boundary may be 0


@njit(cache=True, error_model="numpy")
def perpetual_boundary(a: float, b: float, s: float) -> float:
    """ln(B/K) of the put that never expires, a bound for all others; a = rT, b = qT, s = vol·√T.

    >>> round(math.exp(perpetual_boundary(0.08, 0.0, 0.4)), 12)
    0.5
    """
    a = max(a, -LOWEST_RATE * b)
    w = 2.0 * (a - b) / (s * s) - 1.0
    root = math.sqrt(w * w + 8.0 * a / (s * s))
    exponent = 0.5 * (w + root) if w > 0.0 else 4.0 * a / (s * s) / (root - w)  # −λ without cancellation
    return math.log(exponent / (exponent + 1.0))


@njit(cache=True, error_model="numpy")
def qd_plus(a: float, b: float, s: float, start: float, root: Floats, memory: Floats, zeta: Floats) -> None:
    """Fill `zeta` = (start − ln(B/K))/s at the nodes √(τ/T) = `root`; start = ln(B(0+)/K), a = rT ≥ 0, b = qT.

    `memory`: (4, N) of any content.
    """
    lowest = min(perpetual_boundary(a, b, s), start)
    depth = start - lowest + 1e-12
    _constants(a, b, s, depth, root, memory, zeta)
    for _ in range(ROUNDS_FLAT if a < -FLAT * b else ROUNDS):
        _newton_round(a, b, s, start, depth, root, memory, zeta)
    for i in range(root.shape[0]):
        zeta[i] /= s


@njit(cache=True, error_model="numpy")
def _constants(a: float, b: float, s: float, depth: float, root: Floats, memory: Floats, drop: Floats) -> None:
    """Per node e^(−rτ), e^(−qτ), λ with the part of c that does not depend on B, and the factor of theta in c.

    `drop` gets the first guess of ln(B(0+)/B), which for small τ is 2σ√τ.
    """
    for i in range(root.shape[0]):
        x = root[i]
        rate, carry, v = a * x * x, b * x * x, s * x
        discount, lost = exp(-rate), exp(-carry)
        ratio = rate / (1.0 - discount) if rate > 1e-5 else 1.0 + 0.5 * rate  # rτ/(1 − e^(−rτ))
        square = 1.0 / (v * v)
        w = 2.0 * (rate - carry) * square - 1.0
        spread2 = w * w + 8.0 * ratio * square
        spread = math.sqrt(spread2)
        kappa = 2.0 * square / spread
        memory[0, i], memory[1, i] = discount, lost
        memory[2, i] = -0.5 * (w + spread) + kappa * discount * ratio * (1.0 - 2.0 * ratio * square / spread2)
        memory[3, i] = kappa
        drop[i] = depth * (1.0 - exp(-2.0 * v / depth))


@njit(cache=True, error_model="numpy")
def _newton_round(
    a: float, b: float, s: float, start: float, depth: float, root: Floats, memory: Floats, drop: Floats
) -> None:
    """One step for all nodes; `drop` = ln(B(0+)/B)."""
    for i in range(root.shape[0]):
        x = root[i]
        discount, lost, factor, kappa = memory[0, i], memory[1, i], memory[2, i], memory[3, i]
        rate, carry, v = a * x * x, b * x * x, s * x
        inverse = 1.0 / v
        y = start - drop[i]
        boundary = exp(y)
        d1 = (y + rate - carry) * inverse + 0.5 * v
        bell, n1 = bell_and_cdf(-d1)
        _, n2 = bell_and_cdf(v - d1)
        held = lost * boundary
        put_stock = held * n1
        density = held * bell * INV_SQRT_2PI
        slope = boundary - put_stock  # B (1 − e^(−qτ) N(−d1))
        inside = 1.0 - discount * n2 - slope  # 1 − B − p
        theta = rate * discount * n2 - carry * put_stock - 0.5 * v * density
        d_theta = density * ((carry - rate) * inverse - 0.5 * v + 0.5 * d1) - carry * put_stock
        miss = slope + factor * inside - kappa * theta
        d_miss = (1.0 - factor) * slope + density * inverse - kappa * d_theta
        step = min(miss / d_miss, 0.5 * drop[i] + v)
        drop[i] = min(max(drop[i] + step, 0.2 * drop[i]), depth)
