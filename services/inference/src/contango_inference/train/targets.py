"""What came: the direction of the next session and the realised variance of the next h, from daily bars. Pure.

    ratio(t, h) = ln( year · k_t · mean(v_{t+1} … v_{t+h}) / anchor_t² )

v is the session variance of the HAR baseline (``contango_inference.series``: range of the session plus squared
overnight return), and k_t = Σ r² / Σ v over the sessions up to t puts it on the scale of close-to-close returns, as
``contango_inference.model`` does. k_t knows only the past, so baseline and network forecast one quantity.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contango_common.domain.errors import UserError
from contango_inference.params import InferenceParams
from contango_inference.series import Bar, Series, take

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BULL, BEAR, NEUTRAL, UNKNOWN = 0, 1, 2, -1


@dataclass(frozen=True, slots=True)
class Targets:
    """``ratios`` (n, H), nan where the future is incomplete; ``directions`` (n,), ``UNKNOWN`` there.

    ``factor`` (n,) is year · k_t; ``variances`` (n,) are v, nan for the first session; ``complete`` (n,) says where
    every horizon has passed.
    """

    ratios: Floats
    directions: Ints
    factor: Floats
    variances: Floats
    squared_returns: Floats
    complete: npt.NDArray[np.bool_]


def series_of(ts_ns: Ints, bars: Floats, params: InferenceParams) -> Series:
    """The baseline's own series of daily bars (n, 4). Raises UserError for a bar that is none."""
    series = Series()
    for at, row in zip(ts_ns.tolist(), bars.tolist(), strict=True):
        bar: Bar = (row[0], row[1], row[2], row[3])
        take(series, at, bar, params.estimator, params.floor_daily_vol)
        if series.refused is not None:
            day = np.datetime64(at, "ns").astype("datetime64[D]")
            raise UserError(f"{day}: {series.refused}; correct the catalog or train on dates without it")
    return series


def targets_of(ts_ns: Ints, bars: Floats, anchor: Floats, neutral_band: float, params: InferenceParams) -> Targets:
    """Targets of every session of ascending ``ts_ns`` (n,) with ``bars`` (n, 4) and annual ``anchor`` (n,), nan where
    there is none."""
    series = series_of(ts_ns, bars, params)
    n, year = len(ts_ns), params.sessions_per_year
    variances = np.concatenate([[np.nan], series.variances()])
    squared = np.concatenate([[np.nan], series.squared_returns()])
    seen_v, seen_r = np.nancumsum(variances), np.nancumsum(squared)
    factor = year * np.divide(seen_r, seen_v, out=np.full(n, np.nan), where=seen_v > 0.0)
    positive = np.where(anchor > 0.0, anchor, np.nan)
    future = np.full((n, len(params.horizons_sessions)), np.nan)
    totals = np.concatenate([[0.0], seen_v])
    for j, h in enumerate(params.horizons_sessions):
        if n > h:
            future[: n - h, j] = (totals[h + 1 :] - totals[1 : n - h + 1]) / h
    scaled = factor[:, None] * future / positive[:, None] ** 2
    ratios = np.log(np.where(scaled > 0.0, scaled, np.nan))
    return Targets(
        ratios=ratios,
        directions=_directions(bars[:, 3], positive, neutral_band, year),
        factor=factor,
        variances=variances,
        squared_returns=squared,
        complete=np.asarray(np.isfinite(ratios).all(axis=1)),
    )


def _directions(close: Floats, anchor: Floats, neutral_band: float, year: int) -> Ints:
    """Bull and bear beyond ± band · anchor / √year of log return over the next session; neutral between."""
    found = np.full(len(close), UNKNOWN, dtype=np.int64)
    if len(close) < 2:
        return found
    ahead, band = np.diff(np.log(close)), neutral_band * anchor[:-1] / np.sqrt(year)
    known = np.isfinite(band)
    kinds = np.where(ahead > band, BULL, np.where(ahead < -band, BEAR, NEUTRAL))
    found[:-1] = np.where(known, kinds, UNKNOWN)
    return found
