"""The level of the surface at one moment: the one whose quotes give that moment's VIX. Compiled.

The squared VIX is nearly linear in the level, so that the secant method lands within a few steps; ticks and the cut at
two zero bids leave small jumps, which the tolerance of 0.02 volatility points covers.
"""

import math

import numpy as np

from contango_market_data.sample.jit import compiled
from contango_market_data.sample.market import Cents, Floats, Integers
from contango_market_data.sample.quotes import ASK, BID, CALL, PUT, quote_expiry
from contango_quant.surface.vix import TARGET_YEARS, interpolate, term_variance_kernel

TOLERANCE_POINTS = 0.02
STEPS = 8
LOWEST_LEVEL = 1e-5


@compiled
def nearest_terms(t_years: Floats) -> tuple[int, int]:
    """Positions of the last expiry within 30 days and of the first beyond; ``t_years`` ascending."""
    near = 0
    while near + 2 < t_years.shape[0] and t_years[near + 1] <= TARGET_YEARS:
        near += 1
    return near, near + 1


@compiled
def chain_vix(
    strikes: Floats,
    starts: Integers,
    t_years: Floats,
    market: tuple[float, float, float, float],
    level: float,
    scratch: Cents,
) -> float:
    """VIX of the quotes at ``level``; ``market`` is spot, rate, dividend yield, VIX (which widens spreads)."""
    spot, rate, div_yield, vix = market
    near, after = nearest_terms(t_years)
    variance = np.empty(2)
    for j in range(2):
        term = near if j == 0 else after
        line = strikes[starts[term] : starts[term + 1]]
        cents = scratch[: line.shape[0]]
        quote_expiry(line, spot, rate, div_yield, t_years[term], level, vix, cents)
        quotes = cents / 100.0
        call_bid, call_ask = quotes[:, CALL, BID].copy(), quotes[:, CALL, ASK].copy()
        put_bid, put_ask = quotes[:, PUT, BID].copy(), quotes[:, PUT, ASK].copy()
        variance[j] = term_variance_kernel(line, call_bid, call_ask, put_bid, put_ask, t_years[term], rate)[0]
    squared = interpolate(variance[0], t_years[near], variance[1], t_years[after], TARGET_YEARS)
    return 100.0 * math.sqrt(max(squared, 0.0))


@compiled
def solve_level(
    strikes: Floats, starts: Integers, t_years: Floats, market: tuple[float, float, float, float], scratch: Cents
) -> float:
    """The level at which the chain's VIX is ``market``'s VIX, to TOLERANCE_POINTS where ticks allow."""
    target = (market[3] / 100.0) ** 2
    level, last_level, last_value = 0.8 * target, 0.0, 0.0
    best, best_error = level, np.inf
    for step in range(STEPS):
        points = chain_vix(strikes, starts, t_years, market, level, scratch)
        error, value = abs(points - market[3]), (points / 100.0) ** 2
        if error < best_error:
            best, best_error = level, error
        if error < TOLERANCE_POINTS:
            break
        slope = (value - last_value) / (level - last_level) if step > 0 and level != last_level else 1.0
        last_level, last_value = level, value
        level = max(level + (target - value) / min(max(slope, 0.3), 3.0), LOWEST_LEVEL)
    return best
