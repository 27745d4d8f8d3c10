"""Numpy arrays in a fold's state: what a snapshot holds is what was there, bit for bit."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import TypeAdapter

from contango_common.domain.arrays import Array


@dataclass(slots=True)
class Inner:
    ring: Array
    count: int = 0


@dataclass(slots=True)
class State:
    kernel: Array
    inner: dict[str, Inner] = field(default_factory=dict)


ADAPTER = TypeAdapter(State)
SCALARS = st.sampled_from(["<i1", "<i4", "<i8", ">i4", "<u2", "<f4", "<f8", ">f8", "?", "<U3", "S5", "<M8[ns]", "<c16"])
FLAT = st.lists(SCALARS, min_size=1, max_size=4).map(
    lambda kinds: np.dtype([(f"f{i}", k) for i, k in enumerate(kinds)])
)
SUBARRAY = FLAT.map(lambda flat: np.dtype([("window", "<f8", (3,)), ("grid", "<i4", (2, 2)), ("last", flat)]))
# numpy's own descriptions of nested records, as the kernels of the indicators have them.
NESTED = st.builds(lambda a, b: np.dtype([("a", a), ("b", b), ("n", "<i8")]), FLAT, FLAT)
DTYPES = SCALARS.map(np.dtype) | FLAT | SUBARRAY | NESTED


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Arrays of up to two axes with arbitrary bytes (so with NaNs of every kind) where the dtype is plain numbers."""
    dtype = draw(DTYPES)
    shape = draw(st.sampled_from([(), (0,), (1,), (3,), (2, 3), (0, 2)]))
    return draw(hnp.arrays(dtype, shape)) if dtype.names is None else _filled(draw, dtype, shape)


def _filled(draw: st.DrawFn, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    array = np.zeros(shape, dtype=dtype)
    for name in dtype.names or ():
        part = array[name]
        if part.dtype.names is None and part.dtype.kind in "iuf" and part.size:
            part[...] = draw(st.integers(-5, 100)) if part.dtype.kind != "u" else draw(st.integers(0, 100))
    return array


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@settings(max_examples=200, deadline=None)
@given(arrays(), arrays(), st.integers())
def test_states_with_arrays_come_back_bit_for_bit(first, second, count):
    state = State(first, {"a": Inner(second, count), "b": Inner(first)})
    data = ADAPTER.dump_json(state)
    read = ADAPTER.validate_json(data)
    assert same(read.kernel, first)
    assert same(read.inner["a"].ring, second)
    assert same(read.inner["b"].ring, first)
    assert ADAPTER.dump_json(read) == data


@settings(deadline=None)
@given(arrays())
def test_what_was_read_can_be_changed_and_is_nobody_elses(array):
    data = ADAPTER.dump_json(State(array))
    read = ADAPTER.validate_json(data)
    assert read.kernel.flags.writeable
    assert read.kernel.flags.owndata or read.kernel.base.flags.writeable
    read.kernel[...] = np.zeros((), dtype=array.dtype)
    assert ADAPTER.dump_json(State(array)) == data


@settings(deadline=None)
@given(hnp.arrays(np.uint64, st.integers(0, 6)))
def test_every_bit_of_a_float_survives(raw):
    floats = raw.view(np.float64)
    read = ADAPTER.validate_json(ADAPTER.dump_json(State(floats)))
    assert np.array_equal(read.kernel.view(np.uint64), raw)


def test_layout_in_memory_does_not_show_in_the_bytes():
    array = np.arange(6.0).reshape(2, 3)
    assert ADAPTER.dump_json(State(np.asfortranarray(array))) == ADAPTER.dump_json(State(array))
    assert ADAPTER.dump_json(State(np.repeat(array, 2, axis=1)[:, ::2])) == ADAPTER.dump_json(State(array))


def test_records_with_gaps_between_their_fields_come_back():
    dtype = np.dtype([("flag", "?"), ("value", "<f8")], align=True)
    array = np.frombuffer(b"\x01" + b"\xab" * 7 + b"\x00" * 8, dtype=dtype)
    data = ADAPTER.dump_json(State(array))
    for _ in range(4):  # memory that numpy gives out again with something in it
        np.full(dtype.itemsize, 0xFF, dtype=np.uint8)
    assert ADAPTER.dump_json(ADAPTER.validate_json(data)) == data


def test_records_with_gaps_keep_their_fields():
    dtype = np.dtype([("flag", "?"), ("value", "<f8")], align=True)
    array = np.zeros(2, dtype=dtype)
    array["value"] = (1.5, -0.0)
    read = ADAPTER.validate_json(ADAPTER.dump_json(State(array))).kernel
    assert read.tolist() == array.tolist()
    assert read.dtype.fields == dtype.fields


@pytest.mark.parametrize("shape", [(), (2,)])
def test_records_in_records_in_rows_come_back(shape):
    dtype = np.dtype([("kernels", [("window", "<f8", (3,)), ("at", [("grid", "<i4", (2, 2))])], (2,)), ("n", "<i8")])
    array = np.frombuffer(bytes(range(dtype.itemsize)) * int(np.prod(shape)), dtype=dtype).reshape(shape)
    assert same(ADAPTER.validate_json(ADAPTER.dump_json(State(array))).kernel, array)


def test_an_array_of_objects_is_refused_when_it_is_dumped():
    with pytest.raises(ValueError, match="object"):
        ADAPTER.dump_json(State(np.array([{}, []], dtype=object)))
