"""Rolls and hedges of open structures: proposals like any other, answered by risk like any other.

    breach roll     the underlying is within ``breach_margin`` of a sold strike, or beyond it: the same kind of
                    structure again, at strikes further out, at most once a side
    DTE roll        days to the first expiry are at or under ``roll_dte``: the same structure at the target expiry
    delta hedge     the structure's delta per unit is beyond ``hedge_delta``: a debit spread against it

A roll closes what it replaces when, and only when, it is approved. An exit that stands is never stopped by a roll.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contango_common.domain.declare import Section, param
from contango_common.domain.instrument import is_option_id, parse_option_id
from contango_common.domain.sessions import days_between
from contango_common.events.signal import Adjustment
from contango_signals.strategies.spec import Held, View
from contango_signals.unitgreeks import unit_greeks


class AdjustParams(Section):
    """When an open structure is looked at for a change."""

    rolled: tuple[str, ...] = param(
        ("iron_condor", "put_credit_spread", "call_credit_spread"), "strategies whose structures are rolled"
    )
    hedged: tuple[str, ...] = param(("iron_condor",), "strategies whose delta is hedged: those meant to have none")
    breach_margin: float = param(
        0.0, "distance from a sold strike that counts as breached", unit="fraction of spot", ge=0, le=0.2
    )
    roll_dte: int | None = param(
        10, "days to expiry at which a structure is rolled; null: never", unit="calendar days", ge=0, le=365
    )
    hedge_delta: float = param(0.10, "delta of one unit beyond which it is hedged", unit="delta", gt=0, le=1)
    hedge_width: float = param(0.02, "width of the hedging debit spread", unit="fraction of spot", gt=0, lt=0.5)


@dataclass(frozen=True, slots=True)
class Want:
    """One change wanted of a held structure; ``side`` is P, C or empty, ``mark`` names it among those already made."""

    held: Held
    adjustment: Adjustment
    side: str
    number: float

    @property
    def mark(self) -> str:
        return f"{self.adjustment}:{self.side}"


def wanted(view: View, p: AdjustParams, strategies: frozenset[str]) -> list[Want]:
    """At most one change a structure, the first that applies and was not made before: breach of a side, then days to
    expiry, then delta."""
    found = []
    for held in view.positions:
        if held.strategy in strategies:
            new = (want for want in _all(view, held, p) if want.mark not in held.adjusted)
            found += [want] if (want := next(new, None)) is not None else []
    return found


def _all(view: View, held: Held, p: AdjustParams) -> Iterator[Want]:
    if held.strategy in p.rolled:
        yield from _breaches(view, held, p)
        yield from _dte(view, held, p)
    if held.strategy in p.hedged:
        yield from _delta(view, held, p)


def _sold(held: Held) -> list[tuple[str, float, int]]:
    """(right, strike, expiry date) of the sold options."""
    legs: list[tuple[str, float, int]] = []
    for name, ratio in zip(held.instruments, held.ratios, strict=True):
        if ratio < 0 and is_option_id(name):
            _, date, right, millis = parse_option_id(name)
            legs.append((right, millis / 1000.0, date))
    return legs


def _breaches(view: View, held: Held, p: AdjustParams) -> Iterator[Want]:
    for right, strike, _ in _sold(held):
        inside = view.spot - strike if right == "P" else strike - view.spot
        if inside <= p.breach_margin * view.spot:
            yield Want(held, "roll_breach", right, inside / view.spot)


def _dte(view: View, held: Held, p: AdjustParams) -> Iterator[Want]:
    dates = [date for _, _, date in _sold(held)]
    if p.roll_dte is not None and dates and (dte := days_between(view.session_date, min(dates))) <= p.roll_dte:
        yield Want(held, "roll_dte", "", float(dte))


def _delta(view: View, held: Held, p: AdjustParams) -> Iterator[Want]:
    delta = delta_of(view, held)
    if delta is not None and abs(delta) >= p.hedge_delta:
        yield Want(held, "hedge_delta", "P" if delta > 0 else "C", delta)


def delta_of(view: View, held: Held) -> float | None:
    """Spot delta of one unit from the frame's smiles; None when a leg has none."""
    known = unit_greeks(view, held.instruments, held.ratios)
    return None if known is None else known.delta
