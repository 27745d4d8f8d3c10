"""A model as it is loaded: manifest and checked weights. Pure: bytes in."""

from dataclasses import dataclass

from contango_inference.models.manifest import Manifest, manifest_of
from contango_inference.models.weights import Floats, weights_of


@dataclass(frozen=True, slots=True)
class Loaded:
    """``version`` is worked out once: a manifest is serialised for it."""

    manifest: Manifest
    weights: dict[str, Floats]
    version: str


def loaded(manifest: bytes, weights: bytes, where: str) -> Loaded:
    """Raises UserError naming ``where`` for anything that does not fit."""
    found = manifest_of(manifest, where)
    return Loaded(found, weights_of(weights, found, where), found.version)
