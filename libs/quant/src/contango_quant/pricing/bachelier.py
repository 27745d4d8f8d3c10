"""European option prices when the forward moves by a normal amount (Bachelier): for spreads, rates, negative prices.

    call = D ((F - K) N(d) + s φ(d)),   put = D ((K - F) N(-d) + s φ(d)),   d = (F - K)/s,   s = normal_vol √t_years

normal_vol counts in currency per √year; F and K may have any sign. The out-of-the-money option is computed as
s φ(h)(1 - h M(h)), h = |F - K|/s, with Mills' ratio M, and the intrinsic value added: a time value is right to a
relative 1e-15·(1 + h²). s = 0 gives the discounted intrinsic value. Finite valid input never gives nan; nan input to
the scalar kernel gives nan.

References:
    [1] L. Bachelier, "Théorie de la spéculation", Annales scientifiques de l'ENS 17 (1900), 21-86.
    [2] E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, sec. 1.3.1.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import (
    ANY,
    NON_NEGATIVE,
    POSITIVE,
    Floats,
    booleans,
    common_shape,
    floats,
    result_array,
    spread,
)
from contango_quant.pricing.elementary import exp
from contango_quant.pricing.mills import mills
from contango_quant.pricing.normal import INV_SQRT_2PI

NAMES = ("forward", "strike", "t_years", "normal_vol", "discount", "is_call")


@njit(cache=True, error_model="numpy", forceinline=True)
def bachelier_price(
    forward: float, strike: float, t_years: float, normal_vol: float, discount: float, is_call: bool
) -> float:
    """Price of one European option on the forward, per unit; no checks, for compiled callers.

    forward, strike, price: currency; t_years: years; normal_vol: currency per √year; discount: factor.

    >>> round(bachelier_price(100.0, 100.0, 1.0, 20.0, 1.0, True), 10)
    7.978845608
    """
    s = normal_vol * math.sqrt(t_years)
    money = forward - strike if is_call else strike - forward
    h = abs(money) / s
    density = INV_SQRT_2PI * exp(-0.5 * h * h)
    share = 1.0 - h * mills(h)
    time_value = s * (density * share) if (s > 0.0) & (density > 0.0) & (share > 0.0) else 0.0
    value = discount * ((money if money > 0.0 else 0.0) + time_value)
    return math.nan if math.isnan(s) | math.isnan(money) else value


@njit(cache=True, error_model="numpy")
def _bachelier_loop(
    forward: Floats,
    strike: Floats,
    t_years: Floats,
    normal_vol: Floats,
    discount: Floats,
    is_call: NDArray[np.bool_],
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = bachelier_price(forward[i], strike[i], t_years[i], normal_vol[i], discount[i], is_call[i])


def normal_price(
    *,
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    normal_vol: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
    out: Floats | None = None,
) -> Floats:
    """Bachelier prices per unit; the arguments broadcast against each other.

    forward, strike: currency, of any sign; t_years: years, at least 0; normal_vol: currency per √year, at least 0;
    discount: factor above 0; is_call: boolean. Returns a float64 array of the broadcast shape (0-d for scalars), or
    fills `out`. Raises ValueError naming argument and value.

    >>> normal_price(forward=-1.0, strike=[-2.0, 1.0], t_years=0.5, normal_vol=3.0, discount=0.99, is_call=True)
    array([1.42422646, 0.19487393])
    """
    columns = (
        floats("forward", forward, ANY),
        floats("strike", strike, ANY),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("normal_vol", normal_vol, NON_NEGATIVE),
        floats("discount", discount, POSITIVE),
        booleans("is_call", is_call),
    )
    shape = common_shape(NAMES, columns)
    result = result_array(out, shape)
    _bachelier_loop(*(spread(column, shape) for column in columns), result.reshape(-1))
    return result
