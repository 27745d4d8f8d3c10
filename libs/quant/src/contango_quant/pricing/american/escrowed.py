"""American options with cash dividends in the escrowed model: a Leisen-Reimer tree of the spot less its dividends.

Model: S*, the spot less the present value of the dividends due before expiry, is lognormal with volatility `vol`;
the spot is S* plus what is still due, and exercise pays on the spot. It is cheaper than `cash_dividends` and common
in textbooks, but not the same: the volatility is that of S*, a smaller amount, so prices are lower, and two
options with expiries on either side of an ex-date assume different processes for one stock. Use it to compare with
quotes made under it.

References:
    [1] J. C. Hull, "Options, Futures, and Other Derivatives", 11th ed., 2021: trees with known dividends.
    [2] D. Leisen, M. Reimer, "Binomial models for option valuation: examining and improving convergence",
        Applied Mathematical Finance 3 (1996), 319-346.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.pricing.american.price import option_columns
from contango_quant.pricing.american.schedule import Dividends, schedule
from contango_quant.pricing.american.tree import CENTRE_SHARE, peizer_pratt

STEPS = 801


@njit(cache=True, error_model="numpy")
def escrowed_kernel(
    spot: float,
    strike: float,
    t_years: float,
    vol: float,
    rate: float,
    div_yield: float,
    is_call: bool,
    times: Floats,
    amounts: Floats,
    steps: int,
) -> float:
    """Price of one American option; nan where the dividends are worth more than the spot. `steps` is odd.

    >>> value = escrowed_kernel(80.0, 82.0, 1 / 3, 0.3, 0.06, 0.0, True, np.array([0.25]), np.array([4.0]), 801)
    >>> round(value, 3)
    4.384
    """
    sign = 1.0 if is_call else -1.0
    intrinsic = max(sign * (spot - strike), 0.0)
    if t_years <= 0.0 or strike <= 0.0:
        return intrinsic
    due = _present_values(times, amounts, t_years, rate, steps)
    free = spot - due[0]
    if not (math.isfinite(free + strike + vol + div_yield) and free > 0.0):
        return math.nan
    dt, s = t_years / steps, vol * math.sqrt(t_years)
    growth, discount = math.exp((rate - div_yield) * dt), math.exp(-rate * dt)
    d2 = math.log(free / strike) + (rate - div_yield) * t_years
    if abs(d2) + 0.5 * s * s < CENTRE_SHARE * s * math.sqrt(steps):
        up_share, p = peizer_pratt(d2 / s + 0.5 * s, steps), peizer_pratt(d2 / s - 0.5 * s, steps)
        up, down = growth * up_share / p, growth * (1.0 - up_share) / (1.0 - p)
    else:  # far from the strike, or without volatility: a tree around the forward
        up, down = growth * math.exp(vol * math.sqrt(dt)), growth * math.exp(-vol * math.sqrt(dt))
        p = 1.0 / (1.0 + math.exp(vol * math.sqrt(dt)))
    value = _roll_back(free, strike, math.log(up), math.log(down), discount * p, discount * (1.0 - p), sign, due)
    return max(value, intrinsic)


@njit(cache=True, error_model="numpy")
def _present_values(times: Floats, amounts: Floats, t_years: float, rate: float, steps: int) -> Floats:
    """(steps + 1,) at each layer what is due from then up to expiry, the dividend of that instant included."""
    due = np.zeros(steps + 1)
    for layer in range(steps + 1):
        now = layer * t_years / steps
        for k in range(times.shape[0]):
            if 0.0 < times[k] <= t_years and times[k] >= now:
                due[layer] += amounts[k] * math.exp(-rate * (times[k] - now))
    due[steps] = 0.0
    return due


@njit(cache=True, error_model="numpy")
def _roll_back(
    free: float,
    strike: float,
    log_up: float,
    log_down: float,
    w_up: float,
    w_down: float,
    sign: float,
    due: Floats,
) -> float:
    steps = due.shape[0] - 1
    free_spots, values = np.empty(steps + 1), np.empty(steps + 1)
    for i in range(steps + 1):  # i up steps
        free_spots[i] = free * math.exp(i * log_up + (steps - i) * log_down)
        values[i] = max(sign * (free_spots[i] - strike), 0.0)
    back = math.exp(-log_down)
    for layer in range(steps - 1, -1, -1):
        for i in range(layer + 1):
            free_spots[i] *= back
            values[i] = max(w_down * values[i] + w_up * values[i + 1], sign * (free_spots[i] + due[layer] - strike))
    return values[0]


@njit(cache=True, error_model="numpy")
def _loop(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    jumps: tuple[int, ...],
    times: Floats,
    amounts: Floats,
    steps: int,
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = escrowed_kernel(
            spot[i * jumps[0]],
            strike[i * jumps[1]],
            t_years[i * jumps[2]],
            vol[i * jumps[3]],
            rate[i * jumps[4]],
            div_yield[i * jumps[5]],
            is_call[i * jumps[6]],
            times,
            amounts,
            steps,
        )


def escrowed_price(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
    dividends: Dividends,
    steps: int = STEPS,
) -> Floats:
    """Prices per unit of American options on one stock; the arguments but the schedule broadcast.

    Arguments as in `cash_dividends.cash_dividend_price`; steps: odd, at least 3. Raises ValueError naming argument and
    value, and where the dividends due before expiry are worth as much as the spot.

    >>> escrowed_price(spot=80.0, strike=[78.0, 82.0], t_years=1 / 3, vol=0.3, rate=0.06, div_yield=0.0, is_call=True,
    ...                dividends=[(0.25, 4.0)]).round(2)
    array([6.37, 4.38])
    """
    if steps < 3 or steps % 2 == 0:
        raise ValueError(f"steps must be odd and at least 3, got {steps!r}")
    times, amounts = schedule(dividends)
    shape, lines = option_columns(spot, strike, t_years, vol, rate, div_yield, is_call)
    out = np.empty(shape)
    _loop(
        *(values for values, _ in lines),
        tuple(step for _, step in lines),
        times,
        amounts,
        steps,
        out.reshape(-1),
    )
    if np.isnan(out).any():
        raise ValueError(f"dividends must be worth less than spot, got {dividends!r}")
    return out
