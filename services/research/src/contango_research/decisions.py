"""Decisions of a run: for every instant on which something was proposed, refused or done, what and why.

An instant is one ``log.md`` message with everything it caused (and the settlement print before it). A scan that
proposed nothing is a refusal by all the gates that said no, unless the run only warmed up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contango_common.events import order, risk, signal
from contango_common.events.base import Event
from contango_gateway.judgements import KINDS, reasons_of, refuses

Action = dict[str, Any]


class Refusal(NamedTuple):
    """One refusal with *all* its reasons; ``by`` names the fold."""

    ts_ns: int
    by: str
    strategy: str
    underlying: str
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Decision:
    """What was decided at one instant; ``frame`` is the sequence of its ``log.md`` message, None without one."""

    ts_ns: int
    frame: int | None
    actions: list[Action] = field(default_factory=list)


def refusal_of(event: Event, ts_ns: int) -> Refusal | None:
    """The refusal that an event is, else None."""
    if not isinstance(event, signal.Scan | risk.Refused) or not refuses(event):
        return None
    by = "signals" if isinstance(event, signal.Scan) else "risk"
    return Refusal(ts_ns, by, event.strategy, event.underlying, tuple(reasons_of(event)))


def action_of(event: Event, seq: int, ts_ns: int) -> Action | None:
    """The event as an entry of the decision list, None when it decides nothing."""
    what = VERBS.get(type(event))
    if what is None:
        return None
    refusal = refusal_of(event, ts_ns)
    if refusal is None and type(event) is signal.Scan:
        return None  # its proposal says the same and more, or the run only warmed up
    head: Action = {"what": what, "seq": seq}
    if refusal is not None:
        head |= {"by": refusal.by, "reasons": list(refusal.reasons)}
    body = event.model_dump(mode="json")
    return head | {key: value for key, value in body.items() if key not in head}


VERBS: dict[type[Event], str] = {
    **KINDS,
    order.WorkingPriceMoved: "limit_moved",
    order.Accepted: "accepted",
    order.Rejected: "rejected",
    order.Filled: "filled",
    order.Cancelled: "cancelled",
    order.Expired: "settled",
    order.Assigned: "assigned",
}


def as_json(decision: Decision, when: Callable[[int], str], session: int | None) -> dict[str, Any]:
    """One line of ``decisions.jsonl``."""
    return {
        "ts_ns": decision.ts_ns,
        "time": when(decision.ts_ns),
        "session": session,
        "frame": decision.frame,
        "actions": decision.actions,
    }
