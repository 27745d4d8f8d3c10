"""Alerts for people: what is worth waking somebody for, and a port for whoever wakes them. Off unless wired."""

from dataclasses import dataclass
from typing import Literal, Protocol

from contango_common.edge.logs import fields, get_logger
from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.events.order import OrderUnknown
from contango_common.events.risk import ExitRequested, TradingHalted

log = get_logger("alerts")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; ``seq`` is the message that says so."""

    kind: Literal["trading_halted", "order_unknown", "emergency_exit"]
    text: str
    seq: int
    ts_ns: int


class Notifier(Protocol):
    """Passes alerts on. Must not raise and must not wait: slow senders keep a queue of their own."""

    def notify(self, alert: Alert) -> None: ...


class LogNotifier:
    """Writes alerts as structured warnings of the service's log."""

    def notify(self, alert: Alert) -> None:
        log.warning("%s: %s", alert.kind, alert.text, extra=fields(kind=alert.kind, seq=alert.seq, ts_ns=alert.ts_ns))


def alerts_of(seq: int, envelope: Envelope) -> list[Alert]:
    """The alerts in one message, in its order. Pure."""
    found = [(event, _alert(event)) for event in envelope.events]
    return [Alert(said[0], said[1], seq, envelope.ts_ns) for _, said in found if said is not None]


def _alert(event: Event) -> tuple[Literal["trading_halted", "order_unknown", "emergency_exit"], str] | None:
    if isinstance(event, TradingHalted):
        return "trading_halted", f"no new risk: {event.reason}"
    if isinstance(event, OrderUnknown):
        return "order_unknown", f"order {event.order_id} is {event.state} and was reported {event.report}"
    if isinstance(event, ExitRequested) and event.urgency == "emergency":
        return "emergency_exit", f"{event.position_id} is closed at any price: {', '.join(event.all_true)}"
    return None
