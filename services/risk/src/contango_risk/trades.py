"""Facts about one position's life: opened, closed."""

from contango_common.events.risk import PositionOpened, TradeClosed
from contango_risk.state import Position, RiskState


def opened(position: Position) -> PositionOpened | None:
    """Once, at the first fill."""
    if position.announced or position.units == 0:
        return None
    entry = position.entry
    unit_micros = entry.tick_micros * entry.multiplier * position.units
    return PositionOpened(
        position_id=entry.position_id,
        proposal_id=entry.proposal_id,
        strategy=entry.strategy,
        underlying=entry.underlying,
        quantity=position.units,
        entry_net_ticks=-position.open_cash_micros / unit_micros,
        fees_micros=position.fees_micros,
    )


def closed(state: RiskState, position: Position) -> TradeClosed | None:
    """Once flat, with no opening order left: the exact sum of the cash flows."""
    entry = position.entry
    if not position.flat or position.units == 0 or entry.position_id in state.ledger.pending:
        return None
    reason, all_true = _exit(position)
    return TradeClosed(
        position_id=entry.position_id,
        proposal_id=entry.proposal_id,
        strategy=entry.strategy,
        underlying=entry.underlying,
        instruments=tuple(entry.instruments),
        ratios=tuple(entry.ratios),
        quantity=position.units,
        opened_ns=position.opened_ns,
        entry_net_micros=position.open_cash_micros,
        exit_net_micros=position.close_cash_micros,
        fees_micros=position.fees_micros,
        pnl_micros=position.open_cash_micros + position.close_cash_micros - position.fees_micros,
        mid_pnl_micros=position.mid_cash_micros - position.fees_micros,
        natural_pnl_micros=position.natural_cash_micros - position.fees_micros,
        max_loss_micros=position.entry_max_loss_micros or 0,
        exit_reason=reason,
        exit_all_true=all_true,
        regime_at_entry=entry.regime,
        regime_at_exit=_regime(state, entry.underlying),
        entry_why=entry.why,
        adjusts=entry.adjusts,
        entry_parameters=entry.context.entry_parameters,
        module_specific_params=entry.context.module_specific_params,
        market_context=entry.context.market_context,
        alternatives=entry.context.alternatives,
        exit_why=position.exit.why if position.exit else {},
    )


def _exit(position: Position) -> tuple[str, tuple[str, ...]]:
    asked = tuple(position.exit.all_true) if position.exit else ()
    if position.settled:
        return "expiry", (*asked, "expiry")
    return (position.exit.reason, asked) if position.exit else ("unrequested", ())


def _regime(state: RiskState, underlying: str) -> str | None:
    """The label of the daily rules, in which entries are told as well; without one the label that changed last."""
    labels = state.regimes.get(underlying, {})
    return labels.get("s2") or next(reversed(labels.values()), None)
