"""How inputs enter the state. Every function here is a handler of ``evolve``; unknown events have none."""

from collections.abc import Callable
from datetime import date as civil_date
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.domain.sessions import DAY_NS
from contango_common.events import market, order, risk, signal, system
from contango_common.events.base import Event
from contango_risk import exits, ledger, sessions, smiles
from contango_risk.exposure import expose, spot_greeks
from contango_risk.halts import new_session, note_equity, take_halted, take_resumed
from contango_risk.marks import mark_options, mark_spot, quote_legs
from contango_risk.params import parse
from contango_risk.portfolio import equity_micros
from contango_risk.proposals import draft_of
from contango_risk.silence import any_silent
from contango_risk.state import Asset, Exit, Position, RiskState, Root

_EPOCH_ORDINAL = 719_163


def _parameters(state: RiskState, event: system.ParametersChanged, at: At) -> None:
    try:
        state.params, state.params_error = parse(event.params), None
    except UserError as error:  # keep the last good ones; no new risk until they are put right
        state.params_error = str(error)


def _asset(state: RiskState, symbol: str) -> Asset:
    known = state.assets.get(symbol)
    if known is None:
        known = state.assets[symbol] = Asset()
    return known


def _asset_listed(state: RiskState, event: market.AssetListed, at: At) -> None:
    asset = _asset(state, event.symbol)
    asset.spy_equivalent, asset.lot_micros = event.spy_equivalent, event.lot_micros


def _root_listed(state: RiskState, event: market.RootListed, at: At) -> None:
    state.roots[event.root] = Root(
        event.underlying, event.settlement, event.delivery, event.multiplier, event.tick_micros
    )


def _rate(state: RiskState, event: market.RateSet, at: At) -> None:
    asset = _asset(state, event.underlying)
    asset.rate_annual, asset.div_yield_annual = event.rate_annual, event.div_yield_annual


def _session_table(state: RiskState, event: market.SessionTable, at: At) -> None:
    state.calendar = sessions.take(event)


def _feed(state: RiskState, event: market.FeedState, at: At) -> None:
    _asset(state, event.underlying).feed = event.state


def _tick(state: RiskState, event: market.Tick, at: At) -> None:
    """A silent feed cannot say that a new session runs; the table does. A feed that is alive says so itself."""
    if any_silent(state, at.ts_ns):
        state.calendar = sessions.trimmed(state.calendar, at.ts_ns)
        if len(state.calendar.date) and state.calendar.date[0] != state.equity.session_date:
            new_session(state, int(state.calendar.date[0]))


def _print(state: RiskState, event: market.SettlementPrint, at: At) -> None:
    date = event.expiry_date if event.expiry_date is not None else _yyyymmdd(event.expiry_ns // DAY_NS)
    state.prints[ledger.print_key(event.root, date)] = event.price


def _frame(state: RiskState, event: market.ChainFrame, at: At) -> None:
    asset = _asset(state, event.underlying)
    asset.price, asset.price_ns = event.spot, at.ts_ns
    if event.session_date != state.equity.session_date:
        new_session(state, event.session_date)
        state.calendar = sessions.trimmed(state.calendar, at.ts_ns)
    ledger.release_overdue(state.ledger, at.ts_ns)
    if state.prints:
        ledger.settle_netted(state.ledger, state.prints, state.assets)
        state.prints.clear()
    _mark_frame(state, event, asset, at.ts_ns)
    note_equity(state, equity_micros(state.ledger))


def _mark_frame(state: RiskState, event: market.ChainFrame, asset: Asset, ts_ns: int) -> None:
    open_minutes = sessions.minutes_open(state.calendar, ts_ns) if state.ledger.positions else None
    carries: dict[str, tuple[float, float]] = {}
    for position in state.ledger.positions.values():
        if position.entry.underlying != event.underlying or position.spot:
            continue
        quote_legs(position, event, ts_ns)
        mark_options(position, state.params.fill_fractions, ts_ns)
        expose(position, event, asset, ts_ns, carries, state.smiles)
        exits.note_stop(position, state.params.exits, open_minutes)


def _bars(state: RiskState, event: market.Bars, at: At) -> None:
    state.bars_ns = at.ts_ns
    if state.ledger.spot_seen:
        _mark_bars(state, event, at.ts_ns)


def _mark_bars(state: RiskState, event: market.Bars, ts_ns: int) -> None:
    close_ns = state.calendar.first_close_ns
    if close_ns == 0:
        _utc_session(state, ts_ns // DAY_NS)
    elif ts_ns > close_ns:
        state.calendar = sessions.trimmed(state.calendar, ts_ns)
        if len(state.calendar.date):
            new_session(state, int(state.calendar.date[0]))
    if state.ledger.spot_positions:
        for position in state.ledger.positions.values():
            if position.entry.underlying in event.symbols and position.spot:
                asset = _asset(state, position.entry.underlying)
                price = event.close[event.symbols.index(position.entry.underlying)]
                asset.price, asset.price_ns = price, ts_ns
                mark_spot(position, asset, price, ts_ns)
    note_equity(state, equity_micros(state.ledger))


def _utc_session(state: RiskState, day: int) -> None:
    """Without a session table a session is a UTC day."""
    if day != state.utc_day:
        state.utc_day = day
        new_session(state, _yyyymmdd(day))


def _yyyymmdd(utc_day: int) -> int:
    day = civil_date.fromordinal(_EPOCH_ORDINAL + utc_day)
    return day.year * 10_000 + day.month * 100 + day.day


def _proposal(state: RiskState, event: signal.Proposal, at: At) -> None:
    state.ledger.drafts[event.proposal_id] = draft_of(state, event, at.ts_ns)


def _approved(state: RiskState, event: risk.Approved, at: At) -> None:
    entry = state.ledger.drafts.pop(event.proposal_id, None)
    if entry is not None:
        entry.quantity = event.quantity
        ledger.reserve(state.ledger, entry)


def _refused(state: RiskState, event: risk.Refused, at: At) -> None:
    state.ledger.drafts.pop(event.proposal_id, None)


def _surface(state: RiskState, event: signal.SurfaceFitted, at: At) -> None:
    smiles.take(state.smiles, event, at.ts_ns)


def _regime(state: RiskState, event: signal.RegimeReport | signal.RegimeChanged, at: At) -> None:
    labels = state.regimes.setdefault(event.symbol, {})
    labels.pop(event.detector, None)
    if event.label is not None:
        labels[event.detector] = event.label


def _exit_signal(state: RiskState, event: signal.ExitSignal, at: At) -> None:
    for position in state.ledger.positions.values():
        if position.entry.underlying == event.underlying and position.entry.strategy == event.strategy:
            position.signal_why = dict(event.why)


def _close_ordered(state: RiskState, event: system.CloseOrdered, at: At) -> None:
    for key, position in state.ledger.positions.items():
        if event.position_id is None:
            position.flatten = True
        if event.position_id in (None, key):
            position.manual = event.reason


def _submitted(state: RiskState, event: order.OrderSubmitted, at: At) -> None:
    ledger.submitted(state.ledger, event.order_id, event.position_id, event.purpose)


def _order_done(state: RiskState, event: order.OrderDone, at: At) -> None:
    ledger.order_done(state.ledger, event.order_id, event.position_id, event.purpose)
    state.unknown_orders.pop(event.order_id, None)


def _order_unknown(state: RiskState, event: order.OrderUnknown, at: At) -> None:
    state.unknown_orders[event.order_id] = event.underlying


def _filled(state: RiskState, event: order.Filled, at: At) -> None:
    ledger.book_fill(state.ledger, event, at.ts_ns, state.assets, state.roots)
    position = ledger.owner(state.ledger, event)
    if position is not None and position.spot:
        position.greeks = spot_greeks(position, _asset(state, position.entry.underlying))
    elif position is not None:
        _estimate_greeks(position)


def _estimate_greeks(position: Position) -> None:
    """Until the next frame marks it, a new holding has the Greeks that its proposal was judged by."""
    unit, held = position.entry.unit_greeks, position.legs[0]
    if unit is None or held.ratio == 0:
        position.greeks = None
        return
    units = held.lots / held.ratio
    position.greeks = type(unit)(unit.delta * units, unit.gamma * units, unit.vega * units, unit.theta * units)


def _expired(state: RiskState, event: order.Expired, at: At) -> None:
    for position_id in ledger.book_expiry(state.ledger, event, state.assets):
        position = state.ledger.positions[position_id]
        if not position.flat:
            mark_options(position, state.params.fill_fractions, at.ts_ns)


def _assigned(state: RiskState, event: order.Assigned, at: At) -> None:
    for position_id in ledger.book_assignment(state.ledger, event, state.assets):
        position = state.ledger.positions[position_id]
        mark_options(position, state.params.fill_fractions, at.ts_ns)


def _account(state: RiskState, event: order.AccountSnapshot, at: At) -> None:
    if not state.ledger.funded:
        ledger.fund(state.ledger, event.cash_micros)
        note_equity(state, equity_micros(state.ledger))
        state.equity.session_base_micros = state.equity.equity_micros


def _started(state: RiskState, event: system.TradingStarted, at: At) -> None:
    state.started = True


def _halt(state: RiskState, event: system.Halt, at: At) -> None:
    state.halts.manual = event.reason


def _resume(state: RiskState, event: system.Resume, at: At) -> None:
    state.halts.manual = None


def _opened(state: RiskState, event: risk.PositionOpened, at: At) -> None:
    position = state.ledger.positions.get(event.position_id)
    if position is not None:
        position.announced = True


def _exit_requested(state: RiskState, event: risk.ExitRequested, at: At) -> None:
    position = state.ledger.positions.get(event.position_id)
    if position is not None:
        numbers = exits.why(state, position, at.ts_ns)
        position.exit = Exit(event.reason, list(event.all_true), event.urgency, event.quantity, numbers)


def _closed(state: RiskState, event: risk.TradeClosed, at: At) -> None:
    ledger.close_position(state.ledger, event.position_id)


def _marked(state: RiskState, event: risk.PortfolioMarked, at: At) -> None:
    state.equity.marked_ns = at.ts_ns


EVOLVE: dict[type[Event], Callable[[RiskState, Any, At], None]] = {
    market.Tick: _tick,
    market.Bars: _bars,
    market.ChainFrame: _frame,
    market.FeedState: _feed,
    market.SessionTable: _session_table,
    market.AssetListed: _asset_listed,
    market.RootListed: _root_listed,
    market.RateSet: _rate,
    market.SettlementPrint: _print,
    signal.Proposal: _proposal,
    signal.RegimeReport: _regime,
    signal.RegimeChanged: _regime,
    signal.SurfaceFitted: _surface,
    signal.ExitSignal: _exit_signal,
    order.OrderSubmitted: _submitted,
    order.OrderDone: _order_done,
    order.OrderUnknown: _order_unknown,
    order.Filled: _filled,
    order.Expired: _expired,
    order.Assigned: _assigned,
    order.AccountSnapshot: _account,
    system.ParametersChanged: _parameters,
    system.TradingStarted: _started,
    system.Halt: _halt,
    system.Resume: _resume,
    system.CloseOrdered: _close_ordered,
    risk.Approved: _approved,
    risk.Refused: _refused,
    risk.PositionOpened: _opened,
    risk.ExitRequested: _exit_requested,
    risk.TradeClosed: _closed,
    risk.PortfolioMarked: _marked,
    risk.TradingHalted: lambda state, event, at: take_halted(state, event),
    risk.TradingResumed: lambda state, event, at: take_resumed(state, event),
}
