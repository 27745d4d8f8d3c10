"""What people and the runtime said: parameters in force, switches, halts, quarantine."""

from collections import deque
from typing import Any

from contango_common.events.risk import TradingHalted, TradingResumed
from contango_common.events.signal import FeatureFailed
from contango_common.events.system import (
    FeatureSwitched,
    Halt,
    ParametersChanged,
    Quarantined,
    Resume,
    TradingStarted,
)
from contango_gateway.seen import Handlers, Seen
from contango_risk.halts import NEXT_SESSION, is_drawdown

QUARANTINE_KEPT = 50


class ControlView:
    """Two halts may stand, as in the risk fold: one until a person resumes, one until the next session.

    Risk answers a command in a message of its own, so its answer to a halt may stand behind a person's resume on the
    log: what was decided before the last resume does not stand. ``parameters`` is None until the log holds a set.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Any] | None = None
        self.parameters_of: dict[str, Any] | None = None
        self.started_ts_ns: int | None = None
        self.switches: dict[str, dict[str, Any]] = {}
        self.halts: dict[str, dict[str, Any]] = {}
        self._resumed_seq = 0
        self.quarantined: deque[dict[str, Any]] = deque(maxlen=QUARANTINE_KEPT)

    @property
    def halted(self) -> bool:
        return bool(self.halts)

    def on_parameters(self, event: ParametersChanged, seen: Seen) -> None:
        self.parameters = event.params
        self.parameters_of = {"seq": seen.seq, "ts_ns": seen.ts_ns, "source": seen.source, "reason": event.reason}

    def on_started(self, event: TradingStarted, seen: Seen) -> None:
        self.started_ts_ns = seen.ts_ns

    def on_switched(self, event: FeatureSwitched, seen: Seen) -> None:
        self._switch(event.feature, event.switch, event.reason, seen)

    def on_failed(self, event: FeatureFailed, seen: Seen) -> None:
        self._switch(event.feature, "off", f"failed: {event.reason}", seen)

    def on_halt(self, event: Halt, seen: Seen) -> None:
        self.halts["resume"] = _halt("person", event.reason, "resume", None, seen)

    def on_resume(self, event: Resume, seen: Seen) -> None:
        self.halts.pop("resume", None)
        self._resumed_seq = seen.seq

    def on_halted(self, event: TradingHalted, seen: Seen) -> None:
        if is_drawdown(event):
            self.halts[NEXT_SESSION] = _halt("risk", event.reason, NEXT_SESSION, event.until_ns, seen)
        elif seen.cause > self._resumed_seq and "resume" not in self.halts:
            self.halts["resume"] = _halt("risk", event.reason, "resume", event.until_ns, seen)

    def on_resumed(self, event: TradingResumed, seen: Seen) -> None:
        if is_drawdown(event):
            self.halts.pop(NEXT_SESSION, None)

    def on_quarantined(self, event: Quarantined, seen: Seen) -> None:
        self.quarantined.append({"seq": event.seq, "by": seen.source, "reason": event.reason})

    def _switch(self, feature: str, switch: str, reason: str, seen: Seen) -> None:
        self.switches[feature] = {"feature": feature, "switch": switch, "reason": reason, "since_ts_ns": seen.ts_ns}


def _halt(by: str, reason: str, ends_with: str, until_ns: int | None, seen: Seen) -> dict[str, Any]:
    facts = {"by": by, "reason": reason, "ends_with": ends_with, "until_ns": until_ns}
    return {**facts, "since_ts_ns": seen.ts_ns, "seq": seen.seq}


HANDLERS: Handlers = {
    ParametersChanged: ControlView.on_parameters,
    TradingStarted: ControlView.on_started,
    FeatureSwitched: ControlView.on_switched,
    FeatureFailed: ControlView.on_failed,
    Halt: ControlView.on_halt,
    Resume: ControlView.on_resume,
    TradingHalted: ControlView.on_halted,
    TradingResumed: ControlView.on_resumed,
    Quarantined: ControlView.on_quarantined,
}
