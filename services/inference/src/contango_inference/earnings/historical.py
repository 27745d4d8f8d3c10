"""Features of the moves at a symbol's earlier announcements.

Over the last 1, 2, 4 and 8 of them: mean, std (n − 1), min, max, median and count of |move|. A window holds what there
is, up to its length; ``count`` and ``has`` say how much that was. A std of one move is missing, not 0.

    trend         slope of |move| per announcement, least squares over the last 8 (at least 3)
    vol_of_vol    std over mean of |move|, over the last 8 (at least 3)
    trr           largest over mean |move|, over the last 8 (at least 2): the tail
    quality       0.1 + 0.2 + 0.3 + 0.4 for at least 1, 2, 4 and 8 announcements
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from contango_inference.earnings.events import Floats, Reaction
from contango_inference.earnings.group import Row

NAME = "historical_features"
WINDOWS = (1, 2, 4, 8)
QUALITY = {1: 0.1, 2: 0.2, 4: 0.3, 8: 0.4}
_STATISTICS = ("mean", "std", "min", "max", "median", "count")
NAMES = (
    *(f"abs_move_{name}_{n}q" for n, name in product(WINDOWS, _STATISTICS)),
    *(f"has_{n}q" for n in WINDOWS),
    "move_mean_8q",
    "up_share_8q",
    "abs_move_trend",
    "abs_move_vol_of_vol",
    "trr",
    "quality",
)


def row(earlier: Sequence[Reaction], until_ns: int) -> Row:
    """Features from ``earlier`` reactions of the symbol, oldest first; those known after ``until_ns`` are left out.

    >>> found = row([Reaction(0, 100.0, 1, 95.0), Reaction(2, 100.0, 3, 110.0), Reaction(4, 100.0, 9, 80.0)], 5).values
    >>> round(found["abs_move_mean_8q"], 6), found["has_4q"], round(found["quality"], 6)
    (0.075, 0.0, 0.3)
    """
    known = [each for each in earlier if each.after_ns <= until_ns]
    moves = np.array([each.move for each in known[-max(WINDOWS) :]])
    values = of_moves(moves, len(known))
    reasons = () if len(known) >= max(WINDOWS) else (f"{len(known)} earlier announcements with prices",)
    return Row(values, max((each.after_ns for each in known[-max(WINDOWS) :]), default=None), reasons)


def of_moves(moves: Floats, known: int) -> dict[str, float | None]:
    """Every feature from signed moves (n,), the newest last and at most 8; ``known`` counts all there ever were."""
    sizes = np.abs(moves)
    values: dict[str, float | None] = {}
    for n in WINDOWS:
        values |= {f"abs_move_{name}_{n}q": value for name, value in _statistics(sizes[-n:]).items()}
        values[f"has_{n}q"] = float(known >= n)
    values["move_mean_8q"] = float(moves.mean()) if moves.size else None
    values["up_share_8q"] = float(np.mean(moves > 0.0)) if moves.size else None
    values["abs_move_trend"] = _slope(sizes)
    values["abs_move_vol_of_vol"] = _relative_spread(sizes)
    values["trr"] = tail_ratio(sizes)
    values["quality"] = sum(weight for n, weight in QUALITY.items() if known >= n)
    return values


def tail_ratio(sizes: Sequence[float] | Floats) -> float | None:
    """Largest over mean of |move|; None for fewer than two or when nothing moved.

    >>> round(tail_ratio([0.02, 0.02, 0.08]), 12)
    2.0
    """
    column = np.asarray(sizes, dtype=np.float64)
    if column.size < 2 or not column.mean() > 0.0:
        return None
    return float(column.max() / column.mean())


def _statistics(sizes: Floats) -> dict[str, float | None]:
    if not sizes.size:
        return dict.fromkeys(_STATISTICS[:-1], None) | {"count": 0.0}
    return {
        "mean": float(sizes.mean()),
        "std": float(sizes.std(ddof=1)) if sizes.size > 1 else None,
        "min": float(sizes.min()),
        "max": float(sizes.max()),
        "median": float(np.median(sizes)),
        "count": float(sizes.size),
    }


def _slope(sizes: Floats) -> float | None:
    if sizes.size < 3:
        return None
    steps = np.arange(sizes.size) - (sizes.size - 1) / 2.0
    return float(steps @ sizes / (steps @ steps))


def _relative_spread(sizes: Floats) -> float | None:
    if sizes.size < 3 or not sizes.mean() > 0.0:
        return None
    return float(sizes.std(ddof=1) / sizes.mean())
