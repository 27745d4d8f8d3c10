"""American options on a spot that falls by known cash dividends: finite differences on a logarithmic grid.

Model: between ex-dates the spot is lognormal with volatility `vol` and drift r − q; on an ex-date it falls by the
cash amount, but never below 0 (piecewise lognormal, [1]). Just before the ex-date the option is worth

    V(S, t−) = max(exercise value, V(max(S − D, 0), t+)),

so that a call is exercised on the last instant before it and a put kept until after it. Between ex-dates

    ∂V/∂τ = ½σ² V_xx + (r − q − ½σ²) V_x − rV,   x = ln S,   V ≥ exercise value,

is solved by the Crank-Nicolson scheme with Brennan and Schwartz's elimination from the side that is held [2]; each
stretch begins with four implicit half steps, which damp the kink. The strike lies on a node, and the error falls with
the square of the number of nodes: two grids are extrapolated. At the default of 401 nodes and a strike of 100 about
2e-5 is left without dividends and 3e-4 with them, for the kink that exercise before an ex-date leaves lies anywhere.

References:
    [1] E. G. Haug, J. Haug, A. Lewis, "Back to basics: a new approach to the discrete dividend problem",
        Wilmott (2003), 37-47.
    [2] M. Brennan, E. Schwartz, "The valuation of American put options", J. Finance 32 (1977), 449-462.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.price import option_columns
from contango_quant.pricing.american.schedule import Dividends, schedule

DEVIATIONS = 6.0  # of ln S on either side
LEAST_STEPS = 8  # of time in a stretch
IMPLICIT_STEPS = 2  # whole steps, each taken as two implicit halves
SMALLEST_TOTAL_VOL = 1e-3  # a smaller vol √T is raised to it: by then the price moves by less than 4e-4 of the spot
NODES = 401


class Grid(NamedTuple):
    """Values of one option on a grid of ln S that runs from the side of exercise to the side that is held."""

    spots: Floats  # (M,) rising for a put, falling for a call
    payoff: Floats  # (M,) on exercise, below 0 out of the money
    values: Floats  # (M,)
    right: Floats  # (M,) right-hand side of the elimination
    pivots: Floats  # (M,) its pivots, inverted


@njit(cache=True, error_model="numpy")
def cash_dividend_kernel(
    spot: float,
    strike: float,
    t_years: float,
    vol: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    times: Floats,
    amounts: Floats,
    nodes: int,
) -> float:
    """Price of one American option; `times` ascend, those outside (0, t_years] are left out.

    >>> value = cash_dividend_kernel(100.0, 100.0, 1.0, 0.3, 0.06, 0.0, True, np.array([0.5]), np.array([7.0]), 801)
    >>> round(value, 2)
    11.66
    """
    if not math.isfinite(spot + strike + t_years + vol + rate + div_yield):
        return math.nan
    intrinsic = max(spot - strike if is_call else strike - spot, 0.0)
    if t_years <= 0.0 or spot <= 0.0 or strike <= 0.0:
        return intrinsic
    vol = max(vol, SMALLEST_TOTAL_VOL / math.sqrt(t_years))
    fine = _on_grid(spot, strike, t_years, vol, rate, div_yield, is_call, times, amounts, nodes)
    coarse = _on_grid(spot, strike, t_years, vol, rate, div_yield, is_call, times, amounts, nodes // 2 + 1)
    return max((4.0 * fine - coarse) / 3.0, intrinsic)


@njit(cache=True, error_model="numpy")
def _on_grid(
    spot: float,
    strike: float,
    t_years: float,
    vol: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    times: Floats,
    amounts: Floats,
    nodes: int,
) -> float:
    sign = 1.0 if is_call else -1.0
    reach = abs(math.log(spot / strike)) + DEVIATIONS * vol * math.sqrt(t_years) + abs(rate - div_yield) * t_years
    step = -sign * 2.0 * reach / (nodes - 1)  # of ln S
    grid = _start(strike, step, sign, nodes)
    steps_a_year = 0.5 * nodes / t_years
    until = t_years
    for k in range(times.shape[0] - 1, -1, -1):
        if 0.0 < times[k] <= t_years:
            _stretch(grid, until - times[k], vol, rate, div_yield, step, steps_a_year)
            at_zero = 0.0 if is_call else strike * max(1.0, math.exp(-rate * (t_years - times[k])))
            _fall(grid, amounts[k], strike, step, at_zero)
            until = times[k]
    _stretch(grid, until, vol, rate, div_yield, step, steps_a_year)
    return _interpolated(grid.values, math.log(spot / strike) / step)


@njit(cache=True, error_model="numpy")
def _start(strike: float, step: float, sign: float, nodes: int) -> Grid:
    spots = np.empty(nodes)
    for i in range(nodes):
        spots[i] = strike * math.exp((i - nodes // 2) * step)
    payoff = sign * (spots - strike)
    return Grid(spots, payoff, np.maximum(payoff, 0.0), np.empty(nodes), np.empty(nodes))


@njit(cache=True, error_model="numpy")
def _stretch(
    grid: Grid, length: float, vol: float, rate: float, div_yield: float, step: float, steps_a_year: float
) -> None:
    """Back over `length` years without a dividend, in steps that grow linearly: the boundary moves as √τ at first."""
    if length <= 0.0:
        return
    count = max(LEAST_STEPS, math.ceil(length * steps_a_year))
    slope = 0.5 * (rate - div_yield - 0.5 * vol * vol) / step
    diffusion = max(0.5 * vol * vol / (step * step), abs(slope))  # where the drift outweighs the volatility, upwind
    for k in range(count):
        half = 0.5 * length * (2 * k + 1) / (count * count)
        down, here, up = half * (diffusion - slope), half * (2.0 * diffusion + rate), half * (diffusion + slope)
        _factorise(grid.pivots, down, here, up)
        if k < IMPLICIT_STEPS:
            for _ in range(2):
                grid.right[:] = grid.values
                _solve(grid, down, up)
        else:
            _explicit(grid.values, grid.right, down, here, up)
            _solve(grid, down, up)


@njit(cache=True, error_model="numpy")
def _factorise(pivots: Floats, down: float, here: float, up: float) -> None:
    """Inverse pivots, from the side that is held."""
    n = pivots.shape[0]
    pivots[n - 2] = 1.0 / (1.0 + here)
    for i in range(n - 3, 0, -1):
        pivots[i] = 1.0 / (1.0 + here - up * down * pivots[i + 1])
        if pivots[i] == pivots[i + 1]:  # from here on they repeat
            pivots[1:i] = pivots[i]
            break


@njit(cache=True, error_model="numpy")
def _explicit(values: Floats, right: Floats, down: float, here: float, up: float) -> None:
    for i in range(1, values.shape[0] - 1):
        right[i] = down * values[i - 1] + (1.0 - here) * values[i] + up * values[i + 1]


@njit(cache=True, error_model="numpy")
def _solve(grid: Grid, down: float, up: float) -> None:
    """The implicit half step under V ≥ payoff; beyond both ends V goes on linearly in S."""
    v, right, payoff, pivots, n = grid.values, grid.right, grid.payoff, grid.pivots, grid.values.shape[0]
    v[0] = max(_beyond(grid.spots, v, 0, 1, 2), payoff[0], 0.0)
    v[n - 1] = max(_beyond(grid.spots, v, n - 1, n - 2, n - 3), payoff[n - 1], 0.0)
    right[n - 2] += up * v[n - 1]
    for i in range(n - 3, 0, -1):
        right[i] += up * pivots[i + 1] * right[i + 1]
    for i in range(1, n - 1):
        v[i] = max((right[i] + down * v[i - 1]) * pivots[i], payoff[i])


@njit(cache=True, error_model="numpy")
def _beyond(spots: Floats, values: Floats, i: int, j: int, k: int) -> float:
    """Value at node i on the line through nodes j and k."""
    return values[j] + (values[j] - values[k]) * (spots[i] - spots[j]) / (spots[j] - spots[k])


@njit(cache=True, error_model="numpy")
def _fall(grid: Grid, amount: float, strike: float, step: float, at_zero: float) -> None:
    """Values just before the spot falls by `amount`; `at_zero`: value at a spot of 0."""
    n, v, after = grid.values.shape[0], grid.values, grid.right
    low = 0 if step > 0.0 else n - 1
    for i in range(n):
        spot = grid.spots[i] - amount
        if spot > grid.spots[low]:
            after[i] = _interpolated(v, math.log(spot / strike) / step)
        else:
            after[i] = at_zero + (v[low] - at_zero) * max(spot, 0.0) / grid.spots[low]
    for i in range(n):
        v[i] = max(after[i], grid.payoff[i], 0.0)


@njit(cache=True, error_model="numpy")
def _interpolated(values: Floats, place: float) -> float:
    """The cubic through the four nodes around `place`, counted in nodes from the middle."""
    n = values.shape[0]
    x = place + n // 2
    i = min(max(math.floor(x), 1), n - 3)
    t = x - i
    return (
        -t * (t - 1.0) * (t - 2.0) / 6.0 * values[i - 1]
        + (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0 * values[i]
        - (t + 1.0) * t * (t - 2.0) / 2.0 * values[i + 1]
        + (t + 1.0) * t * (t - 1.0) / 6.0 * values[i + 2]
    )


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
    times: Floats,
    amounts: Floats,
    nodes: int,
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = cash_dividend_kernel(
            spot[i * steps[0]],
            strike[i * steps[1]],
            t_years[i * steps[2]],
            vol[i * steps[3]],
            rate[i * steps[4]],
            div_yield[i * steps[5]],
            is_call[i * steps[6]],
            times,
            amounts,
            nodes,
        )


def cash_dividend_price(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
    dividends: Dividends,
    nodes: int = NODES,
) -> Floats:
    """Prices per unit of American options on one stock; the arguments but the schedule broadcast.

    spot, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; rate, div_yield:
    continuous, per year, of any sign (div_yield is beside the cash dividends: a borrow fee, or 0); is_call: boolean;
    dividends: pairs (t_years to the ex-date, currency per share), in any order, those not in (0, t_years] of an option
    do not touch it; nodes: of the finer grid, 4k + 1, at least 101. Raises ValueError naming argument and value.

    >>> cash_dividend_price(spot=100.0, strike=[90.0, 110.0], t_years=0.5, vol=0.25, rate=0.04, div_yield=0.0,
    ...                     is_call=True, dividends=[(0.2, 1.5), (0.45, 1.5)]).round(3)
    array([12.816,  3.373])
    """
    if nodes < 101 or nodes % 4 != 1:
        raise ValueError(f"nodes must be 4k + 1 and at least 101, got {nodes!r}")
    times, amounts = schedule(dividends)
    shape, lines = option_columns(spot, strike, t_years, vol, rate, div_yield, is_call)
    out = np.empty(shape)
    _loop(
        *(values for values, _ in lines),
        tuple(step for _, step in lines),
        times,
        amounts,
        nodes,
        out.reshape(-1),
    )
    return out
