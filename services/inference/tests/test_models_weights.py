"""Weights: bit for bit the same after a file, and nothing that was touched is computed with."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save

from contango_common.domain.errors import UserError
from contango_inference.mamba.shape import Shape
from contango_inference.models.loaded import loaded
from contango_inference.models.weights import sha_of, weights_bytes, weights_of
from support import model_cases as small

TINY = Shape(layers=1, d_model=4, d_state=1, headdim=4, expand=1, d_conv=2)
TENSORS = TINY.tensors(3, 9)
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def any_weights(draw):
    """Weights of the tiny network with any finite numbers, by name in any order."""
    found = {
        name: draw(arrays.arrays(np.float32, size, elements=finite, fill=finite)) for name, size in TENSORS.items()
    }
    return {name: found[name] for name in draw(st.permutations(sorted(found)))}


def tiny(data: bytes):
    return small.manifest(data, shape=TINY.model_dump())


def refusal(data: bytes, manifest=None) -> str:
    """Why ``data`` is refused; its hash is the manifest's where no manifest is given."""
    with pytest.raises(UserError) as caught:
        weights_of(data, manifest or small.manifest(data), "models/small")
    text = str(caught.value)
    assert text.startswith("models/small: ")
    assert len(text.splitlines()) == 1
    return text


@given(any_weights())
@settings(max_examples=40)
def test_weights_come_back_bit_for_bit(weights):
    data = weights_bytes(weights)
    read = weights_of(data, tiny(data), "here")
    assert list(read) == list(TENSORS)
    for name, tensor in weights.items():
        assert read[name].dtype == np.float32
        assert read[name].tobytes() == tensor.tobytes(), name


@given(any_weights(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_equal_weights_give_equal_bytes(weights, random):
    names = random.sample(sorted(weights), len(weights))
    assert weights_bytes({name: weights[name] for name in names}) == weights_bytes(weights)
    assert weights_bytes({name: np.asfortranarray(weights[name]) for name in names}) == weights_bytes(weights)
    assert weights_bytes({name: weights[name].astype(np.float64) for name in names}) == weights_bytes(weights)


@given(st.data())
@settings(max_examples=60)
def test_one_bit_that_was_changed_is_found(data):
    whole = weights_bytes(small.weights())
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    tampered = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
    assert "SHA-256" in refusal(tampered, small.manifest(whole))


def test_weights_of_another_model_are_refused():
    assert "belong to another model" in refusal(weights_bytes(small.weights(1)), small.manifest())


@given(st.data())
@settings(max_examples=60)
def test_a_file_that_breaks_off_is_refused_even_where_its_hash_is_right(data):
    whole = weights_bytes(small.weights())
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert "SHA-256" in refusal(cut, small.manifest(whole))
    assert "no safetensors file" in refusal(cut)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x00" * 64, struct.pack("<Q", 2**62), struct.pack("<Q", 5) + b"hello"]
)
def test_a_file_of_another_kind_is_refused(data):
    assert "no safetensors file" in refusal(data)


@pytest.mark.parametrize("name", sorted(small.SHAPE.tensors(3, 9)))
def test_every_tensor_is_missed_and_measured_and_looked_into(name):
    weights = small.weights()
    assert f"tensor {name} is missing" in refusal(weights_bytes({n: w for n, w in weights.items() if n != name}))
    longer = np.concatenate([weights[name], weights[name][:1]])
    assert f"tensor {name} is of shape" in refusal(weights_bytes(weights | {name: longer}))
    for bad in (np.nan, np.inf, -np.inf):
        broken = weights[name].copy()
        broken.flat[-1] = bad
        assert f"tensor {name} holds a number that is not finite" in refusal(weights_bytes(weights | {name: broken}))


def test_a_tensor_that_is_transposed_is_refused():
    weights = small.weights()
    turned = weights["layers.0.mixer.in_proj.weight"].T
    assert "in_proj.weight is of shape (8, " in refusal(
        weights_bytes(weights | {"layers.0.mixer.in_proj.weight": turned})
    )


def test_a_tensor_too_many_is_refused():
    extra = small.weights() | {"layers.9.mixer.D": np.ones(2, dtype=np.float32)}
    assert "tensor layers.9.mixer.D belongs to no part" in refusal(weights_bytes(extra))


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32])
def test_weights_in_another_precision_are_refused(dtype):
    """A double beyond single precision is finite, and would not be so once it is narrowed."""
    weights = small.weights()
    other = weights["head.bias"].astype(dtype)
    if dtype is np.float64:
        other[0] = 1e300
    assert f"tensor head.bias is {np.dtype(dtype)}" in refusal(save(weights | {"head.bias": other}))


@pytest.mark.parametrize("dtype", ["BF16", "F8_E5M2"])
def test_weights_in_a_precision_that_numpy_does_not_know_are_refused(dtype):
    width = {"BF16": 2, "F8_E5M2": 1}[dtype]
    header = json.dumps({"embed.bias": {"dtype": dtype, "shape": [8], "data_offsets": [0, 8 * width]}}).encode()
    assert dtype in refusal(struct.pack("<Q", len(header)) + header + b"\x00" * (8 * width))


def test_a_whole_model_is_loaded_with_its_version():
    data = weights_bytes(small.weights())
    manifest = small.manifest(data)
    found = loaded(manifest.canonical(), data, "models/small")
    assert (found.manifest, found.version) == (manifest, manifest.version)
    assert sha_of(weights_bytes(found.weights)) == manifest.weights_sha


def test_a_manifest_with_the_weights_of_other_sizes_is_refused():
    data = weights_bytes(small.weights(outputs=12))
    with pytest.raises(UserError, match=r"^models/small: tensor head.weight is of shape \(12, 8\)"):
        loaded(small.manifest(data).canonical(), data, "models/small")
