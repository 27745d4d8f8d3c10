"""What a strategy says of itself, what it is shown and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from contango_common.domain.blocks import Block
from contango_common.domain.instrument import RootSpec
from contango_common.domain.structure import StructureKind
from contango_signals.chainview import Expiry, Slice
from contango_signals.params import SignalsParams


@dataclass(frozen=True, slots=True)
class View:
    """One chain frame as strategies see it. ``slices`` holds the expiries whose days to expiry are in the window.

    ``held`` are the expiries of open positions that are not among them.
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A structure a strategy thinks of: rows of the frame with signed ratios, all of one expiry.

    ``off_target`` ranks candidates that pass every gate: the smallest is proposed. ``short_put`` and ``short_call``
    are the strikes that must not be breached, ``width`` the wider wing in currency; None where there is no such thing.
    """

    kind: StructureKind
    expiry: Expiry
    slice: Slice
    instruments: tuple[str, ...]
    rows: tuple[int, ...]
    ratios: tuple[int, ...]
    off_target: float
    short_put: float | None
    short_call: float | None
    narrow_width: float | None
    width: float | None
    why: dict[str, float | None]


Propose = Callable[[View, SignalsParams], list[Candidate]]


@dataclass(frozen=True, slots=True)
class Spec:
    """A strategy's card. ``on`` says what it looks at; ``credit`` strategies must receive premium."""

    name: str
    kind: StructureKind
    on: Literal["chain", "bars"]
    credit: bool = False
    propose: Propose | None = None
