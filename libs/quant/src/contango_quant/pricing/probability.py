"""Probability of profit: how much of a distribution lies where a structure earns.

The prices with a profit are a few open intervals (`payoff.profit_intervals`, and for several expiries
`payoff_near_extremes.model_profit_intervals_near`), so the probability is a sum of differences of the distribution
function: exact for a table and for a lognormal. A profit of exactly 0 is no profit. For a probability after costs, take
the costs from the premium.
"""

import math
from collections.abc import Sequence

import numpy as np

from contango_quant.broadcast import NON_NEGATIVE, POSITIVE, floats
from contango_quant.pricing.density import Density, probability_below
from contango_quant.pricing.lognormal import finish_between
from contango_quant.pricing.payoff import Leg, profit_intervals

Intervals = Sequence[tuple[float, float]]


def probability_within(intervals: Intervals, table: Density) -> float:
    """Probability of finishing in one of the disjoint `intervals` (low, high), high may be inf, under the table.

    >>> from contango_quant.pricing.density import density
    >>> probability_within([(0.0, 95.0), (110.0, float("inf"))], density(price=[90, 100, 120], cdf=[0, 0.5, 1]))
    0.5
    """
    ends = np.minimum(np.array(intervals, dtype=np.float64).reshape(-1, 2), table.price[-1])
    levels = probability_below(table, ends)
    return math.fsum(levels[:, 1] - levels[:, 0])


def probability_within_lognormal(intervals: Intervals, *, forward: float, t_years: float, vol: float) -> float:
    """Probability of finishing in one of the disjoint open `intervals` under a lognormal with this forward.

    Raises ValueError naming argument and value.

    >>> round(probability_within_lognormal([(90.0, 110.0)], forward=100.0, t_years=1.0, vol=0.2), 6)
    0.383117
    """
    floats("forward", forward, POSITIVE)
    s = float(floats("vol", vol, NON_NEGATIVE)) * math.sqrt(float(floats("t_years", t_years, NON_NEGATIVE)))
    return math.fsum(finish_between(float(low), float(high), float(forward), s) for low, high in intervals)


def profit_probability(legs: Sequence[Leg], net_premium: float, table: Density) -> float:
    """Probability that the structure ends with a profit above 0 at its expiry, under the table.

    >>> from contango_quant.pricing.density import density
    >>> put_spread = [Leg(-1, 95, False), Leg(1, 90, False)]
    >>> profit_probability(put_spread, 1, density(price=[80, 90, 100, 120], cdf=[0, 0.2, 0.6, 1]))
    0.64
    """
    return probability_within(profit_intervals(legs, net_premium), table)


def profit_probability_lognormal(
    legs: Sequence[Leg], net_premium: float, *, forward: float, t_years: float, vol: float
) -> float:
    """Probability that the structure ends with a profit above 0 at its expiry, under a lognormal.

    forward: expected price at expiry, spot·e^(drift·t_years), above 0; t_years, vol: at least 0. Raises ValueError
    naming argument and value.

    >>> condor = [Leg(1, 90, False), Leg(-1, 95, False), Leg(-1, 105, True), Leg(1, 110, True)]
    >>> round(profit_probability_lognormal(condor, 2, forward=100.0, t_years=0.1, vol=0.2), 6)
    0.732389
    """
    return probability_within_lognormal(profit_intervals(legs, net_premium), forward=forward, t_years=t_years, vol=vol)
