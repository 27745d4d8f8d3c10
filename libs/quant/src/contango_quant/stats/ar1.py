"""First-order autoregression: the exact distribution of its least-squares coefficient, and what that gives.

    x_t = a + b x_(t−1) + e_t,   e normal,   b̂ = Σ (x_(t−1) − x̄₋)(x_t − x̄₊) / Σ (x_(t−1) − x̄₋)²

b̂ is too small: by about (1 + 3b)/d on the mean over d transitions [2], and by more near b = 1. The half-life
−ln 2/ln b then comes out several times too short. But b̂ ≤ c is the sign of a quadratic form in normal
values, Q = Σ (x_(t−1) − x̄₋)((x_t − x̄₊) − c (x_(t−1) − x̄₋)) ≤ 0, so that its distribution is one integral
over the characteristic function [3]

    P(b̂ ≤ c) = ½ − (1/π) ∫ Im ψ(t)/t dt,   ψ(t) = √(det P/det(P − 2itM))

with P the precision of x (tridiagonal) and M the matrix of Q (tridiagonal, and rank two for the means): one
pass over the diagonal for each t. Solving P_b(b̂ ≤ c) = ½ for b gives the median-unbiased estimate, other
levels an interval with exact coverage [1]; both hold at b = 1 too. A monotone function of b, such as the
half-life, inherits both.

For 0 ≤ b < 1 the series is taken as stationary from its first value on; at b = 1 nothing depends on it.

References:
    [1] D. W. K. Andrews, "Exactly median-unbiased estimation of first order autoregressive/unit root models",
        Econometrica 61 (1993) 139-165.
    [2] M. G. Kendall, "Note on bias in the estimation of autocorrelation", Biometrika 41 (1954) 403-404.
    [3] J. P. Imhof, "Computing the distribution of quadratic forms in normal variables", Biometrika 48 (1961)
        419-426.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from contango_quant.stats.lines import count, line, number, scaled, share

LEAST_TRANSITIONS = 3
LEAST_AR1 = -1.0 + 1e-9  # the search ends here
NEAR_ONE = 1.0 - 1e-8  # between here and 1 the distribution moves by less than the integral's error
STEP, FIRST, LAST = 0.1, -3.5, 12.0  # nodes of the integral in the variable x of t = t₀ exp(x − e^(−x))
ROUNDING = 8.0 * float(np.finfo(np.float64).eps)  # dispersion below this share of the largest value is none
FAR = 9.0  # standard deviations of Q from 0 beyond which its sign is certain to 1e-8
NEGLIGIBLE = -45.0  # logarithm of |ψ| where the integral ends


@njit(cache=True, error_model="numpy")
def _log_cf(t, c, ar1, transitions):  # type: ignore[no-untyped-def]
    """Logarithm of ψ(t), on the branch that is continuous from ψ(0) = 1."""
    # At a unit root the first value is fixed at 0 and left out: b̂ does not depend on it.
    first = 1 if ar1 == 1.0 else 0
    side, k = -ar1 - 1j * t, 0.5j * t / transitions
    product, log_size, turns = 1.0 + 0.0j, 0.0, 0
    pivot, y_plus, y_minus = 1.0 + 0.0j, 0.0j, 0.0j
    pp, mm, pm = 0.0j, 0.0j, 0.0j
    for i in range(first, transitions + 1):
        lagged, led = (1.0 if i < transitions else 0.0), (1.0 if i > 0 else 0.0)
        ratio = side / pivot if i > first else 0.0j
        ends = i == 0 or i == transitions
        pivot = (1.0 if ends else 1.0 + ar1 * ar1) + 2j * t * c * lagged - side * ratio
        # The mean's part of M is a difference of two squares, of the vectors u + v and u − v.
        y_plus = (1.0 - c) * lagged + led - ratio * y_plus
        y_minus = (1.0 + c) * lagged - led - ratio * y_minus
        inverse = 1.0 / pivot
        pp += y_plus * y_plus * inverse
        mm += y_minus * y_minus * inverse
        pm += y_plus * y_minus * inverse
        # A pivot's real part is above 0: it turns the product by less than a right angle.
        turned = product * pivot
        if product.real < 0.0 and turned.real < 0.0 and (product.imag < 0.0) != (turned.imag < 0.0):
            turns += 1 if turned.imag < 0.0 else -1
        product = turned
        if abs(product.real) + abs(product.imag) > 1e100:
            product *= 1e-100
            log_size += 100.0 * math.log(10.0)
    # The first factor stays in the upper half plane, the second in the lower: principal logarithms.
    one = 1.0 + k * pp
    two = 1.0 - k * (mm - k * pm * pm / one)
    log_det = np.log(product) + 2j * math.pi * turns + log_size + np.log(one) + np.log(two)
    if first == 0:
        log_det -= math.log((1.0 - ar1) * (1.0 + ar1))
    return -0.5 * log_det


@njit(cache=True, error_model="numpy")
def estimate_cdf_kernel(c, ar1, transitions):  # type: ignore[no-untyped-def]
    """P(b̂ ≤ c) for the true coefficient `ar1` in (−1, 1]; no checks, for compiled callers.

    The trapezoidal rule in x converges geometrically, for the integrand dies double-exponentially at both ends:
    the error stays below 1e-7.
    """
    scale = 1.0
    while _log_cf(scale, c, ar1, transitions).real < -1.0:
        scale *= 0.5
    while _log_cf(scale, c, ar1, transitions).real > -1.0:
        scale *= 2.0
    small = 1e-4 * scale
    start = _log_cf(small, c, ar1, transitions)  # ≈ i t mean(Q) − t² variance(Q)/2
    distance = start.imag / math.sqrt(max(-2.0 * start.real, 1e-300))
    if abs(distance) > FAR:
        return 1.0 if distance < 0.0 else 0.0
    # The further off the mean, the faster ψ turns.
    step = STEP if abs(distance) < 0.5 * FAR else 0.5 * STEP
    total = 0.0
    for j in range(int((LAST - FIRST) / step) + 1):
        x = FIRST + j * step
        pull = math.exp(-x)
        value = _log_cf(scale * math.exp(x - pull), c, ar1, transitions)
        if value.real < NEGLIGIBLE:
            break
        total += math.exp(value.real) * math.sin(value.imag) * (1.0 + pull)
    return min(max(0.5 - total * step / math.pi, 0.0), 1.0)


def estimate_cdf(c: float, *, ar1: float, transitions: int) -> float:
    """Probability that least squares gives at most `c` when the true coefficient is `ar1`, normal errors.

    c: any number; ar1: in (−1, 1]; transitions: pairs (x_(t−1), x_t), at least 3. ValueError otherwise.

    >>> round(estimate_cdf(1.0 - 13.53 / 100, ar1=1.0, transitions=100), 3)  # Dickey-Fuller, 5 %
    0.05
    """
    number("c", c)
    count("transitions", transitions, LEAST_TRANSITIONS)
    if not LEAST_AR1 <= ar1 <= 1.0:
        raise ValueError(f"ar1 must be above -1 and at most 1, got {ar1!r}")
    return float(estimate_cdf_kernel(float(c), 1.0 if ar1 > NEAR_ONE else float(ar1), transitions))


def least_squares(values: ArrayLike) -> float | None:
    """The coefficient b̂ of x_t on x_(t−1) with a constant; None for fewer than 4 values or no dispersion.

    >>> least_squares([1.0, 2.0, 3.0, 2.0, 1.0])
    0.0
    """
    x = line("values", values)
    if x.size < LEAST_TRANSITIONS + 1:
        return None
    x, _ = scaled(x)
    before, after = x[:-1] - x[:-1].mean(), x[1:] - x[1:].mean()
    squares = float(before @ before)
    if not squares > before.size * ROUNDING**2:
        return None
    return float(before @ after) / squares


def coefficient_at(estimate: float, *, probability: float, transitions: int) -> float:
    """The true coefficient under which an estimate of at most `estimate` has the given probability.

    In [−1, 1]: 1 when even a unit root gives such a low estimate too seldom. Falls as `probability` rises.

    >>> round(coefficient_at(0.95, probability=0.05, transitions=60), 6)
    1.0
    """
    number("estimate", estimate)
    share("probability", probability)
    count("transitions", transitions, LEAST_TRANSITIONS)

    def excess(ar1: float) -> float:
        return float(estimate_cdf_kernel(float(estimate), ar1, transitions)) - probability

    if excess(NEAR_ONE) >= 0.0:
        return 1.0
    # Nearly always the answer is within a few standard errors of the estimate.
    low = min(max(estimate - 3.0 / math.sqrt(transitions), LEAST_AR1), NEAR_ONE - 0.1)
    if excess(low) <= 0.0:
        low = LEAST_AR1
        if excess(low) <= 0.0:
            return -1.0
    return float(brentq(excess, low, NEAR_ONE, xtol=1e-9, rtol=1e-12))


def median_unbiased(estimate: float, *, transitions: int) -> float:
    """The coefficient of which `estimate` is the median: as often too high as too low.

    >>> round(median_unbiased(0.9, transitions=60), 3)
    0.961
    """
    return coefficient_at(estimate, probability=0.5, transitions=transitions)


def exact_interval(estimate: float, *, transitions: int, level: float = 0.9) -> tuple[float, float]:
    """Equal-tailed interval of the coefficient with exact coverage under normal errors; 1 is its highest limit.

    >>> [round(limit, 3) for limit in exact_interval(0.8, transitions=60)]
    [0.707, 1.0]
    """
    tail = 0.5 * (1.0 - share("level", level))
    low = coefficient_at(estimate, probability=1.0 - tail, transitions=transitions)
    return low, coefficient_at(estimate, probability=tail, transitions=transitions)


def kendall_corrected(estimate: float, *, transitions: int) -> float:
    """First-order corrected coefficient (d b̂ + 1)/(d − 3) [2]; may exceed 1. Simple, but too little near 1.

    >>> kendall_corrected(0.9, transitions=103)
    0.937
    """
    d = count("transitions", transitions, LEAST_TRANSITIONS + 1)
    return (d * number("estimate", estimate) + 1.0) / (d - 3.0)


def unit_root_power(ar1: float, *, transitions: int, size: float = 0.05) -> float:
    """Probability that the coefficient's unit-root test of the given `size` sees that the truth is `ar1` < 1.

    The test rejects a random walk when b̂ is below its `size` quantile under b = 1. ValueError for bad input.

    >>> round(unit_root_power(0.5 ** (1 / 60), transitions=251), 2)  # a year of days, half-life 60 days
    0.1
    """
    share("size", size)
    count("transitions", transitions, LEAST_TRANSITIONS)

    def excess(c: float) -> float:
        return float(estimate_cdf_kernel(c, 1.0, transitions)) - size

    critical = float(brentq(excess, -2.0, 3.0, xtol=1e-10))
    return estimate_cdf(critical, ar1=ar1, transitions=transitions)
