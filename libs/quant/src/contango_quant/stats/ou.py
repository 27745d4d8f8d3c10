"""Ornstein-Uhlenbeck process fitted to equally spaced values: dX = θ(μ − X)dt + σ dW.

Sampled every `step_days` it is exactly a first-order autoregression with

    b = e^(−θ step),   innovation variance = σ² (1 − b²)/(2θ),   half-life = ln 2/θ,   X ~ N(μ, σ²/(2θ))

Least squares makes b, and with it the half-life, far too small in the samples that traders have: of a true
half-life of 60 days one year of days shows 26 in the median. The fit therefore takes the median-unbiased
coefficient and an interval with exact coverage (`stats.ar1`). Where that interval reaches 1 the data do not
tell reversion from a random walk, and the fit says so instead of giving a half-life: an explosive
estimate is never turned into a reverting one.

Given b, the mean is the generalised least-squares one, which does not blow up as b nears 1:
    μ = (x_0 + x_d + (1 − b) Σ inner x)/(2 + (1 − b)(d − 1)).

Units: values in any unit (log volatility is usual); time in days of the caller's count (trading days, say).

References:
    [1] D. W. K. Andrews, Econometrica 61 (1993) 139-165: median-unbiased coefficient and half-life.
    [2] P. C. B. Phillips, J. Yu, "Maximum likelihood and Gaussian estimation of continuous time models in
        finance", Handbook of Financial Time Series (2009): the bias of θ.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import POSITIVE, Floats
from contango_quant.stats import ar1
from contango_quant.stats.lines import line, number, scaled, share

MIN_SAMPLES = 10

TOO_FEW = "too few values"
CONSTANT = "the values do not move"
UNIT_ROOT = "the interval of b includes 1"
OSCILLATES = "b is not above 0"
EXPLOSIVE = "b is not below 1"


class OuFit(NamedTuple):
    """A fit; `reason` says why there is no reversion to speak of; then only the shortest half-life may be given.

    samples; level of the interval; ar1_ols: least squares; ar1, ar1_low, ar1_high: median-unbiased, exact
    limits; theta_per_day; half_life_days with its limits (high None: unbounded); mean and stationary_sd: unit
    of the values; sigma_per_root_day: unit per √day.
    """

    samples: int
    level: float
    ar1_ols: float | None
    ar1: float | None
    ar1_low: float | None
    ar1_high: float | None
    theta_per_day: float | None
    half_life_days: float | None
    half_life_low_days: float | None
    half_life_high_days: float | None
    mean: float | None
    sigma_per_root_day: float | None
    stationary_sd: float | None
    reason: str | None

    @property
    def identified(self) -> bool:
        """Whether the data tell reversion from a random walk."""
        return self.reason is None


class PlainOu(NamedTuple):
    """The Euler fit ΔX = a + bX: theta per unit of `dt`, half_life in it; None (with `reason`) when b ≥ 0."""

    a: float | None
    b: float | None
    theta: float | None
    mean: float | None
    sigma: float | None
    half_life: float | None
    reason: str | None


def fit(values: ArrayLike, *, step_days: float = 1.0, level: float = 0.9) -> OuFit:
    """Fit to values (n,), oldest first, `step_days` apart.

    values: any unit, finite; step_days: days between neighbours, above 0; level: of the interval. Raises
    ValueError for bad arguments; too few values or no reversion are values with a reason.

    >>> rng = np.random.default_rng(3)
    >>> x = [0.0]
    >>> for _ in range(999): x.append(0.9 * x[-1] + rng.normal())
    >>> got = fit(x)
    >>> round(got.half_life_days, 1), round(got.half_life_low_days, 1), round(got.half_life_high_days, 1)
    (6.6, 5.3, 8.7)
    >>> fit(np.cumsum(rng.normal(size=250))).reason
    'the interval of b includes 1'
    """
    x = line("values", values)
    number("step_days", step_days, POSITIVE)
    share("level", level)
    estimate = ar1.least_squares(x) if x.size >= MIN_SAMPLES else None
    if estimate is None:
        return _nothing(x.size, level, TOO_FEW if x.size < MIN_SAMPLES else CONSTANT)
    transitions = x.size - 1
    b = ar1.median_unbiased(estimate, transitions=transitions)
    low, high = ar1.exact_interval(estimate, transitions=transitions, level=level)
    shortest = half_life(low, step_days)
    found = OuFit(
        samples=x.size,
        level=level,
        ar1_ols=estimate,
        ar1=b,
        ar1_low=low,
        ar1_high=high,
        theta_per_day=None,
        half_life_days=None,
        half_life_low_days=shortest,
        half_life_high_days=None,
        mean=None,
        sigma_per_root_day=None,
        stationary_sd=None,
        reason=UNIT_ROOT if high >= 1.0 else OSCILLATES if b <= 0.0 else None,
    )
    return found if found.reason is not None else _with_process(found, x, b, high, step_days)


def half_life(b: float, step_days: float) -> float | None:
    """Days until half a deviation is left: step·ln 2/(−ln b); 0 for b ≤ 0, None (unbounded) for b ≥ 1.

    >>> half_life(0.5, 2.0)
    2.0
    """
    if b <= 0.0:
        return 0.0
    return -step_days * math.log(2.0) / math.log(b) if b < 1.0 else None


def fit_euler(values: ArrayLike, *, dt: float) -> PlainOu:
    """Least squares of ΔX = a + bX, read as θ = −b/dt, μ = −a/b, σ = s/√dt, half-life = ln 2/θ in units of `dt`.

    The plain reading, biased (see above) and kept for comparison: for half-lives in days give dt in days. b ≥ 0
    has no half-life, and nothing is made of it.

    >>> fit_euler([8.0, 4.0, 2.0, 1.0], dt=1.0)[:4]
    (0.0, -0.5, 0.5, 0.0)
    """
    x = line("values", values)
    number("dt", dt, POSITIVE)
    estimate = ar1.least_squares(x)
    if estimate is None:
        return PlainOu(None, None, None, None, None, None, TOO_FEW if x.size < 4 else CONSTANT)
    b = estimate - 1.0
    a = float(x[1:].mean() - x[:-1].mean()) - b * float(x[:-1].mean())
    sigma = _spread(np.diff(x) - a - b * x[:-1]) / math.sqrt(dt)
    if b >= 0.0:
        return PlainOu(a, b, None, None, sigma, None, EXPLOSIVE)
    return PlainOu(a, b, -b / dt, -a / b, sigma, -dt * math.log(2.0) / b, None)


def gls_mean(values: Floats, b: float) -> float:
    """Mean of a stationary autoregression with coefficient `b`, by generalised least squares.

    >>> gls_mean(np.array([1.0, 5.0, 3.0]), 0.0), gls_mean(np.array([1.0, 5.0, 3.0]), 1.0)
    (3.0, 2.0)
    """
    inner, ends = values[1:-1], float(values[0] + values[-1])
    return (ends + (1.0 - b) * float(inner.sum())) / (2.0 + (1.0 - b) * inner.size)


def _with_process(found: OuFit, x: Floats, b: float, high: float, step_days: float) -> OuFit:
    mean = gls_mean(x, b)
    errors = (x[1:] - mean) - b * (x[:-1] - mean)
    theta = -math.log(b) / step_days
    sd = _spread(errors) / math.sqrt((1.0 - b) * (1.0 + b))
    return found._replace(
        theta_per_day=theta,
        half_life_days=half_life(b, step_days),
        half_life_high_days=half_life(high, step_days),
        mean=mean,
        sigma_per_root_day=math.sqrt(2.0 * theta) * sd,
        stationary_sd=sd,
    )


def _spread(errors: Floats) -> float:
    """Root of the sum of squares over n − 2."""
    small, unit = scaled(errors)
    return unit * math.sqrt(float(small @ small) / max(errors.size - 2, 1))


def _nothing(samples: int, level: float, reason: str) -> OuFit:
    return OuFit(samples, level, None, None, None, None, None, None, None, None, None, None, None, reason)
