"""The walk forward put together: every test session once, with what came and what everybody had said. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contango_inference.train import baselines
from contango_inference.train.fitting import Forecasts, Model, forecasts, rows_of
from contango_inference.train.rows import Data
from contango_inference.train.settings import TrainSettings
from contango_inference.train.splits import Fold

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Models = Mapping[tuple[int, int], Model]
"""By (seed, number of the fold)."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Columns of the tested sessions ``rows`` (r,), oldest first, of fold ``fold`` (r,).

    ``came`` (r, H) and ``directions`` (r,) are what happened, ``anchor`` (r,) the annual volatility then; ``network``
    holds one set of forecasts a seed, ``persistence`` and ``har`` (r, H, Q) quantiles of the same log ratios,
    ``shares`` and ``shares_by_volatility`` (r, 3) the base rates.
    """

    rows: Ints
    fold: Ints
    dates: Ints
    came: Floats
    directions: Ints
    anchor: Floats
    network: tuple[Forecasts, ...]
    persistence: Floats
    har: Floats
    shares: Floats
    shares_by_volatility: Floats


def walked(data: Data, folds: Sequence[Fold], models: Models, s: TrainSettings) -> Walk:
    """Everybody's forecasts at every test session that has a window and every target."""
    tests = [rows_of(data, fold.test) for fold in folds]
    rows = np.concatenate(tests)
    network = []
    for seed in s.seeds:
        said = [forecasts(models[seed, f.number], data, test, s) for f, test in zip(folds, tests, strict=True)]
        network.append(
            Forecasts(np.concatenate([each.prob for each in said]), np.concatenate([each.ratios for each in said]))
        )
    return Walk(
        rows=rows,
        fold=np.repeat([fold.number for fold in folds], [len(test) for test in tests]),
        dates=data.sessions.dates[rows],
        came=data.targets.ratios[rows],
        directions=data.targets.directions[rows],
        anchor=data.anchor[rows],
        network=tuple(network),
        persistence=baselines.persistence(data, rows, s.inference),
        har=baselines.har(data, rows, s.inference),
        shares=baselines.shares(data, rows),
        shares_by_volatility=baselines.shares_by_volatility(data, rows, s.inference),
    )
