"""What the network has to beat: persistence, the HAR model, and the shares of directions so far. Pure.

All know at a session what had come by its close, and no more; those of the variance answer in ln(variance / anchor²).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from contango_inference.model import fit, forecast
from contango_inference.params import InferenceParams
from contango_inference.train.rows import Data
from contango_inference.train.targets import UNKNOWN

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FIFTHS = (0.2, 0.4, 0.6, 0.8)
EVERY_SESSIONS = 21  # a month: the HAR oracle learns as often


def persistence(data: Data, rows: Ints, params: InferenceParams) -> Floats:
    """Quantiles (r, H, Q): the anchor stays, spread by the quantiles of its errors that had come by then.

    Renewed once in ``EVERY_SESSIONS``, as HAR is.
    """
    ratios, levels = data.targets.ratios, params.levels

    def at(row: int) -> Floats:
        found = np.empty((ratios.shape[1], len(levels)))
        for j, h in enumerate(params.horizons_sessions):
            past = ratios[: max(0, row - h + 1), j]
            past = past[np.isfinite(past)]
            found[j] = np.quantile(past, levels) if len(past) else np.nan
        return found

    return _renewed(rows, at)


def har(data: Data, rows: Ints, params: InferenceParams) -> Floats:
    """Quantiles (r, H, Q) of the house's HAR model, fitted again once in ``EVERY_SESSIONS`` on all that was known."""
    variances, squared = data.targets.variances[1:], data.targets.squared_returns[1:]
    found = np.full((len(rows), len(params.horizons_sessions), len(params.levels)), np.nan)
    fitted = None
    for i, row in enumerate(rows.tolist()):
        if fitted is None or _turn(rows, i):
            fitted = fit(variances[:row], squared[:row], params) or fitted  # sessions 1 … row
        if fitted is not None:
            annual = np.asarray(forecast(fitted, variances[:row]))
            found[i] = np.log(annual) - 2.0 * np.log(data.anchor[row])
    return found


def shares(data: Data, rows: Ints) -> Floats:
    """Probabilities (r, 3): shares of bull, bear and neutral among the sessions over by then, one of each added."""
    directions = data.targets.directions
    counts = np.zeros((len(directions) + 1, 3))
    for kind in range(3):
        counts[1:, kind] = np.cumsum(directions == kind)
    before = counts[rows] + 1.0  # the direction of session row − 1 is over at the close of row
    return np.asarray(before / before.sum(axis=1, keepdims=True))


def shares_by_volatility(data: Data, rows: Ints, params: InferenceParams) -> Floats:
    """Probabilities (r, 3): the same shares among the past sessions that HAR found about as quiet or wild, by fifths.

    The band of neutral is told by the anchor, so that whoever knows tomorrow's volatility knows something of neutral
    without knowing which way the market goes. A direction that is worth its name beats this too.
    """
    sessions = np.arange(params.min_days, len(data.sessions))
    middle = min(range(len(params.levels)), key=lambda i: abs(params.levels[i] - 0.5))
    quiet = np.full(len(data.sessions), np.nan)
    quiet[sessions] = har(data, sessions, params)[:, 0, middle]  # ln of tomorrow's variance over the anchor's
    told = np.isfinite(quiet) & (data.targets.directions != UNKNOWN)
    found = shares(data, rows)
    for i, row in enumerate(rows.tolist()):
        past = np.flatnonzero(told[:row])
        if len(past) and np.isfinite(quiet[row]):
            edges = np.quantile(quiet[past], FIFTHS)
            alike = past[np.searchsorted(edges, quiet[past]) == np.searchsorted(edges, quiet[row])]
            counts = np.bincount(data.targets.directions[alike], minlength=3) + 1.0
            found[i] = counts / counts.sum()
    return found


def _renewed(rows: Ints, at: Callable[[int], Floats]) -> Floats:
    found: list[Floats] = []
    for i, row in enumerate(rows.tolist()):
        found.append(at(row) if not found or _turn(rows, i) else found[-1])
    return np.stack(found)


def _turn(rows: Ints, i: int) -> bool:
    """Whether a month of ``EVERY_SESSIONS`` positions begins at row i, whatever rows are asked for."""
    return i == 0 or int(rows[i]) // EVERY_SESSIONS != int(rows[i - 1]) // EVERY_SESSIONS
