"""The published entry score: four parts in steps, at most 100 points, entries from 40 on.

    confidence   30 above 0.7, 20 above 0.5, 10 above 0.3
    probability  30 above 0.6, 20 above 0.45, 10 above 0.3
    rules        30 above 0.5, 15 from 0 on
    direction    10 when |direction| < 0.5

A part that is not known counts 0 and is named.
"""

from typing import NamedTuple

THRESHOLD = 40.0


class EntryScore(NamedTuple):
    """total: points; parts: by name; missing: what was not known."""

    total: float
    parts: dict[str, float]
    missing: tuple[str, ...]


def entry_score(
    *, confidence: float | None, probability: float | None, rules: float | None, direction: float | None
) -> EntryScore:
    """The score with its parts.

    >>> entry_score(confidence=0.6, probability=0.7, rules=0.1, direction=0.2).total
    75.0
    """
    given = {"confidence": confidence, "probability": probability, "rules": rules, "direction": direction}
    parts = {
        "confidence": _steps(confidence, ((0.7, 30.0), (0.5, 20.0), (0.3, 10.0))),
        "probability": _steps(probability, ((0.6, 30.0), (0.45, 20.0), (0.3, 10.0))),
        "rules": 0.0 if rules is None else 30.0 if rules > 0.5 else 15.0 if rules >= 0.0 else 0.0,
        "direction": 10.0 if direction is not None and abs(direction) < 0.5 else 0.0,
    }
    return EntryScore(sum(parts.values()), parts, tuple(name for name, x in given.items() if x is None))


def _steps(x: float | None, steps: tuple[tuple[float, float], ...]) -> float:
    return 0.0 if x is None else next((points for above, points in steps if x > above), 0.0)
