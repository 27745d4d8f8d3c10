"""What options charge for an announcement against what it is expected to move. Pure.

    VRP = implied expected |move| / forecast of |move|

The implied side comes from two expiries (`contango_quant.surface.event`): the straddle of an expiry that is not the
event alone also holds ordinary variance, which makes a ratio of straddle to mean move grow with the days to expiry and
not with what the event is overpaid. Tiers of 7, 4 and 1.5 on that ratio are kept as ``SOURCE_S3``.

The tiers of the event-variance ratio ask by how much it exceeds what the forecast cannot know. A mean of 8 moves of a
normal distribution is known to √(π/2 − 1)/√8 = 26.7 % (one standard error): below 1 the event is cheap; up to 1.27 the
excess is within one error, up to 1.53 within two.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from contango_inference.earnings.historical import tail_ratio

HALF_SIZE_ABOVE = 2.5
_ERROR = math.sqrt(math.pi / 2.0 - 1.0) / math.sqrt(8.0)
SKIP = "skip"


class Tiers(NamedTuple):
    """Names and least ratios, best first; anything lower is "skip"."""

    name: str
    steps: tuple[tuple[str, float], ...]


EVENT_VARIANCE = Tiers("event_variance", (("excellent", 1.0 + 2.0 * _ERROR), ("good", 1.0 + _ERROR), ("marginal", 1.0)))
SOURCE_S3 = Tiers("source_s3", (("excellent", 7.0), ("good", 4.0), ("marginal", 1.5)))
PRESETS = {preset.name: preset for preset in (EVENT_VARIANCE, SOURCE_S3)}


class Tail(NamedTuple):
    """Earlier announcements as a seller at today's implied move would have met them, per unit of price.

    worst_loss, average_win: positive, None where no move lost or won; ratio: worst loss over average win; win_rate:
    never to be read without the ratio; trr: largest over mean |move|.
    """

    moves: int
    win_rate: float | None
    worst_loss: float | None
    average_win: float | None
    ratio: float | None
    trr: float | None
    reason: str | None


def ratio(implied_move: float, expected_move: float) -> float | None:
    """VRP; None when nothing is expected to move. Raises ValueError for an implied move below 0.

    >>> ratio(0.06, 0.05)
    1.2
    """
    if not (math.isfinite(implied_move) and implied_move >= 0.0):
        raise ValueError(f"implied_move must be finite and at least 0, got {implied_move!r}")
    return implied_move / expected_move if expected_move > 0.0 else None


def tier(vrp: float | None, tiers: Tiers = EVENT_VARIANCE) -> str:
    """Name of the first step that the ratio reaches.

    >>> tier(1.3), tier(0.99), tier(1.3, SOURCE_S3)
    ('good', 'skip', 'skip')
    """
    return next((name for name, least in tiers.steps if vrp is not None and vrp >= least), SKIP)


def size_factor(found: str, trr: float | None) -> float:
    """0 for "skip", else 1, halved when the largest earlier move was over 2.5 times the mean.

    >>> size_factor("good", 3.0), size_factor("good", None), size_factor("skip", None)
    (0.5, 1.0, 0.0)
    """
    if found == SKIP:
        return 0.0
    return 0.5 if trr is not None and trr > HALF_SIZE_ABOVE else 1.0


def tail(sizes: Sequence[float], implied_move: float | None) -> Tail:
    """What earlier |moves| would have done to a seller of the implied move: each pays implied − |move|.

    >>> found = tail([0.02, 0.04, 0.12], 0.06)
    >>> round(found.worst_loss, 6), round(found.average_win, 6), round(found.ratio, 6)
    (0.06, 0.03, 2.0)
    """
    column = np.asarray(sizes, dtype=np.float64)
    trr = tail_ratio(column)
    if not column.size or implied_move is None:
        lacking = "no earlier move is given" if not column.size else "no implied move"
        return Tail(int(column.size), None, None, None, None, trr, lacking)
    paid = implied_move - column
    wins, losses = paid[paid > 0.0], -paid[paid < 0.0]
    worst = float(losses.max()) if losses.size else None
    average = float(wins.mean()) if wins.size else None
    reason: str | None = None
    if worst is None:
        reason = f"none of {column.size} moves lost; that is no bound for the next one"
    elif average is None:
        reason = f"none of {column.size} moves won"
    shown = worst / average if worst is not None and average is not None else None
    return Tail(int(column.size), float(wins.size / column.size), worst, average, shown, trr, reason)
