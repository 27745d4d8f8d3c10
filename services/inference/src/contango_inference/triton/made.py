"""A model with random weights, for demonstrations, benchmarks and tests: it computes as any other and knows nothing."""

import numpy as np

from contango_inference.mamba.shape import Shape
from contango_inference.models.loaded import Loaded, loaded
from contango_inference.models.manifest import Contract, Feature, Lineage, Manifest
from contango_inference.models.weights import Floats, sha_of, weights_bytes

SMALL = Shape(layers=2, d_model=32, d_state=16, headdim=16)
HORIZONS_SESSIONS, LEVELS = (1, 5, 21), (0.05, 0.25, 0.5, 0.75, 0.95)


def made_model(name: str, seed: int, shape: Shape = SMALL, features: int = 12, context: int = 8) -> Loaded:
    """Weights of the size that training begins with; equal arguments give an equal version.

    >>> made_model("made", 1).version == made_model("made", 1).version
    True
    """
    contract = Contract(
        features=tuple(Feature(name=f"feature_{i}", mean=0.0, scale=1.0) for i in range(features)),
        context=context,
        anchor="feature_0",
        horizons_sessions=HORIZONS_SESSIONS,
        levels=LEVELS,
    )
    rng = np.random.default_rng(seed)
    weights = {name: _tensor(rng, name, size) for name, size in shape.tensors(features, contract.outputs).items()}
    data = weights_bytes(weights)
    manifest = Manifest(name=name, shape=shape, contract=contract, lineage=_nowhere(seed), weights_sha=sha_of(data))
    return loaded(manifest.canonical(), data, f"made model {name}")


def made_windows(model: Loaded, seed: int, batch: int) -> Floats:
    """Normal windows (B, L, F), clipped as real ones are."""
    c = model.manifest.contract
    drawn = np.random.default_rng(seed).normal(0.0, 1.5, (batch, c.context, len(c.features)))
    return np.clip(drawn, -c.clip, c.clip).astype(np.float32)


def _tensor(rng: np.random.Generator, name: str, size: tuple[int, ...]) -> Floats:
    leaf = name.rpartition(".")[2]
    if leaf == "A_log":
        drawn = np.log(rng.uniform(1.0, 16.0, size))
    elif leaf == "dt_bias":
        step = np.exp(rng.uniform(np.log(1e-3), np.log(1e-1), size))
        drawn = step + np.log(-np.expm1(-step))  # softplus of it is the step
    elif leaf == "D" or "norm" in name:
        drawn = rng.uniform(0.5, 1.5, size)
    else:
        drawn = rng.normal(0.0, 1.0 / np.sqrt(max(1, int(np.prod(size[1:])))), size)
    return np.asarray(drawn, dtype=np.float32)


def _nowhere(seed: int) -> Lineage:
    return Lineage(
        code="made", data=(), trained_from=20000101, trained_until=20000101, earns_from_ns=0, seed=seed, rows=0
    )
