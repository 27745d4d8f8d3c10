"""A trained model as a folder: ``model.safetensors`` (numbers alone, no code) and ``manifest.json`` beside it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from safetensors import SafetensorError
from safetensors.numpy import load, save

from contango_common.domain.errors import UserError
from contango_inference.earnings.model import EarningsModel, restore, to_arrays, to_head
from contango_inference.earnings.prediction import Loaded
from contango_research.plain import json_pretty

WEIGHTS, MANIFEST = "model.safetensors", "manifest.json"


def save_model(model: EarningsModel, folder: Path, facts: Mapping[str, Any]) -> str:
    """Write both files; ``facts`` (metrics, parameters) stand in the manifest. Returns the SHA-256 of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = save(to_arrays(model))
    sha = hashlib.sha256(weights).hexdigest()
    (folder / WEIGHTS).write_bytes(weights)
    (folder / MANIFEST).write_bytes(json_pretty({**to_head(model), "weights_sha256": sha, **facts}))
    return sha


def load_model(folder: Path) -> Loaded:
    """The model in ``folder``. Raises UserError, in one line, when it is missing, changed or not one of ours."""
    weights, manifest = (_bytes(folder / name) for name in (WEIGHTS, MANIFEST))
    try:
        head = orjson.loads(manifest)
    except orjson.JSONDecodeError as error:
        raise UserError(f"{folder / MANIFEST} is no JSON: {error}; train the model again") from None
    sha, said = hashlib.sha256(weights).hexdigest(), head.get("weights_sha256")
    if sha != said:
        raise UserError(
            f"{folder / WEIGHTS}: its SHA-256 is {sha[:12]}…, the manifest says {str(said)[:12]}…: "
            "the weights are not those that were trained; restore the folder or train again"
        )
    try:
        return Loaded(restore(load(weights), head), sha)
    except (ValueError, TypeError, SafetensorError) as error:
        raise UserError(f"{folder}: the model does not fit its manifest ({error}); train it again") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; 'contango earnings train' makes a model folder") from None
