"""Numpy arrays as fields of a fold's state: snapshots write them as dtype, shape and base64 bytes."""

import base64
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema


def _dump(array: npt.NDArray[Any]) -> dict[str, Any]:
    if array.dtype.hasobject:
        raise ValueError(f"an array of {array.dtype} holds references, not values: it cannot be saved")
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": np.lib.format.dtype_to_descr(array.dtype), "shape": list(array.shape), "data": data}


def _load(value: Any) -> npt.NDArray[Any]:
    if isinstance(value, np.ndarray):
        return value
    dtype = np.lib.format.descr_to_dtype(_tuples(value["dtype"]))
    # A writable buffer of its own, not a copy of fields: the gaps of padded records keep their bytes.
    flat = np.frombuffer(bytearray(base64.b64decode(value["data"])), dtype=dtype)
    return flat.reshape(value["shape"])


def _tuples(descr: Any) -> Any:
    """JSON has no tuples; a dtype description needs them for its fields."""
    if not isinstance(descr, list):
        return descr
    return [
        tuple(tuple(part) if isinstance(part, list) and i == 2 else part for i, part in enumerate(f)) for f in descr
    ]


Array = Annotated[npt.NDArray[Any], PlainValidator(_load), PlainSerializer(_dump), WithJsonSchema({"type": "object"})]
"""Annotation for a numpy field (structured dtypes included) of a state dataclass."""
