"""The VIX of quoted chains, as its publisher computes it [1]. Compiled.

    sigma² = 2/T sum dK/K² exp(rT) Q(K) - (F/K0 - 1)²/T

Q is the middle of the quotes of the out-of-the-money option, at K0 of both; strikes are taken outward from K0 until two
in a row have no bid, and those without one are left out. Two expiries around 30 days are combined linearly in total
variance.

References:
    [1] Cboe, "VIX White Paper: Cboe Volatility Index", 2019.
"""

import math

from contango_market_data.sample.jit import compiled
from contango_market_data.sample.market import Cents, Floats
from contango_market_data.sample.quotes import ASK, BID, CALL, PUT

THIRTY_DAYS_YEARS = 30.0 / 365.0


@compiled
def term_variance(strikes: Floats, cents: Cents, rate: float, t_years: float) -> float:
    """Annual variance of one expiry; ``cents`` is (strikes, call|put, bid|ask)."""
    forward = _forward(strikes, cents, rate, t_years)
    centre = 0
    while centre + 1 < strikes.shape[0] and strikes[centre + 1] <= forward:
        centre += 1
    puts, below = _wing(strikes, cents, centre, -1, PUT)
    calls, above = _wing(strikes, cents, centre, 1, CALL)
    middle = 0.5 * (_middle(cents, centre, PUT) + _middle(cents, centre, CALL))
    gap = forward / strikes[centre] - 1.0
    total = puts + calls + 0.5 * (below + above) * middle / (strikes[centre] * strikes[centre])
    variance: float = (2.0 * math.exp(rate * t_years) * total - gap * gap) / t_years
    return variance


@compiled
def combine(near_variance: float, near_years: float, next_variance: float, next_years: float) -> float:
    """VIX (points) from two annual variances around 30 days."""
    share = (next_years - THIRTY_DAYS_YEARS) / (next_years - near_years)
    total = near_variance * near_years * share + next_variance * next_years * (1.0 - share)
    return 100.0 * math.sqrt(max(total, 0.0) / THIRTY_DAYS_YEARS)


@compiled
def _middle(cents: Cents, i: int, right: int) -> float:
    return 0.005 * float(cents[i, right, BID] + cents[i, right, ASK])


@compiled
def _forward(strikes: Floats, cents: Cents, rate: float, t_years: float) -> float:
    """The forward by parity at the strike where call and put are nearest."""
    best, forward = math.inf, 0.0
    for i in range(strikes.shape[0]):
        difference = _middle(cents, i, CALL) - _middle(cents, i, PUT)
        if abs(difference) < best:
            best = abs(difference)
            forward = strikes[i] + math.exp(rate * t_years) * difference
    return forward


@compiled
def _wing(strikes: Floats, cents: Cents, centre: int, step: int, right: int) -> tuple[float, float]:
    """Sum of dK/K² Q over one wing without its centre, and the distance from the centre to its first strike."""
    total, first_width, empty = 0.0, 0.0, 0
    inner, here, value = strikes[centre], strikes[centre], 0.0
    i = centre + step
    while 0 <= i < strikes.shape[0] and empty < 2:
        if cents[i, right, BID] == 0:
            empty += 1
        else:
            empty = 0
            if first_width == 0.0:
                first_width = abs(strikes[i] - here)
            total += 0.5 * abs(strikes[i] - inner) * value / (here * here)
            inner, here, value = here, strikes[i], _middle(cents, i, right)
        i += step
    return total + abs(here - inner) * value / (here * here), first_width
