"""CVaR of a structure's profit at expiry: the mean loss of its worst outcomes, exact for a given density.

With q = 1 − level and profit P, for any q-quantile y of P

    CVaR = E[(y − P)⁺]/q − y          (a loss is positive; Rockafellar and Uryasev [1])

which is right also where the distribution of P jumps, as it does at a structure's capped loss. y is found by halving,
with both terms exact: under a table P is spread evenly over each piece between the table's prices and the kinks; under
a lognormal (y − P)⁺ is piecewise linear in the price. Of the last two y the lower is taken: the outcomes below it have
less probability than q, so that its rounding is not magnified by 1/q.

References:
    [1] R. T. Rockafellar, S. Uryasev, "Conditional value-at-risk for general loss distributions", J. Banking & Finance
        26 (2002), 1443-1471.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from contango_quant.broadcast import NON_NEGATIVE, POSITIVE, Floats, floats
from contango_quant.pricing.density import Density, probability_below
from contango_quant.pricing.expected import expected_profit_lognormal
from contango_quant.pricing.lognormal import finish_between, lognormal_quantile
from contango_quant.pricing.normal import inverse_cdf
from contango_quant.pricing.payoff import (
    Leg,
    extremes,
    kinks,
    profit_at,
    profit_intervals,
    profits,
    tail_slope,
)

HALVINGS = 200


def cvar(legs: Sequence[Leg], net_premium: float, table: Density, *, level: float = 0.95) -> float:
    """Mean loss per unit of the worst 1 − `level` of outcomes at expiry under the table; below 0 it is a profit.

    level: from 0 (the mean of all) to below 1. Raises ValueError for it, or for a leg out of its domain.

    >>> from contango_quant.pricing.density import density
    >>> table = density(price=[80, 90, 100, 120], cdf=[0, 0.2, 0.6, 1])
    >>> round(cvar([Leg(-1, 95, False), Leg(1, 90, False)], 1.5, table, level=0.6), 10)
    2.25
    """
    extremes(legs, net_premium)
    worst = _share(level)
    low, high, mass = _pieces(legs, net_premium, table)
    width = np.where(high > low, high - low, 1.0)

    def below(y: float) -> float:
        return float(np.dot(mass, np.where(high > low, np.clip((y - low) / width, 0.0, 1.0), y >= high)))

    y = _quantile(below, worst, float(low.min()), float(high.max()))
    inside = np.clip(y - low, 0.0, high - low)
    shortfall = 0.5 * inside * (inside / width) + np.maximum(y - high, 0.0)
    return math.fsum(mass * shortfall) / worst - y


def cvar_lognormal(
    legs: Sequence[Leg], net_premium: float, *, forward: float, t_years: float, vol: float, level: float = 0.95
) -> float:
    """Mean loss per unit of the worst 1 − `level` of outcomes at expiry under a lognormal with this forward.

    forward: above 0; t_years, vol: at least 0; level: from 0 to below 1. Finite also where the loss is unbounded.
    Raises ValueError naming argument and value.

    >>> round(cvar_lognormal([Leg(-1, 100, False)], 4.0, forward=100.0, t_years=0.25, vol=0.2, level=0.95), 4)
    14.9896
    """
    extremes(legs, net_premium)
    worst = _share(level)
    forward = float(floats("forward", forward, POSITIVE))
    s = float(floats("vol", vol, NON_NEGATIVE)) * math.sqrt(float(floats("t_years", t_years, NON_NEGATIVE)))
    if s == 0.0:
        return -float(profit_at(legs, net_premium, forward))
    mirror = [Leg(-quantity, strike, is_call) for quantity, strike, is_call in legs]

    def below(y: float) -> float:
        return math.fsum(finish_between(a, b, forward, s) for a, b in profit_intervals(mirror, y - net_premium))

    if worst == 1.0:
        return -expected_profit_lognormal(legs, net_premium, forward=forward, t_years=1.0, vol=s)
    rest = 0.25 * min(worst, 1.0 - worst)  # of the probability on each side, which the prices in between leave out
    tails = [lognormal_quantile(rest, forward, s), forward * math.exp(-s * inverse_cdf(rest) - 0.5 * s * s)]
    ends = [profit_at(legs, net_premium, p) for p in (*kinks(legs), *tails)]
    y = _quantile(below, worst, min(ends), max(ends))
    return _mean_above_zero(mirror, y - net_premium, forward, s) / worst - y


def _share(level: float) -> float:
    if not 0.0 <= level < 1.0:
        raise ValueError(f"level must be at least 0 and below 1, got {float(level)!r}")
    return 1.0 - level


def _quantile(below: Callable[[float], float], share: float, low: float, high: float) -> float:
    """The y between `low` and `high` where the probability `below` it reaches `share`, rounded down."""
    for _ in range(HALVINGS):
        y = 0.5 * (low + high)
        if y <= low or y >= high:
            break
        if below(y) < share:
            low = y
        else:
            high = y
    return low


def _pieces(legs: Sequence[Leg], net_premium: float, table: Density) -> tuple[Floats, Floats, Floats]:
    """(lowest profit, highest profit, probability) of every stretch of prices on which profit is linear."""
    inner = np.array(kinks(legs), dtype=np.float64)
    inner = inner[(inner > table.price[0]) & (inner < table.price[-1])]
    prices = np.union1d(table.price, inner)
    mass = np.diff(probability_below(table, prices))
    values = profits(legs, net_premium, prices)
    held = mass > 0.0
    return np.minimum(values[1:], values[:-1])[held], np.maximum(values[1:], values[:-1])[held], mass[held]


def _mean_above_zero(legs: Sequence[Leg], net_premium: float, forward: float, s: float) -> float:
    """E[profit⁺] under a lognormal, a sum of positive parts: a small one keeps its digits.

    The price's own mean over an interval is the probability of it under the forward F·e^(s²), times F.
    """
    parts = []
    for start, end in profit_intervals(legs, net_premium):
        cuts = [start, *(price for price in kinks(legs) if start < price < end), end]
        for low, high in itertools.pairwise(cuts):
            value = max(profit_at(legs, net_premium, low), 0.0)
            rise = tail_slope(legs) if high == math.inf else profit_at(legs, net_premium, high) - value
            slope = rise if high == math.inf else rise / (high - low)
            chance = finish_between(low, high, forward, s)
            over_low = forward * finish_between(low, high, forward * math.exp(min(s * s, 700.0)), s) - low * chance
            parts.append(value * chance + slope * over_low)
    return math.fsum(parts)
