"""First and second derivative of the early exercise premium in y = ln(S/K).

The boundary does not depend on the spot, so both are taken under the integral and in the closed form of
`premium`, whose densities cancel in the first derivative.
"""

import math

from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.boundary import Work, interpolate, start_of
from contango_quant.pricing.american.gauss import bell_and_cdf
from contango_quant.pricing.american.premium import conjugates, flat_terms, floored
from contango_quant.pricing.american.scheme import Scheme
from contango_quant.pricing.elementary import exp
from contango_quant.pricing.normal import INV_SQRT_2PI


@njit(cache=True, error_model="numpy")
def premium_slopes(a: float, b: float, s: float, y: float, scheme: Scheme, work: Work) -> tuple[float, float]:
    """(∂/∂y, ∂²/∂y²) of the premium in units of the strike, above the boundary in `work`."""
    first, second, moving = work.income, work.income2, work.solved[3]
    interpolate(scheme.outer_interpolate, work.zeta, work.outer)
    far = (y - start_of(a, b)) / s
    last = far + math.sqrt(moving) * work.zeta[0]
    _difference_slopes(a, b, s, moving, y, far, last, scheme.outer_root_t, work.outer, first, second)
    one, two = flat_slopes(a, b, s, y, last)
    for k in range(first.shape[0]):
        one += moving * scheme.outer_weight[k] * first[k]
        two += moving * scheme.outer_weight[k] * second[k]
    return one, two


@njit(cache=True, error_model="numpy")
def flat_slopes(a: float, b: float, s: float, y: float, distance: float) -> tuple[float, float]:
    """(∂/∂y, ∂²/∂y²) of `flat_premium` with the boundary held."""
    c = (a - b) / s - 0.5 * s
    twice_a = floored(a, c)
    up, down = conjugates(math.sqrt(c * c + twice_a), c, twice_a)
    up, down = up / s, down / s
    certain, term3, term4, factor3, factor4 = flat_terms(a, b, s, y, distance)
    density = INV_SQRT_2PI * math.exp(-0.5 * ((distance + c) ** 2 + twice_a)) / s
    first = certain - down * term3 + up * term4
    second = certain + down * down * term3 + up * up * term4
    return first, second + density * (down * factor3 - up * factor4 - math.exp(y - distance * s))


@njit(cache=True, error_model="numpy")
def _difference_slopes(
    a: float,
    b: float,
    s: float,
    moving: float,
    y: float,
    far: float,
    last: float,
    root_t: Floats,
    at: Floats,
    first: Floats,
    second: Floats,
) -> None:
    c, root, spot = (a - b) / s - 0.5 * s, math.sqrt(moving), math.exp(y)
    for k in range(first.shape[0]):
        t = 1.0 - moving + moving * root_t[k] * root_t[k]
        m = math.sqrt(t)
        inverse, per_y = 1.0 / m, 1.0 / (m * s)
        d2, e2 = (far + root * at[k]) * inverse + c * m, last * inverse + c * m
        d1, e1 = d2 + s * m, e2 + s * m
        bell_d2, _ = bell_and_cdf(-d2)
        bell_e2, _ = bell_and_cdf(-e2)
        bell_d1, n_d1 = bell_and_cdf(-d1)
        bell_e1, n_e1 = bell_and_cdf(-e1)
        strike_part = a * exp(-a * t) * INV_SQRT_2PI * per_y
        spot_part = b * spot * exp(-b * t)
        density = INV_SQRT_2PI * per_y * (bell_d1 - bell_e1)
        bend = INV_SQRT_2PI * per_y * per_y * (d1 * bell_d1 - e1 * bell_e1)
        first[k] = spot_part * (density - (n_d1 - n_e1)) - strike_part * (bell_d2 - bell_e2)
        second[k] = strike_part * per_y * (d2 * bell_d2 - e2 * bell_e2)
        second[k] += spot_part * (2.0 * density - (n_d1 - n_e1) - bend)
