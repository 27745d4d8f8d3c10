"""How many factors a confidence really rests on, from the co-movement of their memberships.

    N = (Σ w)² / Σ_i Σ_j w_i w_j ρ_ij

is the number of uncorrelated, equally weighted factors that would vary as little: 1 when all move as one, Σw²/… below
the count when weights differ. ρ is exponentially weighted; pairs are counted where both are known, negative correlation
counts as none (two factors that cancel are not more than two). The record is one float64 array, for a fold to keep:
rows of Σλ, Σλx, Σλx² and Σλxy over the pairs.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEAST = 20.0  # effective samples before a correlation is believed


def new(n: int, *, halflife: float = 60.0) -> Floats:
    """A record for ``n`` factors, (4 n + 1, n): four tables of pairs, then the decay. ValueError for a bad size."""
    if n < 1 or not halflife > 0.0:
        raise ValueError(f"n must be at least 1 and halflife above 0, got {n!r} and {halflife!r}")
    record = np.zeros((4 * n + 1, n))
    record[-1, 0] = 0.5 ** (1.0 / halflife)
    return record


def push(record: Floats, x: npt.ArrayLike) -> None:
    """Take one row of memberships (n,); nan where unknown."""
    row = np.asarray(x, dtype=np.float64)
    n = record.shape[1]
    known = np.isfinite(row)
    pair = np.outer(known, known)
    filled = np.where(known, row, 0.0)
    decay = record[-1, 0]
    weight, first, second, cross = (record[i * n : (i + 1) * n] for i in range(4))
    for table, values in (
        (weight, np.ones((n, n))),
        (first, np.broadcast_to(filled[:, None], (n, n))),
        (second, np.broadcast_to((filled * filled)[:, None], (n, n))),
        (cross, np.outer(filled, filled)),
    ):
        table[...] = np.where(pair, decay * table + values, table)


def correlations(record: Floats) -> Floats | None:
    """Correlation of every pair (n, n); None before enough rows, nan-free (a factor that never moves has 0)."""
    n = record.shape[1]
    weight, first, second, cross = (record[i * n : (i + 1) * n] for i in range(4))
    if float(np.max(weight)) < _least(record):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, var = first / weight, second / weight - (first / weight) ** 2
        cov = cross / weight - mean * mean.T
        rho = cov / np.sqrt(var * var.T)
    rho = np.where(np.isfinite(rho) & (var > 1e-12) & (var.T > 1e-12), rho, 0.0)
    np.fill_diagonal(rho, 1.0)
    return np.clip(rho, -1.0, 1.0)


def effective_number(weights: Sequence[float], rho: Floats) -> float:
    """Σw squared over the weighted sum of correlations, negative ones as 0.

    >>> effective_number([0.5, 0.5], np.eye(2)), effective_number([0.5, 0.5], np.ones((2, 2)))
    (2.0, 1.0)
    """
    w = np.asarray(weights, dtype=np.float64)
    spread = float(w @ np.maximum(rho, 0.0) @ w)
    return float(w.sum() ** 2 / spread) if spread > 0.0 else math.nan


def effective(record: Floats, weights: Sequence[float]) -> float | None:
    """The effective number of factors now; None before enough rows. A factor with too few rows of its own is left out
    with its weight: it is not one more that is independent."""
    rho = correlations(record)
    if rho is None:
        return None
    n = record.shape[1]
    enough = np.diagonal(record[:n]) >= _least(record)
    return effective_number(np.asarray(weights, dtype=np.float64)[enough].tolist(), rho[np.ix_(enough, enough)])


def _least(record: Floats) -> float:
    return min(LEAST, 0.5 / (1.0 - float(record[-1, 0])))
