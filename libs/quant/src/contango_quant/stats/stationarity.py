"""Is a series stationary? Two tests with opposite null hypotheses.

    ADF    Δx = a + b·x₋₁ + Σ c_i Δx₋ᵢ + e: the t of b against a unit root. Low power in short samples: not
    rejecting says
           little.
    KPSS   η = Σ S_t²/(n² s²), S the partial sums of deviations from the mean, s² their long-run variance (Bartlett):
           against stationarity around a level.

p of ADF by MacKinnon's response surface [2]; p of KPSS between the published points, cut to [0.01, 0.10] [3].

References:
    [1] S. E. Said, D. A. Dickey, "Testing for unit roots in ARMA models of unknown order", Biometrika 71 (1984)
    599-607. [2] J. G. MacKinnon, "Approximate asymptotic distribution functions for unit-root and cointegration
    tests", Journal
        of Business & Economic Statistics 12 (1994) 167-176, table 3 (constant, no trend).
    [3] D. Kwiatkowski, P. C. B. Phillips, P. Schmidt, Y. Shin, "Testing the null hypothesis of stationarity against the
        alternative of a unit root", Journal of Econometrics 54 (1992) 159-178, table 1.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import Floats
from contango_quant.pricing.normal import cdf

LEAST = 20
_SMALL = (2.1659, 1.4412, 0.038269)  # τ ≤ −1.61
_LARGE = (1.7339, 0.93202, -0.12745, -0.010368)  # τ above
_STAR, _LOWEST, _HIGHEST = -1.61, -18.83, 2.74
_KPSS = ((0.347, 0.10), (0.463, 0.05), (0.574, 0.025), (0.739, 0.01))


class Test(NamedTuple):
    """statistic, p (None with `reason` where it cannot be computed), lags used."""

    statistic: float | None
    p: float | None
    lags: int
    reason: str | None


def adf(values: ArrayLike, *, lags: int | None = None) -> Test:
    """Augmented Dickey-Fuller with a constant; lags None: Schwert's 12·(n/100)^¼, at most what the sample carries.

    >>> x = [0.0]
    >>> for i in range(200):
    ...     x.append(0.5 * x[-1] + ((i * 7919) % 101 - 50) / 50)
    >>> adf(x, lags=1).p < 0.01
    True
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or len(x) < LEAST or not np.isfinite(x).all() or np.ptp(x) == 0.0:
        return Test(None, None, 0, f"{len(x)} finite values that move are needed, at least {LEAST}")
    most = len(x) // 3
    p = min(int(12.0 * (len(x) / 100.0) ** 0.25) if lags is None else lags, most)
    change = np.diff(x)
    y = change[p:]
    columns = [np.ones(len(y)), x[p:-1], *(change[p - i : len(change) - i] for i in range(1, p + 1))]
    design = np.column_stack(columns)
    coefficients, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    errors = y - design @ coefficients
    free = len(y) - design.shape[1]
    if rank < design.shape[1] or free < 1 or not float(errors @ errors) > 0.0:
        return Test(None, None, p, "the regression is not determined")
    sigma2 = float(errors @ errors) / free
    spread = sigma2 * np.linalg.inv(design.T @ design)[1, 1]
    t = float(coefficients[1] / math.sqrt(spread))
    return Test(t, mackinnon_p(t), p, None)


def mackinnon_p(t: float) -> float:
    """p of the statistic with a constant and no trend.

    >>> round(mackinnon_p(-2.86), 3)
    0.05
    """
    if t > _HIGHEST:
        return 1.0
    if t < _LOWEST:
        return 0.0
    powers = _SMALL if t <= _STAR else _LARGE
    return float(cdf(sum(c * t**i for i, c in enumerate(powers))))


def kpss(values: ArrayLike, *, lags: int | None = None) -> Test:
    """KPSS around a level; lags None: 12·(n/100)^¼ rounded up.

    >>> kpss([float((i * 7919) % 101) for i in range(200)]).p
    0.1
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or len(x) < LEAST or not np.isfinite(x).all() or np.ptp(x) == 0.0:
        return Test(None, None, 0, f"{len(x)} finite values that move are needed, at least {LEAST}")
    n = len(x)
    count = min(math.ceil(12.0 * (n / 100.0) ** 0.25) if lags is None else lags, n - 1)
    errors = x - x.mean()
    variance = _long_run(errors, count)
    if not variance > 0.0:
        return Test(None, None, count, "the long-run variance is not above 0")
    eta = float((np.cumsum(errors) ** 2).sum() / (n * n * variance))
    return Test(eta, kpss_p(eta), count, None)


def kpss_p(eta: float) -> float:
    """p between the published points, cut to [0.01, 0.10].

    >>> kpss_p(0.463), kpss_p(9.0)
    (0.05, 0.01)
    """
    points = np.array(_KPSS)
    return float(np.interp(eta, points[:, 0], points[:, 1]))


def _long_run(errors: Floats, lags: int) -> float:
    n = len(errors)
    total = float(errors @ errors) / n
    for i in range(1, lags + 1):
        total += 2.0 * (1.0 - i / (lags + 1.0)) * float(errors[i:] @ errors[:-i]) / n
    return total
