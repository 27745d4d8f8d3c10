"""How well a Sharpe ratio is known, and how it scales with time when returns are autocorrelated.

Per period SR = (mean − rate)/sd, and for n returns

    independent normal         se² = (1 + SR²/2)/n                                           [1]
    independent, any shape     se² = (1 − γ₃ SR + (γ₄ − 1) SR²/4)/n                          [2]
    dependent, any shape       se² = long-run variance of ψ_t over n,
                               ψ_t = z_t − SR (z_t² − 1)/2,   z_t = (r_t − mean)/sd          [1]

The last is the one to use: its long-run variance is Newey's and West's [3], and without lags it is the
second. Over q periods the ratio grows not with √q but with

    η(q) = q/√(q + 2 Σ_(k<q) (q − k) ρ_k)                                                    [1]

which is √q only without autocorrelation.

References:
    [1] A. W. Lo, "The statistics of Sharpe ratios", Financial Analysts Journal 58 (2002) 36-52.
    [2] E. Mertens, "Comments on variance of the IID estimator in Lo (2002)", 2002.
    [3] W. K. Newey, K. D. West, "A simple, positive semi-definite, heteroskedasticity and autocorrelation
        consistent covariance matrix", Econometrica 55 (1987) 703-708.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import POSITIVE, Floats
from contango_quant.pricing.normal import inverse_cdf
from contango_quant.stats import performance
from contango_quant.stats.lines import count, line, number, scaled, share


class SharpeInterval(NamedTuple):
    """Annual Sharpe ratio with its error and limits; level; lags of the long-run variance; returns used."""

    sharpe: float
    se: float
    low: float
    high: float
    level: float
    lags: int
    samples: int


def usual_lags(samples: int) -> int:
    """Lags of a long-run variance: the whole part of 4 (n/100)^(2/9).

    >>> usual_lags(252), usual_lags(20)
    (4, 2)
    """
    return int(4.0 * (count("samples", samples, 1) / 100.0) ** (2.0 / 9.0))


def standard_error_normal(sharpe: float, *, samples: int) -> float:
    """Error of a Sharpe ratio per period, for independent normal returns.

    >>> round(standard_error_normal(0.5, samples=60), 3)
    0.137
    """
    return math.hypot(1.0, number("sharpe", sharpe) * math.sqrt(0.5)) / math.sqrt(count("samples", samples, 1))


def standard_error(returns: ArrayLike, *, lags: int, rate_per_period: float = 0.0) -> float | None:
    """Error of the Sharpe ratio per period of dependent returns (n,) of any shape.

    lags: of the long-run variance, at least 0 (0: independent returns). None for fewer than 3 returns or no
    dispersion. Raises ValueError.

    >>> round(standard_error([0.03, -0.01, 0.02, 0.01, -0.02, 0.04], lags=0), 4)
    0.3971
    """
    excess, _ = scaled(line("returns", returns) - number("rate_per_period", rate_per_period))
    count("lags", lags, 0)
    ratio = performance.sharpe(excess, periods_per_year=1.0)
    if ratio is None or excess.size < 3:
        return None
    z = (excess - excess.mean()) / np.std(excess, ddof=1)
    influence = z - 0.5 * ratio * (z**2 - np.mean(z**2))
    return math.sqrt(long_run_variance(influence, lags=lags) / excess.size)


def long_run_variance(values: Floats, *, lags: int) -> float:
    """Newey's and West's variance of √n times the mean: autocovariances with weights falling to 0; never negative.

    >>> long_run_variance(np.array([1.0, -1.0, 1.0, -1.0]), lags=0)
    1.0
    """
    deviations, n = values - values.mean(), values.size
    total = float(deviations @ deviations)
    for k in range(1, min(lags, n - 1) + 1):
        total += 2.0 * (1.0 - k / (lags + 1.0)) * float(deviations[k:] @ deviations[:-k])
    return max(total, 0.0) / n


def interval(
    returns: ArrayLike,
    *,
    periods_per_year: float,
    rate_per_period: float = 0.0,
    level: float = 0.9,
    lags: int | None = None,
) -> SharpeInterval | None:
    """Annual Sharpe ratio (times √periods_per_year) and its normal interval, for dependent returns of any shape.

    returns (n,): simple, per period; lags: `usual_lags` when None. None for fewer than 3 returns or no
    dispersion. Raises ValueError.

    >>> got = interval([0.03, -0.01, 0.02, 0.01, -0.02, 0.04], periods_per_year=12.0, lags=0)
    >>> round(got.sharpe, 3), round(got.low, 3), round(got.high, 3)
    (1.745, -0.518, 4.007)
    """
    column = line("returns", returns)
    share("level", level)
    root = math.sqrt(number("periods_per_year", periods_per_year, POSITIVE))
    used = usual_lags(max(column.size, 1)) if lags is None else lags
    error = standard_error(column, lags=used, rate_per_period=rate_per_period)
    ratio = performance.sharpe(column, periods_per_year=1.0, rate_per_period=rate_per_period)
    if error is None or ratio is None:
        return None
    half = -float(inverse_cdf(0.5 * (1.0 - level))) * error
    limits = ((ratio - half) * root, (ratio + half) * root)
    return SharpeInterval(ratio * root, error * root, *limits, level, used, int(column.size))


def autocorrelations(values: ArrayLike, *, lags: int) -> Floats | None:
    """ρ_1 … ρ_lags (lags,), each over the variance of all values; None without dispersion or lags ≥ n.

    >>> autocorrelations([1.0, -1.0, 1.0, -1.0], lags=2)
    array([-0.75,  0.5 ])
    """
    column, _ = scaled(line("values", values))
    count("lags", lags, 1)
    if lags >= column.size or bool((column == column[0]).all()):
        return None
    deviations = column - column.mean()
    squares = float(deviations @ deviations)
    return np.array([float(deviations[k:] @ deviations[:-k]) / squares for k in range(1, lags + 1)])


def aggregation_factor(autocorrelation: ArrayLike, *, periods: int) -> float | None:
    """η(periods): what a Sharpe ratio per period is multiplied by for one over `periods`.

    autocorrelation: ρ_1, ρ_2, … of the returns per period, later ones taken as 0. None where these give no
    positive variance. Raises ValueError.

    >>> round(aggregation_factor([0.0], periods=12), 2)
    3.46
    """
    rho = line("autocorrelation", autocorrelation)
    if (np.abs(rho) > 1.0).any():
        i = int(np.argmax(np.abs(rho) > 1.0))
        raise ValueError(f"autocorrelation must be from -1 to 1, got {float(rho[i])!r} at position {i}")
    q = count("periods", periods, 1)
    used = rho[: q - 1]
    variance = q + 2.0 * float((q - np.arange(1.0, used.size + 1.0)) @ used)
    return q / math.sqrt(variance) if variance > 0.0 else None
