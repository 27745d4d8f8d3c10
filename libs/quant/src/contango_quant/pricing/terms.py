"""What the price of a European option and all its Greeks are put together from, computed once.

With h = |ln(F/K)|/s, t = s/2, the smaller m of F and K and Mills' ratio M(u) = N(-u)/φ(u) the time value is

    m φ(h - t) (M(h - t) - M(h + t))                  where t - h ≤ ½,
    m (1 - φ(t - h) (M(t - h) + M(t + h)))            elsewhere [1].

Neither form cancels, one exponential serves all: F φ(d1) = K φ(d2) = m φ(h - t). N(±d1) and N(±d2) follow from
the same two ratios, each tail with its own relative accuracy. There are no branches, only choices between two numbers:
a loop becomes vector code.

References:
    [1] P. Jäckel, "Let's be rational", Wilmott (2015) 40-53: the price as a scaled difference of erfcx.
"""

from typing import NamedTuple

from numba import njit

from contango_quant.pricing.elementary import exp, log_quotient
from contango_quant.pricing.mills import HIGH, slope_ratio
from contango_quant.pricing.normal import INV_SQRT_2PI


class Terms(NamedTuple):
    """What prices and Greeks share. `time_value`, `density` = F φ(d1) = K φ(d2): currency; the rest pure numbers."""

    time_value: float
    density: float
    d1: float
    d2: float
    n1: float
    n1_of_minus: float
    n2: float
    n2_of_minus: float


@njit(cache=True, error_model="numpy", forceinline=True)
def log_moneyness(forward: float, strike: float) -> float:
    """ln(forward/strike) for positive arguments: to the last digits near 0, and where the quotient would overflow.

    >>> log_moneyness(1.0 + 2.0**-52, 1.0) == 2.0**-52, log_moneyness(100.0, 100.0)
    (True, 0.0)
    """
    return log_quotient(forward, strike)


@njit(cache=True, error_model="numpy", forceinline=True)
def black_terms(forward: float, strike: float, s: float) -> Terms:
    """Undiscounted time value, F φ(d1), d1, d2, N(±d1) and N(±d2); all arguments above 0, s = vol·√t.

    >>> terms = black_terms(100.0, 100.0, 0.2)
    >>> round(terms.time_value, 10), round(terms.n1, 10), round(terms.n2, 10)
    (7.9655674554, 0.5398278373, 0.4601721627)
    """
    return terms_at(log_moneyness(forward, strike), forward, strike, s)


@njit(cache=True, error_model="numpy", forceinline=True)
def terms_at(x: float, forward: float, strike: float, s: float) -> Terms:
    """`black_terms` for a caller who knows x = ln(forward/strike) better than the rounded forward tells.

    >>> terms_at(0.0, 100.0, 100.0, 0.2) == black_terms(100.0, 100.0, 0.2)
    True
    """
    otm = x <= 0.0  # of the call
    h, t = abs(x) / s, 0.5 * s
    most, other = (forward, strike) if otm else (strike, forward)
    high = t - h > HIGH
    density = INV_SQRT_2PI * exp(-0.5 * (h - t) * (h - t))
    certain = density == 0.0  # as far as numbers go; the ratios need not be finite then
    ratio, outer = slope_ratio(h, t)
    scaled = 0.0 if certain else density * ratio
    lower = 0.0 if certain else density * (most / other) * outer
    tail = 0.0 if certain else density * (-ratio - outer if high else ratio + outer)
    upper, upper_rest = (1.0 - tail, tail) if high else (tail, 1.0 - tail)
    value = most * (1.0 + scaled if high else (scaled if scaled > 0.0 else 0.0))
    return Terms(
        time_value=value,
        density=most * density,
        d1=t - h if otm else t + h,
        d2=-t - h if otm else h - t,
        n1=upper if otm else 1.0 - lower,
        n1_of_minus=upper_rest if otm else lower,
        n2=lower if otm else upper_rest,
        n2_of_minus=1.0 - lower if otm else upper,
    )
