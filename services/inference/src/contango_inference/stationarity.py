"""Is a series stationary? Augmented Dickey-Fuller and KPSS side by side, and how little they may know.

The two have opposite null hypotheses: ADF rejects a random walk, KPSS rejects stationarity (both around a constant).

    ADF rejects, KPSS does not       stationary
    KPSS rejects, ADF does not       unit root
    neither                          undecided: the data are too few to tell
    both                             conflict: neither fits (a break, a long memory)

Not rejecting a random walk means little where the test could hardly have done so: a year of days sees a half-life of
60 days one time in ten. ``power`` is the exact chance of the plain Dickey-Fuller test (normal errors, no lags) against
the half-life that the caller cares about; below 80 % the report is labelled ``low_power``.

References:
    [1] D. A. Dickey, W. A. Fuller, JASA 74 (1979) 427-431.
    [2] D. Kwiatkowski, P. C. B. Phillips, P. Schmidt, Y. Shin, J. Econometrics 54 (1992) 159-178.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy.typing as npt
from statsmodels.tools.sm_exceptions import InterpolationWarning
from statsmodels.tsa.stattools import adfuller, kpss

from contango_quant.stats import ar1
from contango_quant.stats.lines import line, scaled, share

MIN_SAMPLES = 20
GOOD_POWER = 0.80
KPSS_TABLE = (0.01, 0.10)  # p-values outside are only known to be outside

Verdict = Literal["stationary", "unit_root", "undecided", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stationarity:
    """samples; adf_p with its lags; kpss_p (clipped to the table, 0.01 to 0.10: then ``kpss_p_clipped``) with its lags;
    power against the half-life asked about; low_power: it is below 80 %; verdict at the size of the tests.
    """

    samples: int
    adf_statistic: float
    adf_p: float
    adf_lags: int
    kpss_statistic: float
    kpss_p: float
    kpss_p_clipped: bool
    kpss_lags: int
    power: float
    low_power: bool
    verdict: Verdict


def stationarity(values: npt.ArrayLike, *, half_life_samples: float, size: float = 0.05) -> Stationarity | None:
    """Both tests on values (n,), oldest first; None for fewer than 20 values or a series that does not move.

    half_life_samples: the reversion that would matter to the caller, in samples, above 0; size: of both tests, 0.01 to
    0.10 (the KPSS table ends there). Raises ValueError.

    >>> import numpy as np
    >>> rng = np.random.default_rng(3)
    >>> found = stationarity(np.cumsum(rng.normal(size=250)), half_life_samples=60.0)
    >>> found.verdict, found.low_power, round(found.power, 2)
    ('unit_root', True, 0.1)
    """
    x = line("values", values)
    if not half_life_samples > 0.0:
        raise ValueError(f"half_life_samples must be above 0, got {half_life_samples!r}")
    if not KPSS_TABLE[0] <= share("size", size) <= KPSS_TABLE[1]:
        raise ValueError(f"size must be from 0.01 to 0.10, got {size!r}")
    if x.size < MIN_SAMPLES or ar1.least_squares(x) is None:
        return None
    x, _ = scaled(x)  # units mean nothing here, and squares of huge values overflow
    adf = adfuller(x, regression="c", autolag="AIC", result_object=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InterpolationWarning)
        level = kpss(x, regression="c", nlags="auto", result_object=True)
    clipped = any(issubclass(warning.category, InterpolationWarning) for warning in caught)
    power = ar1.unit_root_power(0.5 ** (1.0 / half_life_samples), transitions=x.size - 1, size=size)
    return Stationarity(
        samples=int(x.size),
        adf_statistic=float(adf.statistic),
        adf_p=float(adf.pvalue),
        adf_lags=int(adf.lags),
        kpss_statistic=float(level.statistic),
        kpss_p=float(level.pvalue),
        kpss_p_clipped=clipped,
        kpss_lags=int(level.lags),
        power=power,
        low_power=power < GOOD_POWER,
        verdict=_verdict(adf.pvalue < size, level.pvalue < size or level.pvalue <= KPSS_TABLE[0]),
    )


def _verdict(adf_rejects: bool, kpss_rejects: bool) -> Verdict:
    if adf_rejects:
        return "conflict" if kpss_rejects else "stationary"
    return "unit_root" if kpss_rejects else "undecided"
