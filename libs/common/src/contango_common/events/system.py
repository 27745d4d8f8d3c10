"""Facts of control (``log.control.<writer>``) and of the runtime itself."""

from typing import Any, ClassVar, Literal

from contango_common.events.base import Event


class ParametersChanged(Event):
    """The whole parameter set from here on; validated by the one who wrote it."""

    FAMILY: ClassVar[str] = "control"
    params: dict[str, Any]
    reason: str


class TradingStarted(Event):
    """Warm-up is over: from here on proposals may open. Without it a log only warms up."""

    FAMILY: ClassVar[str] = "control"


class FeatureSwitched(Event):
    FAMILY: ClassVar[str] = "control"
    feature: str
    switch: Literal["off", "shadow", "on"]
    reason: str


class Halt(Event):
    """A person stops new risk; exits go on."""

    FAMILY: ClassVar[str] = "control"
    reason: str


class Resume(Event):
    FAMILY: ClassVar[str] = "control"
    reason: str


class CloseOrdered(Event):
    """A person closes one position, or everything when ``position_id`` is None (flatten)."""

    FAMILY: ClassVar[str] = "control"
    position_id: str | None
    reason: str


class Quarantined(Event):
    """A message that this participant could not decode; skipped for ever, its bytes kept aside."""

    FAMILY: ClassVar[str] = "*"
    seq: int
    reason: str
