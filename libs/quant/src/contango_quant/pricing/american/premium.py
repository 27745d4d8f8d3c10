"""What early exercise of the put is worth, given its boundary.

While the spot is below the boundary the put earns rK − qS a year, so that

    P − p = ∫₀^T [ rK e^(−rt) N(−d2(S, B(T−t), t)) − qS e^(−qt) N(−d1(S, B(T−t), t)) ] dt.

With the boundary held at its present value B(T) the integral has a closed form, which takes the steep part for a spot
near the boundary. Only the difference is integrated by quadrature: it is smooth, and 0 where t = 0 and where the
boundary no longer moves. In units of T, K and s = vol·√T, with c = (r − q)T/s − s/2, Y = ln(S/B(T))/s and
γ = √(c² + 2rT), the closed form is

    S e^(−qT) N(−Y−c−s) − e^(−rT) N(−Y−c) + (A1 − B A2) e^(−Y(γ+c)) N(γ−Y) + (A3 − B A4) e^(Y(γ−c)) N(−γ−Y),
    A1, A3 = (γ ∓ c)/2γ,   A2, A4 = (γ ∓ (c+s))/2γ.

References:
    [1] I. J. Kim, "The analytic valuation of American options", Review of Financial Studies 3 (1990), 547-572.
"""

import math

from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.boundary import Work, interpolate, start_of
from contango_quant.pricing.american.gauss import bell_and_cdf, scaled_tail
from contango_quant.pricing.american.scheme import Scheme
from contango_quant.pricing.elementary import exp

SMALLEST_GAMMA = 1e-5


@njit(cache=True, error_model="numpy", inline="always")
def premium(a: float, b: float, s: float, y: float, scheme: Scheme, work: Work) -> float:
    """P − p in units of the strike, for y = ln(S/K) above the boundary in `work`; a = rT, b = qT, s = vol·√T."""
    moving = work.solved[3]
    interpolate(scheme.outer_interpolate, work.zeta, work.outer)
    far = (y - start_of(a, b)) / s
    last = far + math.sqrt(moving) * work.zeta[0]
    _difference(a, b, s, moving, y, far, last, scheme.outer_root_t, work.outer, work.income)
    total = 0.0
    for k in range(work.income.shape[0]):
        total += scheme.outer_weight[k] * work.income[k]
    return flat_premium(a, b, s, y, last) + moving * total


@njit(cache=True, error_model="numpy")
def _difference(
    a: float,
    b: float,
    s: float,
    moving: float,
    y: float,
    far: float,
    last: float,
    root_t: Floats,
    at: Floats,
    income: Floats,
) -> None:
    """Income a year with the true boundary less that with the last one, where the boundary moves."""
    c, root, spot = (a - b) / s - 0.5 * s, math.sqrt(moving), math.exp(y)
    for k in range(income.shape[0]):
        t = 1.0 - moving + moving * root_t[k] * root_t[k]
        m = math.sqrt(t)
        inverse = 1.0 / m
        d2 = (far + root * at[k]) * inverse + c * m
        d2_flat = last * inverse + c * m
        _, n2 = bell_and_cdf(-d2)
        _, n1 = bell_and_cdf(-d2 - s * m)
        _, flat2 = bell_and_cdf(-d2_flat)
        _, flat1 = bell_and_cdf(-d2_flat - s * m)
        income[k] = a * exp(-a * t) * (n2 - flat2) - b * spot * exp(-b * t) * (n1 - flat1)


@njit(cache=True, error_model="numpy")
def flat_premium(a: float, b: float, s: float, y: float, distance: float) -> float:
    """The closed form for a boundary at ln(S/B) = s·`distance`, at least 0.

    >>> round(flat_premium(0.05, 0.02, 0.2, 0.0, 1.0), 9)
    0.002360742
    """
    certain, first, second, _, _ = flat_terms(a, b, s, y, distance)
    _, n2 = bell_and_cdf(-distance - (a - b) / s + 0.5 * s)
    return certain - math.exp(-a) * n2 + first + second


@njit(cache=True, error_model="numpy")
def flat_terms(a: float, b: float, s: float, y: float, distance: float) -> tuple[float, float, float, float, float]:
    """The first, third and fourth term of the closed form, and the factors of the last two."""
    c = (a - b) / s - 0.5 * s
    twice_a = floored(a, c)
    gamma = math.sqrt(c * c + twice_a)
    less2, more2 = conjugates(gamma, c, twice_a)
    less1, more1 = conjugates(gamma, c + s, 2.0 * b + (twice_a - 2.0 * a))
    boundary = math.exp(y - distance * s)
    _, n1 = bell_and_cdf(-distance - c - s)
    _, near = bell_and_cdf(gamma - distance)
    factor3 = 0.5 * (less2 - boundary * less1) / gamma
    factor4 = 0.5 * (more2 - boundary * more1) / gamma
    term3 = factor3 * math.exp(-distance * more2) * near
    # e^(Y(γ−c)) N(−γ−Y) with both exponents taken together, for the first alone may overflow
    term4 = factor4 * math.exp(-0.5 * ((distance + c) ** 2 + twice_a)) * scaled_tail(gamma + distance)
    return math.exp(y - b) * n1, term3, term4, factor3, factor4


@njit(cache=True, error_model="numpy")
def floored(a: float, c: float) -> float:
    """2a, raised where γ would be 0: there A1 to A4 have a pole, which the sum has not."""
    return max(2.0 * a, SMALLEST_GAMMA * SMALLEST_GAMMA - c * c)


@njit(cache=True, error_model="numpy")
def conjugates(gamma: float, c: float, product: float) -> tuple[float, float]:
    """(γ − c, γ + c), whose product is given: the smaller one keeps its digits.

    >>> conjugates(5.0, 3.0, 16.0)
    (2.0, 8.0)
    """
    if c > 0.0:
        return product / (gamma + c), gamma + c
    return gamma - c, product / (gamma - c)
