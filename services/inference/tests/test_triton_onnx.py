"""The network as ONNX, run by onnxruntime: the numpy backend's probabilities, for any batch, with its version."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from contango_inference.backends.numpy import NumpyBackend
from contango_inference.mamba.shape import Shape
from contango_inference.models.answer import logits_of, probabilities
from contango_inference.models.loaded import Loaded
from contango_inference.triton.made import made_model, made_windows
from contango_inference.triton.names import OUTPUTS, VERSION, WINDOWS, version_number
from contango_inference.triton.repository import write_repository

MODELS = [
    made_model("grouped", 2, Shape(layers=2, d_model=24, d_state=8, headdim=8, groups=2, d_conv=3), 7, 5),
    made_model("chunked", 3, Shape(layers=1, d_model=16, d_state=8, headdim=8, chunk=4), 9, 10),
    made_model("one_row", 4, Shape(layers=1, d_model=16, d_state=4, headdim=8), 3, 1),
]


@pytest.fixture(scope="module", params=MODELS, ids=[m.manifest.name for m in MODELS])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Loaded, Path]:
    folder = write_repository(request.param, tmp_path_factory.mktemp("onnx"), "onnxruntime")
    return request.param, folder / request.param.manifest.name


def test_probabilities_and_version_are_the_embedded_backends_for_any_batch(case):
    model, place = case
    session = onnxruntime.InferenceSession(str(place / "1" / "model.onnx"), providers=["CPUExecutionProvider"])
    for seed, batch in enumerate((1, 2, 7, 64)):
        windows = made_windows(model, seed, batch)
        outputs, versions = session.run([OUTPUTS, VERSION], {WINDOWS: windows})
        expected = NumpyBackend().run(model, windows)
        apart = [probabilities(logits_of(raw), 1.0) for raw in (outputs, expected)]
        np.testing.assert_allclose(*apart, atol=1e-5, rtol=0.0)
        assert versions.dtype == np.int64
        assert versions.tolist() == [[version_number(model.version)]] * batch


def test_the_file_stands_alone_and_only_its_batch_is_free(case):
    model, place = case
    graph = onnx.load(str(place / "1" / "model.onnx"), load_external_data=False)
    onnx.checker.check_model(graph)
    dims = graph.graph.input[0].type.tensor_type.shape.dim
    contract = model.manifest.contract
    assert dims[0].dim_param
    assert [d.dim_value for d in dims[1:]] == [contract.context, len(contract.features)]
    assert not [t for t in graph.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    assert sorted(path.name for path in (place / "1").iterdir()) == ["manifest.json", "model.onnx"]
    assert 'backend: "onnxruntime"' in (place / "config.pbtxt").read_text()
