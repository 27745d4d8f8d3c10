"""Fitting the direction predictor with scikit-learn: trees, calibration and scores, from rows known by now.

Walk-forward: the rows are cut by time into ``folds`` + 1 stretches; each but the first is predicted by a model fitted
on all rows before it whose label was known when it began (purged by the horizon). On these out-of-fold answers a
logistic map to probabilities is fitted; the scores of a stretch use the map of the stretches before it. What leaves
this file are arrays: the last fit's trees, and the map as knots. One thread, fixed seeds: equal data give equal bytes.

References:
    [1] M. López de Prado, "Advances in Financial Machine Learning", 2018, chapter 7 (purging).
    [2] J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods",
        Advances in Large Margin Classifiers, 1999, 61-74.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_inference import trees
from contango_inference.direction.features import FEATURES
from contango_inference.direction.params import DirectionParams

Floats = npt.NDArray[np.float64]
SEED = 20_140_103
RATE = 0.05  # of the boosting
KNOTS = 33
MIN_SLOPE_ROWS = 50
PRIOR_ROWS = 20.0  # a base rate counts as if so many rows had been even


@dataclass(frozen=True, slots=True)
class Fitted:
    """Trees, the knots (score, probability) of the calibration, and the out-of-fold scores (None: too few folds)."""

    columns: dict[str, npt.NDArray[Any]]
    sha: str
    calibration: tuple[tuple[float, float], ...]
    base_rate: float
    rows: int
    brier: float | None
    baseline_brier: float | None
    accuracy: float | None
    importance: dict[str, float]


def fit(x: Floats, y: Floats, ts_ns: npt.NDArray[np.int64], horizon_ns: int, p: DirectionParams) -> Fitted | str:
    """Fit on rows x (n, 20) with labels y (n,) of 0 and 1, oldest first; a reason in words where it cannot be."""
    if len(y) < p.min_rows:
        return f"{len(y)} labelled rows, {p.min_rows} are needed"
    if y.min() == y.max():
        return "every labelled row went the same way"
    scores, blocks = _out_of_fold(x, y, ts_ns, horizon_ns, p)
    known = np.isfinite(scores)
    columns, importance = _grown(x, y, p)
    return Fitted(
        columns=columns,
        sha=trees.sha(columns),
        calibration=_calibration(scores[known], y[known], columns, x),
        base_rate=base_rate(y),
        rows=len(y),
        **_scores(scores, y, blocks, p),
        importance=dict(zip(FEATURES, importance.tolist(), strict=True)),
    )


def base_rate(y: Floats) -> float:
    """The share of rises, drawn towards one half as if twenty even rows had been seen before."""
    return float((y.sum() + PRIOR_ROWS / 2.0) / (len(y) + PRIOR_ROWS))


def _out_of_fold(
    x: Floats, y: Floats, ts_ns: npt.NDArray[np.int64], horizon_ns: int, p: DirectionParams
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Scores (n,) of models that had not seen the row's stretch, NaN in the first one, and each row's stretch."""
    blocks = np.arange(len(y)) * (p.folds + 1) // len(y)
    scores = np.full(len(y), np.nan)
    for fold in range(1, p.folds + 1):
        test = blocks == fold
        train = ts_ns + horizon_ns <= ts_ns[test][0]
        if train.sum() < 2 * p.min_leaf or y[train].min() == y[train].max():
            continue
        scores[test] = trees.predict(_grown(x[train], y[train], p)[0], x[test])
    return scores, blocks


def _grown(x: Floats, y: Floats, p: DirectionParams) -> tuple[dict[str, npt.NDArray[Any]], Floats]:
    """Trees as columns and the share of each feature in the fall of impurity (20,)."""
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

    same = {"n_estimators": p.trees, "max_depth": p.depth, "min_samples_leaf": p.min_leaf, "random_state": SEED}
    rows = x.astype(np.float32)
    if p.model == "forest":
        forest = RandomForestClassifier(**same, max_features="sqrt", n_jobs=1).fit(rows, y)
        return from_forest(forest), np.asarray(forest.feature_importances_)
    boosted = GradientBoostingClassifier(**same, learning_rate=RATE, max_features="sqrt", subsample=0.7).fit(rows, y)
    return from_boosting(boosted), np.asarray(boosted.feature_importances_)


def from_forest(forest: Any) -> dict[str, npt.NDArray[Any]]:
    """A fitted ``RandomForestClassifier`` of two classes; the mean over trees is the probability of the second."""
    return trees.joined([_parts(tree.tree_, _second_share(tree.tree_.value)) for tree in forest.estimators_])


def from_boosting(boosted: Any) -> dict[str, npt.NDArray[Any]]:
    """A fitted ``GradientBoostingClassifier`` of two classes; the mean over trees is the log odds without their
    start."""
    scale = boosted.learning_rate * len(boosted.estimators_)
    grown = [estimator.tree_ for estimator in boosted.estimators_[:, 0]]
    return trees.joined([_parts(tree, scale * tree.value[:, 0, 0]) for tree in grown])


def _parts(tree: Any, value: Floats) -> tuple[npt.NDArray[Any], ...]:
    return tree.feature, tree.threshold, tree.children_left, tree.children_right, value


def _second_share(value: Floats) -> Floats:
    counts = value[:, 0, :]
    return np.asarray(counts[:, 1] / counts.sum(axis=1))


def _calibration(
    scores: Floats, y: Floats, columns: dict[str, npt.NDArray[Any]], x: Floats
) -> tuple[tuple[float, float], ...]:
    """Knots over all scores that the last fit's trees can give."""
    slope, level = _platt(scores, y)
    leaves = columns["value"][columns["feature"] == trees.LEAF]
    grid = np.linspace(leaves.min(), leaves.max(), KNOTS)
    prob = 1.0 / (1.0 + np.exp(-(slope * grid + level)))
    return tuple(zip(grid.tolist(), prob.tolist(), strict=True))


def _platt(scores: Floats, y: Floats) -> tuple[float, float]:
    """Slope and level of ln(p / (1 − p)) in the score. A slope below 0 would say that the model is wrong on purpose:
    it is 0 then, and the answer the base rate."""
    from sklearn.linear_model import LogisticRegression

    rate = base_rate(y)
    flat = (0.0, float(np.log(rate / (1.0 - rate))))
    if len(y) < MIN_SLOPE_ROWS or y.min() == y.max() or not scores.std() > 0.0:
        return flat
    centre, spread = float(scores.mean()), float(scores.std())
    found = LogisticRegression(C=1.0).fit(((scores - centre) / spread)[:, None], y)
    slope = float(found.coef_[0, 0]) / spread
    return (slope, float(found.intercept_[0]) - slope * centre) if slope > 0.0 else flat


def _scores(scores: Floats, y: Floats, blocks: npt.NDArray[np.int64], p: DirectionParams) -> dict[str, float | None]:
    """Brier score, that of the rate known before, and accuracy, of all stretches that a calibration precedes."""
    mine, theirs, right = [], [], []
    for fold in range(2, p.folds + 1):
        test, before = blocks == fold, (blocks < fold) & np.isfinite(scores)
        if not np.isfinite(scores[test]).all() or before.sum() < MIN_SLOPE_ROWS:
            continue
        slope, level = _platt(scores[before], y[before])
        prob = 1.0 / (1.0 + np.exp(-(slope * scores[test] + level)))
        mine.append((prob - y[test]) ** 2)
        theirs.append((base_rate(y[blocks < fold]) - y[test]) ** 2)
        right.append((prob > 0.5) == (y[test] > 0.5))
    if not mine:
        return {"brier": None, "baseline_brier": None, "accuracy": None}
    return {
        "brier": float(np.concatenate(mine).mean()),
        "baseline_brier": float(np.concatenate(theirs).mean()),
        "accuracy": float(np.concatenate(right).mean()),
    }
