"""Weights as safetensors bytes: checked against the manifest before anything is computed with them. Pure."""

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from contango_common.domain.errors import UserError
from contango_inference.models.manifest import Manifest

Floats = npt.NDArray[np.float32]


def weights_bytes(weights: Mapping[str, npt.NDArray[np.floating]]) -> bytes:
    """Tensors by name in single precision, sorted by name: equal weights give equal bytes."""
    return save({name: np.ascontiguousarray(weights[name], dtype=np.float32) for name in sorted(weights)})


def sha_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def weights_of(data: bytes, manifest: Manifest, where: str) -> dict[str, Floats]:
    """Read and check weights. UserError for a wrong hash, a tensor missing, misshapen, not single or not finite."""
    if sha_of(data) != manifest.weights_sha:
        raise UserError(
            f"{where}: SHA-256 {sha_of(data)[:12]}… is not the manifest's {manifest.weights_sha[:12]}…; "
            "the weights were changed or belong to another model: restore both files together"
        )
    try:
        found = load(data)
    except SafetensorError as error:
        raise UserError(f"{where}: no safetensors file ({error})") from None
    except KeyError as error:  # a kind of number that numpy does not have
        raise UserError(f"{where}: a tensor holds {error.args[0]}, single precision is due") from None
    wanted = manifest.shape.tensors(len(manifest.contract.features), manifest.contract.outputs)
    for name, shape in wanted.items():
        tensor = found.get(name)
        if tensor is None or tensor.shape != shape:
            seen = "missing" if tensor is None else f"of shape {tensor.shape}"
            raise UserError(f"{where}: tensor {name} is {seen}, the manifest's sizes ask for {shape}")
        if tensor.dtype != np.float32:
            raise UserError(f"{where}: tensor {name} is {tensor.dtype}, single precision is due")
        if not np.isfinite(tensor).all():
            raise UserError(f"{where}: tensor {name} holds a number that is not finite")
    unknown = sorted(set(found) - set(wanted))
    if unknown:
        raise UserError(f"{where}: tensor {unknown[0]} belongs to no part of the network")
    return {name: found[name] for name in wanted}
