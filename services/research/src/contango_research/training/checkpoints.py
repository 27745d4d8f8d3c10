"""Trained folds on disk, so that a training that was killed goes on where it was: safetensors and JSON, no pickle.

A fold is written beside its place and renamed: it is there whole or not at all. A key names data and settings; folds of
another key are never mixed in.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from contango_common.domain.errors import UserError
from contango_inference.models.manifest import Calibration, Feature
from contango_inference.models.weights import sha_of, weights_bytes
from contango_inference.train.fitting import Model
from contango_inference.train.rows import Sessions
from contango_inference.train.settings import TrainSettings

KEY = "key.json"


class Checkpoints:
    """The folds of one training in ``folder``."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self._key = folder, key

    def open(self, *, resume: bool) -> None:
        """Make the folder ready: with ``resume`` what lies there is kept, else it is removed.

        Raises UserError where it is of other data or settings, or cannot be written.
        """
        path = self.folder / KEY
        if resume and path.exists():
            if _json(path).get("key") != self._key:
                raise UserError(f"{self.folder} holds folds of other data or settings: train without --resume")
            return
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            _write(path, json.dumps({"key": self._key}).encode())
        except OSError as error:
            raise UserError(f"{self.folder}: {error.strerror}; name a folder that can be written with --out") from None

    def find(self, name: str) -> Model | None:
        """The fold called ``name``, None where it is not there whole."""
        head, weights = self.folder / f"{name}.json", self.folder / f"{name}.safetensors"
        if not head.exists() or not weights.exists():
            return None
        found, data = _json(head), weights.read_bytes()
        if found.get("sha") != sha_of(data):
            return None
        try:
            return _model(found, load(data))
        except (KeyError, TypeError, ValueError, SafetensorError):
            return None  # a fold of an older form is trained again

    def keep(self, name: str, model: Model) -> None:
        """Weights first: the JSON, which says that the fold is whole, comes last."""
        data = weights_bytes(model.weights)
        _write(self.folder / f"{name}.safetensors", data)
        _write(self.folder / f"{name}.json", (json.dumps(_head(model, sha_of(data))) + "\n").encode())

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def key_of(sessions: Sessions, s: TrainSettings) -> str:
    """SHA-256 over the settings and everything that they look at."""
    total = hashlib.sha256(json.dumps(s.model_dump(mode="json"), sort_keys=True).encode())
    total.update(data_sha(sessions, s).encode())
    return total.hexdigest()


def data_sha(sessions: Sessions, s: TrainSettings) -> str:
    """SHA-256 over sessions, bars and the features in use."""
    total = hashlib.sha256()
    for column in (sessions.dates, sessions.ts_ns):
        total.update(column.astype("<i8").tobytes())
    for values in (sessions.bars, *(sessions.values[name] for name in _used(sessions, s))):
        total.update(np.ascontiguousarray(values).astype("<f8").tobytes())
    return total.hexdigest()


def _used(sessions: Sessions, s: TrainSettings) -> list[str]:
    return [name for name in dict.fromkeys([*(c.name for c in s.features), s.anchor]) if name in sessions.values]


def _head(model: Model, sha: str) -> dict[str, Any]:
    return {
        "sha": sha,
        "features": [feature.model_dump(mode="json") for feature in model.features],
        "calibration": model.calibration.model_dump(mode="json"),
        "curve": [list(pair) for pair in model.curve],
        "best": model.best,
        "rows": model.rows,
    }


def _model(head: dict[str, Any], weights: dict[str, Any]) -> Model:
    return Model(
        features=tuple(Feature.model_validate(feature) for feature in head["features"]),
        calibration=Calibration.model_validate(head["calibration"]),
        weights=weights,
        curve=tuple((float(a), float(b)) for a, b in head["curve"]),
        best=int(head["best"]),
        rows=int(head["rows"]),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
