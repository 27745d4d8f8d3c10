"""The risk fold: the ledger, the limits and the exits. Pure: no I/O, no clock."""

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_risk import judge, observe
from contango_risk.state import RiskState

NAME = "risk"
READS = frozenset(
    {"log.md", "log.clock", "log.reference", "log.signals", "log.execution", "log.broker", "log.control.*"}
)


def initial() -> RiskState:
    return RiskState()


def evolve(state: RiskState, event: Event, at: At, /) -> None:
    """Take a fact (an input or our own) into the state; unknown facts change nothing."""
    handler = observe.HANDLERS.get(type(event))
    if handler is not None:
        handler(state, event, at)


def decide(state: RiskState, event: Event, at: At, /) -> list[Event]:
    """What shall become true because of ``event``; the state is only read."""
    handler = judge.HANDLERS.get(type(event))
    return [] if handler is None else handler(state, event, at)
