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
from contango_inference.models.port import Models, NoModels

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
EDGES = ("market-data", "clock", "recorder", "gateway", "advisor", "conductor")
SERVICES = (*MODULES, *EDGES)


def fold_of(service: str, models: Models | None = None) -> Fold:
    """A service's fold; that of inference asks ``models`` (none: it has nothing but its baseline)."""
    module = import_module(MODULES[service])
    return cast(Fold, module.Oracle(models or NoModels()) if service == "inference" else module)


def participants(blocks: Mapping[str, Block], models: Models | None = None) -> list[Participant]:
    """Every fold and oracle, in the order of turns; the shipped models answer where no others are given."""
    if models is None:
        from contango_research.served import shipped_models

        models = shipped_models()
    return [Participant(fold_of(service, models), blocks, BUILD) for service in MODULES]


def turns() -> list[Turn]:
    """Everybody in the order of turns, for the conductor."""
    return [turn_of(fold_of(service)) for service in MODULES]


def judges() -> list[Fold]:
    """The folds that an audit asks again."""
    return [fold_of(service) for service in JUDGES]
