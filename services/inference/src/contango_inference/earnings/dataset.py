"""Features and labels of events as one matrix in order of time, and folds that never train on what they test. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from contango_inference.earnings.build import Tables
from contango_inference.earnings.events import DAY_NS, Floats, Ints, instants
from contango_inference.earnings.group import joined


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled events, oldest first.

    ``values`` (n, F) with NaN for missing; ``move`` (n,); ``cutoff_ns`` the last close before each announcement;
    ``label_ns`` when its move was known; ``date`` yyyymmdd.
    """

    names: tuple[str, ...]
    values: Floats
    move: Floats
    cutoff_ns: Ints
    label_ns: Ints
    date: Ints
    symbols: tuple[str, ...]

    @property
    def size(self) -> Floats:
        return np.abs(self.move)

    def take(self, rows: Ints) -> "Dataset":
        """The given rows."""
        return Dataset(
            self.names,
            self.values[rows],
            self.move[rows],
            self.cutoff_ns[rows],
            self.label_ns[rows],
            self.date[rows],
            tuple(self.symbols[i] for i in rows),
        )

    def columns(self, names: Sequence[str]) -> Floats:
        """Values (n, k) of these features. Raises ValueError for one that is not there."""
        absent = [name for name in names if name not in self.names]
        if absent:
            raise ValueError(f"features not in the table: {', '.join(absent)}")
        return self.values[:, [self.names.index(name) for name in names]]


class Fold(NamedTuple):
    """Rows to train on and to test; ``start_ns`` is the instant at which the model would have been fitted."""

    start_ns: int
    train: Ints
    test: Ints


def dataset(tables: Tables) -> Dataset:
    """Events whose move is known, in order of their last close before."""
    names, values = joined(tables.groups)
    labels = tables.labels
    known = np.flatnonzero(np.isfinite(labels.move))
    rows = known[np.argsort(tables.cutoffs_ns[known], kind="stable")]
    return Dataset(
        names,
        values[rows],
        labels.move[rows],
        tables.cutoffs_ns[rows],
        labels.known_at_ns[rows],
        np.array([tables.events[i].date for i in rows], dtype=np.int64),
        tuple(tables.events[i].symbol for i in rows),
    )


def folds(data: Dataset, *, fold_years: int, least_training: int, embargo_days: int) -> Iterator[Fold]:
    """Folds by calendar years. A fold trains on moves that were known `embargo_days` before its first day.

    Borders are dates, so that more data later moves none of them; a fold with too little to train on is left out.
    """
    border = data.date // 10_000 // fold_years * fold_years
    for year in np.unique(border).tolist():
        start_ns = instants(int(year) * 10_000 + 101, "bmo")[0]
        train = np.flatnonzero(data.label_ns <= start_ns - embargo_days * DAY_NS)
        test = np.flatnonzero((border == year) & (data.cutoff_ns >= start_ns - embargo_days * DAY_NS))
        if len(train) >= least_training and len(test):
            yield Fold(start_ns, train, test)
