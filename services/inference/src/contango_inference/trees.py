"""Ensembles of decision trees as flat columns, and their mean answer. Pure: no scikit-learn is needed to ask them.

One row a node, all trees one after another:

    tree       number of the tree, ascending from 0
    feature    column of the row that is compared; −1 in a leaf
    threshold  a row goes left when its value, as a 32-bit float, is at most this
    left right nodes, counted from the first node of the first tree
    value      what a leaf answers; the ensemble answers the mean over its trees
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.NDArray[Any]]
DTYPES = {"tree": "<i4", "feature": "<i4", "threshold": "<f8", "left": "<i4", "right": "<i4", "value": "<f8"}
LEAF = -1


def predict(columns: Columns, x: npt.ArrayLike) -> Floats:
    """Mean leaf value (n,) of rows (n, F). Columns are trusted: check foreign ones with ``wrong`` first.

    >>> stump = {"tree": [0, 0, 0], "feature": [0, -1, -1], "threshold": [0.5, 0.0, 0.0],
    ...          "left": [1, -1, -1], "right": [2, -1, -1], "value": [0.0, 0.25, 0.75]}
    >>> predict({name: np.array(stump[name], dtype=DTYPES[name]) for name in DTYPES}, [[0.5], [0.6]]).tolist()
    [0.25, 0.75]
    """
    rows = np.ascontiguousarray(np.asarray(x, dtype=np.float32))
    answers = np.empty(len(rows))
    roots = np.flatnonzero(np.diff(columns["tree"], prepend=-1)).astype(np.int64)
    _ask(
        rows,
        roots,
        *(np.ascontiguousarray(columns[name]) for name in ("feature", "threshold", "left", "right", "value")),
        answers,
    )
    return answers


def wrong(columns: Columns, features: int) -> str | None:
    """Why columns are no trees over ``features`` columns; None when they are. Walking checked trees always ends."""
    if sorted(columns) != sorted(DTYPES):
        return f"columns {sorted(columns)} are not {sorted(DTYPES)}"
    tree, feature = np.asarray(columns["tree"]), np.asarray(columns["feature"])
    n = len(tree)
    if n == 0 or any(len(columns[name]) != n for name in DTYPES):
        return "the columns are empty, or of different lengths"
    if tree[0] != 0 or not np.isin(np.diff(tree), (0, 1)).all():
        return "trees are not numbered from 0 without gaps"
    if not (np.isfinite(columns["threshold"]).all() and np.isfinite(columns["value"]).all()):
        return "a number is not finite"
    if feature.min() < LEAF or feature.max() >= features:
        return "a node asks for a feature that is not there"
    inner = np.flatnonzero(feature != LEAF)
    for child in (np.asarray(columns["left"])[inner], np.asarray(columns["right"])[inner]):
        if (child <= inner).any() or (child >= n).any() or (tree[np.minimum(child, n - 1)] != tree[inner]).any():
            return "a node's child does not come after it in its own tree"
    return None


def sha(columns: Columns) -> str:
    """SHA-256 over the columns in their order of ``DTYPES``, hexadecimal."""
    digest = hashlib.sha256()
    for name, dtype in DTYPES.items():
        digest.update(np.ascontiguousarray(columns[name], dtype=dtype).tobytes())
    return digest.hexdigest()


def joined(trees: list[tuple[npt.NDArray[Any], ...]]) -> dict[str, npt.NDArray[Any]]:
    """Columns of trees given one by one as (feature, threshold, left, right, value), nodes counted within each."""
    sizes = [len(tree[0]) for tree in trees]
    offsets = np.repeat(np.cumsum([0, *sizes[:-1]]), sizes)
    feature, threshold, left, right, value = (np.concatenate(parts) for parts in zip(*trees, strict=True))
    leaf = left < 0
    found = {
        "tree": np.repeat(np.arange(len(trees)), sizes),
        "feature": np.where(leaf, LEAF, feature),
        "threshold": np.where(leaf, 0.0, threshold),
        "left": np.where(leaf, LEAF, left + offsets),
        "right": np.where(leaf, LEAF, right + offsets),
        "value": np.where(leaf, value, 0.0),
    }
    return {name: np.ascontiguousarray(column, dtype=DTYPES[name]) for name, column in found.items()}


@njit(cache=True)
def _ask(rows, roots, feature, threshold, left, right, value, answers):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        total = 0.0
        for root in roots:
            node = root
            while feature[node] >= 0:
                node = left[node] if rows[i, feature[node]] <= threshold[node] else right[node]
            total += value[node]
        answers[i] = total / len(roots)
