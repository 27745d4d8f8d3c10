"""The first variance model: direct HAR regressions of log variance, put on the scale of close-to-close returns.

    quantile(h, level) = year · k · exp(b₀ + b₁ ln v_day + b₂ ln v_week + b₃ ln v_month + residual quantile)

with ``contango_quant.stats.har`` for the regressions and k = Σ r² / Σ v over the days of the fit. What is forecast is
the annualised variance over the next h sessions as ranges would measure it, times k. The residual quantiles are those
of the fit's own days: they know no more than the past, and far quantiles of long horizons rest on few independent
stretches.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contango_common.domain.arrays import Array
from contango_common.events.forecast import BASELINE
from contango_inference.params import InferenceParams
from contango_quant.stats import har

MODEL = BASELINE
Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Fitted:
    """Coefficients (H, 4) and residual quantiles (H, Q) in log variance per session; ``factor`` is year · k.

    ``lowest`` is the smallest session variance of the fit's days, below which no quantile goes; ``sha`` is the SHA-256
    of all of it.
    """

    horizons: list[int]
    levels: list[float]
    coefficients: Array
    residual_quantiles: Array
    lowest: float
    factor: float
    sha: str


def fit(variances: Floats, squared_returns: Floats, params: InferenceParams) -> Fitted | None:
    """Fit on sessions up to now (n,), oldest first; None when they are too few or never move."""
    window = params.window_days or len(variances)
    v, r2 = variances[-window:], squared_returns[-window:]
    if not len(v) or not v.sum() > 0.0 or not r2.sum() > 0.0:
        return None
    found = har.fit(v, horizons=params.horizons_sessions, levels=params.levels)
    if found is None:
        return None
    factor = params.sessions_per_year * float(r2.sum() / v.sum())
    return Fitted(
        horizons=list(found.horizons),
        levels=list(found.levels),
        coefficients=found.coefficients,
        residual_quantiles=found.residual_quantiles,
        lowest=found.lowest,
        factor=factor,
        sha=_sha(found, factor),
    )


def forecast(fitted: Fitted, variances: Floats) -> tuple[tuple[float, ...], ...]:
    """Annualised variance quantiles, one row a horizon, from the last 22 sessions of ``variances``."""
    # Of a fit, forecasting uses no more than this.
    model = har.HarFit(
        scale="log",
        horizons=tuple(fitted.horizons),
        levels=tuple(fitted.levels),
        coefficients=fitted.coefficients,
        residual_quantiles=fitted.residual_quantiles,
        r_squared=(),
        rows=(),
        lowest=fitted.lowest,
    )
    quantiles = har.forecast(model, variances[-har.MONTH_DAYS :]) * fitted.factor
    return tuple(tuple(row) for row in quantiles.tolist())


def _sha(found: har.HarFit, factor: float) -> str:
    head = f"{MODEL} {found.horizons} {found.levels} {found.lowest!r} {factor!r}".encode()
    parts = (found.coefficients, found.residual_quantiles)
    return hashlib.sha256(head + b"".join(part.astype("<f8").tobytes() for part in parts)).hexdigest()
