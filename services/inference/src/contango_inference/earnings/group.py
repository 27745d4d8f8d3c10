"""A group of features: one row an event, one column a feature, and when the newest input of each row was known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contango_inference.earnings.events import Floats, Ints


@dataclass(frozen=True, slots=True)
class Group:
    """``values`` (n, F), NaN where a feature is missing; ``reasons`` (n,) say why, "" for a complete row.

    NaN stays inside matrices: a file has a null there, an answer None. ``known_at_ns`` (n,) is the newest input that a
    row used, or the last close before the event when it used none.
    """

    name: str
    names: tuple[str, ...]
    values: Floats
    known_at_ns: Ints
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Features of one event; ``newest_ns`` is the newest input used (None: none was)."""

    values: Mapping[str, float | None]
    newest_ns: int | None
    reasons: Sequence[str] = ()


def collect(name: str, names: Sequence[str], rows: Sequence[Row], cutoffs_ns: Sequence[int]) -> Group:
    """Rows as one group; every row must have the names.

    >>> group = collect("g", ["a"], [Row({"a": None}, None, ["no bars"])], [5])
    >>> group.values.tolist(), group.known_at_ns.tolist(), group.reasons
    ([[nan]], [5], ('no bars',))
    """
    values = np.full((len(rows), len(names)), np.nan)
    for i, row in enumerate(rows):
        for j, key in enumerate(names):
            value = row.values[key]
            if value is not None:
                values[i, j] = value
    newest = [cutoff if row.newest_ns is None else row.newest_ns for row, cutoff in zip(rows, cutoffs_ns, strict=True)]
    reasons = tuple("; ".join(dict.fromkeys(row.reasons)) for row in rows)
    return Group(name, tuple(names), values, np.array(newest, dtype=np.int64), reasons)


def joined(groups: Sequence[Group]) -> tuple[tuple[str, ...], Floats]:
    """Names and values (n, F) of all groups side by side. Raises ValueError when a name stands twice."""
    names = tuple(name for group in groups for name in group.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"feature names must differ, twice: {', '.join(twice)}")
    return names, np.hstack([group.values for group in groups])
