"""A small model that was never trained, whole with manifest and weights."""

import numpy as np

from contango_inference.mamba.shape import Shape
from contango_inference.models.loaded import Loaded, loaded
from contango_inference.models.manifest import Contract, Feature, Lineage, Manifest, Verdict
from contango_inference.models.weights import sha_of, weights_bytes

SHAPE = Shape(layers=1, d_model=8, d_state=4, headdim=4, chunk=4)
CONTRACT = Contract(
    features=(
        Feature(name="rsi_1d", mean=50.0, scale=10.0),
        Feature(name="range_vol_22_1d", log=True, mean=-2, scale=1),
    ),
    context=3,
    anchor="range_vol_22_1d",
    horizons_sessions=(1, 5),
    levels=(0.25, 0.5, 0.75),
)


def made(seed: int = 0, name: str = "toy", trained_until: int = 20151231) -> tuple[Manifest, bytes]:
    rng = np.random.default_rng(seed)
    shapes = SHAPE.tensors(len(CONTRACT.features), CONTRACT.outputs)
    weights = weights_bytes({key: rng.normal(size=size).astype("f4") for key, size in shapes.items()})
    manifest = Manifest(
        name=name,
        shape=SHAPE,
        contract=CONTRACT,
        verdicts=(Verdict(target="variance", weight=0.25, baseline="har", rows=500, skill=0.03, reason="it does"),),
        lineage=Lineage(
            code="0.1.0",
            data=("toy",),
            trained_from=19990104,
            trained_until=trained_until,
            earns_from_ns=1,
            seed=seed,
            rows=500,
        ),
        weights_sha=sha_of(weights),
    )
    return manifest, weights


def toy_model(seed: int, **changes: object) -> Loaded:
    """The same as it is loaded, with some fields of its manifest changed."""
    manifest, weights = made(seed)
    return loaded(manifest.model_copy(update=changes).canonical(), weights, "test")
