"""Structures: what is traded as one thing. A leg is an instrument and a signed ratio (+ bought, − sold).

Builders name the strikes in the order the field says them (low to high); they return legs for one unit.

A stock leg stands beside options of that same underlying only. Its ratio counts as theirs do, in contracts: ratio 1 is
as many shares as the options' multiplier, so that a net price is one number per share for all legs.
"""

from dataclasses import dataclass
from typing import Literal

from contango_common.domain.instrument import Right
from contango_common.domain.money import MICROS

StructureKind = Literal[
    "vertical",
    "iron_condor",
    "calendar",
    "diagonal",
    "butterfly",
    "straddle",
    "strangle",
    "covered_call",
    "protective_put",
    "single",
]


@dataclass(frozen=True, slots=True)
class Leg:
    """``ratio`` instruments per unit of the structure: positive is bought, negative sold."""

    instrument: str
    ratio: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Legs that are opened, marked, closed and settled together."""

    kind: StructureKind
    underlying: str
    legs: tuple[Leg, ...]

    def reversed(self) -> "Structure":
        """The same structure with every sign turned: what closes it."""
        legs = tuple(Leg(leg.instrument, -leg.ratio) for leg in self.legs)
        return Structure(kind=self.kind, underlying=self.underlying, legs=legs)


def single(underlying: str, instrument: str, side: int = 1) -> Structure:
    return Structure(kind="single", underlying=underlying, legs=(Leg(instrument, side),))


def vertical(underlying: str, *, bought: str, sold: str) -> Structure:
    """Two contracts of one right and expiry: a spread with defined risk."""
    _distinct(bought, sold)
    return Structure(kind="vertical", underlying=underlying, legs=(Leg(bought, 1), Leg(sold, -1)))


def iron_condor(underlying: str, *, long_put: str, short_put: str, short_call: str, long_call: str) -> Structure:
    """A put credit spread below and a call credit spread above, one expiry."""
    _distinct(long_put, short_put, short_call, long_call)
    legs = (Leg(long_put, 1), Leg(short_put, -1), Leg(short_call, -1), Leg(long_call, 1))
    return Structure(kind="iron_condor", underlying=underlying, legs=legs)


def calendar(underlying: str, *, near: str, far: str) -> Structure:
    """Sold near expiry, bought far expiry, one strike and right."""
    _distinct(near, far)
    return Structure(kind="calendar", underlying=underlying, legs=(Leg(near, -1), Leg(far, 1)))


def diagonal(underlying: str, *, near: str, far: str) -> Structure:
    """Sold near expiry, bought far expiry, one right, two strikes; defined risk when the far one protects the near."""
    _distinct(near, far)
    return Structure(kind="diagonal", underlying=underlying, legs=(Leg(near, -1), Leg(far, 1)))


def straddle(underlying: str, *, put: str, call: str) -> Structure:
    """Bought put and call of one strike and expiry."""
    _distinct(put, call)
    return Structure(kind="straddle", underlying=underlying, legs=(Leg(put, 1), Leg(call, 1)))


def strangle(underlying: str, *, put: str, call: str) -> Structure:
    """Bought put below and call above the market, one expiry."""
    _distinct(put, call)
    return Structure(kind="strangle", underlying=underlying, legs=(Leg(put, 1), Leg(call, 1)))


def covered_call(underlying: str, *, call: str) -> Structure:
    """As many shares as one contract's multiplier bought, and a call on them sold."""
    _distinct(underlying, call)
    return Structure(kind="covered_call", underlying=underlying, legs=(Leg(underlying, 1), Leg(call, -1)))


def protective_put(underlying: str, *, put: str) -> Structure:
    """As many shares as one contract's multiplier bought, and a put on them."""
    _distinct(underlying, put)
    return Structure(kind="protective_put", underlying=underlying, legs=(Leg(underlying, 1), Leg(put, 1)))


def butterfly(underlying: str, *, low: str, middle: str, high: str) -> Structure:
    """Bought low and high, sold twice the middle; unequal distances make it broken-winged."""
    _distinct(low, middle, high)
    legs = (Leg(low, 1), Leg(middle, -2), Leg(high, 1))
    return Structure(kind="butterfly", underlying=underlying, legs=legs)


def _distinct(*instruments: str) -> None:
    if len(set(instruments)) != len(instruments):
        raise ValueError(f"a structure needs different legs, got {instruments}")


def spot_quote_ticks(spot: float, tick_micros: int) -> tuple[int, int]:
    """Bid and ask, in ticks, of a stock leg where only the spot is known: the whole ticks around it, sizes unknown.

    A spot that is a whole tick is bid and ask at once; what a stock costs beyond that is for the venue to say.

    >>> spot_quote_ticks(271.255, 10_000), spot_quote_ticks(271.26, 10_000)
    ((27125, 27126), (27126, 27126))
    """
    micros = round(spot * MICROS)
    return micros // tick_micros, -(-micros // tick_micros)


def opposite(right: Right) -> Right:
    return "P" if right == "C" else "C"
