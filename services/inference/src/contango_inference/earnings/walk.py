"""Walk-forward: every model forecasts each fold from what was known when the fold began."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from contango_inference.earnings import fit, forest, linear, naive
from contango_inference.earnings.dataset import Dataset, Fold, folds
from contango_inference.earnings.events import Floats, Ints
from contango_inference.earnings.params import EarningsParams

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
NAIVE, SHIPPED, BASE_RATE = "naive", "forest", "base rate"
Forecast = Callable[[Dataset, Dataset, EarningsParams], Floats]


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Out-of-sample forecasts of the rows (m,) of a data set, in order of time.

    ``quantiles`` (m, 5) of |move| at ``LEVELS`` and ``up`` (m,) probabilities of a move up, by model; ``mean`` (m,) is
    the forest's expected |move|.
    """

    rows: Ints
    quantiles: dict[str, Floats]
    up: dict[str, Floats]
    mean: Floats


def walk(data: Dataset, params: EarningsParams, *, tell: Callable[[int, int], None] = lambda a, b: None) -> Forecasts:
    """Forecasts of all folds. Raises ValueError when no fold has enough to train on."""
    found = list(
        folds(
            data,
            fold_years=params.fold_years,
            least_training=params.least_training,
            embargo_days=params.embargo_days,
        )
    )
    if not found:
        raise ValueError(
            f"{len(data.move)} labelled events leave no fold with {params.least_training} to train on: "
            "give more history or lower least_training"
        )
    parts = []
    for done, fold in enumerate(found):
        tell(done, len(found))
        parts.append(_one(data, fold, params))
    tell(len(found), len(found))
    return _together(parts)


def _one(data: Dataset, fold: Fold, params: EarningsParams) -> Forecasts:
    train, test = data.take(fold.train), data.take(fold.test)
    fitted = fit.fit_forest(train.values, train.size, params)
    weights = forest.distribution(fitted, test.values)
    magnitude = linear.fit_magnitude(train.values, train.size)
    quantiles = {
        NAIVE: naive.quantiles(train, test, LEVELS),
        "linear": linear.magnitude_quantiles(magnitude, test.values, LEVELS),
        "boosting": fit.boosted_quantiles(train.values, train.size, test.values, LEVELS, params),
        SHIPPED: forest.quantiles(fitted, weights, LEVELS),
    }
    quantiles["ensemble"] = np.mean([quantiles[name] for name in ("linear", "boosting", SHIPPED)], axis=0)
    ups = (train.move > 0.0).astype(np.float64)
    up = {
        BASE_RATE: linear.probability_up(linear.constant_direction(float(ups.mean()), len(data.names)), test.values),
        "logistic": linear.probability_up(direction_of(train, params), test.values),
    }
    return Forecasts(fold.test, quantiles, up, forest.means(fitted, weights))


def direction_of(train: Dataset, params: EarningsParams) -> linear.Direction:
    """Logistic regression of the direction; the base rate where all moves went one way."""
    ups = (train.move > 0.0).astype(np.float64)
    if not 0.0 < ups.mean() < 1.0:
        return linear.constant_direction(float(ups.mean()), len(train.names))
    return fit.fit_direction(train.values, ups, params)


def _together(parts: Sequence[Forecasts]) -> Forecasts:
    return Forecasts(
        np.concatenate([part.rows for part in parts]),
        {name: np.concatenate([part.quantiles[name] for part in parts]) for name in parts[0].quantiles},
        {name: np.concatenate([part.up[name] for part in parts]) for name in parts[0].up},
        np.concatenate([part.mean for part in parts]),
    )
