"""Price and eight Greeks of a European option in one pass (Black-Scholes-Merton, continuous rate and yield).

    delta = ± e^(-qT) N(±d1)                    vanna = ∂delta/∂vol = -e^(-qT) φ(d1) d2/vol
    gamma = e^(-qT) φ(d1)/(S s)                 volga = ∂vega/∂vol  = vega d1 d2/vol
    vega  = S e^(-qT) φ(d1) √T                  charm = -∂delta/∂T  = -e^(-qT) (φ(d1) g ∓ q N(±d1))
    theta = -∂price/∂T = -S e^(-qT) φ(d1) vol/(2√T) ∓ (r K e^(-rT) N(±d2) - q S e^(-qT) N(±d1))
    rho   = ± K T e^(-rT) N(±d2)                g = ∂d1/∂T = (r - q)/s - d2/(2T)

upper signs for a call [1]. theta and charm are for time passing: what a year brings if all else stays. One exponential
and two Mills ratios (`terms`) serve all nine; units are in the table of `greeks`.

Where s = vol·√T, spot or strike is 0 the price is the discounted intrinsic value: what carries the density φ is 0 and
the rest follows from the payoff, with the mean of both sides at the kink F = K (the infinite gamma there is given
as 0).

References:
    [1] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, ch. 2.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats, common_shape, result_array, spread
from contango_quant.pricing.black import BSM_NAMES, bsm_columns, check_carry
from contango_quant.pricing.digital import certain_share
from contango_quant.pricing.elementary import exp
from contango_quant.pricing.terms import log_moneyness, terms_at

BLOCK = 256  # options at a time: their numbers stay in the nearest cache

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


@njit(cache=True, error_model="numpy", forceinline=True)
def bsm_full_greeks(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool
) -> Nine:
    """(price, delta, gamma, vega, theta, rho, vanna, volga, charm) of one option in textbook units; no checks.

    >>> [round(x, 6) for x in bsm_full_greeks(100.0, 100.0, 1.0, 0.2, 0.05, 0.0, True)]
    [10.450584, 0.636831, 0.018762, 37.524035, -6.414028, 53.232482, -0.28143, 9.850059, -0.065667]
    """
    sign = 1.0 if is_call else -1.0
    df, dq = exp(-rate * t_years), exp(-div_yield * t_years)
    growth = (rate - div_yield) * t_years
    forward = spot * exp(growth)
    root = math.sqrt(t_years)
    s = vol * root
    money = sign * (forward - strike)
    terms = terms_at(log_moneyness(spot, strike) + growth, forward, strike, s)
    alive = (s > 0.0) & (forward > 0.0) & (strike > 0.0)
    time_value = terms.time_value if alive else 0.0
    certain = certain_share(money)
    n1, n2 = (terms.n1, terms.n2) if is_call else (terms.n1_of_minus, terms.n2_of_minus)
    n1, n2 = (n1 if alive else certain), (n2 if alive else certain)
    moves = alive & (terms.density > 0.0)
    weight = df * terms.density  # S e^(-qT) φ(d1)
    decay = weight * (0.5 * vol / root) if moves else 0.0
    drift = weight / spot * ((rate - div_yield) / s - 0.5 * terms.d2 / t_years) if moves else 0.0
    paid, held = strike * df * n2, dq * n1
    value = df * ((money if money > 0.0 else 0.0) + time_value)
    return (
        math.nan if math.isnan(s + forward + strike) else value,
        sign * held,
        weight / spot / s / spot if moves else 0.0,
        weight * root if moves else 0.0,
        -decay - sign * (rate * paid - div_yield * spot * held),
        sign * t_years * paid,
        -weight / spot * (terms.d2 / vol) if moves else 0.0,
        weight * root * (terms.d1 * terms.d2 / vol) if moves else 0.0,
        sign * div_yield * held - drift,
    )


@njit(cache=True, error_model="numpy")
def _block(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    work: Floats,
) -> None:
    """The nine of up to BLOCK options; streams a fixed distance apart let the compiler make vector code."""
    for i in range(spot.shape[0]):
        g = bsm_full_greeks(spot[i], strike[i], t_years[i], vol[i], rate[i], div_yield[i], is_call[i])
        work[i] = g[0]
        work[BLOCK + i] = g[1]
        work[2 * BLOCK + i] = g[2]
        work[3 * BLOCK + i] = g[3]
        work[4 * BLOCK + i] = g[4]
        work[5 * BLOCK + i] = g[5]
        work[6 * BLOCK + i] = g[6]
        work[7 * BLOCK + i] = g[7]
        work[8 * BLOCK + i] = g[8]


@njit(cache=True, error_model="numpy")
def _greeks_loop(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
) -> None:
    """The first rows of the nine into `out` (rows, n)."""
    work = np.empty(9 * BLOCK)
    for a in range(0, out.shape[1], BLOCK):
        b = min(a + BLOCK, out.shape[1])
        _block(spot[a:b], strike[a:b], t_years[a:b], vol[a:b], rate[a:b], div_yield[a:b], is_call[a:b], work)
        for j in range(out.shape[0]):
            for i in range(b - a):
                out[j, a + i] = work[j * BLOCK + i]


def greek_rows(columns: tuple[NDArray[np.float64], ...], rows: int, out: Floats | None) -> Floats:
    """The first `rows` of the nine for checked `columns` (see `bsm_columns`), of shape (rows, *broadcast shape)."""
    shape = common_shape(BSM_NAMES, columns)
    result = result_array(out, (rows, *shape))
    lines = [spread(column, shape) for column in columns]
    check_carry(lines[0], lines[2], lines[4], lines[5])
    _greeks_loop(*lines, result.reshape(rows, -1))
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
