"""The whole house in the order of its turns: which fold answers before which."""

from collections.abc import Mapping
from importlib.metadata import version

import contango_execution.fold
import contango_execution.venue
import contango_inference.oracle
import contango_risk.fold
import contango_signals.fold

from contango_common.domain.blocks import Block
from contango_common.runtime.fold import Fold
from contango_common.runtime.participant import Participant

BUILD = version("contango-research")

# The venue answers first (what was ordered before this instant), then forecasts, judgement, risk, orders.
ORDER: dict[str, Fold] = {
    "venue": contango_execution.venue,
    "inference": contango_inference.oracle,
    "signals": contango_signals.fold,
    "risk": contango_risk.fold,
    "execution": contango_execution.fold,
}
# Oracles' answers are facts: an audit reads them and never recomputes them.
JUDGES: tuple[Fold, ...] = (contango_signals.fold, contango_risk.fold, contango_execution.fold)


def participants(blocks: Mapping[str, Block]) -> list[Participant]:
    return [Participant(fold, blocks, BUILD) for fold in ORDER.values()]


def turns() -> list[tuple[str, frozenset[str]]]:
    """Names and subjects, for the scheduler."""
    return [(fold.NAME, fold.READS) for fold in ORDER.values()]
