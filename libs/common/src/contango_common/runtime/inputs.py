"""What edges put on the log: inputs, in the order in which a run takes them."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.events.system import ParametersChanged, TradingStarted

CONTROL = "control.research"


class Input(NamedTuple):
    """Events that one edge (``source``) publishes as one message; ``key`` is its natural, unique name."""

    source: str
    ts_ns: int
    key: str
    events: tuple[Event, ...]

    @property
    def subject(self) -> str:
        return f"log.{self.source}"

    def envelope(self, build: str) -> Envelope:
        return Envelope(self.ts_ns, self.source, 0, self.events, (0,) * len(self.events), build)


class Timed(Protocol):
    @property
    def ts_ns(self) -> int: ...


T = TypeVar("T", bound=Timed)


def with_control(inputs: Iterable[T], params: dict[str, Any], start_ns: int, reason: str) -> Iterator[T | Input]:
    """The run's parameters before everything else, and the start of trading before the first input at or after it.

    Whatever comes before ``start_ns`` is folded as warm-up: nothing may open.
    """
    begun, rest = False, iter(inputs)
    for item in rest:
        if not begun:
            begun = True
            yield Input(CONTROL, item.ts_ns, "params", (ParametersChanged(params=params, reason=reason),))
        if item.ts_ns >= start_ns:
            yield Input(CONTROL, item.ts_ns, "start", (TradingStarted(),))
            yield item
            break
        yield item
    yield from rest
