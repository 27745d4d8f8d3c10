"""What a strategy says of itself, what it is shown and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from contango_common.domain.blocks import Block
from contango_common.domain.declare import Section
from contango_common.domain.instrument import RootSpec
from contango_common.domain.structure import StructureKind
from contango_signals.chainview import Expiry, Slice
from contango_signals.strategies.screen import Screen

Values = Mapping[str, float | None]
NOTHING: Values = MappingProxyType({})
Module = Literal["options", "crypto", "stocks"]


@dataclass(frozen=True, slots=True)
class Held:
    """One open position on the view's underlying, as the signals fold knows it.

    ``adjusted`` names the adjustments it already had (``roll_breach:P``); ``entry_ticks`` is its net price per unit.
    """

    position_id: str
    strategy: str
    kind: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    quantity: int
    opened_ns: int
    entry_ticks: float | None
    adjusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """One chain frame as strategies see it. ``slices`` holds the expiries whose days to expiry are in the window.

    ``held`` are the expiries of open positions that are not among them. ``values`` are the underlying's features by
    their names in a ``FeatureRow``; ``labels`` the label of each detector and ``regime`` the deciding one's in the five
    states. ``tradable`` says whether the underlying
    itself can be bought (an index cannot).
    """

    underlying: str
    spot: float
    now_ns: int
    session_date: int
    roots: tuple[str, ...]
    specs: tuple[RootSpec | None, ...]
    contracts: Block
    quotes: Block
    slices: tuple[Slice, ...]
    held: tuple[Slice, ...]
    regime: str | None
    values: Values = field(default_factory=lambda: NOTHING)
    labels: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    positions: tuple[Held, ...] = ()
    tradable: bool = False
    asset_tick_micros: int = 10_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A structure a strategy thinks of: rows of the frame with signed ratios.

    ``rows[i]`` is −1 for a leg in the underlying itself (one unit: as many shares as the root's multiplier).
    ``expiry`` and ``slice`` are those of the first leg to expire, ``slices[i]`` that of leg i (None: the underlying).
    ``off_target`` ranks candidates of equal score: the smallest is proposed. ``short_put`` and ``short_call`` are the
    strikes that must not be breached, ``width`` the wider wing in currency; None where there is no such thing.
    """

    kind: StructureKind
    expiry: Expiry
    slice: Slice
    slices: tuple[Slice | None, ...]
    instruments: tuple[str, ...]
    rows: tuple[int, ...]
    ratios: tuple[int, ...]
    off_target: float
    short_put: float | None
    short_call: float | None
    narrow_width: float | None
    width: float | None
    why: dict[str, float | None]


Propose = Callable[[View, Any], list[Candidate]]


@dataclass(frozen=True, slots=True)
class Asset:
    """One symbol of a book without chains, on a bar that just closed, as strategies on bars see it.

    ``values`` as in ``View``. ``confidence``, ``direction`` and ``aligned`` are the timeframes' agreement; ``session``
    is the part of a crypto day (asia, europe, us); ``held`` the open position of the strategy asking, None when flat.
    ``peers`` maps every symbol of the strategy's universe to its values, the symbol itself included.
    """

    symbol: str
    now_ns: int
    close: float
    closing: bool
    session: str
    values: Values
    labels: Mapping[str, str | None]
    overlay: tuple[str, ...]
    confidence: float
    weighted_confidence: float
    direction: int
    key_level: str | None
    thresholds: Mapping[str, float]
    held: Held | None
    peers: Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Entry:
    """Buy the asset: why, where it is wrong (``stop``) and where it is done (``target``), prices or None.

    ``score`` in [0, 1]; ``size_factor`` (at most 1 counts) scales the size that risk finds; ``alternatives`` says at
    which other values of its parameters it would have triggered.
    """

    score: float
    why: dict[str, float | None]
    stop: float | None = None
    target: float | None = None
    size_factor: float = 1.0
    alternatives: dict[str, float | str | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """Close what is held, and the numbers behind it; ``reason`` is one word of the strategy's own."""

    reason: str
    why: dict[str, float | None]


Decide = Callable[[Asset, Any], Entry | Leave | None]


@dataclass(frozen=True, slots=True)
class Spec:
    """A strategy's card.

    ``on`` says what it looks at: chains (``propose``) or closed bars (``decide``). ``credit`` strategies must receive
    premium. ``params`` declares its parameters: a ``Screen`` for strategies on chains. ``meaning`` is its sentence in
    the documentation.
    """

    name: str
    kind: StructureKind
    on: Literal["chain", "bars"]
    module: Module
    meaning: str
    params: type[Section]
    credit: bool = False
    propose: Propose | None = None
    decide: Decide | None = None

    @property
    def screen(self) -> bool:
        return issubclass(self.params, Screen)
