"""The two backends that compute in the program itself: one answer from both, and reasons instead of exceptions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_inference.backends.numpy import NumpyBackend
from contango_inference.backends.port import Absent
from contango_inference.backends.torch import TorchBackend
from contango_inference.models.answer import Answer, answer_of, logits_of, probabilities
from contango_inference.models.loaded import Loaded
from contango_inference.models.window import Window, window_of
from support import model_cases as small

MODEL = small.model()
BACKENDS = {"numpy": NumpyBackend, "torch": lambda: TorchBackend("cpu")}
LENGTH, WIDTH, OUTPUTS = 4, 3, 9
each = pytest.mark.parametrize("name", BACKENDS)
seeds = st.integers(0, 2**32 - 1)


def windows(count: int, seed: int = 0):
    return np.random.default_rng(seed).standard_normal((count, LENGTH, WIDTH)).astype(np.float32)


def outputs(name: str, given_windows, model: Loaded = MODEL):
    found = BACKENDS[name]().run(model, given_windows)
    assert isinstance(found, np.ndarray), found
    return found


def reason(name: str, given_windows, model: Loaded = MODEL) -> str:
    found = BACKENDS[name]().run(model, given_windows)
    assert isinstance(found, Absent)
    assert found.reason
    assert len(found.reason.splitlines()) == 1
    return found.reason


# --- one answer -------------------------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 5))
@settings(max_examples=40)
def test_both_give_the_same_outputs_and_probabilities(seed, count):
    model, given_windows = small.model(seed), windows(count, seed)
    one, other = outputs("numpy", given_windows, model), outputs("torch", given_windows, model)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)  # of drawn weights, through two blocks
    prob = [probabilities(logits_of(raw), 1.0) for raw in (one, other)]
    np.testing.assert_allclose(*prob, atol=1e-5)


@each
def test_a_whole_way_from_rows_to_an_answer(name):
    found = window_of(small.rows(6), MODEL.manifest.contract)
    assert isinstance(found, Window)
    raw = outputs(name, found.values[None])[0]
    answer = answer_of(raw, found.anchor_annual, MODEL.manifest.contract, MODEL.manifest.calibration)
    assert isinstance(answer, Answer)
    assert math.fsum(answer.prob) == pytest.approx(1.0)


# --- laws of each -----------------------------------------------------------------------------------------------------


@each
def test_a_batch_is_its_windows(name):
    given_windows = windows(6)
    together = outputs(name, given_windows)
    alone = np.concatenate([outputs(name, window[None]) for window in given_windows])
    assert together.shape == (6, OUTPUTS)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


@each
def test_windows_in_another_order_are_answered_in_that_order(name):
    given_windows, order = windows(6), [3, 0, 5, 1, 4, 2]
    np.testing.assert_allclose(outputs(name, given_windows[order]), outputs(name, given_windows)[order], atol=1e-5)


@each
def test_the_same_again_is_the_same(name):
    backend, given_windows = BACKENDS[name](), windows(3)
    np.testing.assert_array_equal(backend.run(MODEL, given_windows), backend.run(MODEL, given_windows))
    backend.close()
    np.testing.assert_array_equal(backend.run(MODEL, given_windows), outputs(name, given_windows))


@each
def test_two_models_are_kept_apart(name):
    backend, other, given_windows = BACKENDS[name](), small.model(1), windows(2)
    first = backend.run(MODEL, given_windows)
    assert not np.allclose(backend.run(other, given_windows), first)
    np.testing.assert_array_equal(backend.run(MODEL, given_windows), first)


@each
def test_nothing_that_is_given_is_changed(name):
    model, given_windows = small.model(), windows(2)
    outputs(name, given_windows, model)
    np.testing.assert_array_equal(given_windows, windows(2))
    for tensor, before in zip(model.weights.values(), small.model().weights.values(), strict=True):
        np.testing.assert_array_equal(tensor, before)


@each
@pytest.mark.filterwarnings("error::UserWarning")
def test_windows_may_be_a_view_or_read_only_or_none_at_all(name):
    whole = windows(6)
    np.testing.assert_allclose(outputs(name, whole[::-1]), outputs(name, whole)[::-1], atol=1e-5)
    np.testing.assert_allclose(outputs(name, whole[::2]), outputs(name, whole)[::2], atol=1e-5)
    received = np.frombuffer(whole.tobytes(), dtype=np.float32).reshape(whole.shape)
    np.testing.assert_array_equal(outputs(name, received), outputs(name, whole))
    np.testing.assert_array_equal(outputs(name, whole.astype(np.float64)), outputs(name, whole))
    assert outputs(name, whole[:0]).shape == (0, OUTPUTS)


# --- reasons ----------------------------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("shape", [(LENGTH, WIDTH), (1, LENGTH + 1, WIDTH), (1, LENGTH, WIDTH - 1), (0,), (1, 1, 4, 3)])
def test_windows_of_another_shape_are_refused(name, shape):
    said = reason(name, np.zeros(shape, dtype=np.float32))
    assert str(shape) in said
    assert "(batch, 4, 3)" in said


@each
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused(name, value):
    given_windows = windows(3)
    given_windows[1, 2, 0] = value
    assert "not finite" in reason(name, given_windows)


@each
def test_a_model_whose_weights_do_not_fit_is_answered_with_words_or_not_built(name):
    """Weights are checked when they are loaded; a network of other sizes is not computed with."""
    wrong = Loaded(small.manifest(contract=small.contract(levels=[0.5])), MODEL.weights, "0" * 64)
    found = BACKENDS[name]().run(wrong, windows(1))
    assert isinstance(found, Absent) or found.shape != (1, wrong.manifest.contract.outputs)


def test_a_device_that_is_not_there_is_said():
    found = TorchBackend("cuda:99").run(MODEL, windows(1))
    assert isinstance(found, Absent)
    assert found.reason.startswith("torch: ")


@each
def test_extreme_windows_are_computed_with(name):
    found = outputs(name, np.full((2, LENGTH, WIDTH), 1e3, dtype=np.float32) * np.array([1, -1])[:, None, None])
    assert np.isfinite(found).all()


def test_names_are_those_that_facts_record():
    assert (NumpyBackend.NAME, TorchBackend.NAME) == ("numpy", "torch")
