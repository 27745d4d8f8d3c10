"""The last judgements with all their reasons, gate verdicts and numbers; and how often each gate refused."""

from collections import deque
from typing import Any

from contango_common.events import order, risk, signal, system
from contango_common.events.base import Event
from contango_gateway.seen import Handlers, Seen

KEPT = 500

# The same words as in a run's decisions.jsonl.
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
    system.ParametersChanged: "parameters_changed",
}
_HEAD = ("gates", "kills", "why", "limits", "exit_why", "reasons", "reason")


class DecisionView:
    """``last`` are the newest ``KEPT``, oldest first; ``refusals`` counts every refusing gate since the log began."""

    def __init__(self) -> None:
        self.last: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.refusals: dict[str, int] = {}

    def on_decision(self, event: Event, seen: Seen) -> None:
        if isinstance(event, signal.Scan) and event.proposed:
            return  # its proposal says the same and more
        reasons = reasons_of(event)
        if KINDS[type(event)] == "refused":
            for reason in reasons:
                self.refusals[reason] = self.refusals.get(reason, 0) + 1
        body = event.model_dump(mode="json", exclude={"params", "rows"})
        numbers = body.get("why") or body.get("limits") or body.get("exit_why") or {}
        self.last.append(
            {
                "seq": seen.seq,
                "index": seen.index,
                "ts_ns": seen.ts_ns,
                "kind": KINDS[type(event)],
                "by": seen.source,
                "fact": event.TAG,
                "cause": seen.cause,
                "reasons": reasons,
                "gates": body.get("gates", {}),
                "kills": body.get("kills", {}),
                "why": numbers,
                "details": {key: value for key, value in body.items() if key not in _HEAD},
            }
        )

    def select(self, limit: int, kind: str | None) -> list[dict[str, Any]]:
        """Newest first; of one kind when it is given."""
        chosen = [row for row in reversed(self.last) if kind is None or row["kind"] == kind]
        return chosen[:limit]


def reasons_of(event: Event) -> list[str]:
    """All reasons that a fact gives, in its own order."""
    if isinstance(event, signal.Scan):
        return [gate for gate, passed in event.gates.items() if not passed] or ["unstated"]
    for name in ("reasons", "all_true", "exit_all_true", "reason"):
        found = getattr(event, name, None)
        if found:
            return [found] if isinstance(found, str) else list(found)
    return []


HANDLERS: Handlers = dict.fromkeys(KINDS, DecisionView.on_decision)
