"""The last judgements with all their reasons, gate verdicts and numbers; and how often each gate refused."""

from collections import deque
from typing import Any

from contango_common.events.base import Event
from contango_common.events.signal import Scan
from contango_common.events.system import ParametersChanged
from contango_gateway import judgements
from contango_gateway.judgements import reasons_of, refuses
from contango_gateway.seen import Handlers, Seen

KEPT = 500

KINDS: dict[type[Event], str] = {**judgements.KINDS, ParametersChanged: "parameters_changed"}
_HEAD = ("gates", "kills", "why", "limits", "exit_why", "reasons", "reason")


class DecisionView:
    """``last`` are the newest ``KEPT``, oldest first; ``refusals`` counts every refusing gate since trading began."""

    def __init__(self) -> None:
        self.last: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.refusals: dict[str, int] = {}

    def on_decision(self, event: Event, seen: Seen) -> None:
        refusal = refuses(event)
        if isinstance(event, Scan) and not refusal:
            return  # its proposal says the same and more, or the log only warms up
        reasons = reasons_of(event)
        if refusal:
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


HANDLERS: Handlers = dict.fromkeys(KINDS, DecisionView.on_decision)
