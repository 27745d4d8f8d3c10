"""What the limits look at: one proposal against the book, every number computed once."""

from dataclasses import dataclass

from contango_risk.exposure import add_scaled, sum_greeks
from contango_risk.portfolio import equity_micros, heat_micros
from contango_risk.state import Entry, Greeks, RiskState


@dataclass(frozen=True, slots=True)
class Look:
    """``per_100k`` is equity in units of 100,000 USD; ``book`` are the Greeks of positions and reservations."""

    state: RiskState
    entry: Entry
    ts_ns: int
    equity_micros: int
    heat_micros: int
    per_100k: float
    book: Greeks | None


def look(state: RiskState, entry: Entry, ts_ns: int) -> Look:
    equity = equity_micros(state.ledger)
    return Look(
        state=state,
        entry=entry,
        ts_ns=ts_ns,
        equity_micros=equity,
        heat_micros=heat_micros(state.ledger, equity),
        per_100k=max(0, equity) / 1e11,
        book=book_greeks(state),
    )


def book_greeks(state: RiskState) -> Greeks | None:
    """Greeks of the positions and of what is approved but not yet filled; None when any is unknown."""
    total = sum_greeks(list(state.ledger.positions.values()))
    if total is None:
        return None
    for pending in state.ledger.pending.values():
        unit = pending.entry.unit_greeks
        if unit is None:
            return None
        add_scaled(total, unit, pending.entry.quantity - pending.filled)
    return total
