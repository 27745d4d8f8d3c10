"""Laws of blocks: columns come back bit for bit, and the address is the content."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from contango_common.domain.blocks import address, decode_block, encode_block

DTYPES = ("<i1", "<i2", "<i4", "<i8", "<u1", "<u2", "<u4", "<u8", "<f4", "<f8", "?", ">i4", ">f8", ">u2")


@st.composite
def columns(draw: st.DrawFn, min_columns: int = 0) -> dict[str, np.ndarray]:
    rows = draw(st.integers(0, 9))
    names = draw(st.lists(st.text(max_size=8), min_size=min_columns, max_size=5, unique=True))
    return {name: draw(hnp.arrays(draw(st.sampled_from(DTYPES)), rows)) for name in names}


def little(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("<"))


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return [(n, a.dtype.str, a.tobytes()) for n, a in one.items()] == [
        (n, a.dtype.str, a.tobytes()) for n, a in other.items()
    ]


@settings(deadline=None)
@given(columns())
def test_columns_come_back_bit_for_bit(given_columns):
    data = encode_block(given_columns)
    read = decode_block(data)
    assert same(read, {name: little(array) for name, array in given_columns.items()})
    assert encode_block(read) == data


@settings(deadline=None)
@given(columns(), columns())
def test_addresses_are_equal_only_when_the_columns_are(one, other):
    same_columns = same({n: little(a) for n, a in one.items()}, {n: little(a) for n, a in other.items()})
    rows = {len(a) for a in (*one.values(), *other.values())}
    assert (address(encode_block(one)) == address(encode_block(other))) == (same_columns or (not rows and one == other))


@settings(deadline=None)
@given(columns(min_columns=1))
def test_equal_columns_have_one_address_whatever_their_memory_looks_like(given_columns):
    data = encode_block(given_columns)
    strided = {name: np.repeat(array, 2)[::2] for name, array in given_columns.items()}
    swapped = {name: array.astype(array.dtype.newbyteorder(">")) for name, array in given_columns.items()}
    backwards = {name: array[::-1].copy()[::-1] for name, array in given_columns.items()}
    assert {address(encode_block(same)) for same in (strided, swapped, backwards)} == {address(data)}
    assert len(address(data)) == 32
    assert set(address(data)) <= set("0123456789abcdef")


def test_order_name_dtype_value_and_sign_of_zero_all_count():
    base = {"a": np.array([1.0, 0.0]), "b": np.array([1, 2], dtype=np.int32)}
    others = [
        {"b": base["b"], "a": base["a"]},
        {"a": base["a"], "c": base["b"]},
        {"a": base["a"], "b": base["b"].astype(np.int64)},
        {"a": base["a"].astype(np.float32), "b": base["b"]},
        {"a": np.array([1.0, -0.0]), "b": base["b"]},
        {"a": base["a"], "b": np.array([2, 1], dtype=np.int32)},
        {"a": base["a"]},
    ]
    assert len({address(encode_block(block)) for block in (base, *others)}) == len(others) + 1


@settings(deadline=None)
@given(columns(min_columns=1), st.integers(0, 10_000), st.integers(1, 255))
def test_every_changed_byte_changes_the_address(given_columns, position, flip):
    data = bytearray(encode_block(given_columns))
    before = address(bytes(data))
    data[position % len(data)] ^= flip
    assert address(bytes(data)) != before


@settings(deadline=None)
@given(columns(min_columns=1))
def test_what_is_read_is_a_view_that_cannot_be_written(given_columns):
    data = bytearray(encode_block(given_columns))
    for array in decode_block(memoryview(data)).values():
        assert not array.flags.writeable
        assert array.size == 0 or np.shares_memory(array, np.frombuffer(data, dtype=np.uint8))
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@settings(deadline=None)
@given(columns(min_columns=1))
def test_buffers_are_aligned_for_the_processor(given_columns):
    for array in decode_block(encode_block(given_columns)).values():
        assert array.flags.aligned


@pytest.mark.parametrize(
    "column",
    [
        np.array(["a"]),
        np.array([object()]),
        np.zeros((2, 2)),
        np.array(1.0),
        np.array([1j]),
        np.array(["2018"], "M8[D]"),
    ],
    ids=lambda column: f"{column.dtype}-{column.ndim}",
)
def test_what_is_no_flat_column_of_numbers_is_refused(column):
    with pytest.raises(ValueError, match="flat array of numbers"):
        encode_block({"x": column})


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="different lengths"):
        encode_block({"a": np.zeros(2), "b": np.zeros(3)})


def test_a_very_wide_block_comes_back_or_is_refused():
    wide = {f"{i:080d}": np.zeros(1) for i in range(1000)}
    try:
        data = encode_block(wide)
    except ValueError:
        return
    assert same(decode_block(data), wide)
