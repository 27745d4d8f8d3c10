"""Sharpe ratios judged by length of record, shape of returns and number of trials.

All ratios are per period (not annual); γ₃ skewness, γ₄ kurtosis (3 for the normal), n returns:

    PSR(SR*) = N((SR − SR*) √(n − 1)/√(1 − γ₃ SR + (γ₄ − 1) SR²/4))        true ratio above SR*
    MinTRL   = 1 + (1 − γ₃ SR + (γ₄ − 1) SR²/4) (z/(SR − SR*))²             returns for PSR to reach a level
    E[max]   = √V ((1 − γ) N⁻¹(1 − 1/M) + γ N⁻¹(1 − 1/(M e)))               best of M worthless trials
    DSR      = PSR(E[max])                                                  better than luck among M

with γ = 0.5772… and V the variance of the ratios over the trials. E[max] is the asymptotic formula of [2]: it
is above the exact value by 2 % at 10 trials, 1 % at 100 and 0.5 % at 1,000: the cautious side. Trials that
resemble each other count as fewer.

References:
    [1] D. H. Bailey, M. López de Prado, "The Sharpe ratio efficient frontier", J. Risk 15 (2012) 3-44.
    [2] D. H. Bailey, M. López de Prado, "The deflated Sharpe ratio", J. Portfolio Management 40 (2014) 94-107.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import NON_NEGATIVE
from contango_quant.pricing.normal import cdf, inverse_cdf
from contango_quant.stats import performance
from contango_quant.stats.lines import count, line, number, scaled, share

EULER_GAMMA = 0.5772156649015329


class Moments(NamedTuple):
    """Sharpe ratio per period (sd with n − 1), skewness and kurtosis (3 for the normal), number of returns."""

    sharpe: float
    skewness: float
    kurtosis: float
    samples: int


def moments(returns: ArrayLike, *, rate_per_period: float = 0.0) -> Moments | None:
    """Figures of periodic returns (n,) that the rest takes; None for fewer than 3 or no dispersion.

    >>> [round(x, 6) for x in moments([0.25, 0.5, 1.0])]
    [1.527525, 0.381802, 1.5, 3]
    """
    column = line("returns", returns)
    ratio = performance.sharpe(column, periods_per_year=1.0, rate_per_period=rate_per_period)
    if ratio is None or column.size < 3:
        return None
    small, _ = scaled(column)
    z = (small - small.mean()) / np.std(small)
    return Moments(ratio, float(np.mean(z**3)), float(np.mean(z**4)), int(column.size))


def probabilistic_sharpe(
    sharpe: float, *, benchmark: float, samples: int, skewness: float = 0.0, kurtosis: float = 3.0
) -> float:
    """PSR: probability that the true ratio is above `benchmark`; both per period.

    samples: returns, at least 2; kurtosis: at least 1 + skewness². Raises ValueError.

    >>> round(probabilistic_sharpe(0.458, benchmark=0.0, samples=24, skewness=-2.448, kurtosis=10.164), 3)
    0.913
    """
    unit = max(1.0, abs(sharpe))
    spread = _spread(sharpe, skewness, kurtosis)
    gap = sharpe / unit - number("benchmark", benchmark) / unit
    root = math.sqrt(count("samples", samples, 2) - 1.0)
    if spread == 0.0:
        return 0.5 if gap == 0.0 else float(gap > 0.0)
    return float(cdf(gap / spread * root))


def min_track_record(
    sharpe: float, *, benchmark: float, level: float = 0.95, skewness: float = 0.0, kurtosis: float = 3.0
) -> float | None:
    """MinTRL: returns needed for the PSR to reach `level`; None when the ratio is not above the benchmark, or so
    little that no number would do.

    >>> round(min_track_record(2.0 / 12**0.5, benchmark=1.0 / 12**0.5) / 12, 2)  # years of months
    3.24
    """
    unit = max(1.0, abs(sharpe))
    spread = _spread(sharpe, skewness, kurtosis)
    gap = sharpe / unit - number("benchmark", benchmark) / unit
    z = float(inverse_cdf(share("level", level)))
    if gap <= 0.0:
        return None
    ratio = max(z, 0.0) * spread / gap
    needed = 1.0 + ratio * ratio
    return needed if math.isfinite(needed) else None


def expected_max_sharpe(*, trials: float, variance: float) -> float:
    """Expected best ratio of `trials` independent worthless ones whose ratios vary by `variance`; 0 for one.

    trials: at least 1, may be a fraction (see `effective_trials`); variance: of the ratios per period.

    >>> round(expected_max_sharpe(trials=100, variance=1.0 / 500.0), 4)
    0.1132
    """
    if not (math.isfinite(trials) and trials >= 1.0):
        raise ValueError(f"trials must be finite and at least 1, got {trials!r}")
    spread = math.sqrt(number("variance", variance, NON_NEGATIVE))
    # Below 2 the formula runs to minus infinity: go straight from 0 at one trial to its value at two.
    if trials < 2.0:
        return (trials - 1.0) * expected_max_sharpe(trials=2.0, variance=variance)
    best = -float(inverse_cdf(1.0 / trials))
    beyond = -float(inverse_cdf(1.0 / (trials * math.e)))
    return spread * ((1.0 - EULER_GAMMA) * best + EULER_GAMMA * beyond)


def effective_trials(trials: int, *, mean_correlation: float) -> float:
    """Independent trials that `trials` correlated ones are worth: r̄ + (1 − r̄) M [2].

    mean_correlation: average over pairs, from 0 to 1. Raises ValueError.

    >>> effective_trials(100, mean_correlation=0.5)
    50.5
    """
    if not 0.0 <= mean_correlation <= 1.0:
        raise ValueError(f"mean_correlation must be from 0 to 1, got {mean_correlation!r}")
    return mean_correlation + (1.0 - mean_correlation) * count("trials", trials, 1)


def deflated_sharpe(
    sharpe: float, *, trials: float, variance: float, samples: int, skewness: float = 0.0, kurtosis: float = 3.0
) -> float:
    """DSR: probability that the chosen ratio is above the best that luck gives among `trials`; per period.

    >>> daily = 2.5 / 250**0.5
    >>> round(deflated_sharpe(daily, trials=100, variance=0.5 / 250, samples=1250, skewness=-3.0,
    ...                       kurtosis=10.0), 4)
    0.9004
    """
    luck = expected_max_sharpe(trials=trials, variance=variance)
    return probabilistic_sharpe(sharpe, benchmark=luck, samples=samples, skewness=skewness, kurtosis=kurtosis)


def _spread(sharpe: float, skewness: float, kurtosis: float) -> float:
    """√n times the ratio's standard error, over max(1, |ratio|) lest the square of a huge one overflow."""
    unit = max(1.0, abs(number("sharpe", sharpe)))
    least = 1.0 + number("skewness", skewness) * skewness
    if number("kurtosis", kurtosis) < least * (1.0 - 1e-12):
        raise ValueError(f"kurtosis must be at least 1 + skewness² = {least!r}, got {kurtosis!r}")
    part, one = sharpe / unit, 1.0 / unit
    # At least (one − skewness·part/2)², so never below 0 but for rounding.
    return math.sqrt(max(one * one - skewness * part * one + 0.25 * (kurtosis - 1.0) * part * part, 0.0))
