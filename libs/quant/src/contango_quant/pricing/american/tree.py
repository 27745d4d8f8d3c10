"""American options by the Leisen-Reimer binomial tree: a second opinion that knows nothing of boundaries.

The up probabilities under both measures come from the Peizer-Pratt inversion of the normal distribution at d2
and d1, so that the strike lies at the centre of the last layer; `steps` is odd. European prices converge as 1/n²,
American ones as 1/n: at a spot of 100, 801 steps are right to about 0.001.

References:
    [1] D. Leisen, M. Reimer, "Binomial models for option valuation: examining and improving convergence",
        Applied Mathematical Finance 3 (1996), 319-346.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats, common_shape, flat
from contango_quant.pricing.american.regime import CERTAIN_VOL, certain_put
from contango_quant.pricing.black import bsm_columns

CENTRE_SHARE = 0.9  # of √n: a strike more standard deviations away than that has no place in the tree

NAMES = ("spot", "strike", "t_years", "vol", "rate", "div_yield", "is_call")


@njit(cache=True, error_model="numpy")
def tree_kernel(
    spot: float, strike: float, t_years: float, vol: float, rate: float, div_yield: float, is_call: bool, steps: int
) -> float:
    """Price of one American option by a tree of `steps` (odd); nan for nan input. No other checks.

    >>> round(tree_kernel(100.0, 100.0, 1.0, 0.25, 0.05, 0.05, False, 1001), 3)
    9.569
    """
    if not math.isfinite(spot + strike + t_years + vol + rate + div_yield):
        return math.nan
    s = vol * math.sqrt(t_years)
    if s <= CERTAIN_VOL or spot <= 0.0 or strike <= 0.0:
        if is_call:
            return certain_put(strike, spot, t_years, div_yield, rate)
        return certain_put(spot, strike, t_years, rate, div_yield)
    dt = t_years / steps
    growth = math.exp((rate - div_yield) * dt)
    d2 = math.log(spot / strike) + (rate - div_yield) * t_years
    if abs(d2) + 0.5 * s * s < CENTRE_SHARE * s * math.sqrt(steps):
        up_share, p = peizer_pratt(d2 / s + 0.5 * s, steps), peizer_pratt(d2 / s - 0.5 * s, steps)
        up, down = growth * up_share / p, growth * (1.0 - up_share) / (1.0 - p)
    else:  # a tree around the forward
        up, down = growth * math.exp(vol * math.sqrt(dt)), growth * math.exp(-vol * math.sqrt(dt))
        p = 1.0 / (1.0 + math.exp(vol * math.sqrt(dt)))
    discount = math.exp(-rate * dt)
    return _roll_back(spot, strike, up, down, discount * p, discount * (1.0 - p), is_call, steps)


@njit(cache=True, error_model="numpy")
def peizer_pratt(z: float, n: int) -> float:
    """Probability of an up step such that a binomial of `n` steps puts N(z) above the centre (method 2)."""
    scaled = z / (n + 1.0 / 3.0 + 0.1 / (n + 1.0))
    return 0.5 + math.copysign(0.5 * math.sqrt(-math.expm1(-scaled * scaled * (n + 1.0 / 6.0))), z)


@njit(cache=True, error_model="numpy")
def _roll_back(
    spot: float, strike: float, up: float, down: float, w_up: float, w_down: float, is_call: bool, steps: int
) -> float:
    sign = 1.0 if is_call else -1.0
    prices, values = np.empty(steps + 1), np.empty(steps + 1)
    log_up, log_down = math.log(up), math.log(down)
    for i in range(steps + 1):  # i up steps
        prices[i] = spot * math.exp(i * log_up + (steps - i) * log_down)
        values[i] = max(sign * (prices[i] - strike), 0.0)
    back = 1.0 / down
    for layer in range(steps, 0, -1):
        for i in range(layer):
            prices[i] *= back
            values[i] = max(w_down * values[i] + w_up * values[i + 1], sign * (prices[i] - strike))
    return values[0]


@njit(cache=True, error_model="numpy")
def _tree_loop(
    spot: Floats,
    strike: Floats,
    t_years: Floats,
    vol: Floats,
    rate: Floats,
    div_yield: Floats,
    is_call: NDArray[np.bool_],
    jumps: tuple[int, ...],
    steps: int,
    out: Floats,
) -> None:
    for i in range(out.shape[0]):
        out[i] = tree_kernel(
            spot[i * jumps[0]],
            strike[i * jumps[1]],
            t_years[i * jumps[2]],
            vol[i * jumps[3]],
            rate[i * jumps[4]],
            div_yield[i * jumps[5]],
            is_call[i * jumps[6]],
            steps,
        )


def tree_price(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike,
    div_yield: ArrayLike,
    is_call: ArrayLike,
    steps: int = 801,
) -> Floats:
    """Prices per unit of American options by a Leisen-Reimer tree; the arguments broadcast against each other.

    spot, strike: currency, at least 0; t_years: years, at least 0; vol: annual, at least 0; rate, div_yield:
    continuous, per year, of any sign; is_call: boolean; steps: odd, at least 3. Raises ValueError naming argument
    and value.

    >>> tree_price(spot=100.0, strike=[95.0, 100.0], t_years=0.5, vol=0.3, rate=0.05, div_yield=0.0,
    ...            is_call=False).round(2)
    array([5.12, 7.39])
    """
    if steps < 3 or steps % 2 == 0:
        raise ValueError(f"steps must be odd and at least 3, got {steps!r}")
    columns = bsm_columns(spot, strike, t_years, vol, rate, div_yield, is_call)
    shape = common_shape(NAMES, columns)
    lines = [flat(column, shape) for column in columns]
    result = np.empty(shape)
    _tree_loop(*(values for values, _ in lines), tuple(step for _, step in lines), steps, result.reshape(-1))
    return result
