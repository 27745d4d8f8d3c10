"""From positions in expiries to candidates, and the ways of picking a strike that strategies share. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from contango_common.domain.chain import id_at
from contango_common.domain.sessions import days_between
from contango_common.domain.structure import StructureKind
from contango_signals.chainview import Slice
from contango_signals.strategies.spec import Candidate, View

UNDERLYING_ROW = -1


@dataclass(frozen=True, slots=True)
class Pick:
    """One leg: position ``at`` in the columns of ``slice``, ``ratio`` + bought, − sold. No slice: the underlying."""

    ratio: int
    slice: Slice | None = None
    at: int = -1

    @property
    def strike(self) -> float:
        assert self.slice is not None
        return float(self.slice.strike[self.at])

    @property
    def is_call(self) -> bool:
        assert self.slice is not None
        return bool(self.slice.is_call[self.at])

    @property
    def delta(self) -> float:
        assert self.slice is not None
        return float(self.slice.delta[self.at])


def candidate(
    view: View,
    kind: StructureKind,
    picks: Sequence[Pick],
    *,
    off_target: float = 0.0,
    why: dict[str, float | None] | None = None,
) -> Candidate:
    """The structure of these legs, in the order given.

    Sold strikes and wing widths are read off the legs: the put and the call sold nearest to the money count, and the
    width of a side is the distance from its sold strike to the furthest strike bought against it, where there is one.
    """
    options = [p for p in picks if p.slice is not None]
    slices = [p.slice for p in options if p.slice is not None]
    first = min(slices, key=lambda s: (s.expiry.expiry_ns, s.expiry.root_index))
    rows = tuple(UNDERLYING_ROW if p.slice is None else int(p.slice.rows[p.at]) for p in picks)
    sold_put, sold_call = _sold(options, is_call=False), _sold(options, is_call=True)
    widths = [w for w in (_width(options, sold_put), _width(options, sold_call)) if w is not None]
    numbers: dict[str, float | None] = {
        "dte": float(days_between(view.session_date, first.expiry.expiry_date)),
        "forward": first.forward,
        **_leg_numbers(view, options),
        **(why or {}),
    }
    return Candidate(
        kind=kind,
        expiry=first.expiry,
        slice=first,
        slices=tuple(p.slice for p in picks),
        instruments=tuple(view.underlying if r < 0 else id_at(view.contracts, view.roots, r) for r in rows),
        rows=rows,
        ratios=tuple(p.ratio for p in picks),
        off_target=off_target,
        short_put=None if sold_put is None else sold_put.strike,
        short_call=None if sold_call is None else sold_call.strike,
        narrow_width=min(widths, default=None),
        width=max(widths, default=None),
        why=numbers,
    )


def _sold(options: Sequence[Pick], *, is_call: bool) -> Pick | None:
    """The sold leg of one right that the underlying reaches first."""
    legs = [p for p in options if p.ratio < 0 and p.is_call == is_call]
    return min(legs, key=lambda p: p.strike if is_call else -p.strike, default=None)


def _width(options: Sequence[Pick], sold: Pick | None) -> float | None:
    if sold is None:
        return None
    further = [abs(p.strike - sold.strike) for p in options if p.ratio > 0 and p.is_call == sold.is_call]
    return max(further, default=None)


def _leg_numbers(view: View, options: Sequence[Pick]) -> dict[str, float | None]:
    """Strike, delta and volatility of each leg: ``short_put``, ``long_call`` …, ``_far`` where it expires later."""
    numbers: dict[str, float | None] = {}
    first_ns = min(p.slice.expiry.expiry_ns for p in options if p.slice is not None)
    for p in options:
        assert p.slice is not None
        name = ("long_" if p.ratio > 0 else "short_") + ("call" if p.is_call else "put")
        name += "_far" if p.slice.expiry.expiry_ns > first_ns else ""
        while name in numbers:
            name += "_2"
        delta, vol = p.delta, float(p.slice.vol[p.at])
        numbers[name] = p.strike
        numbers[f"{name}_delta"] = delta if delta == delta else None
        numbers[f"{name}_vol"] = vol if vol == vol else None
        if p.slice.expiry.expiry_ns > first_ns:
            numbers["dte_far"] = float(days_between(view.session_date, p.slice.expiry.expiry_date))
    return numbers


def dte_of(view: View, s: Slice) -> int:
    """Calendar days from the session to the expiry."""
    return days_between(view.session_date, s.expiry.expiry_date)


def nearest_expiry(view: View, target: int, low: int, high: int) -> Slice | None:
    """The expiry with a forward nearest to ``target`` days inside [low, high]; the earlier one of two."""
    found = [s for s in view.slices if s.forward is not None and low <= dte_of(view, s) <= high]
    return min(found, key=lambda s: (abs(dte_of(view, s) - target), s.t_years), default=None)


def by_delta(s: Slice, is_call: bool, delta: float, low: float, high: float) -> int | None:
    """Position of the out-of-the-money option whose absolute delta is nearest to ``delta`` inside [low, high]."""
    size = np.abs(s.delta)
    rows = np.flatnonzero((s.is_call == is_call) & (size >= low) & (size <= high))
    return int(rows[np.argmin(np.abs(size[rows] - delta))]) if len(rows) else None


def beyond(s: Slice, is_call: bool, strike: float) -> int | None:
    """Position of the option nearest to ``strike`` at or beyond it (calls: at or above; puts: at or below)."""
    away = s.strike >= strike if is_call else s.strike <= strike
    rows = np.flatnonzero((s.is_call == is_call) & away)
    return int(rows[np.argmin(np.abs(s.strike[rows] - strike))]) if len(rows) else None


def at_strike(s: Slice, is_call: bool, strike: float) -> int | None:
    """Position of the option with exactly this strike."""
    rows = np.flatnonzero((s.is_call == is_call) & (s.strike == strike))
    return int(rows[0]) if len(rows) else None


def nearest_strike(s: Slice, is_call: bool, strike: float) -> int | None:
    """Position of the option nearest to ``strike``; the lower one of two."""
    rows = np.flatnonzero(s.is_call == is_call)
    return int(rows[np.argmin(np.abs(s.strike[rows] - strike))]) if len(rows) else None


def at_the_money(slices: Sequence[Slice], rights: Sequence[bool], forward: float) -> float | None:
    """The strike nearest to ``forward`` that every slice quotes in every right; the lower one of two."""
    strikes = [s.strike[s.is_call == is_call] for s in slices for is_call in rights]
    common = strikes[0]
    for more in strikes[1:]:
        common = np.intersect1d(common, more)
    return float(common[np.argmin(np.abs(common - forward))]) if len(common) else None


def net_mid(view: View, picks: Sequence[Pick]) -> float:
    """Σ ratio·mid in currency: what a unit costs at mid (negative: what it brings); the underlying at its spot."""
    return sum(p.ratio * (view.spot if p.slice is None else float(p.slice.mid[p.at])) for p in picks)


def around(wanted: float, step: float) -> tuple[tuple[float, float], ...]:
    """Three values to look at with their distance from the wanted one.

    >>> around(0.25, 0.125)
    ((0.0, 0.25), (0.125, 0.125), (0.125, 0.375))
    """
    return ((0.0, wanted), (step, wanted - step), (step, wanted + step))


def distinct(candidates: Iterable[Candidate | None]) -> list[Candidate]:
    """Those that exist, the first of each set of legs."""
    found: dict[tuple[int, ...], Candidate] = {}
    for one in candidates:
        if one is not None:
            found.setdefault(one.rows, one)
    return list(found.values())
