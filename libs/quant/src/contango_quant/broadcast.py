"""Bringing arguments of a compiled loop to one shape, with checks that name the argument.

Every argument reaches the loop either as one element (step 0) or as a full contiguous array (step 1),
so that a loop is compiled once, whatever mixture of scalars and arrays a caller gives.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Prepared = tuple[NDArray[Any], int]  # the elements, and the step between them: 0 or 1

ANY, NON_NEGATIVE, POSITIVE = -1, 0, 1


@njit(cache=True)
def _first_bad(values: Floats, sign: int) -> int:
    """Index of the first element that is not finite or has the wrong sign; -1 when all are good."""
    for i in range(values.shape[0]):
        x = values[i]
        if not np.isfinite(x) or (sign == NON_NEGATIVE and x < 0.0) or (sign == POSITIVE and x <= 0.0):
            return i
    return -1


def flat(values: NDArray[Any], shape: tuple[int, ...]) -> Prepared:
    """One-dimensional, contiguous and writable elements of `values` for a loop over `shape`."""
    if values.size == 1:
        return np.array(values, copy=True).reshape(1), 0
    if values.shape != shape:
        values = np.broadcast_to(values, shape)
    # A read-only array (a memory-mapped block) is another type to numba: it would compile once more.
    return np.require(values, requirements=["C", "W"]).reshape(-1), 1


def spread(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """All elements of `values` broadcast to `shape`, one-dimensional, contiguous and writable.

    A loop over such lines has no steps between elements to multiply by, so it can become vector code.

    >>> spread(np.array(2.0), (3,))
    array([2., 2., 2.])
    """
    return np.require(np.broadcast_to(values, shape), requirements=["C", "W"]).reshape(-1)


def check(name: str, values: Floats, sign: int) -> None:
    """Raise ValueError naming argument and value unless all `values` are finite and of the given sign."""
    line = np.require(values, requirements=["C", "W"]).reshape(-1)
    i = _first_bad(line, sign)
    if i >= 0:
        wanted = {ANY: "finite", NON_NEGATIVE: "finite and at least 0", POSITIVE: "finite and above 0"}[sign]
        place = f" at position {i}" if values.ndim else ""
        raise ValueError(f"{name} must be {wanted}, got {float(line[i])!r}{place}")


def numbers(name: str, values: ArrayLike) -> Floats:
    """`values` as float64 array, whatever their sign; nan and infinities pass, for loops that look themselves.

    >>> numbers("price", [1, float("nan")])
    array([ 1., nan])
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers, got {values!r}") from error


def floats(name: str, values: ArrayLike, sign: int) -> Floats:
    """`values` as float64 array, checked.

    >>> floats("strike", [1, 2], POSITIVE)
    array([1., 2.])
    >>> floats("strike", [1, -2], POSITIVE)
    Traceback (most recent call last):
        ...
    ValueError: strike must be finite and above 0, got -2.0 at position 1
    """
    array = numbers(name, values)
    check(name, array, sign)
    return array


def booleans(name: str, values: ArrayLike) -> NDArray[np.bool_]:
    """`values` as array of booleans; anything else (1/0, "C"/"P") is refused, for it is often a mix-up."""
    array = np.asarray(values)
    if array.dtype != np.bool_:
        raise ValueError(f"{name} must be boolean, got {values!r}")
    return array


def common_shape(names: Sequence[str], arrays: Sequence[NDArray[Any]]) -> tuple[int, ...]:
    """The shape to which `arrays` broadcast; ValueError that lists the shapes when they do not."""
    try:
        return np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError as error:
        shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(names, arrays, strict=True))
        raise ValueError(f"shapes do not broadcast together: {shapes}") from error


def result_array(out: Floats | None, shape: tuple[int, ...]) -> Floats:
    """`out` when it can take the result (float64, contiguous, of this shape), or a new array."""
    if out is None:
        return np.empty(shape, dtype=np.float64)
    if out.dtype != np.float64 or out.shape != shape or not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError(
            f"out must be a writable contiguous float64 array of shape {shape}, got {out.dtype} {out.shape}"
        )
    return out
