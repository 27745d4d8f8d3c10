"""SVI: total variance of one expiry as a hyperbola in log moneyness k = ln(K/F).

    w(k) = a + b (ρ (k − m) + √((k − m)² + σ²)),   w = vol²·t_years

a: level; b ≥ 0: slope of the wings; |ρ| < 1: tilt; m: shift; σ > 0: roundness of the vertex. The lowest point is
w_min = a + b σ √(1 − ρ²); the wings have slopes b(ρ − 1) and b(ρ + 1).

The price of a butterfly is never negative exactly where Durrleman's function is not:

    g(k) = (1 − k w'/(2w))² − w'²/4 (1/w + 1/4) + w''/2 ≥ 0

and the slopes of the wings do not exceed 2 (Lee).

References:
    [1] J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71.
    [2] R. Lee, "The moment formula for implied volatility at extreme strikes", Mathematical Finance 14 (2004) 469-480.
"""

import math
from typing import NamedTuple

from numba import njit

MAX_SLOPE = 2.0


class RawSvi(NamedTuple):
    """The raw form: a, b, σ (`sigma`) in total variance and log moneyness, ρ (`rho`) without unit, m in log moneyness.

    >>> flat = RawSvi(a=0.04, b=0.0, rho=0.0, m=0.0, sigma=0.1)
    >>> svi_variance(0.3, *flat)
    0.04
    """

    a: float
    b: float
    rho: float
    m: float
    sigma: float


@njit(cache=True, error_model="numpy")
def svi_variance(k: float, a: float, b: float, rho: float, m: float, sigma: float) -> float:
    """w(k), total variance at log moneyness k = ln(K/F).

    >>> round(svi_variance(0.0, 0.01, 0.1, -0.5, 0.0, 0.2), 6)
    0.03
    """
    z = k - m
    return a + b * (rho * z + math.sqrt(z * z + sigma * sigma))


@njit(cache=True, error_model="numpy")
def svi_derivatives(k: float, a: float, b: float, rho: float, m: float, sigma: float) -> tuple[float, float, float]:
    """(w, w', w'') at log moneyness k.

    >>> [round(x, 6) for x in svi_derivatives(0.0, 0.01, 0.1, -0.5, 0.0, 0.2)]
    [0.03, -0.05, 0.5]
    """
    z = k - m
    root = math.sqrt(z * z + sigma * sigma)
    bend = b * sigma / root * sigma / (root * root)
    return a + b * (rho * z + root), b * (rho + z / root), bend


@njit(cache=True, error_model="numpy")
def durrleman(k: float, w: float, first: float, second: float) -> float:
    """g(k) of total variance w with its first and second derivative in k; nan unless w > 0.

    >>> durrleman(0.3, 0.04, 0.0, 0.0)
    1.0
    """
    if not w > 0.0:
        return math.nan
    lean = 1.0 - 0.5 * k * first / w
    return lean * lean - 0.25 * first * first * (1.0 / w + 0.25) + 0.5 * second


@njit(cache=True, error_model="numpy")
def svi_durrleman(k: float, a: float, b: float, rho: float, m: float, sigma: float) -> float:
    """g(k) of an SVI smile; nan where its total variance is not above 0."""
    w, first, second = svi_derivatives(k, a, b, rho, m, sigma)
    return durrleman(k, w, first, second)


@njit(cache=True, error_model="numpy")
def svi_lowest(a: float, b: float, rho: float, sigma: float) -> float:
    """The least total variance of the smile, a + b σ √(1 − ρ²)."""
    return a + b * sigma * math.sqrt(max(0.0, (1.0 - rho) * (1.0 + rho)))


@njit(cache=True, error_model="numpy")
def svi_steepest(b: float, rho: float) -> float:
    """Slope of the steeper wing, b(1 + |ρ|); at most 2 without arbitrage."""
    return b * (1.0 + abs(rho))


def raw_svi(*, a: float, b: float, rho: float, m: float, sigma: float) -> RawSvi:
    """The checked raw form. Raises ValueError for a value out of its domain or a total variance below 0.

    >>> raw_svi(a=0.01, b=0.1, rho=-0.5, m=0.0, sigma=0.2).b
    0.1
    >>> raw_svi(a=0.01, b=0.1, rho=-1.5, m=0.0, sigma=0.2)
    Traceback (most recent call last):
        ...
    ValueError: rho must be between -1 and 1, got -1.5
    """
    form = RawSvi(float(a), float(b), float(rho), float(m), float(sigma))
    for name, value in zip(form._fields, form, strict=True):
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value!r}")
    if form.b < 0.0:
        raise ValueError(f"b must be at least 0, got {form.b!r}")
    if not -1.0 < form.rho < 1.0:
        raise ValueError(f"rho must be between -1 and 1, got {form.rho!r}")
    if form.sigma <= 0.0:
        raise ValueError(f"sigma must be above 0, got {form.sigma!r}")
    lowest = svi_lowest(form.a, form.b, form.rho, form.sigma)
    if lowest < 0.0:
        raise ValueError(f"total variance must be at least 0, its minimum is {lowest!r}")
    return form
