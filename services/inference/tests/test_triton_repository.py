"""The model repository: what is committed is what the program writes; ONNX computes the same."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_inference.backends import breaker as breakers
from contango_inference.backends.breaker import Breaker
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.models.answer import logits_of, probabilities
from contango_inference.registry.store import Registry, shipped
from contango_inference.triton.made import made_model, made_windows
from contango_inference.triton.names import OUTPUTS, WINDOWS, version_letters, version_number
from contango_inference.triton.onnx import export
from contango_inference.triton.repository import config_of, write_repository, write_shell

ROOT = Path(__file__).resolve().parents[3]


def files_of(folder: Path) -> dict[str, str]:
    found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def test_the_repository_that_is_deployed_is_the_one_that_the_program_writes(tmp_path: Path) -> None:
    registry = Registry(shipped())
    for name in registry.names():
        write_shell(registry.load(name), tmp_path)
    assert files_of(ROOT / "deploy" / "triton" / "model_repository") == files_of(tmp_path)


def test_a_whole_repository_has_weights_that_fit_its_configuration(tmp_path: Path) -> None:
    model = made_model("made", 5)
    folder = write_repository(model, tmp_path)
    assert sorted(files_of(folder)) == [
        "made/1/manifest.json",
        "made/1/model.py",
        "made/1/weights.safetensors",
        "made/config.pbtxt",
    ]
    text = config_of(model)
    assert model.version[:16] in text
    assert "@" not in text
    assert "KIND_GPU" in config_of(model, device="GPU").partition("instance_group")[2].partition("\n")[0]


@pytest.mark.parametrize("seed", range(3))
def test_onnx_computes_the_same_probabilities(tmp_path: Path, seed: int) -> None:
    model = made_model("made", seed)
    path = tmp_path / "model.onnx"
    export(model, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch in (1, 7):
        windows = made_windows(model, seed, batch)
        (outputs, *_) = session.run([OUTPUTS], {WINDOWS: windows})
        expected = NumpyBackend().run(model, windows)
        assert isinstance(expected, np.ndarray)
        ours, theirs = (probabilities(logits_of(x), 1.0) for x in (outputs, expected))
        assert np.abs(ours - theirs).max() <= 1e-5


@given(st.integers(0, 2**64 - 1))
def test_a_version_survives_its_way_as_a_number(value: int) -> None:
    letters = f"{value:016x}"
    assert version_letters(version_number(letters + "0" * 48)) == letters


@given(st.lists(st.tuples(st.sampled_from(["ask", "fail", "answer"]), st.floats(0.0, 2.0)), max_size=60))
def test_a_breaker_lets_nothing_through_before_its_cool_down_and_one_probe_after(
    steps: list[tuple[str, float]],
) -> None:
    state, now_s, opened_s, probing = Breaker(limit=3, cool_down_s=1.0), 0.0, None, False
    for step, pause_s in steps:
        now_s += pause_s
        if step == "ask":
            state, may = breakers.admitted(state, now_s)
            if opened_s is not None:
                assert may == (not probing and now_s >= opened_s + 1.0)
                probing = probing or may
            else:
                assert may
        elif step == "fail":
            before = state.position
            state = breakers.failed(state, now_s)
            if state.position == "open" and before != "open":
                opened_s, probing = now_s, False
        else:
            state = breakers.answered(state)
            if state.position == "closed":
                opened_s, probing = None, False
        assert state.failures <= 3 or state.position != "closed"


def test_a_breaker_opens_after_enough_failures_in_a_row_and_closes_on_one_answer() -> None:
    state = Breaker(limit=2, cool_down_s=1.0)
    state = breakers.answered(breakers.failed(state, 0.0))
    assert breakers.failed(state, 0.1).position == "closed"
    state = breakers.failed(breakers.failed(state, 0.1), 0.2)
    assert state.position == "open"
    state, may = breakers.admitted(state, 1.3)
    assert (may, state.position) == (True, "half open")
    assert breakers.answered(state).position == "closed"
    with pytest.raises(ValueError, match="limit"):
        Breaker(limit=0)
