"""Odds that the underlying ends beyond a strike, from the forecast's variance quantiles. Pure.

Each quantile level stands for the probability mass around it (to the midpoints of its neighbours), and given the
variance the terminal price is lognormal around the forward: a mixture with the fat tails that uncertain variance has.
No view on direction enters.

    P(S_T < K) = Σ_i w_i N( (ln(K/F) + v_i/2) / √v_i ),   v_i: total variance to expiry at level i

Between horizons total variance is linear in sessions; before the first and after the last horizon the annual variance
is held, after the last one at most ``STRETCH`` times its length.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from contango_quant.pricing.normal import cdf

STRETCH = 1.5


@dataclass(frozen=True, slots=True)
class Mixture:
    """Total variances to one horizon with their weights (adding to 1), and the forecast's median."""

    weights: tuple[float, ...]
    total_variances: tuple[float, ...]
    median_variance_annual: float


def level_weights(levels: Sequence[float]) -> tuple[float, ...]:
    """Probability mass of each ascending level in (0, 1).

    >>> level_weights((0.25, 0.5, 0.75))
    (0.375, 0.25, 0.375)
    """
    edges = [0.0, *(0.5 * (a + b) for a, b in pairwise(levels)), 1.0]
    return tuple(high - low for low, high in pairwise(edges))


def mixture(
    horizons: Sequence[int],
    levels: Sequence[float],
    quantiles: Sequence[Sequence[float]],
    sessions: float,
    sessions_per_year: float,
) -> Mixture | str:
    """The mixture ``sessions`` ahead, or the reason why there is none."""
    if not horizons or not levels or len(quantiles) != len(horizons):
        return "the forecast is empty"
    if sessions <= 0.0:
        return "nothing is left to the expiry"
    if sessions > STRETCH * horizons[-1]:
        return f"the expiry is {sessions:.1f} sessions away, the forecast reaches {horizons[-1]}"
    totals = tuple(
        _total(horizons, [row[i] for row in quantiles], sessions) / sessions_per_year for i in range(len(levels))
    )
    if min(totals) <= 0.0:
        return "the forecast holds a variance of 0"
    median = _at_level(levels, totals, 0.5) * sessions_per_year / sessions
    return Mixture(level_weights(levels), totals, median)


def _total(horizons: Sequence[int], variances: Sequence[float], sessions: float) -> float:
    """Annual variance × sessions, interpolated."""
    after = bisect_left(horizons, sessions)
    if after == 0:
        return variances[0] * sessions
    if after == len(horizons):
        return variances[-1] * sessions
    h0, h1 = horizons[after - 1], horizons[after]
    weight = (sessions - h0) / (h1 - h0)
    return (1.0 - weight) * variances[after - 1] * h0 + weight * variances[after] * h1


def _at_level(levels: Sequence[float], values: Sequence[float], level: float) -> float:
    after = bisect_left(levels, level)
    if after == 0:
        return values[0]
    if after == len(levels):
        return values[-1]
    weight = (level - levels[after - 1]) / (levels[after] - levels[after - 1])
    return (1.0 - weight) * values[after - 1] + weight * values[after]


def below(m: Mixture, forward: float, strike: float) -> float:
    """Probability to end below ``strike``."""
    x = math.log(strike / forward)
    parts = (w * cdf((x + 0.5 * v) / math.sqrt(v)) for w, v in zip(m.weights, m.total_variances, strict=True))
    return float(sum(parts))


def above(m: Mixture, forward: float, strike: float) -> float:
    """Probability to end above ``strike``."""
    x = math.log(strike / forward)
    parts = (w * cdf(-(x + 0.5 * v) / math.sqrt(v)) for w, v in zip(m.weights, m.total_variances, strict=True))
    return float(sum(parts))
