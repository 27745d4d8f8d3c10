"""Blocks: columns of numbers under a content address.

A block is a set of named, little-endian, fixed-dtype columns of equal length. Its address is a BLAKE2b hash over the
schema and the buffers, so that equal columns have one address everywhere. This module is pure: bytes in, bytes out.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Block = Mapping[str, npt.NDArray[Any]]

_DIGEST_BYTES = 16
_ALIGN = 16
_MAX_HEAD = 65_536


def encode_block(columns: Block) -> bytes:
    """Schema line and aligned buffers; columns in the order given.

    >>> decode_block(encode_block({"bid": np.array([1, 2], dtype="<i4")}))["bid"].tolist()
    [1, 2]
    """
    arrays = {name: _little_endian(array) for name, array in columns.items()}
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) > 1:
        raise ValueError(f"columns of one block have different lengths: {sorted(lengths)}")
    rows = lengths.pop() if lengths else 0
    schema = {"rows": rows, "columns": [[name, array.dtype.str] for name, array in arrays.items()]}
    head = json.dumps(schema, separators=(",", ":")).encode() + b"\n"
    if len(head) > _MAX_HEAD:
        raise ValueError(f"the schema of a block takes {len(head)} bytes, more than {_MAX_HEAD}")
    parts = [head, bytes(-len(head) % _ALIGN)]
    for array in arrays.values():
        buffer = array.tobytes()
        parts += [buffer, bytes(-len(buffer) % _ALIGN)]
    return b"".join(parts)


def decode_block(data: bytes | memoryview) -> dict[str, npt.NDArray[Any]]:
    """Read-only views into ``data``; nothing is copied."""
    view = memoryview(data)
    end = bytes(view[:_MAX_HEAD]).index(b"\n")
    schema = json.loads(bytes(view[:end]))
    offset = end + 1 + (-(end + 1) % _ALIGN)
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, dtype in schema["columns"]:
        array = np.frombuffer(view, dtype=np.dtype(dtype), count=schema["rows"], offset=offset)
        array.flags.writeable = False
        columns[name] = array
        offset += array.nbytes + (-array.nbytes % _ALIGN)
    return columns


def address(data: bytes | memoryview) -> str:
    """Content address of an encoded block: 32 hexadecimal characters."""
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def _little_endian(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.dtype.kind not in "iufb" or array.ndim != 1:
        raise ValueError(f"a block column is a flat array of numbers, got {array.dtype} with {array.ndim} axes")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def named(columns: Block) -> tuple[str, dict[str, npt.NDArray[Any]]]:
    """Address and columns of a block that is made here, as whoever reads it later will see them.

    >>> digest, block = named({"bid": np.array([1, 2], dtype="<i4")})
    >>> digest == address(encode_block(block))
    True
    """
    data = encode_block(columns)
    return address(data), decode_block(data)
