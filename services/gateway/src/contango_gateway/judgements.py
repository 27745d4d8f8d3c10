"""Which facts judge, in one word each, and the reasons they give: one table for the live views and a run's report."""

from contango_common.events import order, risk, signal, system
from contango_common.events.base import Event

UNSTATED = "unstated"

KINDS: dict[type[Event], str] = {
    signal.Scan: "refused",
    signal.Proposal: "proposed",
    signal.ExitSignal: "exit_signalled",
    signal.FeatureFailed: "feature_failed",
    risk.Approved: "approved",
    risk.Refused: "refused",
    risk.ExitRequested: "exit_requested",
    risk.PositionOpened: "opened",
    risk.TradeClosed: "closed",
    risk.TradingHalted: "halted",
    risk.TradingResumed: "resumed",
    order.OrderSubmitted: "ordered",
    order.OrderCancelled: "cancel_asked",
    order.OrderUnknown: "order_unknown",
    order.OrderDone: "order_done",
    system.Halt: "halt_ordered",
    system.Resume: "resume_ordered",
    system.CloseOrdered: "close_ordered",
    system.FeatureSwitched: "feature_switched",
}


def is_warm_up(event: Event) -> bool:
    """Whether a scan was made while the log only warmed up: nothing could come of it, so it refuses nothing.

    The scan says so itself. In a free-running session it may stand behind ``TradingStarted`` on the log.
    """
    return isinstance(event, signal.Scan) and event.gates.get("trading_started") is False


def refuses(event: Event) -> bool:
    """Whether the fact is a refusal: by risk, or by the gates of a scan that proposed nothing once trading was on."""
    if isinstance(event, signal.Scan):
        return not event.proposed and not is_warm_up(event)
    return isinstance(event, risk.Refused)


def reasons_of(event: Event) -> list[str]:
    """All reasons that a fact gives, in its own order; a refusal without any has the reason ``unstated``."""
    if isinstance(event, signal.Scan):
        found = [gate for gate, passed in event.gates.items() if not passed]
    else:
        found = _said(event)
    return found or ([UNSTATED] if refuses(event) else [])


def _said(event: Event) -> list[str]:
    for name in ("reasons", "all_true", "exit_all_true", "reason"):
        found = getattr(event, name, None)
        if found:
            return [found] if isinstance(found, str) else list(found)
    return []
