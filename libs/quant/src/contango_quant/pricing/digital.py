"""European digital options (binaries): a fixed amount of cash, or the asset itself, if the option ends in the money.

    cash-or-nothing call = D N(d2),     put = D N(-d2)          per 1.00 of cash
    asset-or-nothing call = D F N(d1),  put = D F N(-d1)        per unit of the asset [1]

so that a call is asset-or-nothing less K times cash-or-nothing. Limits are by rule: s = vol·√t = 0, F = 0 and K = 0
give the certain payoff, half of it exactly at the kink F = K (no side is favoured); s = inf gives N(d1) = 1 and
N(d2) = 0. Finite valid input never gives nan; nan input to the scalar kernels gives nan.

References:
    [1] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, sec. 4.19 (binary options).
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats, common_shape, result_array, spread
from contango_quant.pricing.black import black_columns
from contango_quant.pricing.terms import black_terms

NAMES = ("forward", "strike", "t_years", "vol", "discount", "is_call")


@njit(cache=True, error_model="numpy", forceinline=True)
def certain_share(money: float) -> float:
    """Probability of exercise of a payoff without chance: 1 in the money, 0 out of it, ½ at the kink.

    >>> certain_share(1.0), certain_share(0.0), certain_share(-1.0)
    (1.0, 0.5, 0.0)
    """
    return 1.0 if money > 0.0 else (0.5 if money == 0.0 else 0.0)


@njit(cache=True, error_model="numpy", forceinline=True)
def exercise_shares(forward: float, strike: float, s: float, is_call: bool) -> tuple[float, float]:
    """(N(±d1), N(±d2)), upper signs for a call, with their limits at s = 0; nan where an argument is nan.

    >>> [round(x, 10) for x in exercise_shares(100.0, 100.0, 0.2, True)]
    [0.5398278373, 0.4601721627]
    """
    terms = black_terms(forward, strike, s)
    alive = (s > 0.0) & (forward > 0.0) & (strike > 0.0)
    certain = certain_share(forward - strike if is_call else strike - forward)
    certain = math.nan if math.isnan(s + forward + strike) else certain
    n1 = terms.n1 if is_call else terms.n1_of_minus
    n2 = terms.n2 if is_call else terms.n2_of_minus
    return (n1 if alive else certain), (n2 if alive else certain)


@njit(cache=True, error_model="numpy", forceinline=True)
def cash_or_nothing_price(
    forward: float, strike: float, t_years: float, vol: float, discount: float, is_call: bool
) -> float:
    """Price of 1.00 of cash paid if the option ends in the money; no checks, for compiled callers.

    >>> round(cash_or_nothing_price(100.0, 100.0, 1.0, 0.2, 1.0, True), 10)
    0.4601721627
    """
    return discount * exercise_shares(forward, strike, vol * math.sqrt(t_years), is_call)[1]


@njit(cache=True, error_model="numpy", forceinline=True)
def asset_or_nothing_price(
    forward: float, strike: float, t_years: float, vol: float, discount: float, is_call: bool
) -> float:
    """Price of one unit of the asset, delivered if the option ends in the money; no checks, for compiled callers.

    >>> round(asset_or_nothing_price(100.0, 100.0, 1.0, 0.2, 1.0, True), 8)
    53.98278373
    """
    return discount * (forward * exercise_shares(forward, strike, vol * math.sqrt(t_years), is_call)[0])


@njit(cache=True, error_model="numpy")
def _cash_loop(
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = cash_or_nothing_price(forward[i], strike[i], t_years[i], vol[i], discount[i], is_call[i])


@njit(cache=True, error_model="numpy")
def _asset_loop(
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = asset_or_nothing_price(forward[i], strike[i], t_years[i], vol[i], discount[i], is_call[i])


def cash_or_nothing(
    *,
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
    out: Floats | None = None,
) -> Floats:
    """Prices of 1.00 of cash paid in the money, D·N(±d2); the arguments broadcast against each other.

    forward, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; discount: factor above
    0; is_call: boolean. Returns a float64 array of the broadcast shape, or fills `out`. Raises ValueError naming
    argument and value.

    >>> cash_or_nothing(forward=100.0, strike=[90.0, 110.0], t_years=0.5, vol=0.25, discount=0.99, is_call=True)
    array([0.68719892, 0.26249979])
    """
    shape, lines = _lines(forward, strike, t_years, vol, discount, is_call)
    result = result_array(out, shape)
    _cash_loop(*lines, result.reshape(-1))
    return result


def asset_or_nothing(
    *,
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
    out: Floats | None = None,
) -> Floats:
    """Prices of one unit of the asset delivered in the money, D·F·N(±d1); arguments and errors of `cash_or_nothing`.

    >>> asset_or_nothing(forward=100.0, strike=[90.0, 110.0], t_years=0.5, vol=0.25, discount=0.99, is_call=True)
    array([74.56065015, 32.28177966])
    """
    shape, lines = _lines(forward, strike, t_years, vol, discount, is_call)
    result = result_array(out, shape)
    _asset_loop(*lines, result.reshape(-1))
    return result


def _lines(
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
) -> tuple[tuple[int, ...], list[NDArray[Any]]]:
    columns = black_columns(forward, strike, t_years, vol, discount, is_call)
    shape = common_shape(NAMES, columns)
    return shape, [spread(column, shape) for column in columns]
