"""The whole house in the order of its turns: which service answers before which, and where its fold lives.

Folds are imported by name, so that a service's process loads its own and nothing else.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import cast

from contango_common.domain.blocks import Block
from contango_common.runtime.fold import Fold
from contango_common.runtime.participant import Participant
from contango_common.runtime.turns import Turn, turn_of

BUILD = version("contango-research")

# The venue answers first (what was ordered before this instant), then forecasts, fits, judgement, risk, orders.
MODULES = {
    "venue": "contango_execution.venue",
    "inference": "contango_inference.oracle",
    "fitters": "contango_signals.fitters.fold",
    "signals": "contango_signals.fold",
    "risk": "contango_risk.fold",
    "execution": "contango_execution.fold",
}
# Oracles' answers are facts: an audit reads them and never recomputes them.
JUDGES = ("signals", "risk", "execution")
EDGES = ("market-data", "clock", "recorder", "gateway", "conductor")
SERVICES = (*MODULES, *EDGES)


def fold_of(service: str) -> Fold:
    return cast(Fold, import_module(MODULES[service]))


def participants(blocks: Mapping[str, Block]) -> list[Participant]:
    """Every fold and oracle, in the order of turns."""
    return [Participant(fold_of(service), blocks, BUILD) for service in MODULES]


def turns() -> list[Turn]:
    """Everybody in the order of turns, for the conductor."""
    return [turn_of(fold_of(service)) for service in MODULES]


def judges() -> list[Fold]:
    """The folds that an audit asks again."""
    return [fold_of(service) for service in JUDGES]
