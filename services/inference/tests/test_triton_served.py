"""What runs inside Triton, with a stand-in for Triton's own module: stacking, splitting, refusing, loading."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from contango_common.domain.errors import UserError
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.models.loaded import Loaded
from contango_inference.registry.store import Registry, shipped
from contango_inference.triton.made import made_model, made_windows
from contango_inference.triton.names import MAX_BATCH, OUTPUTS, VERSION, WINDOWS, version_number
from contango_inference.triton.repository import config_of, write_repository, write_shell

MODEL = made_model("made", 1)
CALLS: list[int] = []


class Tensor:
    """Takes arrays by DLPack, as Triton does: through the protocol alone."""

    def __init__(self, name: str, array: np.ndarray[Any, Any]) -> None:
        self.name, self.array = name, array

    @classmethod
    def from_dlpack(cls, name: str, given: Any) -> "Tensor":
        return cls(name, np.array(given._array))

    def __dlpack__(self, **_: object) -> object:
        return self.array.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module with the stand-in; the real one exists only inside a server."""
    stand_in = ModuleType("triton_python_backend_utils")
    parts = {
        "Tensor": Tensor,
        "InferenceResponse": lambda tensors=None, error=None: SimpleNamespace(tensors=tensors, error=error),
        "TritonError": str,
        "get_input_tensor_by_name": lambda request, name: request[name],
        "Logger": SimpleNamespace(log_info=lambda words: None),
    }
    for name, part in parts.items():
        setattr(stand_in, name, part)
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", stand_in)
    monkeypatch.delitem(sys.modules, "contango_inference.triton.served", raising=False)
    yield importlib.import_module("contango_inference.triton.served")
    sys.modules.pop("contango_inference.triton.served", None)


def args(repository: Path, model: Loaded, version: str | None = None, kind: str = "CPU") -> dict[str, str]:
    config = {"name": model.manifest.name, "parameters": {"version": {"string_value": version or model.version[:16]}}}
    return {
        "model_config": json.dumps(config),
        "model_repository": str(repository / model.manifest.name),
        "model_version": "1",
        "model_instance_kind": kind,
        "model_instance_device_id": "0",
    }


def begun(served: ModuleType, tmp_path: Path) -> Any:
    made = served.TritonPythonModel()
    made.initialize(args(write_repository(MODEL, tmp_path), MODEL))
    return made


def requests(*batches: np.ndarray[Any, Any]) -> list[dict[str, Tensor]]:
    return [{WINDOWS: Tensor(WINDOWS, batch)} for batch in batches]


def test_requests_are_computed_in_one_forward_and_split_again(served, tmp_path, monkeypatch):
    made, sizes = begun(served, tmp_path), []
    run = made._backend.run
    monkeypatch.setattr(made._backend, "run", lambda model, w: (sizes.append(len(w)), run(model, w))[1])
    batches = [made_windows(MODEL, seed, n) for seed, n in enumerate((1, 5, 2))]
    responses = made.execute(requests(*batches))
    assert sizes == [8]
    for batch, response in zip(batches, responses, strict=True):
        outputs, versions = response.tensors
        assert (outputs.name, versions.name) == (OUTPUTS, VERSION)
        np.testing.assert_allclose(outputs.array, NumpyBackend().run(MODEL, batch), atol=1e-5)
        assert versions.array.tolist() == [[version_number(MODEL.version)]] * len(batch)
    made.finalize()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_window_is_refused_and_spoils_no_other(served, tmp_path, bad):
    made = begun(served, tmp_path)
    first, spoilt, last = (made_windows(MODEL, seed, 2) for seed in range(3))
    spoilt[1, 0, 0] = bad
    found = made.execute(requests(first, spoilt, last))
    assert [response.error is None for response in found] == [True, False, True]
    assert "not finite" in found[1].error
    for batch, response in ((first, found[0]), (last, found[2])):
        np.testing.assert_allclose(response.tensors[0].array, NumpyBackend().run(MODEL, batch), atol=1e-5)
    assert made.execute(requests(spoilt))[0].error == found[1].error


def test_an_array_is_handed_over_without_a_destructor_of_its_own(served):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    handed = served.Handed(array)
    assert handed.__dlpack_device__() == array.__dlpack_device__()
    np.testing.assert_array_equal(np.from_dlpack(handed), array)


# --- loading ----------------------------------------------------------------------------------------------------------


def test_weights_that_were_changed_are_not_loaded(served, tmp_path):
    weights = write_repository(MODEL, tmp_path) / "made" / "1" / "weights.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(UserError, match="SHA-256"):
        served.model_of(args(tmp_path, MODEL))


def test_weights_of_another_version_than_the_configuration_names_are_not_loaded(served, tmp_path):
    write_repository(MODEL, tmp_path)
    with pytest.raises(UserError, match=r"config\.pbtxt names 0000000000000000; write the repository anew"):
        served.model_of(args(tmp_path, MODEL, version="0" * 16))


def test_weights_that_are_missing_are_said(served, tmp_path):
    (write_repository(MODEL, tmp_path) / "made" / "1" / "weights.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights\.safetensors: No such file.*write the repository anew"):
        served.model_of(args(tmp_path, MODEL))


def test_without_weights_beside_it_those_installed_with_the_program_are_loaded(served, tmp_path):
    model = Registry(shipped()).load("index_daily")
    write_shell(model, tmp_path)
    assert served.model_of(args(tmp_path, model)).version == model.version
    with pytest.raises(UserError, match="versions of index_daily begin with"):
        served.model_of(args(tmp_path, model, version="0" * 16))


def test_a_gpu_that_is_not_there_is_said(served, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UserError, match="KIND_GPU: torch finds no CUDA device"):
        served.backend_of(args(tmp_path, MODEL, kind="GPU"))


# --- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["CPU", "GPU"])
@pytest.mark.parametrize("platform", ["python", "onnxruntime"])
def test_the_configuration_is_one_that_triton_reads(platform, device):
    config = text_format.Parse(config_of(MODEL, platform, device), model_config_pb2.ModelConfig())
    contract = MODEL.manifest.contract
    assert (config.name, config.backend, config.max_batch_size) == ("made", platform, MAX_BATCH)
    assert [(i.name, list(i.dims)) for i in config.input] == [(WINDOWS, [contract.context, len(contract.features)])]
    assert [(o.name, list(o.dims)) for o in config.output] == [(OUTPUTS, [contract.outputs]), (VERSION, [1])]
    assert config.parameters["version"].string_value == MODEL.version[:16]
    assert [model_config_pb2.ModelInstanceGroup.Kind.Name(g.kind) for g in config.instance_group] == [f"KIND_{device}"]
    assert [w.batch_size for w in config.model_warmup] == [1, MAX_BATCH]
    assert not config.response_cache.enable


def test_requests_wait_for_each_other_but_under_no_policy_that_stalls_the_server():
    config = text_format.Parse(config_of(MODEL), model_config_pb2.ModelConfig())
    batching = config.dynamic_batching
    assert batching.max_queue_delay_microseconds == 200
    assert max(batching.preferred_batch_size) == MAX_BATCH
    assert not batching.HasField("default_queue_policy")
    assert not batching.priority_queue_policy
