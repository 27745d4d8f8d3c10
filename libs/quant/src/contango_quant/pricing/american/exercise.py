"""The critical spot price of an American option as a function of its time to expiry.

A put is exercised at and below it, a call at and above it. At expiry it is the limit K·min(1, r/q) of a put and
K·max(1, r/q) of a call, not the strike.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import ANY, NON_NEGATIVE, POSITIVE, Floats, booleans, common_shape, flat, floats
from contango_quant.pricing.american.boundary import Work, find_boundary, make_work, start_of
from contango_quant.pricing.american.regime import ONE_BOUNDARY, TWO_BOUNDARIES, put_regime
from contango_quant.pricing.american.scheme import PRECISE, Scheme

OK = 0
NEVER = 1  # early exercise never pays
TWO_LEVELS = 2  # exercise pays between two levels (rate and yield below 0); they are not given
NOT_FOUND = 3  # the equation for the boundary did not settle
STATUS_NAMES = ("OK", "NEVER", "TWO_LEVELS", "NOT_FOUND")


class Exercise(NamedTuple):
    """level: spot, currency, nan unless status is OK; status: int8 codes of this module."""

    level: Floats
    status: NDArray[np.int8]


@njit(cache=True, error_model="numpy")
def exercise_kernel(
    t_years: float, vol: float, rate: float, div_yield: float, is_call: bool, scheme: Scheme, work: Work
) -> tuple[float, int]:
    """(critical spot in units of the strike, status); vol above 0, no checks."""
    if is_call:
        level, status = _put_level(t_years, vol, div_yield, rate, scheme, work)
        return 1.0 / level, status  # the call is the put with spot and strike exchanged
    return _put_level(t_years, vol, rate, div_yield, scheme, work)


@njit(cache=True, error_model="numpy")
def _put_level(
    t_years: float, vol: float, rate: float, div_yield: float, scheme: Scheme, work: Work
) -> tuple[float, int]:
    a, b, s = rate * t_years, div_yield * t_years, vol * math.sqrt(t_years)
    at_expiry = put_regime(rate, div_yield, 1.0)
    if at_expiry != ONE_BOUNDARY:
        return math.nan, (TWO_LEVELS if at_expiry == TWO_BOUNDARIES else NEVER)
    if put_regime(a, b, s) != ONE_BOUNDARY:  # an instant before expiry
        return math.exp(start_of(rate, div_yield)), OK
    level = math.exp(find_boundary(a, b, s, scheme, work))
    return (level, OK) if work.solved[4] <= scheme.trust else (math.nan, NOT_FOUND)


@njit(cache=True, error_model="numpy")
def _exercise_loop(
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
    for i in range(out.shape[0]):
        level, status[i] = exercise_kernel(
            t_years[i * steps[1]],
            vol[i * steps[2]],
            rate[i * steps[3]],
            div_yield[i * steps[4]],
            is_call[i * steps[5]],
            scheme,
            work,
        )
        out[i] = level * strike[i * steps[0]]


def exercise_level(
    *,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
) -> Exercise:
    """Critical spot prices; the arguments broadcast against each other.

    strike: currency, above 0; t_years: years to expiry, at least 0; vol: annual, above 0; rate, div_yield: continuous,
    per year; is_call: boolean. Raises ValueError naming argument and value.

    >>> e = exercise_level(strike=100.0, t_years=[0.0, 0.25, 1.0], vol=0.2, rate=0.05, div_yield=0.0, is_call=False)
    >>> e.level.round(3)
    array([100.   ,  86.805,  80.875])
    """
    columns = (
        floats("strike", strike, POSITIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("vol", vol, POSITIVE),
        floats("rate", rate, ANY),
        floats("div_yield", div_yield, ANY),
        booleans("is_call", is_call),
    )
    shape = common_shape(("strike", "t_years", "vol", "rate", "div_yield", "is_call"), columns)
    lines = [flat(column, shape) for column in columns]
    level, status = np.empty(shape), np.empty(shape, dtype=np.int8)
    _exercise_loop(
        *(values for values, _ in lines),
        tuple(step for _, step in lines),
        PRECISE,
        level.reshape(-1),
        status.reshape(-1),
    )
    return Exercise(level, status)
