"""One fold: normalise, learn and calibrate on its own past; then forecast any session. Needs torch to learn only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contango_common.domain.errors import UserError
from contango_inference.mamba.forward import Network
from contango_inference.models.answer import log_ratios_of, logits_of, probabilities
from contango_inference.models.manifest import Calibration, Feature
from contango_inference.train.calibrate import calibrated, calibration_of
from contango_inference.train.rows import Data, normalised_by, windows_at
from contango_inference.train.sample import Sample, Tell
from contango_inference.train.settings import TrainSettings
from contango_inference.train.splits import Fold, Part

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
FEWEST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Model:
    """What a fold leaves: enough to forecast, and how it came about. ``rows`` were trained on."""

    features: tuple[Feature, ...]
    calibration: Calibration
    weights: dict[str, Singles]
    curve: tuple[tuple[float, float], ...]
    best: int
    rows: int


@dataclass(frozen=True, slots=True)
class Forecasts:
    """``prob`` (r, 3) of bull, bear, neutral; ``ratios`` (r, H, Q) quantiles of ln(variance / anchor²)."""

    prob: Floats
    ratios: Floats


def rows_of(data: Data, part: Part) -> Ints:
    """Positions of the part's sessions that have a window and every target."""
    inside = np.zeros(len(data.sessions), dtype=bool)
    inside[part.start : part.stop] = True
    return np.flatnonzero(inside & data.usable & data.targets.complete & (data.targets.directions >= 0))


def fitted(data: Data, fold: Fold, s: TrainSettings, seed: int, tell: Tell | None = None) -> Model:
    """Train on the fold's training part, stop and calibrate on its validation part. Raises UserError for too few rows.

    ``tell(pass, most)`` is called after each pass.
    """
    from contango_inference.train.loop import learn

    train, validation = rows_of(data, fold.train), rows_of(data, fold.validation)
    if len(train) < FEWEST_ROWS or len(validation) < FEWEST_ROWS:
        raise UserError(
            f"fold {fold.number}: {len(train)} training and {len(validation)} validation rows, {FEWEST_ROWS} of each "
            "are needed: give more dates or a larger walking.first_sessions"
        )
    features = normalised_by(data, train, s)
    learned = learn(_sample(data, train, features, s), _sample(data, validation, features, s), s, seed, tell)
    raw = _raw(data, validation, features, learned.weights, s)
    contract = s.contract(features)
    calibration = calibration_of(
        logits_of(raw),
        log_ratios_of(raw, contract),
        data.targets.ratios[validation],
        data.targets.directions[validation],
        contract,
    )
    return Model(features, calibration, learned.weights, learned.curve, learned.best, len(train))


def forecasts(model: Model, data: Data, rows: Ints, s: TrainSettings) -> Forecasts:
    """What the model says at ``rows``, as ``contango_inference.models.answer`` would."""
    raw = _raw(data, rows, model.features, model.weights, s)
    ratios = calibrated(log_ratios_of(raw, s.contract(model.features)), model.calibration)
    return Forecasts(probabilities(logits_of(raw), model.calibration.temperature), ratios)


def _raw(
    data: Data, rows: Ints, features: tuple[Feature, ...], weights: dict[str, Singles], s: TrainSettings
) -> Singles:
    windows = windows_at(data, rows, features, s.clip)
    network = Network.of(weights, s.shape)
    chunks = [network.run(windows[i : i + 1024]) for i in range(0, len(windows), 1024)]
    return np.concatenate(chunks) if chunks else np.empty((0, s.contract(features).outputs), dtype=np.float32)


def _sample(data: Data, rows: Ints, features: tuple[Feature, ...], s: TrainSettings) -> Sample:
    ratios = data.targets.ratios[rows].astype(np.float32)
    return Sample(windows_at(data, rows, features, s.clip), ratios, data.targets.directions[rows])
