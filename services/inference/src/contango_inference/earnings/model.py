"""The model that is shipped: a forest for |move|, a rate or a regression for the direction, and its range."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_inference.earnings import forest, linear
from contango_inference.earnings.events import Floats
from contango_inference.earnings.forest import Forest
from contango_inference.earnings.linear import Direction, Scaling

MODEL = "earnings_forest_v1"
_NUMBERS = {"i": "<i4", "f": "<f8"}
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class EarningsModel:
    """``names`` in the order of the features; ``usual`` (F,) those that training mostly had.

    ``first``, ``last``: dates of the training events; ``last_label_ns``: when their last move was known.
    ``shows_direction``: whether the direction beat the base rate out of sample; else the direction is the base rate.
    """

    names: tuple[str, ...]
    usual: tuple[bool, ...]
    forest: Forest
    direction: Direction
    shows_direction: bool
    events: int
    first: int
    last: int
    last_label_ns: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """Distribution of |move| as fractions of price, and the chance of a move up."""

    q10: float
    q50: float
    q90: float
    mean: float
    prob_up: float


def row_of(model: EarningsModel, features: Mapping[str, float | None]) -> tuple[Floats, float]:
    """Features by name as a row (1, F), and the share of the usual ones that are missing. Other names are refused."""
    unknown = sorted(set(features) - set(model.names))
    if unknown:
        raise ValueError(f"the model has no feature {', '.join(unknown[:5])}")
    row = np.array([[np.nan if features.get(name) is None else features[name] for name in model.names]], dtype=float)
    usual = np.array(model.usual)
    return row, float(np.mean(~np.isfinite(row[0, usual]))) if usual.any() else 1.0


def predict(model: EarningsModel, rows: Floats) -> list[Prediction]:
    """One prediction a row (n, F)."""
    weights = forest.distribution(model.forest, rows)
    quantiles = forest.quantiles(model.forest, weights, (0.1, 0.5, 0.9))
    means, ups = forest.means(model.forest, weights), linear.probability_up(model.direction, rows)
    return [Prediction(*map(float, (*q, mean, up))) for q, mean, up in zip(quantiles, means, ups, strict=True)]


def to_arrays(model: EarningsModel) -> dict[str, npt.NDArray[Any]]:
    """Every number of the model, 32-bit integers and 64-bit floats in little-endian order."""
    found = {f"forest.{f.name}": getattr(model.forest, f.name) for f in fields(Forest)}
    found |= {f"direction.scaling.{f.name}": getattr(model.direction.scaling, f.name) for f in fields(Scaling)}
    found["direction.coefficients"] = model.direction.coefficients
    return {name: np.ascontiguousarray(column.astype(_NUMBERS[column.dtype.kind])) for name, column in found.items()}


def to_head(model: EarningsModel) -> dict[str, Any]:
    """What stands beside the arrays."""
    return {
        "model": MODEL,
        "features": list(model.names),
        "usual": list(model.usual),
        "missing_values": "a missing feature is replaced by its training median, forest.medians",
        "shows_direction": model.shows_direction,
        "events": model.events,
        "first": model.first,
        "last": model.last,
        "last_label_ns": model.last_label_ns,
    }


def restore(arrays: Arrays, head: Mapping[str, Any]) -> EarningsModel:
    """The model of its arrays and head. Raises ValueError when they do not fit together."""
    if head.get("model") != MODEL:
        raise ValueError(f"the model is {head.get('model')!r}, this program reads {MODEL!r}")
    try:
        trees = Forest(**{f.name: arrays[f"forest.{f.name}"] for f in fields(Forest)})
        scaling = Scaling(**{f.name: arrays[f"direction.scaling.{f.name}"] for f in fields(Scaling)})
        model = EarningsModel(
            names=tuple(head["features"]),
            usual=tuple(bool(flag) for flag in head["usual"]),
            forest=trees,
            direction=Direction(scaling, arrays["direction.coefficients"]),
            shows_direction=bool(head["shows_direction"]),
            events=int(head["events"]),
            first=int(head["first"]),
            last=int(head["last"]),
            last_label_ns=int(head["last_label_ns"]),
        )
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from None
    problem = forest.wrong(trees) or _lengths(model)
    if problem:
        raise ValueError(problem)
    return model


def _lengths(model: EarningsModel) -> str | None:
    n = len(model.names)
    held = {
        "usual": len(model.usual),
        "forest.medians": len(model.forest.medians),
        "direction": len(model.direction.coefficients) - 1,
        **{f"direction.{f.name}": len(getattr(model.direction.scaling, f.name)) for f in fields(Scaling)},
    }
    wrong = next((name for name, length in held.items() if length != n), None)
    return None if wrong is None else f"{wrong} has {held[wrong]} entries for {n} features"
