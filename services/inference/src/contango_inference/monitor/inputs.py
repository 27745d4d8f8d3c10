"""Whether a model's inputs are still like those it learnt from: PSI of each feature against its frozen deciles. Pure.

One state a symbol and model, told of each row of features as the model sees them (normalised). A feature's limit is
0.25 or, where that is more, what chance alone reaches once in a thousand with as many independent rows as the window is
worth:

    rows_effective = n (1 − ρ)/(1 + ρ),   ρ the correlation of neighbours, at least 0

A level of volatility hardly moves within the months of the window and is worth a few rows: only a window that is
strange beyond that is told. A feature that stands still has ρ = 0 and is told at once.

References:
    [1] G. V. Bayley, J. M. Hammersley, "The 'effective' number of independent observations in an autocorrelated time
        series", Supplement to the J. Royal Statistical Society 8 (1946) 184-197.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from contango_common.events.forecast import DriftDetected
from contango_quant.stats.psi import MIN_ROWS, equal_shares, limit, psi

WINDOW = 250
LOOK_EVERY = 20
PSI_LIMIT = 0.25
QUIET_SHARE = 0.5
CHANCE = 0.999
REFERENCE_ROWS = 1_000_000  # the training rows' own chance is small beside the window's

Edges = Mapping[str, Sequence[float]]


@dataclass(slots=True)
class Look:
    """The last PSI of a feature and the limit that it was held against."""

    value: float
    limit: float


@dataclass(slots=True)
class Inputs:
    """Newest values of each feature, oldest first; ``rows`` seen; last ``looks``; ``alarmed``: told, and not quiet."""

    values: dict[str, list[float]] = field(default_factory=dict)
    rows: int = 0
    looks: dict[str, Look] = field(default_factory=dict)
    alarmed: list[str] = field(default_factory=list)


def observe(inputs: Inputs, row: Mapping[str, float | None], reference_edges: Edges) -> None:
    """Take one row; features without edges are left out, missing values skipped.

    Every twentieth row all features are looked at. One that was told is quiet again below half its limit.
    """
    inputs.rows += 1
    for name in reference_edges:
        value = row.get(name)
        if value is not None and reference_edges[name]:
            inputs.values[name] = [*inputs.values.get(name, []), value][-WINDOW:]
    if inputs.rows % LOOK_EVERY == 0:
        inputs.looks = _looks(inputs, reference_edges)
        quiet = {name for name, look in inputs.looks.items() if look.value < QUIET_SHARE * look.limit}
        inputs.alarmed = [name for name in inputs.alarmed if name not in quiet]


def drifted(inputs: Inputs, symbol: str, model: str) -> list[DriftDetected]:
    """Features beyond their limit that have not been told since they were last quiet, by name."""
    return [
        DriftDetected(
            symbol=symbol, model=model, subject="feature", name=name, test="psi", value=look.value, limit=look.limit
        )
        for name, look in sorted(inputs.looks.items())
        if look.value > look.limit and name not in inputs.alarmed
    ]


def told(inputs: Inputs, name: str) -> None:
    """A ``DriftDetected`` of this feature stands on the log."""
    if name not in inputs.alarmed:
        inputs.alarmed.append(name)


def effective_rows(values: Sequence[float]) -> int:
    """Independent rows that dependent ``values`` are worth, at least 1: those of each half, so that one step between
    two levels, which is what is looked for, does not count as dependence of all rows on all others.

    >>> effective_rows([1.0, -1.0] * 50), effective_rows([3.0] * 100)
    (100, 100)
    """
    x = np.asarray(values, dtype=np.float64)
    return max(1, _worth(x[: x.size // 2]) + _worth(x[x.size // 2 :]))


def _worth(x: npt.NDArray[np.float64]) -> int:
    x = x - x.mean() if x.size else x
    total = float(x @ x)
    rho = max(float(x[1:] @ x[:-1]) / total, 0.0) if total > 0.0 else 0.0
    return int(x.size * (1.0 - rho) / (1.0 + rho))


def _looks(inputs: Inputs, reference_edges: Edges) -> dict[str, Look]:
    found = {}
    for name, values in inputs.values.items():
        edges = reference_edges.get(name)
        value = psi(values, equal_shares(edges)) if edges and len(values) >= MIN_ROWS else None
        if value is not None and edges:
            by_chance = limit(len(edges) + 1, effective_rows(values), REFERENCE_ROWS, level=CHANCE)
            found[name] = Look(value, max(PSI_LIMIT, by_chance))
    return found
