"""Which rule prices an American option: the cases of rate and yield, and the call as a put.

A call is a put with spot and strike, rate and yield exchanged [1], so all is said of puts. Exercise earns
rK − qS a year while the put is in the money:

    r > 0, or r = 0 > q      one boundary: exercise below B(τ), with B(0+) = K·min(1, r/q) for q > r and K else
    r ≤ 0 and r ≤ q          exercise never earns: the European price
    q < r < 0                two boundaries: exercise between Y(τ) and B(τ), Y(0+) = K r/q, B(0+) = K [2]
    vol √T = 0               the best instant on the certain path

References:
    [1] R. McDonald, M. Schroder, "A parity result for American options", J. Computational Finance 1 (1998), 5-13.
    [2] L. Andersen, M. Lake, "Fast American option pricing: the double-boundary case", Wilmott (2021), 30-41.
"""

import math

from numba import njit

ONE_BOUNDARY, EUROPEAN, TWO_BOUNDARIES, CERTAIN = 0, 1, 2, 3

NEGLIGIBLE = 1e-16  # of rT: early exercise is worth at most that part of the strike
CERTAIN_VOL = 1e-9  # of vol √T: the price is within 4e-10 of that of the certain path, relative to the spot


@njit(cache=True, error_model="numpy")
def put_regime(a: float, b: float, s: float) -> int:
    """The case of a put with a = rT, b = qT and s = vol·√T.

    >>> put_regime(0.05, 0.0, 0.2), put_regime(0.0, 0.05, 0.2), put_regime(-0.01, -0.02, 0.2)
    (0, 1, 2)
    """
    if s <= CERTAIN_VOL:
        return CERTAIN
    if a > NEGLIGIBLE or (a >= 0.0 and b < -NEGLIGIBLE):
        return ONE_BOUNDARY
    return TWO_BOUNDARIES if b < a < -NEGLIGIBLE else EUROPEAN


@njit(cache=True, error_model="numpy")
def certain_put(spot: float, strike: float, t_years: float, rate: float, div_yield: float) -> float:
    """Price of the American put without volatility: the largest discounted payoff along the forward path.

    >>> round(certain_put(90.0, 100.0, 1.0, -0.05, 0.0), 6)
    15.12711
    """
    best = max(strike - spot, _discounted(spot, strike, t_years, rate, div_yield), 0.0)
    turn = div_yield * spot / (rate * strike)  # of the payoff: where e^((q − r)t) is this
    if turn > 0.0 and rate != div_yield:
        t = math.log(turn) / (div_yield - rate)
        if 0.0 < t < t_years:
            best = max(best, _discounted(spot, strike, t, rate, div_yield))
    return best


@njit(cache=True, error_model="numpy")
def _discounted(spot: float, strike: float, t: float, rate: float, div_yield: float) -> float:
    return strike * math.exp(-rate * t) - spot * math.exp(-div_yield * t)
