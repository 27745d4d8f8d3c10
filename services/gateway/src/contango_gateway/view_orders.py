"""Orders with the history of their states, by execution's own transition table."""

from typing import Any

from contango_common.events import order
from contango_execution.order import OrderEvent, OrderState, next_state
from contango_gateway.seen import Handlers, Seen, usd

FINISHED_KEPT = 2_000


class OrderView:
    """``working`` holds orders that are not final, ``finished`` the last ones that are; both in order of time."""

    def __init__(self) -> None:
        self.working: dict[str, dict[str, Any]] = {}
        self.finished: dict[str, dict[str, Any]] = {}
        self.counts: dict[str, int] = {}
        self.fills = 0

    def find(self, order_id: str) -> dict[str, Any] | None:
        return self.working.get(order_id) or self.finished.get(order_id)

    def unknown(self) -> int:
        """Orders whose fate the venue has not proved."""
        everything = (*self.working.values(), *self.finished.values())
        return sum(row["state"] == OrderState.UNKNOWN for row in everything)

    def on_submitted(self, event: order.OrderSubmitted, seen: Seen) -> None:
        body = event.model_dump(mode="json")
        row = body | {"state": OrderState.SUBMITTED.value, "filled": 0, "cash_usd": 0.0, "fees_usd": 0.0, "reason": ""}
        row |= {"venue_id": None, "submitted_ts_ns": seen.ts_ns, "done_ts_ns": None, "history": []}
        self.working[event.order_id] = row
        self._note(row, "submitted", seen, limit_ticks=event.limit_ticks)

    def on_fill(self, event: order.Filled, seen: Seen) -> None:
        row = self.find(event.order_id)
        if row is None or any(step.get("fill_id") == event.fill_id for step in row["history"]):
            return
        self.fills += 1
        row["filled"] += event.quantity
        row["cash_usd"] += event.cash_micros / 1e6
        row["fees_usd"] += event.fees_micros / 1e6
        self._move(row, OrderEvent.PART_FILLED if event.remaining else OrderEvent.FILLED)
        said = {"fill_id": event.fill_id, "quantity": event.quantity, "remaining": event.remaining}
        self._note(row, "filled", seen, **said, cash_usd=usd(event.cash_micros), fees_usd=usd(event.fees_micros))

    def on_accepted(self, event: order.Accepted, seen: Seen) -> None:
        row = self.find(event.order_id)
        if row is not None:
            row["venue_id"] = event.venue_id
            self._move(row, OrderEvent.ACCEPTED)
            self._note(row, "accepted", seen, venue_id=event.venue_id)

    def on_rejected(self, event: order.Rejected, seen: Seen) -> None:
        self._said(event.order_id, OrderEvent.REJECTED, "rejected", seen, reason=", ".join(event.reasons))

    def on_cancelled(self, event: order.Cancelled, seen: Seen) -> None:
        self._said(event.order_id, OrderEvent.CANCELLED, "cancelled", seen, reason=event.reason)

    def on_cancel_asked(self, event: order.OrderCancelled, seen: Seen) -> None:
        self._said(event.order_id, OrderEvent.CANCEL_ASKED, "cancel_asked", seen, reason=event.reason)

    def on_moved(self, event: order.WorkingPriceMoved, seen: Seen) -> None:
        row = self.find(event.order_id)
        if row is not None:
            row["limit_ticks"] = event.limit_ticks
            self._note(row, "limit_moved", seen, limit_ticks=event.limit_ticks, reason=event.reason)

    def on_unknown(self, event: order.OrderUnknown, seen: Seen) -> None:
        row = self.find(event.order_id)
        if row is not None:
            row["state"] = OrderState.UNKNOWN.value
            self._note(row, "unknown", seen, reason=event.report)

    def on_done(self, event: order.OrderDone, seen: Seen) -> None:
        """Execution's last word settles the state, whatever the reports looked like."""
        self.counts[event.state] = self.counts.get(event.state, 0) + 1
        row = self.working.pop(event.order_id, None) or self.finished.pop(event.order_id, None)
        if row is None:
            return
        row |= {"state": event.state.upper(), "filled": event.filled, "reason": event.reason, "done_ts_ns": seen.ts_ns}
        self._note(row, "done", seen, reason=event.reason)
        self.finished[event.order_id] = row
        if len(self.finished) > FINISHED_KEPT:
            del self.finished[next(iter(self.finished))]

    def _said(self, order_id: str, event: OrderEvent, what: str, seen: Seen, reason: str) -> None:
        row = self.find(order_id)
        if row is not None:
            row["reason"] = reason
            self._move(row, event)
            self._note(row, what, seen, reason=reason)

    def _move(self, row: dict[str, Any], event: OrderEvent) -> None:
        """A report that the table does not allow changes nothing here: execution will say OrderUnknown."""
        row["state"] = (next_state(OrderState(row["state"]), event) or OrderState(row["state"])).value

    def _note(self, row: dict[str, Any], what: str, seen: Seen, **said: Any) -> None:
        row["history"].append({"seq": seen.seq, "ts_ns": seen.ts_ns, "what": what, "state": row["state"], **said})


HANDLERS: Handlers = {
    order.OrderSubmitted: OrderView.on_submitted,
    order.Filled: OrderView.on_fill,
    order.Accepted: OrderView.on_accepted,
    order.Rejected: OrderView.on_rejected,
    order.Cancelled: OrderView.on_cancelled,
    order.OrderCancelled: OrderView.on_cancel_asked,
    order.WorkingPriceMoved: OrderView.on_moved,
    order.OrderUnknown: OrderView.on_unknown,
    order.OrderDone: OrderView.on_done,
}
