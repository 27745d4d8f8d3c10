"""Sensitivities of European options (Black-Scholes-Merton, continuous rate and yield), in two sets of units.

    name    textbook unit, per unit of the option        trader's unit, per position (quantity × multiplier)
    price   currency                                     value                      currency
    delta   currency per 1.00 of spot                    delta_shares               shares
    gamma   delta per 1.00 of spot                       gamma_shares               shares per 1.00 of spot
    vega    currency per 1.00 of vol (100 points)        vega_per_point             currency per vol point (0.01)
    theta   currency per year, −∂price/∂t_years          theta_per_day              currency per calendar day (1/365)
    rho     currency per 1.00 of rate (100 points)       rho_per_point              currency per rate point (0.01)
    vanna   delta per 1.00 of vol                        vanna_shares_per_point     shares per vol point
    volga   vega per 1.00 of vol                         volga_per_point2           currency per vol point squared
    charm   delta per year, −∂delta/∂t_years             charm_shares_per_day       shares per calendar day
    speed   gamma per 1.00 of spot                       speed_shares               shares per 1.00 of spot squared
    zomma   gamma per 1.00 of vol                        zomma_shares_per_point     gamma_shares per vol point
    color   gamma per year, −∂gamma/∂t_years             color_shares_per_day       gamma_shares per calendar day
    veta    vega per year, −∂vega/∂t_years               veta_per_point_day         vega_per_point per calendar day

This file has the first six; `greeks_higher` adds vanna, volga and charm, `greeks_third` the last four, and
`position_greeks` turns all of them into the trader's units and sums them over the legs of a structure.

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

from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import ANY, NON_NEGATIVE, Floats, floats
from contango_quant.pricing.black import bsm_columns
from contango_quant.pricing.greeks_higher import bsm_full_greeks, greek_rows

DAYS_PER_YEAR = 365.0
POINT = 0.01  # of vol or rate


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


@njit(cache=True, error_model="numpy", forceinline=True)
def bsm_greeks(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> tuple[float, float, float, float, float, float]:
    """(price, delta, gamma, vega, theta, rho) of one option in textbook units; no checks.

    >>> [round(x, 6) for x in bsm_greeks(100.0, 100.0, 1.0, 0.2, 0.05, 0.0, True)]
    [10.450584, 0.636831, 0.018762, 37.524035, -6.414028, 53.232482]
    """
    return bsm_full_greeks(spot, strike, t_years, vol, rate, div_yield, is_call)[:6]


@njit(cache=True)
def carry_from_forward(spot: float, forward: float, discount: float, t_years: float) -> tuple[float, float]:
    """(rate, div_yield), continuous per year, that give this forward and discount factor; t_years above 0.

    >>> rate, div_yield = carry_from_forward(100.0, 101.0, 0.98, 0.5)
    >>> round(rate, 6), round(div_yield, 6)
    (0.040405, 0.020505)
    """
    rate = -math.log(discount) / t_years
    return rate, rate - math.log(forward / spot) / t_years


def greeks(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
    out: Floats | None = None,
) -> Greeks:
    """Price and Greeks in textbook units; the arguments broadcast against each other.

    spot, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; rate, div_yield:
    continuous, per year; is_call: boolean; out: (6, *broadcast shape), filled where given (the result is a view of it).
    Raises ValueError naming argument and value, also where the forward or the discount factor overflows.

    >>> g = greeks(spot=100.0, strike=[95.0, 105.0], t_years=0.25, vol=0.2, rate=0.03, div_yield=0.01,
    ...            is_call=[False, True])
    >>> g.delta.round(4)
    array([-0.2693,  0.3482])
    """
    columns = bsm_columns(spot, strike, t_years, vol, rate, div_yield, is_call)
    return Greeks(*greek_rows(columns, 6, out))


def position_greeks(greeks: Greeks, *, quantity: ArrayLike, multiplier: ArrayLike) -> PositionGreeks:
    """Trader's units of `quantity` contracts (+ bought, − sold) of `multiplier` units each.

    >>> import numpy as np
    >>> one = Greeks(*map(np.array, (5.0, 0.5, 0.02, 20.0, -3.65, 10.0)))
    >>> [round(float(x), 6) for x in position_greeks(one, quantity=-2, multiplier=100)]
    [-1000.0, -100.0, -4.0, -40.0, 2.0, -20.0]
    """
    units = floats("quantity", quantity, ANY) * floats("multiplier", multiplier, NON_NEGATIVE)
    return PositionGreeks(
        value=greeks.price * units,
        delta_shares=greeks.delta * units,
        gamma_shares=greeks.gamma * units,
        vega_per_point=greeks.vega * units * POINT,
        theta_per_day=greeks.theta * units / DAYS_PER_YEAR,
        rho_per_point=greeks.rho * units * POINT,
    )
