"""Sensitivities of American options, in the textbook units of `pricing.greeks`.

Delta and gamma are the derivatives of the European price and of the premium integral, whose boundary does not depend
on the spot. Theta follows from the equation of Black and Scholes, which holds while the option is held:

    theta = r P − (r − q) S delta − ½ σ² S² gamma.

Vega and rho are central differences of prices: the boundary moves with them. Where exercise is due at once the option
is its intrinsic value: delta is ±1 and the others are 0. The second derivative jumps there; on the boundary itself
the side of exercise is taken.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats, Prepared
from contango_quant.pricing.american.boundary import Work, make_work
from contango_quant.pricing.american.price import (
    EXERCISE_NOW,
    HELD,
    NEVER_EARLY,
    NON_FINITE,
    american_kernel,
    option_columns,
)
from contango_quant.pricing.american.regime import ONE_BOUNDARY, put_regime
from contango_quant.pricing.american.scheme import FAST, PRECISE, Scheme
from contango_quant.pricing.american.slopes import premium_slopes
from contango_quant.pricing.black import log_moneyness
from contango_quant.pricing.greeks import bsm_greeks

VOL_STEP = 2e-4  # relative
RATE_STEP = 1e-5
SPOT_STEP = 0.01  # relative, for prices by the tree

Row = tuple[float, float, float, float, float, float, int]


class AmericanGreeks(NamedTuple):
    """Textbook units, per unit of the option; status: codes of `american.price`; each of the broadcast shape."""

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    status: NDArray[np.int8]


@njit(cache=True, error_model="numpy")
def american_greeks(
    spot: float,
    strike: float,
    t_years: float,
    vol: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    scheme: Scheme,
    work: Work,
) -> Row:
    """(price, delta, gamma, vega, theta, rho, status) of one option; nan when an input is not finite. Never raises.

    >>> values = american_greeks(100.0, 100.0, 1.0, 0.2, 0.05, 0.0, False, PRECISE, make_work(PRECISE))
    >>> [round(x, 5) for x in values[:6]]
    [6.09037, -0.41106, 0.02299, 37.48783, -2.23792, -30.21728]
    """
    price, status = american_kernel(spot, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
    if status == NON_FINITE:
        return math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, status
    if status == EXERCISE_NOW:
        return price, (1.0 if is_call else -1.0), 0.0, 0.0, 0.0, 0.0, status
    if status == NEVER_EARLY:
        value, delta, gamma, vega, theta, rho = bsm_greeks(spot, strike, t_years, vol, rate, div_yield, is_call)
        return value, delta, gamma, vega, theta, rho, status
    if _has_premium(status, spot, strike, t_years, vol, rate, div_yield, is_call):
        delta, gamma = _spot_slopes(price, spot, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
    else:
        delta, gamma = _spot_differences(price, spot, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
    vega = _vega(spot, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
    rho = _rho(spot, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
    theta = rate * price - (rate - div_yield) * spot * delta - 0.5 * vol * vol * spot * spot * gamma
    return price, delta, gamma, vega, theta, rho, status


@njit(cache=True, error_model="numpy")
def _has_premium(
    status: int, spot: float, strike: float, t: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> bool:
    if status != HELD or spot <= 0.0 or strike <= 0.0:
        return False
    first, second = (div_yield, rate) if is_call else (rate, div_yield)
    return put_regime(first * t, second * t, vol * math.sqrt(t)) == ONE_BOUNDARY


@njit(cache=True, error_model="numpy")
def _spot_slopes(
    price: float,
    spot: float,
    strike: float,
    t_years: float,
    vol: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    scheme: Scheme,
    work: Work,
) -> tuple[float, float]:
    """(delta, gamma) from the boundary in `work`; of a call by way of its put P(K, S, q, r), homogeneous in both."""
    if is_call:
        put_delta, put_gamma = _put_slopes(strike, spot, t_years, vol, div_yield, rate, scheme, work)
        return (price - strike * put_delta) / spot, put_gamma * (strike / spot) ** 2
    return _put_slopes(spot, strike, t_years, vol, rate, div_yield, scheme, work)


@njit(cache=True, error_model="numpy")
def _put_slopes(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, scheme: Scheme, work: Work
) -> tuple[float, float]:
    a, b, s = rate * t_years, div_yield * t_years, vol * math.sqrt(t_years)
    european = bsm_greeks(spot, strike, t_years, vol, rate, div_yield, False)
    first, second = premium_slopes(a, b, s, log_moneyness(spot, strike), scheme, work)
    ratio = strike / spot
    return european[1] + first * ratio, european[2] + (second - first) * ratio / spot


@njit(cache=True, error_model="numpy")
def _spot_differences(
    price: float,
    spot: float,
    strike: float,
    t_years: float,
    vol: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    scheme: Scheme,
    work: Work,
) -> tuple[float, float]:
    h = SPOT_STEP * spot
    if h == 0.0:
        return 0.0, 0.0
    up, _ = american_kernel(spot + h, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
    down, _ = american_kernel(spot - h, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
    return (up - down) / (2.0 * h), (up - 2.0 * price + down) / (h * h)


@njit(cache=True, error_model="numpy")
def _vega(
    spot: float,
    strike: float,
    t_years: float,
    vol: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    scheme: Scheme,
    work: Work,
) -> float:
    h = VOL_STEP * vol
    if h == 0.0:
        return 0.0
    up, _ = american_kernel(spot, strike, t_years, vol + h, rate, div_yield, is_call, scheme, work)
    down, _ = american_kernel(spot, strike, t_years, vol - h, rate, div_yield, is_call, scheme, work)
    return (up - down) / (2.0 * h)


@njit(cache=True, error_model="numpy")
def _rho(
    spot: float,
    strike: float,
    t_years: float,
    vol: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    scheme: Scheme,
    work: Work,
) -> float:
    """Central; on one side where the other is not priced by the same rule."""
    h = RATE_STEP
    here, status = american_kernel(spot, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
    up, above = american_kernel(spot, strike, t_years, vol, rate + h, div_yield, is_call, scheme, work)
    down, below = american_kernel(spot, strike, t_years, vol, rate - h, div_yield, is_call, scheme, work)
    if above == status and below != status:
        return (up - here) / h
    if below == status and above != status:
        return (here - down) / h
    return (up - down) / (2.0 * h)


@njit(cache=True, error_model="numpy")
def _greeks_loop(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    steps: tuple[int, ...],
    scheme: Scheme,
    out: Floats,
    status: NDArray[np.int8],
) -> None:
    work = make_work(scheme)
    for i in range(out.shape[1]):
        values = american_greeks(
            spot[i * steps[0]],
            strike[i * steps[1]],
            t_years[i * steps[2]],
            vol[i * steps[3]],
            rate[i * steps[4]],
            div_yield[i * steps[5]],
            is_call[i * steps[6]],
            scheme,
            work,
        )
        out[0, i], out[1, i], out[2, i] = values[0], values[1], values[2]
        out[3, i], out[4, i], out[5, i] = values[3], values[4], values[5]
        status[i] = values[6]


def _greeks(scheme: Scheme, shape: tuple[int, ...], lines: list[Prepared]) -> AmericanGreeks:
    out, status = np.empty((6, math.prod(shape))), np.empty(shape, dtype=np.int8)
    _greeks_loop(*(values for values, _ in lines), tuple(step for _, step in lines), scheme, out, status.reshape(-1))
    price, delta, gamma, vega, theta, rho = (row.reshape(shape) for row in out)
    return AmericanGreeks(price, delta, gamma, vega, theta, rho, status)


def greeks(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> AmericanGreeks:
    """Price and Greeks in textbook units; the arguments broadcast against each other.

    spot, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; rate, div_yield:
    continuous, per year, of any sign; is_call: boolean. Raises ValueError naming argument and value.

    >>> g = greeks(spot=100.0, strike=[100.0, 140.0], t_years=1.0, vol=0.2, rate=0.05, div_yield=0.0, is_call=False)
    >>> g.delta.round(3), g.status
    (array([-0.411, -1.   ]), array([0, 1], dtype=int8))
    """
    return _greeks(FAST, *option_columns(spot, strike, t_years, vol, rate, div_yield, is_call))


def precise_greeks(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> AmericanGreeks:
    """As `greeks`, from the prices of `precise_price`: fifty times slower.

    >>> g = precise_greeks(spot=100.0, strike=100.0, t_years=1.0, vol=0.2, rate=0.05, div_yield=0.0, is_call=True)
    >>> round(float(g.gamma), 6)
    0.018762
    """
    return _greeks(PRECISE, *option_columns(spot, strike, t_years, vol, rate, div_yield, is_call))
