"""The fold: five names that a module satisfies, and ``step``, which is the whole runtime contract.

``evolve`` is the only writer of state and takes facts; ``decide`` only reads and returns what shall become true.
Recovery re-folds facts with ``evolve`` alone, so what the log already holds is never decided twice. The instant and
the sequence come as an argument: no fold can read a clock.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from contango_common.domain.at import At
from contango_common.events.base import Event

S = TypeVar("S")


class Fold(Protocol):
    """``NAME`` writes ``log.<NAME>`` and only it does; ``READS`` are the subjects it is given (``log.x.*`` allowed)."""

    NAME: str
    READS: frozenset[str]

    def initial(self) -> Any: ...
    def evolve(self, state: Any, event: Event, at: At, /) -> None: ...
    def decide(self, state: Any, event: Event, at: At, /) -> list[Event]: ...


def step(fold: Fold, state: Any, events: Sequence[Event], at: At) -> tuple[list[Event], list[int]]:
    """Take one message into ``state``; return the new facts and, for each, the index of the event that caused it."""
    facts: list[Event] = []
    of: list[int] = []
    for index, event in enumerate(events):
        fold.evolve(state, event, at)
        for fact in fold.decide(state, event, at):
            fold.evolve(state, fact, at)
            facts.append(fact)
            of.append(index)
    return facts, of
