"""Learning with scikit-learn. What leaves this file are plain arrays: no model object is kept or stored."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression

from contango_inference.earnings.events import Floats
from contango_inference.earnings.forest import Forest, fill, leaves
from contango_inference.earnings.linear import Direction, medians_of, scaling_of
from contango_inference.earnings.params import EarningsParams


def fit_forest(rows: Floats, sizes: Floats, params: EarningsParams) -> Forest:
    """A quantile forest of |move| (n,) on rows (n, F). The same data and parameters give the same arrays."""
    medians = medians_of(rows)
    grown = RandomForestRegressor(
        n_estimators=params.trees,
        min_samples_leaf=params.least_in_leaf,
        max_features=params.features_share,
        random_state=params.seed,
        n_jobs=1,
    ).fit(fill(rows, medians), sizes)
    return with_members([tree.tree_ for tree in grown.estimators_], rows, sizes, medians)


def with_members(trees: Sequence[Any], rows: Floats, sizes: Floats, medians: Floats) -> Forest:
    """Flat arrays of scikit-learn's trees, with every training row put into the leaves that it reaches."""
    offsets = np.cumsum([0, *(tree.node_count for tree in trees)])
    joined = {
        name: np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("feature", "threshold", "children_left", "children_right")
    }
    shift = np.repeat(offsets[:-1], np.diff(offsets))
    leaf = joined["children_left"] < 0
    order = np.argsort(sizes, kind="stable")
    rank = np.empty(len(sizes), dtype=np.int32)
    rank[order] = np.arange(len(sizes))
    nodes = len(leaf)
    empty = np.zeros(nodes, dtype=np.int32)
    bare = Forest(
        roots=offsets[:-1].astype(np.int32),
        feature=np.where(leaf, -1, joined["feature"]).astype(np.int32),
        threshold=np.where(leaf, 0.0, joined["threshold"]).astype(np.float64),
        left=np.where(leaf, 0, joined["children_left"] + shift).astype(np.int32),
        right=np.where(leaf, 0, joined["children_right"] + shift).astype(np.int32),
        first=empty,
        size=empty,
        members=empty[:0],
        outcomes=sizes[order].astype(np.float64),
        medians=medians,
    )
    reached = leaves(bare, rows)  # (n, T)
    flat, ranks = reached.T.reshape(-1), np.tile(rank, len(trees))
    by_leaf = np.lexsort((ranks, flat))
    size = np.bincount(flat, minlength=nodes).astype(np.int32)
    first = (np.cumsum(size) - size).astype(np.int32)
    return Forest(
        bare.roots,
        bare.feature,
        bare.threshold,
        bare.left,
        bare.right,
        first,
        size,
        ranks[by_leaf].astype(np.int32),
        bare.outcomes,
        medians,
    )


def boosted_quantiles(
    rows: Floats, sizes: Floats, asked: Floats, levels: Sequence[float], params: EarningsParams
) -> Floats:
    """Quantiles (m, Q) of asked rows (m, F) by gradient boosting on the pinball loss, put in order.

    Missing values are routed by the trees themselves.
    """
    columns = [
        HistGradientBoostingRegressor(
            loss="quantile",
            quantile=level,
            learning_rate=0.05,
            max_iter=params.boosting_rounds,
            max_leaf_nodes=8,
            min_samples_leaf=40,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=params.seed,
        )
        .fit(_known_columns(rows, rows), sizes)
        .predict(_known_columns(rows, asked))
        for level in levels
    ]
    return np.asarray(np.maximum(np.sort(np.stack(columns, axis=1), axis=1), 0.0), dtype=np.float64)


def fit_direction(rows: Floats, ups: Floats, params: EarningsParams) -> Direction:
    """Logistic regression of ups (n,), 0 or 1, on rows (n, F), strongly held back."""
    scaling = scaling_of(rows)
    model = LogisticRegression(C=params.direction_c, max_iter=1000).fit(scaling(rows), ups > 0.5)
    return Direction(scaling, np.concatenate([model.intercept_, model.coef_[0]]))


def _known_columns(rows: Floats, asked: Floats) -> Floats:
    """Columns that have at least one value in training; binning cannot learn from the others."""
    return asked[:, np.isfinite(rows).any(axis=0)]
