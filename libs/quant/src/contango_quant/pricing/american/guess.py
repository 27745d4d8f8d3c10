"""First guess of the exercise boundary: the QD+ approximation of Li [1].

For each time to expiry τ the boundary B of the put solves, in units of the strike,

    B (1 − e^(−qτ) N(−d1)) + (λ + c)(1 − B − p(B)) = 0,

where p is the European put, λ < 0 the root of the quadratic approximation and c its correction. c (1 − B − p) is
kept together: alone, c has a pole where the boundary of a small rate passes 1 − B = p. Newton's method with the exact
derivative in ln B needs three or four rounds.

All nodes are taken side by side, so that the loop runs in vector registers.

References:
    [1] M. Li, "Analytical approximations for the critical stock prices of American options: a performance
        comparison", Review of Derivatives Research 13 (2010), 75-99, section 3.
"""

import math

from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.gauss import bell_and_cdf, fast_exp
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
def qd_plus(a: float, b: float, s: float, start: float, root: Floats, zeta: Floats) -> None:
    """Fill `zeta` = (start − ln(B/K))/s at the nodes √(τ/T) = `root`; start = ln(B(0+)/K), a = rT ≥ 0, b = qT."""
    lowest = min(perpetual_boundary(a, b, s), start)
    depth = start - lowest + 1e-12
    for i in range(root.shape[0]):
        zeta[i] = depth * (1.0 - fast_exp(-2.0 * s * root[i] / depth))
    for _ in range(ROUNDS_FLAT if a < -FLAT * b else ROUNDS):
        _newton_round(a, b, s, start, depth, root, zeta)
    for i in range(root.shape[0]):
        zeta[i] /= s


@njit(cache=True, error_model="numpy")
def _newton_round(a: float, b: float, s: float, start: float, depth: float, root: Floats, drop: Floats) -> None:
    """One step for all nodes; `drop` = ln(B(0+)/B)."""
    for i in range(root.shape[0]):
        x = root[i]
        y = start - drop[i]
        rate, carry, v = a * x * x, b * x * x, s * x
        inverse = 1.0 / v
        discount, lost = fast_exp(-rate), fast_exp(-carry)
        ratio = rate / (1.0 - discount) if rate > 1e-5 else 1.0 + 0.5 * rate  # rτ/(1 − e^(−rτ))
        w = 2.0 * (rate - carry) * inverse * inverse - 1.0
        square = w * w + 8.0 * ratio * inverse * inverse
        spread = math.sqrt(square)
        d1 = (y + rate - carry) * inverse + 0.5 * v
        bell, n1 = bell_and_cdf(-d1)
        _, n2 = bell_and_cdf(v - d1)
        held = lost * fast_exp(y)  # B e^(−qτ)
        density = held * bell * INV_SQRT_2PI
        inside = 1.0 - held / lost - (discount * n2 - held * n1)  # 1 − B − p
        theta = rate * discount * n2 - carry * held * n1 - 0.5 * v * density
        d_theta = density * ((carry - rate) * inverse - 0.5 * v + 0.5 * d1) - carry * held * n1
        kappa = 2.0 * inverse * inverse / spread
        factor = -0.5 * (w + spread) + kappa * discount * ratio * (1.0 - 2.0 * ratio * inverse * inverse / square)
        slope = held / lost - held * n1  # B (1 − e^(−qτ) N(−d1))
        miss = slope + factor * inside - kappa * theta
        d_miss = (1.0 - factor) * slope + density * inverse - kappa * d_theta
        step = min(miss / d_miss, 0.5 * drop[i] + v)
        drop[i] = min(max(drop[i] + step, 0.2 * drop[i]), depth)
