"""All groups of features and the labels of a list of events. Pure: the same inputs give the same tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from contango_inference.earnings import calendar, fundamental, historical, market, volatility
from contango_inference.earnings.events import DailyBars, Event, Floats, Ints, Reaction, cutoff_ns, reaction
from contango_inference.earnings.group import Group, Row, collect

Tell = Callable[[int, int], None]
_EVERY = 200


@dataclass(frozen=True, slots=True)
class Inputs:
    """Daily bars by symbol (a symbol may be absent), and the series of the market; ``sectors`` by their own symbol."""

    bars: Mapping[str, DailyBars] = field(default_factory=dict)
    vix: DailyBars | None = None
    market: DailyBars | None = None
    sectors: Mapping[str, DailyBars] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Labels:
    """What came, one row an event: ``move`` (n,), NaN where it is not known; ``known_at_ns`` (n,) is the first close
    after, 0 where there is none; ``reasons`` say why a move is missing.
    """

    move: Floats
    known_at_ns: Ints
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """``events`` in order of their earliest instant, ``cutoffs_ns`` the last close before each, groups and labels."""

    events: tuple[Event, ...]
    cutoffs_ns: Ints
    groups: tuple[Group, ...]
    labels: Labels


def distinct(events: Sequence[Event]) -> tuple[tuple[Event, ...], int]:
    """Events in order of time, one per symbol and date (the first given stays), and how many were left out."""
    first = {(event.symbol, event.date): event for event in reversed(events)}
    kept = tuple(sorted(first.values(), key=lambda e: (e.earliest_ns, e.symbol)))
    return kept, len(events) - len(kept)


def build(events: Sequence[Event], inputs: Inputs, *, tell: Tell = lambda done, total: None) -> Tables:
    """Tables of distinct events. Features of a row rest on what was known before its announcement, and nothing else.

    Raises ValueError when two events are the same.
    """
    ordered, left_out = distinct(events)
    if left_out:
        raise ValueError(f"{left_out} events stand twice; pass them through distinct() first")
    reactions = [reaction(event, inputs.bars.get(event.symbol)) for event in ordered]
    rows: dict[str, list[Row]] = {}
    cutoffs: list[int] = []
    seen: dict[str, list[tuple[Event, Reaction | str]]] = {}
    for i, (event, came) in enumerate(zip(ordered, reactions, strict=True)):
        before = seen.setdefault(event.symbol, [])
        cutoffs.append(cutoff_ns(event, inputs.bars.get(event.symbol), inputs.market))
        for name, row in _rows(event, before, inputs, cutoffs[-1]).items():
            rows.setdefault(name, []).append(row)
        before.append((event, came))
        if i % _EVERY == 0:
            tell(i, len(ordered))
    groups = tuple(collect(m.NAME, m.NAMES, rows.get(m.NAME, []), cutoffs) for m in _MODULES if _given(m.NAME, ordered))
    return Tables(ordered, np.array(cutoffs, dtype=np.int64), groups, labels_of(reactions))


def labels_of(reactions: Sequence[Reaction | str]) -> Labels:
    """Labels of the reactions; a reason in place of one is kept."""
    known = [None if isinstance(each, str) else each for each in reactions]
    return Labels(
        move=np.array([np.nan if each is None else each.move for each in known], dtype=np.float64),
        known_at_ns=np.array([0 if each is None else each.after_ns for each in known], dtype=np.int64),
        reasons=tuple(each if isinstance(each, str) else "" for each in reactions),
    )


_MODULES = (historical, volatility, market, calendar, fundamental)


def _given(name: str, events: Sequence[Event]) -> bool:
    """Fundamentals are a group only where some event has them."""
    return name != fundamental.NAME or any(e.eps is not None and e.eps_estimate is not None for e in events)


def _rows(
    event: Event, before: Sequence[tuple[Event, Reaction | str]], inputs: Inputs, until_ns: int
) -> dict[str, Row]:
    bars = inputs.bars.get(event.symbol)
    priced = [(each, came) for each, came in before if isinstance(came, Reaction)]
    return {
        historical.NAME: historical.row([came for _, came in priced], until_ns),
        volatility.NAME: volatility.row(event, bars),
        market.NAME: market.row(event, bars, vix=inputs.vix, market=inputs.market, sectors=inputs.sectors),
        calendar.NAME: calendar.row(event, [each for each, _ in before], inputs.market, until_ns),
        fundamental.NAME: fundamental.row(priced, until_ns),
    }
