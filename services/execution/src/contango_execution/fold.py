"""The execution fold: approved trades become orders, requested exits become closing orders until nothing is held.

It does no I/O and reads no clock. ``intake`` takes facts into state, ``judge`` decides; this is their five names.
"""

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_execution.intake import EVOLVE
from contango_execution.judge import DECIDE
from contango_execution.state import State

NAME = "execution"
READS = frozenset({"log.md", "log.clock", "log.reference", "log.risk", "log.broker", "log.control.*"})


def initial() -> State:
    return State()


def evolve(state: State, event: Event, at: At, /) -> None:
    handler = EVOLVE.get(type(event))
    if handler is not None:
        handler(state, event, at)


def decide(state: State, event: Event, at: At, /) -> list[Event]:
    handler = DECIDE.get(type(event))
    return handler(state, event, at) if handler is not None else []
