"""The execution fold: approved trades become orders, requested exits become closing orders until nothing is held.

It does no I/O and reads no clock. ``intake`` takes facts into state, ``judge`` decides; this is the five names.
"""

from contango_execution.intake import EVOLVE
from contango_execution.judge import DECIDE
from contango_execution.state import State

NAME = "execution"
__all__ = ["DECIDE", "EVOLVE", "NAME", "READS", "idle", "initial"]

READS = frozenset({"log.md", "log.clock", "log.reference", "log.risk", "log.broker", "log.control.*"})


def initial() -> State:
    return State()


def idle(state: State) -> bool:
    """Without an order at work and an exit to serve, no frame makes execution do anything."""
    return not state.orders and not state.closing
