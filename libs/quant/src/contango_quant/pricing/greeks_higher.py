"""Price and eight Greeks of a European option in one pass (Black-Scholes-Merton, continuous rate and yield).

    delta = ± e^(-qT) N(±d1)                    vanna = ∂delta/∂vol = -e^(-qT) φ(d1) d2/vol
    gamma = e^(-qT) φ(d1)/(S s)                 volga = ∂vega/∂vol  = vega d1 d2/vol
    vega  = S e^(-qT) φ(d1) √T                  charm = -∂delta/∂T  = -e^(-qT) (φ(d1) g ∓ q N(±d1))
    theta = -∂price/∂T = -S e^(-qT) φ(d1) vol/(2√T) ∓ (r K e^(-rT) N(±d2) - q S e^(-qT) N(±d1))
    rho   = ± K T e^(-rT) N(±d2)                g = ∂d1/∂T = (r - q)/s - d2/(2T)

upper signs for a call [1]. theta and charm are for time passing: what a year brings if all else stays. One exponential
and two Mills ratios (`terms`) serve all nine; units are in the table of `greeks`.

Where s = vol·√T, spot or strike is 0 the price is the discounted intrinsic value: what carries the density φ is 0 and
the rest follows from the payoff, with the mean of both sides at the kink F = K (the infinite gamma there is given as 0).

References:
    [1] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, ch. 2.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats, common_shape, flat, result_array
from contango_quant.pricing.black import BSM_NAMES, SAFE_EXPONENT, bsm_columns, check_carry
from contango_quant.pricing.digital import certain_share
from contango_quant.pricing.terms import black_terms

Nine = tuple[float, float, float, float, float, float, float, float, float]


class FullGreeks(NamedTuple):
    """Textbook units, per unit of the option; each of the broadcast shape."""

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    vanna: Floats
    volga: Floats
    charm: Floats


@njit(cache=True, error_model="numpy")
def bsm_full_greeks(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> Nine:
    """(price, delta, gamma, vega, theta, rho, vanna, volga, charm) of one option in textbook units; no checks.

    >>> [round(x, 6) for x in bsm_full_greeks(100.0, 100.0, 1.0, 0.2, 0.05, 0.0, True)]
    [10.450584, 0.636831, 0.018762, 37.524035, -6.414028, 53.232482, -0.28143, 9.850059, -0.065667]
    """
    sign = 1.0 if is_call else -1.0
    df, dq = math.exp(-rate * t_years), math.exp(-div_yield * t_years)
    forward = spot * math.exp((rate - div_yield) * t_years)
    root = math.sqrt(t_years)
    s = vol * root
    money = sign * (forward - strike)
    time_value = gamma = vega = decay = vanna = volga = drift = 0.0
    if s <= 0.0 or forward <= 0.0 or strike <= 0.0:
        n1 = n2 = certain_share(money)
    else:
        terms = black_terms(forward, strike, s)
        time_value, d1, d2 = terms.time_value, terms.d1, terms.d2
        n1, n2 = (terms.n1, terms.n2) if is_call else (terms.n1_of_minus, terms.n2_of_minus)
        if terms.density > 0.0:
            density = df * terms.density / spot  # e^(-qT) φ(d1)
            gamma = density / s / spot
            vega = df * terms.density * root
            decay = 0.5 * df * terms.density * (vol / root)
            vanna = -density * (d2 / vol)
            volga = vega * (d1 * d2 / vol)
            drift = density * ((rate - div_yield) / s - 0.5 * d2 / t_years)
    paid, held = strike * df * n2, dq * n1
    price = df * (max(money, 0.0) + time_value)
    theta = -decay - sign * (rate * paid - div_yield * spot * held)
    charm = sign * div_yield * held - drift
    return price, sign * held, gamma, vega, theta, sign * t_years * paid, vanna, volga, charm


@njit(cache=True, error_model="numpy")
def greeks_loop(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    steps: tuple[int, ...],
    out: Floats,
) -> bool:
    """Fill the first rows of the nine into `out` (rows, n); whether prices are finite and no factor has vanished."""
    good = True
    for i in range(out.shape[1]):
        values = bsm_full_greeks(
            spot[i * steps[0]],
            strike[i * steps[1]],
            t_years[i * steps[2]],
            vol[i * steps[3]],
            rate[i * steps[4]],
            div_yield[i * steps[5]],
            is_call[i * steps[6]],
        )
        for j in range(out.shape[0]):
            out[j, i] = values[j]
        exponent = rate[i * steps[4]] * t_years[i * steps[2]]
        good = good and math.isfinite(values[0]) and abs(exponent) < SAFE_EXPONENT
    return good


def greek_rows(columns: tuple[NDArray[np.float64], ...], rows: int, out: Floats | None) -> Floats:
    """The first `rows` of the nine for checked `columns` (see `bsm_columns`), of shape (rows, *broadcast shape)."""
    shape = common_shape(BSM_NAMES, columns)
    result = result_array(out, (rows, *shape))
    lines = [flat(column, shape) for column in columns]
    table = result.reshape(rows, -1)
    if not greeks_loop(*(values for values, _ in lines), tuple(step for _, step in lines), table):
        check_carry(columns[0], columns[2], columns[4], columns[5])
    return result


def full_greeks(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
    out: Floats | None = None,
) -> FullGreeks:
    """Price and eight Greeks in textbook units; the arguments broadcast against each other.

    spot, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; rate, div_yield:
    continuous, per year; is_call: boolean; out: (9, *broadcast shape), filled where given (the result is a view of it).
    Raises ValueError naming argument and value, also where the forward or the discount factor overflows.

    >>> g = full_greeks(spot=100.0, strike=[95.0, 105.0], t_years=0.25, vol=0.2, rate=0.03, div_yield=0.01,
    ...                 is_call=[False, True])
    >>> g.vanna.round(4), g.charm.round(4)
    (array([-0.8458,  0.9004]), array([ 0.2697, -0.4305]))
    """
    columns = bsm_columns(spot, strike, t_years, vol, rate, div_yield, is_call)
    return FullGreeks(*greek_rows(columns, 9, out))
