"""Implied volatility of American prices, and the European price at that volatility.

The price rises with the volatility from the value of the certain path to the value at infinite volatility, strictly
while the option is held. A European quote would need more volatility for the same price, so the search begins
there; secant steps kept inside a bracket end after four to seven prices.

At the intrinsic value every volatility up to some bound gives the same price: the status says so and vol is nan.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import ANY, NON_NEGATIVE, POSITIVE, Floats, booleans, common_shape, flat, floats
from contango_quant.pricing.american.boundary import Work, make_work
from contango_quant.pricing.american.price import american_kernel
from contango_quant.pricing.american.regime import certain_put
from contango_quant.pricing.american.scheme import FAST, PRECISE, Scheme
from contango_quant.pricing.black import bsm_kernel
from contango_quant.pricing.implied import (
    ABOVE_MAXIMUM,
    BELOW_INTRINSIC,
    NO_TIME_VALUE,
    NON_FINITE,
    OK,
    implied_vol,
)

NOT_FOUND = 5  # the search did not settle
STATUS_NAMES = ("OK", "BELOW_INTRINSIC", "ABOVE_MAXIMUM", "NO_TIME_VALUE", "NON_FINITE", "NOT_FOUND")
MAX_ROUNDS = 60
HIGHEST_TOTAL_VOL = 20.0  # of vol √T: beyond it prices are those of infinite volatility
FIRST_TOTAL_VOL = 0.2
CLOSE = 1e-11
ROUNDING = 1e-15  # of spot and strike: a time value below it is none


class AmericanImplied(NamedTuple):
    """vol: annual, nan unless status is OK; european_price: at that vol; status: int8 codes of this module."""

    vol: Floats
    european_price: Floats
    status: NDArray[np.int8]


@njit(cache=True, error_model="numpy")
def american_implied(
    price: float,
    spot: float,
    strike: float,
    t_years: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    scheme: Scheme,
    work: Work,
) -> tuple[float, int]:
    """(vol, status) of one American price; vol is nan unless status is OK. Never raises.

    >>> vol, status = american_implied(6.0903708, 100.0, 100.0, 1.0, 0.05, 0.0, False, PRECISE, make_work(PRECISE))
    >>> round(vol, 6), STATUS_NAMES[status]
    (0.2, 'OK')
    """
    total = price + spot + strike + t_years + rate + div_yield
    if not (math.isfinite(total) and spot > 0.0 and strike > 0.0 and t_years >= 0.0):
        return math.nan, NON_FINITE
    if is_call:
        least, most = (
            certain_put(strike, spot, t_years, div_yield, rate),
            spot * math.exp(max(-div_yield, 0.0) * t_years),
        )
    else:
        least, most = certain_put(spot, strike, t_years, rate, div_yield), strike * math.exp(max(-rate, 0.0) * t_years)
    if abs(price - least) <= ROUNDING * (spot + strike):
        return math.nan, NO_TIME_VALUE
    if price < least:
        return math.nan, BELOW_INTRINSIC
    if price >= most or t_years == 0.0:
        return math.nan, ABOVE_MAXIMUM
    return _search(price, spot, strike, t_years, rate, div_yield, is_call, scheme, work)


@njit(cache=True, error_model="numpy")
def _search(
    price: float,
    spot: float,
    strike: float,
    t_years: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    scheme: Scheme,
    work: Work,
) -> tuple[float, int]:
    root_t = math.sqrt(t_years)
    low, high = 0.0, HIGHEST_TOTAL_VOL / root_t
    discount = math.exp(-rate * t_years)
    forward = spot * math.exp((rate - div_yield) * t_years)
    vol, status = implied_vol(price, forward, strike, t_years, discount, is_call)
    if status != OK:
        vol = FIRST_TOTAL_VOL / root_t
    vol = min(vol, high)
    before, miss_before = math.nan, math.nan
    for _ in range(MAX_ROUNDS):
        value, _ = american_kernel(spot, strike, t_years, vol, rate, div_yield, is_call, scheme, work)
        miss = value - price
        if miss == 0.0:
            return vol, OK
        if miss > 0.0:
            high = vol
        else:
            low = vol
        if math.isnan(before):
            new = vol * (1.0 - 1e-3) if miss > 0.0 else vol * (1.0 + 1e-3)
        else:
            new = vol - miss * (vol - before) / (miss - miss_before)
        if not (low < new < high):  # nan included
            new = 0.5 * (low + high) if low > 0.0 and high < 2.0 * low else math.sqrt(max(low, 0.01 * high) * high)
        before, miss_before = vol, miss
        if abs(new - vol) <= CLOSE * vol or high - low <= CLOSE * high:
            return new, OK
        vol = new
    return math.nan, NOT_FOUND


@njit(cache=True, error_model="numpy")
def _implied_loop(
    price: Floats,
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    steps: tuple[int, ...],
    scheme: Scheme,
    vol: Floats,
    european: Floats,
    status: NDArray[np.int8],
) -> None:
    work = make_work(scheme)
    for i in range(vol.shape[0]):
        s, k, t = spot[i * steps[1]], strike[i * steps[2]], t_years[i * steps[3]]
        r, q, call = rate[i * steps[4]], div_yield[i * steps[5]], is_call[i * steps[6]]
        vol[i], status[i] = american_implied(price[i * steps[0]], s, k, t, r, q, call, scheme, work)
        european[i] = bsm_kernel(s, k, t, vol[i], r, q, call)


def _implied(
    scheme: Scheme,
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> AmericanImplied:
    columns = (
        np.asarray(price, dtype=np.float64),
        floats("spot", spot, POSITIVE),
        floats("strike", strike, POSITIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("rate", rate, ANY),
        floats("div_yield", div_yield, ANY),
        booleans("is_call", is_call),
    )
    shape = common_shape(("price", "spot", "strike", "t_years", "rate", "div_yield", "is_call"), columns)
    lines = [flat(column, shape) for column in columns]
    vol, european, status = np.empty(shape), np.empty(shape), np.empty(shape, dtype=np.int8)
    _implied_loop(
        *(values for values, _ in lines),
        tuple(step for _, step in lines),
        scheme,
        vol.reshape(-1),
        european.reshape(-1),
        status.reshape(-1),
    )
    return AmericanImplied(vol, european, status)


def implied(
    *,
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> AmericanImplied:
    """Implied volatilities of American prices per unit, and the European price at each; the arguments broadcast.

    price: currency, any number (nan gets the status NON_FINITE); spot, strike: above 0; t_years: years, at least 0;
    rate, div_yield: continuous, per year; is_call: boolean. Raises ValueError for all but a bad price.

    >>> r = implied(price=[6.09, 40.0, float("nan")], spot=100.0, strike=[100.0, 140.0, 100.0], t_years=1.0, rate=0.05,
    ...             div_yield=0.0, is_call=False)
    >>> r.vol.round(4), r.european_price.round(3), r.status
    (array([0.2, nan, nan]), array([5.573,   nan,   nan]), array([0, 3, 4], dtype=int8))
    """
    return _implied(FAST, price, spot, strike, t_years, rate, div_yield, is_call)


def precise_implied(
    *,
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> AmericanImplied:
    """As `implied`, against the prices of `precise_price`: fifty times slower.

    >>> r = precise_implied(price=6.0903708, spot=100.0, strike=100.0, t_years=1.0, rate=0.05, div_yield=0.0,
    ...                     is_call=False)
    >>> round(float(r.vol), 6)
    0.2
    """
    return _implied(PRECISE, price, spot, strike, t_years, rate, div_yield, is_call)
