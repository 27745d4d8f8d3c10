"""A symbol's sessions as columns, the windows that end at them, and their normalisation by a fold's own rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contango_common.domain.errors import UserError
from contango_inference.models.manifest import Feature
from contango_inference.models.window import HIGHEST_ANNUAL, LOWEST_ANNUAL
from contango_inference.train.settings import TrainSettings
from contango_inference.train.targets import Targets, targets_of

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
DECILES = tuple(i / 10.0 for i in range(1, 10))


@dataclass(frozen=True, slots=True)
class Sessions:
    """Closed sessions, oldest first: ``dates`` yyyymmdd, ``ts_ns`` of the close, ``bars`` (n, 4) open, high, low,
    close, and ``values`` by feature name (n,), nan where a session's row has none."""

    dates: Ints
    ts_ns: Ints
    bars: Floats
    values: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.dates)


@dataclass(frozen=True, slots=True)
class Data:
    """``windows`` (n, L, F), logarithms taken and not normalised, belong to the sessions where ``usable``; ``first``
    is the first of those, ``anchor`` (n,) annual volatilities."""

    sessions: Sessions
    windows: Floats
    usable: npt.NDArray[np.bool_]
    anchor: Floats
    targets: Targets
    first: int


def data_of(sessions: Sessions, s: TrainSettings) -> Data:
    """Windows and targets of all sessions. Raises UserError for an unknown or empty feature and for too few rows."""
    n, needed = len(sessions), s.walking.first_sessions + s.walking.test_sessions
    if n < needed:
        raise UserError(f"{n} sessions, {needed} are needed for one fold: give more dates or a smaller walking section")
    columns = np.column_stack([_column(sessions, c.name, c.log) for c in s.features])  # (n, F)
    anchor = _column(sessions, s.anchor, False)
    windows = np.full((n, s.context, columns.shape[1]), np.nan)
    if n >= s.context:
        seen = np.lib.stride_tricks.sliding_window_view(columns, s.context, axis=0)  # (n − L + 1, F, L)
        windows[s.context - 1 :] = seen.transpose(0, 2, 1)
    usable = np.isfinite(windows).all(axis=(1, 2)) & (anchor >= LOWEST_ANNUAL) & (anchor <= HIGHEST_ANNUAL)
    if not usable.any():
        raise UserError(f"no session has {s.context} rows of all {len(s.features)} features; leave one of them out")
    targets = targets_of(sessions.ts_ns, sessions.bars, anchor, s.neutral_band, s.inference)
    return Data(sessions, windows, usable, anchor, targets, int(np.argmax(usable)))


def _column(sessions: Sessions, name: str, log: bool) -> Floats:
    values = sessions.values.get(name)
    if values is None:
        near = [other for other in sorted(sessions.values) if other.split("_")[0] == name.split("_")[0]]
        there = ", ".join((near or sorted(sessions.values))[:8])
        raise UserError(f"feature {name!r} is in no feature row; there are: {there}")
    if np.isinf(values).any():
        day = int(sessions.dates[np.argmax(np.isinf(values))])
        raise UserError(f"feature {name} is not finite on {day}; correct the catalog or leave the feature out")
    if not np.isfinite(values).any():
        raise UserError(f"feature {name} has no value on any of {len(sessions)} sessions; leave it out")
    if not log:
        return values
    return np.log(np.where(values > 0.0, values, np.nan))


def normalised_by(data: Data, rows: Ints, s: TrainSettings) -> tuple[Feature, ...]:
    """Mean, scale and deciles of each feature over ``rows`` alone."""
    last = data.windows[rows, -1, :]  # (r, F)
    found = []
    for j, choice in enumerate(s.features):
        column = last[:, j]
        mean, scale = float(column.mean()), float(column.std())
        if not scale > 0.0:
            raise UserError(f"feature {choice.name} never moves in the training rows; leave it out")
        z = np.clip((column - mean) / scale, -s.clip, s.clip)
        deciles = np.unique(np.quantile(z, DECILES))
        # Where deciles coincide the bins between them have no equal shares, and drift could not be told from them.
        edges = tuple(deciles.tolist()) if len(deciles) == len(DECILES) else ()
        found.append(Feature(name=choice.name, log=choice.log, mean=mean, scale=scale, edges=edges))
    return tuple(found)


def windows_at(data: Data, rows: Ints, features: Sequence[Feature], clip: float) -> Singles:
    """Normalised windows (r, L, F) as ``contango_inference.models.window`` makes them of the same rows."""
    mean = np.array([f.mean for f in features])
    scale = np.array([f.scale for f in features])
    z = np.clip((data.windows[rows] - mean) / scale, -clip, clip)
    return np.asarray(z, dtype=np.float32)
