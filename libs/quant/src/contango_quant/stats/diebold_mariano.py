"""Diebold's and Mariano's test of equal losses, for gains that hang together.

    statistic = mean(gain) / √(V/n) · √((n + 1 − 2h + h(h − 1)/n)/n)

V is the long-run variance of the gains with Bartlett weights over h − 1 lags [3], and p = P(T > statistic) for
Student's t with n − 1 degrees. [2] takes h to be the forecast's horizon; here it is one more than the lags in use. They
are at least three windows of the target, for weights that fall from 1 to 0 over one window would miss a third of the
variance of overlapping targets, and as many as the block that the gains themselves ask for: by the fixed rule n^(1/3)
gains with an autocorrelation of 0.9 pass a test at 2.5 % one time in ten.

References:
    [1] F. X. Diebold, R. S. Mariano, "Comparing predictive accuracy", J. Business & Economic Statistics 13 (1995)
        253-263.
    [2] D. Harvey, S. Leybourne, P. Newbold, "Testing the equality of prediction mean squared errors", International
        J. of Forecasting 13 (1997) 281-291.
    [3] W. K. Newey, K. D. West, "A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
        covariance matrix", Econometrica 55 (1987) 703-708.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from contango_quant.stats.lines import count, line
from contango_quant.stats.sharpe import long_run_variance
from contango_quant.stats.skill_interval import mean_block_for


def diebold_mariano(gains: ArrayLike, *, lags: int) -> tuple[float | None, float | None]:
    """Statistic and one-sided p-value of a mean gain above 0, for gains (n,) in order of time.

    lags: of the Bartlett weights; h = lags + 1 in the correction. None twice with fewer than 3 gains, with gains that
    never differ, or with so many lags that the correction is undefined. Raises ValueError.

    >>> stat, p = diebold_mariano([1.0, -1.0, 2.0, 0.0, 1.0], lags=0)
    >>> round(stat, 4), round(p, 4)  # Student's t of a mean: 0.6/√(1.3/5)
    (1.1767, 0.1523)
    """
    x = line("gains", gains)
    h, n = count("lags", lags, 0) + 1.0, x.size
    if n < 3 or not float(np.ptp(x)) > 0.0:
        return None, None
    variance = long_run_variance(x, lags=lags) / n
    correction = (n + 1.0 - 2.0 * h + h * (h - 1.0) / n) / n
    # Gains that take each other back exactly have no long-run variance: the test says nothing then.
    if not (variance > 0.0 and correction > 0.0):
        return None, None
    statistic = float(x.mean()) / math.sqrt(variance) * math.sqrt(correction)
    return statistic, float(special.stdtr(n - 1.0, -statistic))


def lags_for(gains: ArrayLike, overlap: int) -> int:
    """Lags for gains (n,): three windows', at least the mean block of their bootstrap, at most a third of n.

    >>> noise = np.random.default_rng(0).normal(size=1000)
    >>> lags_for(noise, 1), lags_for(noise, 21), lags_for(noise[:30], 21)
    (10, 60, 10)
    """
    x = line("gains", gains)
    return min(max(3 * (overlap - 1), math.ceil(mean_block_for(x, overlap))), x.size // 3)
