"""Sensitivities of European options (Black-Scholes-Merton, continuous rate and yield), in two sets of units.

    name    textbook unit, per unit of the option        trader's unit, per position (quantity × multiplier)
    price   currency                                     value           currency
    delta   currency per 1.00 of spot                    delta_shares    shares
    gamma   delta per 1.00 of spot                       gamma_shares    shares per 1.00 of spot
    vega    currency per 1.00 of vol (100 points)        vega_per_point  currency per vol point (0.01)
    theta   currency per year, −∂price/∂t_years          theta_per_day   currency per calendar day (1/365)
    rho     currency per 1.00 of rate (100 points)       rho_per_point   currency per rate point (0.01)

Quantity is signed (+ bought, − sold), so a sold option has negative gamma and usually positive theta. Rho
holds the dividend yield and the spot fixed.

Where vol·√t = 0, or spot or strike is 0, the price is the discounted intrinsic value: gamma and vega are 0
and the others follow from it. Exactly at the kink (forward = strike) the mean of both sides is taken; the
infinite gamma there is given as 0.

References:
    [1] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, ch. 2.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import ANY, NON_NEGATIVE, Floats, booleans, common_shape, flat, floats
from contango_quant.pricing.black import black_price, log_moneyness
from contango_quant.pricing.normal import cdf, pdf

DAYS_PER_YEAR = 365.0
NAMES = ("spot", "strike", "t_years", "vol", "rate", "div_yield", "is_call")


class Greeks(NamedTuple):
    """Textbook units, per unit of the option; each of the broadcast shape."""

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


class PositionGreeks(NamedTuple):
    """Trader's units, for the whole position."""

    value: Floats
    delta_shares: Floats
    gamma_shares: Floats
    vega_per_point: Floats
    theta_per_day: Floats
    rho_per_point: Floats


@njit(cache=True)
def bsm_greeks(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> tuple[float, float, float, float, float, float]:
    """(price, delta, gamma, vega, theta, rho) of one option in textbook units; no checks.

    >>> [round(x, 6) for x in bsm_greeks(100.0, 100.0, 1.0, 0.2, 0.05, 0.0, True)]
    [10.450584, 0.636831, 0.018762, 37.524035, -6.414028, 53.232482]
    """
    sign = 1.0 if is_call else -1.0
    df, dq = math.exp(-rate * t_years), math.exp(-div_yield * t_years)
    forward = spot * math.exp((rate - div_yield) * t_years)
    price = black_price(forward, strike, t_years, vol, df, is_call)
    root = math.sqrt(t_years)
    s = vol * root
    if s <= 0.0 or forward <= 0.0 or strike <= 0.0:
        n1 = n2 = _share(sign * (forward - strike))
        gamma = vega = decay = 0.0
    else:
        x = log_moneyness(forward, strike)
        d1, d2 = x / s + 0.5 * s, x / s - 0.5 * s
        n1, n2, density = cdf(sign * d1), cdf(sign * d2), dq * pdf(d1)
        gamma = density / s / spot
        vega = spot * density * root
        decay = 0.5 * spot * density * (vol / root)
    delta = sign * dq * n1
    theta = -decay - sign * (rate * strike * df * n2 - div_yield * spot * dq * n1)
    return price, delta, gamma, vega, theta, sign * strike * t_years * df * n2


@njit(cache=True)
def _share(money: float) -> float:
    """Probability of exercise of a certain payoff: 1 in the money, 0 out of it, ½ at the kink."""
    if money > 0.0:
        return 1.0
    return 0.5 if money == 0.0 else 0.0


@njit(cache=True)
def carry_from_forward(spot: float, forward: float, discount: float, t_years: float) -> tuple[float, float]:
    """(rate, div_yield), continuous per year, that give this forward and discount factor; t_years above 0.

    >>> rate, div_yield = carry_from_forward(100.0, 101.0, 0.98, 0.5)
    >>> round(rate, 6), round(div_yield, 6)
    (0.040405, 0.020505)
    """
    rate = -math.log(discount) / t_years
    return rate, rate - math.log(forward / spot) / t_years


@njit(cache=True)
def _greeks_loop(
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
    for i in range(out.shape[1]):
        values = bsm_greeks(
            spot[i * steps[0]],
            strike[i * steps[1]],
            t_years[i * steps[2]],
            vol[i * steps[3]],
            rate[i * steps[4]],
            div_yield[i * steps[5]],
            is_call[i * steps[6]],
        )
        for j in range(6):
            out[j, i] = values[j]


def greeks(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> Greeks:
    """Price and Greeks in textbook units; the arguments broadcast against each other.

    spot, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; rate, div_yield:
    continuous, per year; is_call: boolean. Raises ValueError naming argument and value.

    >>> g = greeks(spot=100.0, strike=[95.0, 105.0], t_years=0.25, vol=0.2, rate=0.03, div_yield=0.01,
    ...            is_call=[False, True])
    >>> g.delta.round(4)
    array([-0.2693,  0.3482])
    """
    columns = (
        floats("spot", spot, NON_NEGATIVE),
        floats("strike", strike, NON_NEGATIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("vol", vol, NON_NEGATIVE),
        floats("rate", rate, ANY),
        floats("div_yield", div_yield, ANY),
        booleans("is_call", is_call),
    )
    shape = common_shape(NAMES, columns)
    lines = [flat(column, shape) for column in columns]
    out = np.empty((6, math.prod(shape)))
    _greeks_loop(*(values for values, _ in lines), tuple(step for _, step in lines), out)
    return Greeks(*(row.reshape(shape) for row in out))


def position_greeks(greeks: Greeks, *, quantity: ArrayLike, multiplier: ArrayLike) -> PositionGreeks:
    """Trader's units of `quantity` contracts (+ bought, − sold) of `multiplier` units each.

    >>> one = Greeks(*(np.float64(x) for x in (5.0, 0.5, 0.02, 20.0, -3.65, 10.0)))
    >>> [round(float(x), 6) for x in position_greeks(one, quantity=-2, multiplier=100)]
    [-1000.0, -100.0, -4.0, -40.0, 2.0, -20.0]
    """
    units = floats("quantity", quantity, ANY) * floats("multiplier", multiplier, NON_NEGATIVE)
    return PositionGreeks(
        value=greeks.price * units,
        delta_shares=greeks.delta * units,
        gamma_shares=greeks.gamma * units,
        vega_per_point=greeks.vega * units * 0.01,
        theta_per_day=greeks.theta * units / DAYS_PER_YEAR,
        rho_per_point=greeks.rho * units * 0.01,
    )
