"""Where a fact stands on the log, as the views are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contango_common.events.base import Event

Handlers = Mapping[type[Event], Any]
"""Event type to the method of a view that takes it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Fact number ``index`` of message ``seq``; ``cause`` is the message that it was decided on (0: an edge's)."""

    seq: int
    index: int
    ts_ns: int
    source: str
    cause: int


@dataclass(frozen=True, slots=True)
class Place:
    """One fact of one message: what ``explain`` starts from."""

    seq: int
    index: int


def usd(micros: int | None) -> float | None:
    """Millionths of a dollar as dollars, for showing.

    >>> usd(1_250_000)
    1.25
    """
    return None if micros is None else micros / 1e6
