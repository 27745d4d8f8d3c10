"""What came of a forecast, and what it lost by it. Pure.

A direction is bull where the log return is above the band given with the forecast, bear below minus the band, else
neutral; its loss is the three-class Brier score. A variance forecast's loss is the mean pinball loss over its levels in
log variance, so that a quantile twice too high costs the same in calm and in storm.
"""

import math
from collections.abc import Sequence

import numpy as np

from contango_quant.stats.forecast_scores import brier, pinball

BULL, BEAR, NEUTRAL = range(3)
SUM_TOLERANCE = 1e-6


def wrong_direction(base: float, band: float, prob: Sequence[float]) -> str | None:
    """Why a direction forecast cannot be scored; None when it can.

    >>> wrong_direction(100.0, 0.01, [0.5, 0.4, 0.0])
    'probabilities [0.5, 0.4, 0.0] are not three that sum to 1'
    """
    if not (0.0 < base < math.inf and 0.0 <= band < math.inf):
        return f"a price of {base!r} with a band of {band!r} has no outcome"
    if len(prob) != 3 or not min(prob) >= 0.0 or not abs(sum(prob) - 1.0) <= SUM_TOLERANCE:
        return f"probabilities {list(prob)} are not three that sum to 1"
    return None


def wrong_variance(levels: Sequence[float], quantiles: Sequence[float]) -> str | None:
    """Why variance quantiles cannot be scored; None when they can.

    >>> wrong_variance([0.1, 0.9], [0.0, 0.04])
    'quantiles [0.0, 0.04] are not all above 0, one a level'
    """
    if len(quantiles) != len(levels) or not levels or not all(0.0 < q < math.inf for q in quantiles):
        return f"quantiles {list(quantiles)} are not all above 0, one a level"
    return None


def direction_of(log_return: float, band: float) -> int:
    """0 bull, 1 bear, 2 neutral for a ``log_return`` and a ``band`` of at least 0.

    >>> [direction_of(r, 0.01) for r in (0.011, 0.01, -0.01, -0.011)]
    [0, 2, 2, 1]
    """
    if log_return > band:
        return BULL
    return BEAR if log_return < -band else NEUTRAL


def shares(counts: Sequence[int]) -> list[float]:
    """The direction's baseline: shares of bull, bear and neutral among the sessions over by then, one of each added.

    >>> shares([5, 3, 0])
    [0.5454545454545454, 0.36363636363636365, 0.09090909090909091]
    """
    whole = sum(counts) + len(counts)
    return [(n + 1) / whole for n in counts]


def direction_losses(prob: Sequence[float], baseline: Sequence[float], outcome: int) -> tuple[float, float]:
    """Brier scores, 0 to 2, of the model's and the baseline's probabilities of bull, bear, neutral.

    >>> direction_losses([1.0, 0.0, 0.0], [0.5, 0.5, 0.0], 0)
    (0.0, 0.5)
    """
    mine, theirs = brier([prob, baseline], [outcome, outcome]).tolist()
    return mine, theirs


def direction_bound(prob: Sequence[float], baseline: Sequence[float]) -> float:
    """The most by which the two Brier scores can differ, whatever comes.

    >>> direction_bound([1.0, 0.0, 0.0], [0.5, 0.5, 0.0])
    1.5
    """
    scores = brier([prob] * 3 + [baseline] * 3, [BULL, BEAR, NEUTRAL] * 2)
    return float(np.abs(scores[3:] - scores[:3]).max())


def variance_losses(
    variance: float, quantiles: Sequence[float], baseline: Sequence[float], levels: Sequence[float]
) -> tuple[float, float]:
    """Mean pinball losses in log variance of both forecasts' quantiles, all above 0, for the ``variance`` that came.

    >>> variance_losses(0.04, [0.04], [0.04 * math.e], [0.5])
    (0.0, 0.5)
    """
    logs = np.log([quantiles, baseline])
    mine, theirs = pinball([math.log(variance)] * 2, logs, levels).mean(axis=1).tolist()
    return mine, theirs


def variance_bound(quantiles: Sequence[float], baseline: Sequence[float], levels: Sequence[float]) -> float:
    """The most by which the two pinball losses can differ: the larger of α and 1 − α times the quantiles' distance.

    >>> variance_bound([0.04], [0.04 * math.e], [0.5])
    0.5
    """
    apart = [abs(math.log(q / b)) for q, b in zip(quantiles, baseline, strict=True)]
    return sum(max(a, 1.0 - a) * x for a, x in zip(levels, apart, strict=True)) / len(apart)
