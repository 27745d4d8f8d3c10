"""A small model to test with: its manifest and weights as a training would leave them, and rows that it understands."""

from typing import Any

import numpy as np

from contango_inference.mamba.shape import Shape
from contango_inference.models.loaded import Loaded, loaded
from contango_inference.models.manifest import Manifest
from contango_inference.models.weights import sha_of, weights_bytes

SHAPE = Shape(layers=2, d_model=8, d_state=4, headdim=4, groups=2, d_conv=3, chunk=4)


def contract(**changes: Any) -> dict[str, Any]:
    """Three features, the second by its logarithm; four rows; two horizons of three levels."""
    features = [
        {"name": "ret", "mean": 0.001, "scale": 0.02},
        {"name": "vol", "log": True, "mean": -2.0, "scale": 0.5},
        {"name": "skew", "mean": -0.1, "scale": 0.05, "edges": [-1.0, 0.0, 1.0]},
    ]
    found = {
        "features": features,
        "context": 4,
        "anchor": "vol",
        "horizons_sessions": [1, 5],
        "levels": [0.1, 0.5, 0.9],
    }
    return found | changes


def lineage(**changes: Any) -> dict[str, Any]:
    found = {
        "code": "0.1.0",
        "data": ["daily bars of SPX"],
        "trained_from": 20100104,
        "trained_until": 20191231,
        "earns_from_ns": 1_577_836_800_000_000_000,
        "seed": 7,
        "rows": 2_500,
    }
    return found | changes


def weights(seed: int = 0, *, features: int = 3, outputs: int = 9, shape: Shape = SHAPE) -> dict[str, Any]:
    """Weights by name, in single precision, large enough that outputs differ from window to window."""
    rng = np.random.default_rng(seed)
    found = {name: 0.4 * rng.standard_normal(size) for name, size in shape.tensors(features, outputs).items()}
    return {name: (w + name.endswith(("norm.weight", "norm_f.weight"))).astype(np.float32) for name, w in found.items()}


def manifest(data: bytes | None = None, **changes: Any) -> Manifest:
    """The manifest of the weights ``data``; those of ``weights()`` where none are given."""
    found = {
        "name": "small",
        "shape": SHAPE.model_dump(),
        "contract": contract(),
        "lineage": lineage(),
        "weights_sha": sha_of(weights_bytes(weights()) if data is None else data),
    }
    return Manifest.model_validate(found | changes)


def model(seed: int = 0, **changes: Any) -> Loaded:
    """A loaded model with drawn weights."""
    data = weights_bytes(weights(seed))
    return loaded(manifest(data, **changes).canonical(), data, "small")


def rows(count: int, seed: int = 0) -> list[dict[str, float | None]]:
    """Feature rows, oldest first, with a feature that no model asks for."""
    rng = np.random.default_rng(seed)
    return [
        {
            "ret": float(0.02 * rng.standard_normal()),
            "vol": float(0.15 * np.exp(0.3 * rng.standard_normal())),
            "skew": float(-0.1 + 0.05 * rng.standard_normal()),
            "stranger": float(rng.standard_normal()),
        }
        for _ in range(count)
    ]
