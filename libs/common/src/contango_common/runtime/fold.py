"""The fold: five names that a module satisfies, and ``step``, which is the whole runtime contract.

What a fold does with a fact stands in two tables, by the fact's class: ``EVOLVE`` takes it into the state and is the
only writer of it; ``DECIDE`` only reads and returns what shall become true. A class that is not listed changes nothing
and is followed by nothing. Recovery re-folds facts with ``EVOLVE`` alone, so what the log already holds is never
decided twice. The instant and the sequence come as an argument: no fold can read a clock.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from contango_common.domain.at import At
from contango_common.events.base import Event

Evolve = Callable[[Any, Any, At], None]  # state, fact, instant
Decide = Callable[[Any, Any, At], list[Event]]


class Fold(Protocol):
    """``NAME`` writes ``log.<NAME>`` and only it does; ``READS`` are the subjects it is given (``log.x.*`` allowed)."""

    NAME: str
    READS: frozenset[str]

    @property
    def EVOLVE(self) -> Mapping[type[Event], Evolve]: ...
    @property
    def DECIDE(self) -> Mapping[type[Event], Decide]: ...
    def initial(self) -> Any: ...


def idle(fold: Fold, state: Any) -> bool:
    """Whether no frame of the market will be answered or change that, until something else happens.

    A fold may say so by a function ``idle(state)`` beside its five names; one that has none never is.
    """
    says: Callable[[Any], bool] | None = getattr(fold, "idle", None)
    return says is not None and says(state)


def hears(fold: Fold) -> frozenset[str]:
    """Tags of the facts that concern the fold at all. Nothing follows from a message that has none of them."""
    return frozenset(kind.TAG for kind in (*fold.EVOLVE, *fold.DECIDE))


def evolve(fold: Fold, state: Any, event: Event, at: At) -> None:
    """Take one fact, an input or the fold's own, into ``state``."""
    take = fold.EVOLVE.get(type(event))
    if take is not None:
        take(state, event, at)


def decide(fold: Fold, state: Any, event: Event, at: At) -> list[Event]:
    """What shall become true because of one fact that ``state`` has taken in."""
    judge = fold.DECIDE.get(type(event))
    return [] if judge is None else judge(state, event, at)


def step(fold: Fold, state: Any, events: Sequence[Event], at: At) -> tuple[list[Event], list[int]]:
    """Take one message into ``state``; return the new facts and, for each, the index of the event that caused it.

    The tables are asked here once more rather than through ``evolve`` and ``decide``: most bars concern most folds
    not at all, and this is where a backtest's time goes.
    """
    facts: list[Event] = []
    of: list[int] = []
    takers, judges = fold.EVOLVE, fold.DECIDE
    for index, event in enumerate(events):
        kind = type(event)
        take = takers.get(kind)
        if take is not None:
            take(state, event, at)
        judge = judges.get(kind)
        if judge is None:
            continue
        for fact in judge(state, event, at):
            evolve(fold, state, fact, at)
            facts.append(fact)
            of.append(index)
    return facts, of
