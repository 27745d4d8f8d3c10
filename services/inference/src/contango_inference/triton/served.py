"""What runs inside Triton's python backend: batched requests stacked, one forward, split again.

Where the weights are: in the folder that the configuration's parameter ``folder`` names, else beside ``model.py``, else
among the models that are installed with the program. They are checked against their manifest, and the model against the
configuration's ``version``; what does not fit is not loaded, and Triton shows why.

Tensors change hands by DLPack: a stub that was built for numpy 1 reads numpy 2's arrays as empty, and says nothing.
"""

import ctypes
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

from contango_common.domain.errors import UserError
from contango_common.edge.environment import prepare_environment
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.backends.port import Absent, Backend, misshapen
from contango_inference.models.loaded import Loaded, loaded
from contango_inference.models.manifest import MANIFEST, WEIGHTS
from contango_inference.registry.store import Registry, shipped
from contango_inference.triton.names import OUTPUTS, VERSION, VERSION_LETTERS, WINDOWS, version_number


class TritonPythonModel:
    """Triton's own names; it makes one object an instance and calls it from one thread."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load and check, choose the device. Raises UserError, which Triton shows as the reason of the failure."""
        prepare_environment()
        self._model = model_of(args)
        self._backend = backend_of(args)
        self._version = version_number(self._model.version)
        where = f"{args['model_instance_kind']} {args['model_instance_device_id']}"
        found = f"{self._model.manifest.name}@{self._model.version[:VERSION_LETTERS]}"
        pb.Logger.log_info(f"{found}: {self._backend.NAME} on {where}")

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """One response a request, in their order; a bad request spoils no other."""
        given = [np.from_dlpack(pb.get_input_tensor_by_name(request, WINDOWS)) for request in requests]
        windows = [np.asarray(w, dtype=np.float32) for w in given]
        wrong = [misshapen(self._model, w) for w in windows]
        good = [w for w, bad in zip(windows, wrong, strict=True) if bad is None]
        outputs = self._backend.run(self._model, np.concatenate(good)) if good else Absent("no window is fit")
        responses, begin = [], 0
        for w, bad in zip(windows, wrong, strict=True):
            if bad is not None:
                responses.append(_refused(bad))
            elif isinstance(outputs, Absent):
                responses.append(_refused(outputs))
            else:
                responses.append(self._response(outputs[begin : begin + len(w)]))
                begin += len(w)
        return responses

    def finalize(self) -> None:
        self._backend.close()

    def _response(self, outputs: Any) -> Any:
        version = np.full((len(outputs), 1), self._version, dtype=np.int64)
        named = ((OUTPUTS, outputs), (VERSION, version))
        return pb.InferenceResponse([pb.Tensor.from_dlpack(name, Handed(array)) for name, array in named])


class Handed:
    """An array on its way to Triton. Triton frees what a capsule points to but marks the capsule with a name of its
    own, at which numpy's destructor complains on every answer: the capsule goes without one."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self._array = array

    def __dlpack__(self, stream: int | None = None) -> object:
        capsule = self._array.__dlpack__()
        ctypes.pythonapi.PyCapsule_SetDestructor(ctypes.py_object(capsule), None)
        return capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()


def model_of(args: dict[str, str]) -> Loaded:
    """The model that ``args`` (Triton's) ask for. Raises UserError where it is not there, not whole or another."""
    config = json.loads(args["model_config"])
    name, version = config["name"], _parameter(config, "version")
    beside = Path(_parameter(config, "folder") or Path(args["model_repository"]) / args["model_version"])
    if (beside / MANIFEST).exists():
        found = loaded((beside / MANIFEST).read_bytes(), _read(beside / WEIGHTS), str(beside))
    else:
        found = Registry(shipped()).load(f"{name}@{version}" if version else name)
    if version and not found.version.startswith(version):
        raise UserError(
            f"{beside}: version {found.version[:VERSION_LETTERS]}, config.pbtxt names {version}; "
            "write the repository anew"
        )
    return found


def backend_of(args: dict[str, str]) -> Backend:
    """numpy on a CPU, torch on a GPU. Raises UserError for a GPU without torch or CUDA."""
    if args["model_instance_kind"] != "GPU":
        return NumpyBackend()
    try:
        import torch

        from contango_inference.backends.torch import TorchBackend
    except ImportError:
        raise UserError("KIND_GPU: torch is not installed beside the server; install it or serve KIND_CPU") from None
    if not torch.cuda.is_available():
        raise UserError("KIND_GPU: torch finds no CUDA device; give the server one or serve KIND_CPU")
    return TorchBackend(f"cuda:{args['model_instance_device_id']}")


def _parameter(config: dict[str, Any], key: str) -> str:
    return str(config.get("parameters", {}).get(key, {}).get("string_value", ""))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; write the repository anew") from None


def _refused(why: Absent) -> Any:
    return pb.InferenceResponse(error=pb.TritonError(why.reason))
