"""The life of an order, as one table.

Reports of the venue and our own commands are *events*; what is not in ``TABLE`` is illegal: it changes nothing and the
order becomes ``UNKNOWN`` until the venue proves its state. Reports may overtake each other on a wire (a fill before
the acceptance) and may come twice (the same fill id, the same acceptance); neither is illegal.

    SUBMITTED → WORKING → PARTIAL → FILLED
        │          │         │
        └──────────┴─────────┴→ CANCELLING → CANCELLED         REJECTED, EXPIRED: ends as well
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from contango_common.events.order import Filled


class OrderState(StrEnum):
    SUBMITTED = "SUBMITTED"
    WORKING = "WORKING"
    PARTIAL = "PARTIAL"
    CANCELLING = "CANCELLING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"


class OrderEvent(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PART_FILLED = "part_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CANCEL_ASKED = "cancel_asked"
    PRICE_MOVED = "price_moved"
    # What no state allows: reports that contradict the order's own numbers.
    OVERFILLED = "overfilled"
    REJECTED_AFTER_FILL = "rejected_after_fill"


S, E = OrderState, OrderEvent

TABLE: dict[tuple[OrderState, OrderEvent], OrderState] = {
    (S.SUBMITTED, E.ACCEPTED): S.WORKING,
    (S.SUBMITTED, E.REJECTED): S.REJECTED,
    (S.SUBMITTED, E.PART_FILLED): S.PARTIAL,
    (S.SUBMITTED, E.FILLED): S.FILLED,
    (S.SUBMITTED, E.CANCELLED): S.CANCELLED,
    (S.SUBMITTED, E.EXPIRED): S.EXPIRED,
    (S.SUBMITTED, E.CANCEL_ASKED): S.CANCELLING,
    (S.SUBMITTED, E.PRICE_MOVED): S.SUBMITTED,
    (S.WORKING, E.ACCEPTED): S.WORKING,
    (S.WORKING, E.PART_FILLED): S.PARTIAL,
    (S.WORKING, E.FILLED): S.FILLED,
    (S.WORKING, E.CANCELLED): S.CANCELLED,
    (S.WORKING, E.EXPIRED): S.EXPIRED,
    (S.WORKING, E.CANCEL_ASKED): S.CANCELLING,
    (S.WORKING, E.PRICE_MOVED): S.WORKING,
    (S.PARTIAL, E.ACCEPTED): S.PARTIAL,
    (S.PARTIAL, E.PART_FILLED): S.PARTIAL,
    (S.PARTIAL, E.FILLED): S.FILLED,
    (S.PARTIAL, E.CANCELLED): S.CANCELLED,
    (S.PARTIAL, E.EXPIRED): S.EXPIRED,
    (S.PARTIAL, E.CANCEL_ASKED): S.CANCELLING,
    (S.PARTIAL, E.PRICE_MOVED): S.PARTIAL,
    (S.CANCELLING, E.ACCEPTED): S.CANCELLING,
    (S.CANCELLING, E.REJECTED): S.REJECTED,
    (S.CANCELLING, E.PART_FILLED): S.CANCELLING,
    (S.CANCELLING, E.FILLED): S.FILLED,
    (S.CANCELLING, E.CANCELLED): S.CANCELLED,
    (S.CANCELLING, E.EXPIRED): S.EXPIRED,
    (S.CANCELLING, E.CANCEL_ASKED): S.CANCELLING,
    (S.UNKNOWN, E.ACCEPTED): S.UNKNOWN,
    (S.UNKNOWN, E.REJECTED): S.REJECTED,
    (S.UNKNOWN, E.PART_FILLED): S.UNKNOWN,
    (S.UNKNOWN, E.FILLED): S.FILLED,
    (S.UNKNOWN, E.CANCELLED): S.CANCELLED,
    (S.UNKNOWN, E.EXPIRED): S.EXPIRED,
    (S.UNKNOWN, E.CANCEL_ASKED): S.UNKNOWN,
    # A late acceptance and a repeated last word contradict nothing.
    (S.FILLED, E.ACCEPTED): S.FILLED,
    (S.CANCELLED, E.ACCEPTED): S.CANCELLED,
    (S.CANCELLED, E.CANCELLED): S.CANCELLED,
    (S.REJECTED, E.REJECTED): S.REJECTED,
    (S.EXPIRED, E.ACCEPTED): S.EXPIRED,
    (S.EXPIRED, E.EXPIRED): S.EXPIRED,
    (S.EXPIRED, E.CANCELLED): S.EXPIRED,
    (S.CANCELLED, E.EXPIRED): S.CANCELLED,
}

FINAL: dict[OrderState, Literal["filled", "cancelled", "rejected", "expired"]] = {
    S.FILLED: "filled",
    S.CANCELLED: "cancelled",
    S.REJECTED: "rejected",
    S.EXPIRED: "expired",
}


@dataclass(slots=True)
class Order:
    """One order as execution knows it; quantities in units of the structure, prices in ticks of one unit."""

    order_id: str
    position_id: str
    purpose: Literal["open", "reduce"]
    underlying: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    quantity: int
    limit_ticks: int | None
    valid_until_ns: int | None
    submitted_ns: int
    state: OrderState = OrderState.SUBMITTED
    filled: int = 0
    reason: str = ""
    fill_ids: list[str] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled

    @property
    def final(self) -> bool:
        return self.state in FINAL

    @property
    def open_for_commands(self) -> bool:
        """Whether a cancel or a new price may still be sent."""
        return (self.state, OrderEvent.PRICE_MOVED) in TABLE


def next_state(state: OrderState, event: OrderEvent) -> OrderState | None:
    """The state after ``event``, None when the table does not allow it.

    >>> next_state(OrderState.FILLED, OrderEvent.CANCELLED) is None
    True
    """
    return TABLE.get((state, event))


def fill_event(order: Order, fill: Filled) -> OrderEvent:
    """Which event a fill is for an order: part, all, or more than there was to fill."""
    left = order.remaining - fill.quantity
    if left < 0 or left != fill.remaining:
        return OrderEvent.OVERFILLED
    return OrderEvent.PART_FILLED if left else OrderEvent.FILLED


def reject_event(order: Order) -> OrderEvent:
    """A rejection is believable only while nothing has traded."""
    return OrderEvent.REJECTED_AFTER_FILL if order.filled else OrderEvent.REJECTED
