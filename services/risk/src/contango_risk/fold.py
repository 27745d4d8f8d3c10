"""The risk fold: the ledger, the limits and the exits. Pure: no I/O, no clock."""

from contango_risk.judge import DECIDE
from contango_risk.observe import EVOLVE
from contango_risk.state import RiskState

__all__ = ["DECIDE", "EVOLVE", "NAME", "READS", "initial"]

NAME = "risk"
READS = frozenset(
    {"log.md", "log.clock", "log.reference", "log.signals", "log.execution", "log.broker", "log.control.*"}
)


def initial() -> RiskState:
    return RiskState()
