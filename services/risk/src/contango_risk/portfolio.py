"""The book at an instant: equity, heat, and the fact that says so."""

from contango_common.events.risk import PortfolioMarked
from contango_risk.exposure import sum_greeks
from contango_risk.state import Ledger, RiskState


def equity_micros(ledger: Ledger) -> int:
    """Cash plus mid marks."""
    total = ledger.cash_micros
    for position in ledger.positions.values():
        total += position.marks.mid_micros or 0
    return total


def heat_micros(ledger: Ledger, equity: int) -> int:
    """Sum of maximum losses of positions and reservations; a holding without a finite one counts as all equity."""
    total = 0
    for position in ledger.positions.values():
        total += max(0, equity) if position.max_loss_micros is None else position.max_loss_micros
    for pending in ledger.pending.values():
        total += pending.entry.unit_max_loss_micros * (pending.entry.quantity - pending.filled)
    return total


def marked(state: RiskState) -> PortfolioMarked:
    """The book's marks: values of the holdings (positive: the account would receive) and equity = cash + mid."""
    positions = list(state.ledger.positions.values())
    equity = equity_micros(state.ledger)
    high = max(state.equity.high_water_micros, equity)
    greeks = sum_greeks(positions)
    return PortfolioMarked(
        cash_micros=state.ledger.cash_micros,
        mid_micros=sum(p.marks.mid_micros or 0 for p in positions),
        achievable_micros=sum(_first_known(p.marks.achievable_micros, p.marks.mid_micros) for p in positions),
        natural_micros=sum(_first_known(p.marks.natural_micros, p.marks.mid_micros) for p in positions),
        equity_micros=equity,
        high_water_micros=high,
        drawdown_fraction=max(0.0, 1.0 - equity / high) if high > 0 else 0.0,
        open_positions=len(positions),
        max_loss_micros=heat_micros(state.ledger, equity),
        delta_spy_shares=greeks.delta if greeks else None,
        gamma_spy_shares=greeks.gamma if greeks else None,
        vega_usd_per_point=greeks.vega if greeks else None,
        theta_usd_per_day=greeks.theta if greeks else None,
        stale_marks=sum(p.marks.stale_legs for p in positions),
    )


def _first_known(value: int | None, otherwise: int | None) -> int:
    return value if value is not None else otherwise or 0
