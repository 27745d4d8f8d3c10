"""One suite for every backend, the real Triton among them: the same weights give the same probabilities.

Triton is the server that the wheel carries, on a repository written for random models of several sizes. It batches what
meets, so that its answers need not be the embedded backend's bit for bit; they must be within 1e-5 on probabilities.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contango_common.edge.clock import Deadline
from contango_common.edge.embedded_triton import EmbeddedTriton
from contango_inference.backends.breaker import Breaker
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.backends.port import Absent, Backend, Floats
from contango_inference.backends.torch import TorchBackend
from contango_inference.backends.triton import TritonBackend
from contango_inference.mamba.shape import Shape
from contango_inference.models.answer import logits_of, probabilities
from contango_inference.models.loaded import Loaded
from contango_inference.triton.made import SMALL, made_model, made_windows
from contango_inference.triton.names import MAX_BATCH
from contango_inference.triton.repository import write_repository

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("triton"), pytest.mark.timeout(600)]
TOLERANCE = 1e-5
GENEROUS_S = 30.0  # what is tested is the answer, not the machine's haste
MODELS = {
    "small": made_model("small", 1),
    "grouped": made_model("grouped", 2, Shape(layers=2, d_model=24, d_state=8, headdim=8, groups=2, d_conv=3), 7, 5),
    "deep": made_model("deep", 3, Shape(layers=4, d_model=64, d_state=32, headdim=32, chunk=4), 20, 16),
}
BACKENDS = ("numpy", "torch", "triton")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTriton]:
    folder = tmp_path_factory.mktemp("triton")
    for model in MODELS.values():
        write_repository(model, folder / "repository")
    with EmbeddedTriton(folder, folder / "repository").start() as running:
        yield running


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "triton":
        made: Backend = TritonBackend(request.getfixturevalue("server").url, deadline_s=GENEROUS_S)
    else:
        made = NumpyBackend() if request.param == "numpy" else TorchBackend("cpu")
    assert request.param == made.NAME
    yield made
    made.close()


def answered(backend: Backend, model: Loaded, windows: Floats) -> Floats:
    outputs = backend.run(model, windows)
    assert not isinstance(outputs, Absent), outputs.reason
    assert outputs.shape == (len(windows), model.manifest.contract.outputs)
    assert outputs.dtype == np.float32
    return outputs


def apart(a: Floats, b: Floats) -> float:
    """The largest difference of any probability."""
    return float(np.abs(probabilities(logits_of(a), 1.0) - probabilities(logits_of(b), 1.0)).max())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", range(8))
def test_the_same_weights_give_the_same_probabilities(backend, name, seed):
    model = MODELS[name]
    windows = made_windows(model, seed, int(np.random.default_rng(seed).integers(1, 40)))
    outputs = answered(backend, model, windows)
    expected = answered(NumpyBackend(), model, windows)
    assert apart(outputs, expected) <= TOLERANCE
    assert np.abs(outputs - expected).max() <= 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_is_its_windows_one_by_one_in_any_order(backend, name):
    model = MODELS[name]
    windows = made_windows(model, 11, 9)
    whole = answered(backend, model, windows)
    singles = np.concatenate([answered(backend, model, windows[i : i + 1]) for i in range(len(windows))])
    order = np.random.default_rng(5).permutation(len(windows))
    assert apart(whole, singles) <= TOLERANCE
    assert apart(whole[order], answered(backend, model, windows[order])) <= TOLERANCE


def test_more_windows_than_a_server_takes_at_once(backend):
    model = MODELS["small"]
    windows = made_windows(model, 3, 2 * MAX_BATCH + 5)
    assert apart(answered(backend, model, windows), answered(NumpyBackend(), model, windows)) <= TOLERANCE


def test_no_windows_are_no_answers(backend):
    model = MODELS["small"]
    assert answered(backend, model, made_windows(model, 1, 1)[:0]).shape == (0, model.manifest.contract.outputs)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda w: w[:, :-1], "windows of shape"),
        (lambda w: w[:, :, :-1], "windows of shape"),
        (lambda w: w[0], "windows of shape"),
        (lambda w: np.where(w == w, np.nan, w).astype(np.float32), "not finite"),
        (lambda w: np.where(w == w, np.inf, w).astype(np.float32), "not finite"),
    ],
    ids=["rows", "features", "axes", "nan", "infinite"],
)
def test_windows_that_do_not_fit_are_an_absence_with_its_reason(backend, spoil, reason):
    model = MODELS["small"]
    outputs = backend.run(model, spoil(made_windows(model, 1, 3)))
    assert isinstance(outputs, Absent)
    assert reason in outputs.reason
    assert len(outputs.reason.splitlines()) == 1
    answered(backend, model, made_windows(model, 1, 3))


# -- what only a server can do -----------------------------------------------------------------------------------------


def absent(backend: Backend, model: Loaded, windows: Floats) -> str:
    outputs = backend.run(model, windows)
    assert isinstance(outputs, Absent)
    assert len(outputs.reason.splitlines()) == 1
    return outputs.reason


def test_dynamic_batching_changes_no_probability_beyond_the_tolerance(server):
    """Two hundred single windows at once: the server computes together what meets."""
    model = MODELS["small"]
    windows = made_windows(model, 21, 200)
    backend = TritonBackend(server.url, deadline_s=GENEROUS_S)

    async def all_at_once() -> list[Floats | Absent]:
        return await asyncio.gather(*(backend.arun(model, windows[i : i + 1]) for i in range(len(windows))))

    try:
        found = asyncio.run(all_at_once())
    finally:
        backend.close()
    assert not [part.reason for part in found if isinstance(part, Absent)]
    outputs = np.concatenate([part for part in found if not isinstance(part, Absent)])
    assert apart(outputs, answered(NumpyBackend(), model, windows)) <= TOLERANCE


def test_a_queue_that_is_full_is_said_and_not_waited_for(server):
    model = MODELS["small"]
    backend = TritonBackend(server.url, deadline_s=GENEROUS_S, max_in_flight=2)
    try:
        assert "queue full" in absent(backend, model, made_windows(model, 1, 3 * MAX_BATCH))
        answered(backend, model, made_windows(model, 1, 2 * MAX_BATCH))
    finally:
        backend.close()


def test_an_unknown_model_and_weights_of_another_version_are_absences(server):
    backend = TritonBackend(server.url, deadline_s=GENEROUS_S)
    try:
        stranger = made_model("stranger", 1)
        absent(backend, stranger, made_windows(stranger, 1, 1))
        other = made_model("small", 99)  # the same name and sizes, other weights
        assert "version" in absent(backend, other, made_windows(other, 1, 1))
        answered(backend, MODELS["small"], made_windows(MODELS["small"], 1, 1))
    finally:
        backend.close()


def test_nobody_there_is_an_absence_at_once_and_the_breaker_opens():
    model = MODELS["small"]
    backend = TritonBackend("127.0.0.1:9", deadline_s=2.0, breaker=Breaker(limit=2, cool_down_s=60.0))
    try:
        reasons = [absent(backend, model, made_windows(model, 1, 1)) for _ in range(4)]
    finally:
        backend.close()
    assert reasons[0].startswith("unreachable")
    assert "not asked" in reasons[-1]


def test_a_frozen_server_costs_a_deadline_a_dead_one_is_noticed_and_both_are_forgotten_when_it_is_back(tmp_path: Path):
    model = MODELS["small"]
    windows = made_windows(model, 4, 3)
    expected = answered(NumpyBackend(), model, windows)
    repository = write_repository(model, tmp_path / "repository")
    with EmbeddedTriton(tmp_path, repository).start() as own:
        backend = TritonBackend(own.url, deadline_s=0.5, breaker=Breaker(limit=3, cool_down_s=0.2))

        def until_it_speaks() -> Floats:
            deadline = Deadline(GENEROUS_S)
            while isinstance(outputs := backend.run(model, windows), Absent):
                assert deadline.pause(0.05), outputs.reason
            return outputs

        try:
            assert apart(until_it_speaks(), expected) <= TOLERANCE
            assert own.pid is not None
            os.kill(own.pid, signal.SIGSTOP)
            assert "deadline" in absent(backend, model, windows)
            os.kill(own.pid, signal.SIGCONT)
            assert apart(until_it_speaks(), expected) <= TOLERANCE
            own.kill()
            assert absent(backend, model, windows)
            own.restart()
            assert apart(until_it_speaks(), expected) <= TOLERANCE
        finally:
            backend.close()


def test_nothing_is_left_after_the_end(server):
    before = {thread.name for thread in threading.enumerate()}
    backend = TritonBackend(server.url, deadline_s=GENEROUS_S)
    model = MODELS["small"]
    answered(backend, model, made_windows(model, 1, 1))
    backend.close()
    backend.close()
    assert {thread.name for thread in threading.enumerate()} - before <= set()
    assert absent(backend, model, made_windows(model, 1, 1)) == "the backend is closed"


def test_a_repository_of_changed_weights_is_not_served(tmp_path: Path):
    from contango_common.domain.errors import UserError

    repository = write_repository(MODELS["small"], tmp_path / "repository")
    weights = repository / "small" / "1" / "weights.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(UserError, match="SHA-256"):
        EmbeddedTriton(tmp_path, repository).start()


def test_sizes_are_those_that_training_begins_with():
    assert MODELS["small"].manifest.shape == SMALL
