"""A quantile regression forest as flat arrays, and its predictive distribution. Pure.

Every tree sends a row to a leaf, and every training row that reached the same leaf gets 1/(leaf size) of the tree's
vote. The mean vote of all trees is a weight on each training outcome; the distribution they make is the forecast:

    F(y | x) = Σ_i w_i(x) 1{y_i ≤ y},   quantile(α) = smallest y_i with F(y_i) ≥ α,   mean = Σ_i w_i y_i

Quantiles of one distribution cannot cross. A feature that is missing (NaN) is replaced by its median in training.

References:
    [1] N. Meinshausen, "Quantile regression forests", Journal of Machine Learning Research 7 (2006) 983-999.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from numba import njit

from contango_inference.earnings.events import Floats

Ints32 = npt.NDArray[np.int32]
_SLACK = 1e-12  # of a cumulated weight: rounding of its sum must not skip the outcome that reaches the level


@dataclass(frozen=True, slots=True)
class Forest:
    """Nodes (m,) of all trees one after another; ``roots`` (T,) are their first nodes.

    ``feature`` is −1 in a leaf; a row goes ``left`` when its value, as a 32-bit float, is at most ``threshold``. The
    training rows in leaf k are ``members[first[k] : first[k] + size[k]]``, as ranks into ``outcomes`` (n,), ascending.
    """

    roots: Ints32
    feature: Ints32
    threshold: Floats
    left: Ints32
    right: Ints32
    first: Ints32
    size: Ints32
    members: Ints32
    outcomes: Floats
    medians: Floats


def distribution(forest: Forest, rows: Floats) -> Floats:
    """Weights (n, outcomes) of rows (n, F) on ``forest.outcomes``; each sums to 1. Raises ValueError on the shape."""
    filled = fill(rows, forest.medians).astype(np.float32)
    weights = np.zeros((len(filled), len(forest.outcomes)))
    _weigh(
        filled,
        forest.roots,
        forest.feature,
        forest.threshold,
        forest.left,
        forest.right,
        forest.first,
        forest.size,
        forest.members,
        weights,
    )
    return weights


def quantiles(forest: Forest, weights: Floats, levels: Sequence[float]) -> Floats:
    """Quantiles (n, Q) of weights (n, outcomes), one column a level in (0, 1)."""
    reached = np.cumsum(weights, axis=1)
    columns = [forest.outcomes[np.argmax(reached >= level - _SLACK, axis=1)] for level in levels]
    return np.stack(columns, axis=1)


def means(forest: Forest, weights: Floats) -> Floats:
    """Expected outcomes (n,)."""
    return weights @ forest.outcomes


def fill(rows: Floats, medians: Floats) -> Floats:
    """Rows with the median where a feature is missing.

    >>> fill(np.array([[1.0, np.nan]]), np.array([0.0, 7.0])).tolist()
    [[1.0, 7.0]]
    """
    if rows.ndim != 2 or rows.shape[1] != len(medians):
        raise ValueError(f"rows must have {len(medians)} features, got shape {rows.shape}")
    return np.where(np.isfinite(rows), rows, medians)


def leaves(forest: Forest, rows: Floats) -> Ints32:
    """Leaf (n, T) of each row in each tree, as node numbers."""
    filled = fill(rows, forest.medians).astype(np.float32)
    found = np.empty((len(filled), len(forest.roots)), dtype=np.int32)
    _drop(filled, forest.roots, forest.feature, forest.threshold, forest.left, forest.right, found)
    return found


def wrong(forest: Forest) -> str | None:
    """Why the arrays are no forest; None when they are one. A checked forest cannot make the kernels run astray."""
    nodes = len(forest.feature)
    for name in ("threshold", "left", "right", "first", "size"):
        if len(getattr(forest, name)) != nodes:
            return f"{name} has {len(getattr(forest, name))} entries, need {nodes}"
    if any(not np.isfinite(getattr(forest, f.name)).all() for f in fields(forest)):
        return "a number is not finite"
    if not len(forest.roots) or forest.roots.min() < 0 or forest.roots.max() >= nodes:
        return "a tree's root is no node"
    inner = np.flatnonzero(forest.feature >= 0)
    if forest.feature.max(initial=-1) >= len(forest.medians):
        return "a node asks for a feature that is not there"
    for child in (forest.left[inner], forest.right[inner]):
        if (child <= inner).any() or (child >= nodes).any():
            return "a node's child does not come after it"
    ends = forest.first.astype(np.int64) + forest.size
    leaf = forest.feature < 0
    if (forest.first < 0).any() or (forest.size[leaf] < 1).any() or (ends[leaf] > len(forest.members)).any():
        return "a leaf has no members"
    if len(forest.members) and not 0 <= forest.members.min() <= forest.members.max() < len(forest.outcomes):
        return "a member is no outcome"
    return None if (np.diff(forest.outcomes) >= 0.0).all() else "outcomes are not ascending"


@njit(cache=True)
def _weigh(rows, roots, feature, threshold, left, right, first, size, members, weights):  # type: ignore[no-untyped-def]
    trees = roots.shape[0]
    for i in range(rows.shape[0]):
        for t in range(trees):
            node = roots[t]
            while feature[node] >= 0:
                node = left[node] if rows[i, feature[node]] <= threshold[node] else right[node]
            share = 1.0 / (size[node] * trees)
            for k in range(first[node], first[node] + size[node]):
                weights[i, members[k]] += share


@njit(cache=True)
def _drop(rows, roots, feature, threshold, left, right, found):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        for t in range(roots.shape[0]):
            node = roots[t]
            while feature[node] >= 0:
                node = left[node] if rows[i, feature[node]] <= threshold[node] else right[node]
            found[i, t] = node
