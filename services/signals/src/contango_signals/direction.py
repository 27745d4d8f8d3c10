"""What the direction predictor's word does to purchases on bars. Reads state only.

The predictor's own record decides whether its word counts (the weight in its facts); the switch ``direction`` decides
whether a book listens. A word that does not count is recorded as what it would have done.
"""

from dataclasses import dataclass

from contango_quant.stats.direction_effect import effect, reversal
from contango_signals.forecasts import direction_of
from contango_signals.state import State
from contango_signals.switches import acts, runs

FEATURE = "direction"


@dataclass(frozen=True, slots=True)
class Word:
    """``bull``: probability of a rise. ``counts``: decisions follow it. The other two are what follows."""

    bull: float
    counts: bool
    confidence: float
    size: float


def word_of(state: State, symbol: str, now_ns: int) -> Word | None:
    """What the predictor says of ``symbol`` now; None where it is silent, too old, or the feature is off."""
    p = state.params.direction
    seen = direction_of(state, symbol, p.horizon_hours * 3600, now_ns) if runs(state, FEATURE) else None
    if seen is None:
        return None
    confidence, size = effect(
        seen.bull, boost_above=p.boost_above, reduce_below=p.reduce_below, boost=p.boost, reduce=p.reduce
    )
    return Word(seen.bull, seen.weight > 0.0 and acts(state, FEATURE), confidence, size)


def boosted(word: Word | None, confidence: float) -> float:
    """The confidence after the word, never above 1."""
    return confidence if word is None or not word.counts else min(1.0, confidence * word.confidence)


def turned(state: State, word: Word | None) -> bool:
    """Whether a long position should be closed early."""
    return word is not None and word.counts and reversal(word.bull, "long", state.params.direction.reversal_above)
