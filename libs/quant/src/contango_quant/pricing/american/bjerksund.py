"""Bjerksund and Stensland's (2002) lower bound of American prices: exercise at one of two flat levels.

The call is exercised at the level I2 up to t1 = ½(√5 − 1) T and at I1 after it, which is a strategy open to its
holder; so the value is a lower bound (apart from rounding), and usually a few hundredths of a percent below the
price. The put is the call with spot and strike, rate and yield exchanged. With b = r − q the cost of carry,

    φ(γ, H, I) and Ψ(γ, H, I2, I1)

are the values of S^γ paid below H at t1, or below H at T, if the levels were not touched before [1].

References:
    [1] P. Bjerksund, G. Stensland, "Closed form valuation of American options", NHH discussion paper 2002/09.
    [2] A. Genz, "Numerical computation of rectangular bivariate and trivariate normal and t probabilities",
        Statistics and Computing 14 (2004), 251-260: the bivariate normal distribution.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.price import option_columns
from contango_quant.pricing.american.regime import CERTAIN, EUROPEAN, ONE_BOUNDARY, certain_put, put_regime
from contango_quant.pricing.black import bsm_kernel
from contango_quant.pricing.normal import cdf

EARLY_SHARE = 0.5 * (math.sqrt(5.0) - 1.0)  # t1/T
CORRELATION = math.sqrt(EARLY_SHARE)
_points, _weights = np.polynomial.legendre.leggauss(20)
ANGLES: Floats = 0.5 * math.asin(CORRELATION) * (1.0 + _points)
ANGLE_WEIGHTS: Floats = 0.5 * math.asin(CORRELATION) * _weights / (2.0 * math.pi)


@njit(cache=True, error_model="numpy")
def bivariate_cdf(h: float, k: float, sign: float) -> float:
    """P(X ≤ h, Y ≤ k) of standard normals whose correlation is `sign` times √(t1/T).

    >>> round(bivariate_cdf(0.0, 0.0, 1.0) - 0.25 - math.asin(CORRELATION) / (2.0 * math.pi), 12)
    0.0
    """
    total = 0.0
    for angle, weight in zip(ANGLES, ANGLE_WEIGHTS):
        sine = sign * math.sin(angle)
        total += weight * math.exp((h * k * sine - 0.5 * (h * h + k * k)) / (1.0 - sine * sine))
    return cdf(h) * cdf(k) + sign * total


@njit(cache=True, error_model="numpy")
def _phi(
    y: float, t: float, gamma: float, barrier: float, level: float, rate: float, carry: float, variance: float
) -> float:
    """φ at ln S = y; `barrier` and `level` are logarithms too."""
    root, drift = math.sqrt(variance * t), (carry + (gamma - 0.5) * variance) * t
    growth = (gamma * carry - rate + 0.5 * gamma * (gamma - 1.0) * variance) * t + gamma * y
    kappa = 2.0 * carry / variance + 2.0 * gamma - 1.0
    direct = cdf(-(y - barrier + drift) / root)
    mirrored = cdf(-(2.0 * level - y - barrier + drift) / root)
    return math.exp(growth) * direct - _product(growth + kappa * (level - y), mirrored)


@njit(cache=True, error_model="numpy")
def _psi(
    y: float,
    t: float,
    gamma: float,
    barrier: float,
    level2: float,
    level1: float,
    rate: float,
    carry: float,
    variance: float,
) -> float:
    """Ψ at ln S = y; `barrier` and the levels are logarithms too."""
    slope = carry + (gamma - 0.5) * variance
    early = EARLY_SHARE * t
    root1, root, drift1, drift = math.sqrt(variance * early), math.sqrt(variance * t), slope * early, slope * t
    growth = (gamma * carry - rate + 0.5 * gamma * (gamma - 1.0) * variance) * t + gamma * y
    kappa = 2.0 * carry / variance + 2.0 * gamma - 1.0
    near, far = y - level1, 2.0 * level2 - y - level1
    f1, f2 = y - barrier + drift, 2.0 * level2 - y - barrier + drift
    f3, f4 = 2.0 * level1 - y - barrier + drift, y + 2.0 * level1 - barrier - 2.0 * level2 + drift
    return (
        _product(growth, bivariate_cdf(-(near + drift1) / root1, -f1 / root, 1.0))
        - _product(growth + kappa * (level2 - y), bivariate_cdf(-(far + drift1) / root1, -f2 / root, 1.0))
        - _product(growth + kappa * (level1 - y), bivariate_cdf(-(near - drift1) / root1, -f3 / root, -1.0))
        + _product(growth + kappa * (level1 - level2), bivariate_cdf(-(far - drift1) / root1, -f4 / root, -1.0))
    )


@njit(cache=True, error_model="numpy")
def _product(exponent: float, probability: float) -> float:
    """e^exponent times a probability; 0 where the probability has vanished, whatever the exponent."""
    return math.exp(exponent) * probability if probability > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def bjerksund_kernel(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> float:
    """Lower bound of the price of one American option, per unit; nan with two boundaries (see `regime`). No checks.

    >>> round(bjerksund_kernel(42.0, 40.0, 0.75, 0.35, 0.04, 0.08, True), 3)
    5.287
    """
    if not is_call:
        return bjerksund_kernel_call(strike, spot, t_years, vol, div_yield, rate)
    return bjerksund_kernel_call(spot, strike, t_years, vol, rate, div_yield)


@njit(cache=True, error_model="numpy")
def bjerksund_kernel_call(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float
) -> float:
    """The call of `bjerksund_kernel`."""
    regime = put_regime(div_yield * t_years, rate * t_years, vol * math.sqrt(t_years))
    if regime == CERTAIN or spot <= 0.0 or strike <= 0.0:
        return certain_put(strike, spot, t_years, div_yield, rate)
    european = bsm_kernel(spot, strike, t_years, vol, rate, div_yield, True)
    if regime == EUROPEAN:
        return european
    if regime != ONE_BOUNDARY:
        return math.nan
    value = _two_levels(math.log(spot / strike), t_years, vol * vol, rate, rate - div_yield)
    return max(strike * value, european, spot - strike)


@njit(cache=True, error_model="numpy")
def _two_levels(y: float, t: float, variance: float, rate: float, carry: float) -> float:
    """Value in units of the strike at y = ln(S/K)."""
    tilt = carry / variance - 0.5
    beta = -tilt + math.sqrt(tilt * tilt + 2.0 * rate / variance)
    highest, lowest = beta / (beta - 1.0), max(1.0, rate / (rate - carry))
    scale = 1.0 / ((highest - lowest) * lowest)
    vol, early = math.sqrt(variance), EARLY_SHARE * t
    i1 = lowest - (highest - lowest) * math.expm1(-(carry * early + 2.0 * vol * math.sqrt(early)) * scale)
    i2 = lowest - (highest - lowest) * math.expm1(-(carry * t + 2.0 * vol * math.sqrt(t)) * scale)
    if math.exp(y) >= i2:
        return math.exp(y) - 1.0
    x1, x2 = math.log(i1), math.log(i2)
    a1, a2 = (i1 - 1.0) * math.exp(-beta * x1), (i2 - 1.0) * math.exp(-beta * x2)
    value = a2 * math.exp(beta * y) - a2 * _phi(y, early, beta, x2, x2, rate, carry, variance)
    value += _phi(y, early, 1.0, x2, x2, rate, carry, variance) - _phi(y, early, 1.0, x1, x2, rate, carry, variance)
    value -= _phi(y, early, 0.0, x2, x2, rate, carry, variance) - _phi(y, early, 0.0, x1, x2, rate, carry, variance)
    value += a1 * _phi(y, early, beta, x1, x2, rate, carry, variance)
    value -= a1 * _psi(y, t, beta, x1, x2, x1, rate, carry, variance)
    value += _psi(y, t, 1.0, x1, x2, x1, rate, carry, variance) - _psi(y, t, 1.0, 0.0, x2, x1, rate, carry, variance)
    value -= _psi(y, t, 0.0, x1, x2, x1, rate, carry, variance) - _psi(y, t, 0.0, 0.0, x2, x1, rate, carry, variance)
    return value


@njit(cache=True, error_model="numpy")
def _loop(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    steps: tuple[int, ...],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = bjerksund_kernel(
            spot[i * steps[0]],
            strike[i * steps[1]],
            t_years[i * steps[2]],
            vol[i * steps[3]],
            rate[i * steps[4]],
            div_yield[i * steps[5]],
            is_call[i * steps[6]],
        )


def bjerksund_price(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> Floats:
    """Lower bounds per unit; nan where rate and yield make two boundaries. Arguments as in `price.price`.

    >>> bjerksund_price(spot=100.0, strike=[90.0, 110.0], t_years=0.5, vol=0.3, rate=0.08, div_yield=0.12,
    ...                 is_call=True).round(3)
    array([12.665,  3.983])
    """
    shape, lines = option_columns(spot, strike, t_years, vol, rate, div_yield, is_call)
    out = np.empty(shape)
    _loop(*(values for values, _ in lines), tuple(step for _, step in lines), out.reshape(-1))
    return out
