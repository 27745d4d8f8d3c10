"""Facts of control (``log.control.<writer>``) and of the runtime itself."""

import json
from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import BeforeValidator

from contango_common.events.base import Event


def _as_json(value: Any) -> Any:
    """What comes back from the log: tuples are lists, keys are text. ValueError for what JSON cannot carry."""
    try:
        text = json.dumps(value, allow_nan=False)
        plain = json.loads(text)
        if repr(orjson.loads(text)) != repr(plain):
            raise ValueError("an integer does not fit into 64 bits")
    except (TypeError, orjson.JSONDecodeError) as error:
        raise ValueError(f"parameters must be plain JSON: {error}") from error
    return plain


class ParametersChanged(Event):
    """The whole parameter set from here on; validated by the one who wrote it."""

    FAMILY: ClassVar[str] = "control"
    params: Annotated[dict[str, Any], BeforeValidator(_as_json)]
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


class ModelPromoted(Event):
    """A person makes version ``sha`` of ``model`` the champion; ``evidence`` are the figures that were shown."""

    FAMILY: ClassVar[str] = "control"
    model: str
    sha: str
    previous_sha: str | None
    evidence: dict[str, float | str | None]
    reason: str


class ModelRolledBack(Event):
    """A person takes the champion ``previous_sha`` back to ``sha`` (None: no model at all)."""

    FAMILY: ClassVar[str] = "control"
    model: str
    sha: str | None
    previous_sha: str
    reason: str


class Quarantined(Event):
    """A message that this participant could not decode; skipped for ever, its bytes kept aside."""

    FAMILY: ClassVar[str] = "*"
    seq: int
    reason: str
