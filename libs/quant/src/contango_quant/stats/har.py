"""Heterogeneous autoregression of daily variance, with empirical quantiles for several horizons.

With v_t the variance of day t and g the logarithm (or the identity), for each horizon of h days

    g(mean(v_{t+1} … v_{t+h})) = b0 + b1 g(v_t) + b2 g(mean of 5 days to t) + b3 g(mean of 22 days to t) + e

is fitted by least squares on its own ("direct": no forecast is fed back). Quantiles of the future mean are
the point forecast plus quantiles of the in-sample residuals e, in the scale of g. Every row's regressors end
at t and its target begins at t + 1; a fit on data up to T uses nothing after T.

Overlapping targets leave the coefficients consistent, but h-day residuals count as only about n/h
independent ones: the far quantiles of a long horizon are as coarse as that.

References:
    [1] F. Corsi, "A simple approximate long-memory model of realized volatility", J. Financial
        Econometrics 7 (2009) 174-196.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import NON_NEGATIVE, POSITIVE, Floats, floats

WEEK_DAYS, MONTH_DAYS = 5, 22
TERMS = 4  # constant, day, week, month
MIN_ROWS = 60
Scale = Literal["log", "level"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarFit:
    """scale; horizons in days (H,); levels (Q,); coefficients (H, 4): constant, day, week, month;
    residual_quantiles (H, Q) in the scale of the regression; r_squared (H,); rows (H,); lowest: the smallest
    variance of the data, below which no forecast goes.
    """

    scale: Scale
    horizons: tuple[int, ...]
    levels: tuple[float, ...]
    coefficients: Floats
    residual_quantiles: Floats
    r_squared: tuple[float, ...]
    rows: tuple[int, ...]
    lowest: float


def fit(
    variance: ArrayLike,
    *,
    horizons: Sequence[int],
    levels: Sequence[float],
    scale: Scale = "log",
    min_rows: int = MIN_ROWS,
) -> HarFit | None:
    """Fit one regression per horizon on daily variances (n,), oldest first, none missing.

    None when the longest horizon leaves fewer than `min_rows` rows. Raises ValueError for variances that are
    not finite or (log) not above 0, and for impossible horizons or levels.
    """
    v = _history(variance, scale)
    if not horizons or any(h < 1 for h in horizons):
        raise ValueError(f"horizons must be days of at least 1, got {tuple(horizons)!r}")
    if not levels or any(not 0.0 < level < 1.0 for level in levels) or list(levels) != sorted(set(levels)):
        raise ValueError(f"levels must ascend within (0, 1), got {tuple(levels)!r}")
    if v.size - MONTH_DAYS + 1 - max(horizons) < max(min_rows, TERMS + 1):
        return None
    design = regressors(v, scale)
    fits = [_regress(design, v, h, scale) for h in horizons]
    return HarFit(
        scale=scale,
        horizons=tuple(horizons),
        levels=tuple(levels),
        coefficients=np.stack([beta for beta, _, _ in fits]),
        residual_quantiles=np.stack([np.quantile(errors, levels) for _, errors, _ in fits]),
        r_squared=tuple(r2 for _, _, r2 in fits),
        rows=tuple(errors.size for _, errors, _ in fits),
        lowest=float(v.min()),
    )


def forecast(fit: HarFit, variance: ArrayLike) -> Floats:
    """Quantiles (H, Q) of the mean daily variance over the next h days, from the last 22 days of `variance`.

    Multiply by h for the variance of the whole horizon. Raises ValueError for fewer than 22 days.

    >>> days = np.exp(np.sin(np.arange(400.0)) - 9.0)
    >>> model = fit(days, horizons=[1, 5], levels=[0.1, 0.5, 0.9])
    >>> forecast(model, days).shape
    (2, 3)
    """
    v = _history(variance, fit.scale)
    if v.size < MONTH_DAYS:
        raise ValueError(f"variance must hold at least {MONTH_DAYS} days, got {v.size}")
    now = regressors(v[-MONTH_DAYS:], fit.scale)[-1]
    quantiles = (fit.coefficients @ now)[:, None] + fit.residual_quantiles
    # A line through a cloud may leave the possible: no forecast below what was ever seen.
    return np.maximum(np.exp(quantiles) if fit.scale == "log" else quantiles, fit.lowest)


def regressors(variance: Floats, scale: Scale) -> Floats:
    """Rows (n − 21, 4) of constant, day, week and month; row i belongs to day i + 21."""
    day = variance[MONTH_DAYS - 1 :]
    week = trailing_mean(variance, WEEK_DAYS)[MONTH_DAYS - WEEK_DAYS :]
    columns = [day, week, trailing_mean(variance, MONTH_DAYS)]
    if scale == "log":
        columns = [np.log(c) for c in columns]
    return np.column_stack([np.ones(day.size), *columns])


def trailing_mean(values: Floats, days: int) -> Floats:
    """Means (n − days + 1,) of every `days` neighbours.

    >>> trailing_mean(np.array([1.0, 2.0, 3.0, 5.0]), 2)
    array([1.5, 2.5, 4. ])
    """
    windows: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(values, days)
    return windows.mean(axis=1)


def _regress(design: Floats, variance: Floats, horizon: int, scale: Scale) -> tuple[Floats, Floats, float]:
    """Coefficients (4,), residuals (rows,) and R² for one horizon."""
    target = trailing_mean(variance[MONTH_DAYS:], horizon)  # row i: the days after day i + 21
    if scale == "log":
        target = np.log(target)
    rows = design[: target.size]
    beta = np.asarray(np.linalg.lstsq(rows, target, rcond=None)[0], dtype=np.float64)
    errors = target - rows @ beta
    spread = float(np.sum((target - target.mean()) ** 2))
    return beta, errors, 1.0 - float(errors @ errors) / spread if spread > 0.0 else 0.0


def _history(variance: ArrayLike, scale: Scale) -> Floats:
    if scale not in ("log", "level"):
        raise ValueError(f'scale must be "log" or "level", got {scale!r}')
    line = floats("variance", variance, POSITIVE if scale == "log" else NON_NEGATIVE)
    if line.ndim != 1:
        raise ValueError(f"variance must be one-dimensional, got shape {line.shape}")
    return line
