"""Linear models on standardised features: log magnitude by ridge regression, direction by logistic regression. Pure.

    z = clip((x − mean)/std, ±5),   ln |move| = b₀ + b·z + residual,   P(up) = 1/(1 + exp(−(c₀ + c·z)))

Quantiles of |move| are exp(fit) times the quantiles of exp(residual) in training. Missing features are their medians.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from contango_inference.earnings.events import Floats
from contango_inference.earnings.forest import fill

LEAST_MOVE = 0.002
"""Moves below a fifth of a per cent count as that: a logarithm of almost nothing would rule the regression."""
_CLIP = 5.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """Medians, means and standard deviations (F,) of the training rows."""

    medians: Floats
    means: Floats
    stds: Floats

    def __call__(self, rows: Floats) -> Floats:
        """Standardised rows (n, F)."""
        return np.clip((fill(rows, self.medians) - self.means) / self.stds, -_CLIP, _CLIP)


@dataclass(frozen=True, slots=True)
class LogMagnitude:
    """``coefficients`` (1 + F,), intercept first; ``residuals`` ascending, of the training rows."""

    scaling: Scaling
    coefficients: Floats
    residuals: Floats


@dataclass(frozen=True, slots=True)
class Direction:
    """``coefficients`` (1 + F,) of the log odds of a move up; of zeros but the first it is a constant rate."""

    scaling: Scaling
    coefficients: Floats


def medians_of(rows: Floats) -> Floats:
    """Column medians (F,) over what is there; 0 where nothing is."""
    return np.array([np.median(seen) if (seen := column[np.isfinite(column)]).size else 0.0 for column in rows.T])


def scaling_of(rows: Floats) -> Scaling:
    """Scaling of training rows (n, F); a feature that never moves has std 1."""
    medians = medians_of(rows)
    filled = fill(rows, medians)
    stds = filled.std(axis=0)
    return Scaling(medians, filled.mean(axis=0), np.where(stds > 1e-12, stds, 1.0))


def fit_magnitude(rows: Floats, sizes: Floats, *, ridge: float = 30.0) -> LogMagnitude:
    """Ridge regression of ln |move| (n,) on rows (n, F); ``ridge`` is in units of observations.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2000, 1))
    >>> fitted = fit_magnitude(x, 0.05 * np.exp(0.5 * x[:, 0]), ridge=1e-9)
    >>> fitted.coefficients.round(2).tolist()
    [-3.01, 0.5]
    """
    scaling = scaling_of(rows)
    design = np.column_stack([np.ones(len(rows)), scaling(rows)])
    target = np.log(np.maximum(sizes, LEAST_MOVE))
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    coefficients = np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ target)
    return LogMagnitude(scaling, coefficients, np.sort(target - design @ coefficients))


def magnitude_quantiles(model: LogMagnitude, rows: Floats, levels: Sequence[float]) -> Floats:
    """Quantiles (n, Q) of |move|."""
    fitted = model.coefficients[0] + model.scaling(rows) @ model.coefficients[1:]
    return np.asarray(np.exp(fitted[:, None] + np.quantile(model.residuals, levels)), dtype=np.float64)


def probability_up(model: Direction, rows: Floats) -> Floats:
    """P(move > 0) of rows (n, F)."""
    odds = model.coefficients[0] + model.scaling(rows) @ model.coefficients[1:]
    return np.asarray(special.expit(odds), dtype=np.float64)


def constant_direction(rate: float, features: int) -> Direction:
    """The base rate for every row.

    >>> model = constant_direction(0.5, 3)
    >>> probability_up(model, np.zeros((1, 3))).tolist()
    [0.5]
    """
    zeros = np.zeros(features)
    rate = min(max(rate, 1e-6), 1.0 - 1e-6)
    coefficients = np.concatenate([[np.log(rate / (1.0 - rate))], zeros])
    return Direction(Scaling(zeros, zeros, np.ones(features)), coefficients)
