"""How facts change the execution fold's state: one handler per fact, none of which judges."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.events.base import Event
from contango_common.events.market import ChainFrame, RootListed, SettlementPrint
from contango_common.events.order import (
    Accepted,
    Cancelled,
    Expired,
    Filled,
    OrderCancelled,
    OrderDone,
    OrderSubmitted,
    OrderUnknown,
    Rejected,
    WorkingPriceMoved,
)
from contango_common.events.risk import Approved, ExitRequested, TradingHalted, TradingResumed
from contango_common.events.system import Halt, ParametersChanged, Resume
from contango_execution.order import Order, OrderEvent, OrderState, fill_event, next_state, reject_event
from contango_execution.params import ExecutionParams, section_of
from contango_execution.quotes import on_chain
from contango_execution.state import Finished, Position, Problem, State, seen
from contango_execution.venue_settle import in_series, series_of
from contango_execution.working import ceil_to, increment_of


def _parameters(state: State, event: ParametersChanged, at: At) -> None:
    # evolve is total: a section that is not valid (any more) leaves the last good one in force.
    with suppress(UserError):
        state.params = section_of(ExecutionParams, event.params, "execution")


def _root(state: State, event: RootListed, at: At) -> None:
    state.increments[event.root] = event.increment_ticks


def _approved(state: State, event: Approved, at: At) -> None:
    if seen(state, event.position_id):
        return
    state.positions[event.position_id] = Position(
        position_id=event.position_id,
        underlying=event.underlying,
        instruments=event.instruments,
        ratios=event.ratios,
        multiplier=event.multiplier,
        tick_micros=event.tick_micros,
        bound_ticks=event.limit_ticks,
    )


def _exit(state: State, event: ExitRequested, at: At) -> None:
    """The request is latched; a position never seen here is adopted with what the request says is held."""
    position = state.positions.get(event.position_id)
    if position is None:
        if seen(state, event.position_id):
            return
        position = _adopted(event)
        state.positions[event.position_id] = position
    if position.exit_reason is None:
        position.exit_reason, position.exit_ns = event.reason, at.ts_ns
        position.close_limit_ticks = _first_exit_limit(state, event)
        state.closing.append(event.position_id)
    if event.urgency == "emergency":
        position.close_limit_ticks = None


def _adopted(event: ExitRequested) -> Position:
    return Position(
        position_id=event.position_id,
        underlying=event.underlying,
        instruments=event.instruments,
        ratios=event.ratios,
        multiplier=event.multiplier,
        tick_micros=event.tick_micros,
        bound_ticks=None,
        held=event.quantity,
    )


def _first_exit_limit(state: State, event: ExitRequested) -> int | None:
    """Achievable as risk saw it; without a price, and for a single asset, the order goes to the market."""
    if event.closing_debit_ticks is None or not on_chain(event.instruments):
        return None
    return ceil_to(math.ceil(event.closing_debit_ticks), increment_of(state.increments, event.instruments))


def _chain_frame(state: State, event: ChainFrame, at: At) -> None:
    for position_id in state.closing:
        position = state.positions[position_id]
        if position.underlying == event.underlying and at.ts_ns > position.exit_ns:
            position.exit_frames += 1


def _submitted(state: State, event: OrderSubmitted, at: At) -> None:
    state.orders[event.order_id] = Order(
        order_id=event.order_id,
        position_id=event.position_id,
        purpose=event.purpose,
        underlying=event.underlying,
        instruments=event.instruments,
        ratios=event.ratios,
        quantity=event.quantity,
        limit_ticks=event.limit_ticks,
        valid_until_ns=event.valid_until_ns,
        submitted_ns=at.ts_ns,
    )
    position = state.positions.get(event.position_id)
    if event.purpose == "reduce" and position is not None:
        position.closings += 1
        position.close_limit_ticks = event.limit_ticks


def _cancel_asked(state: State, event: OrderCancelled, at: At) -> None:
    order = state.orders.get(event.order_id)
    if order is not None:
        order.state = next_state(order.state, OrderEvent.CANCEL_ASKED) or order.state
        order.reason = event.reason


def _price_moved(state: State, event: WorkingPriceMoved, at: At) -> None:
    order = state.orders.get(event.order_id)
    if order is None:
        return
    order.limit_ticks = event.limit_ticks
    position = state.positions.get(order.position_id)
    if order.purpose == "reduce" and position is not None:
        position.close_limit_ticks = event.limit_ticks


def _unknown(state: State, event: OrderUnknown, at: At) -> None:
    order = state.orders.get(event.order_id) or state.finished.get(event.order_id)
    if order is not None:
        order.state = OrderState.UNKNOWN
        state.unknown[event.order_id] = event.underlying


def _done(state: State, event: OrderDone, at: At) -> None:
    order = state.orders.pop(event.order_id, None)
    fill_ids = order.fill_ids if order is not None else []
    state.finished[event.order_id] = Finished(OrderState(event.state.upper()), event.underlying, fill_ids)
    _forget_when_flat(state, event.position_id)


def _forget_when_flat(state: State, position_id: str) -> None:
    position = state.positions.get(position_id)
    if position is None or position.held or any(o.position_id == position_id for o in state.orders.values()):
        return
    del state.positions[position_id]
    if position_id in state.closing:
        state.closing.remove(position_id)


def _accepted(state: State, event: Accepted, at: At) -> None:
    _report(state, event.order_id, OrderEvent.ACCEPTED)


def _rejected(state: State, event: Rejected, at: At) -> None:
    order = state.orders.get(event.order_id)
    kind = reject_event(order) if order is not None else OrderEvent.REJECTED
    if _report(state, event.order_id, kind) and order is not None:
        order.reason = "; ".join(event.reasons)
        _refused(state, order, at)


def _cancelled(state: State, event: Cancelled, at: At) -> None:
    order = state.orders.get(event.order_id)
    if _report(state, event.order_id, OrderEvent.CANCELLED) and order is not None:
        order.reason = order.reason or event.reason
        _refused(state, order, at)


def _refused(state: State, order: Order, at: At) -> None:
    position = state.positions.get(order.position_id)
    if order.purpose == "reduce" and position is not None:
        position.refused_ns = at.ts_ns


def _filled(state: State, event: Filled, at: At) -> None:
    order = state.orders.get(event.order_id)
    if order is None:
        known = state.finished.get(event.order_id)
        if known is not None and event.fill_id in known.fill_ids:
            state.problem = None
            return
        _report(state, event.order_id, OrderEvent.OVERFILLED)
        return
    if event.fill_id in order.fill_ids:
        state.problem = None
        return
    if not _report(state, event.order_id, fill_event(order, event)):
        return
    order.filled += event.quantity
    order.fill_ids.append(event.fill_id)
    position = state.positions.get(order.position_id)
    if position is not None:
        position.held += event.quantity if order.purpose == "open" else -event.quantity


def _report(state: State, order_id: str, event: OrderEvent) -> bool:
    """Move the order as the table says; False, and a problem noted, when the table does not."""
    state.problem = None
    order = state.orders.get(order_id) or state.finished.get(order_id)
    if order is None:
        state.problem = Problem(order_id, "", "NONE", event.value)
        return False
    after = next_state(order.state, event)
    if after is None:
        state.problem = Problem(order_id, order.underlying, order.state.value, event.value)
        return False
    order.state = after
    if after is not OrderState.UNKNOWN:
        state.unknown.pop(order_id, None)
    return True


def _expired(state: State, event: Expired, at: At) -> None:
    """Orders on expired contracts end, and no position holds these any more."""
    state.problem = None
    gone = set(event.instruments)
    for order in state.orders.values():
        if not gone.isdisjoint(order.instruments):
            order.state = next_state(order.state, OrderEvent.EXPIRED) or order.state
            order.reason = order.reason or "contracts expired"
    _drop(state, gone.__contains__)


def _printed(state: State, event: SettlementPrint, at: At) -> None:
    """Contracts of the series are gone with their print; of those that two positions hold against each other the
    venue, which holds none, will say nothing."""
    series = series_of(event.root, event.expiry_ns, event.expiry_date)
    _drop(state, lambda name: in_series(name, series))


def _drop(state: State, gone: Callable[[str], bool]) -> None:
    """Positions keep the legs that live on (a calendar's far leg, the stock of a covered call)."""
    for position in list(state.positions.values()):
        if not any(gone(name) for name in position.instruments):
            continue
        kept = [(i, r) for i, r in zip(position.instruments, position.ratios, strict=True) if not gone(i)]
        position.instruments, position.ratios = tuple(i for i, _ in kept), tuple(r for _, r in kept)
        position.close_limit_ticks = None  # a price for legs that are gone prices nothing
        if not kept:
            position.held = 0
            _forget_when_flat(state, position.position_id)


def _halt(state: State, event: Halt, at: At) -> None:
    state.halted = event.reason


def _resume(state: State, event: Resume, at: At) -> None:
    state.halted = None


def _risk_halt(state: State, event: TradingHalted, at: At) -> None:
    state.risk_halted, state.risk_halted_until_ns = event.reason, event.until_ns


def _risk_resume(state: State, event: TradingResumed, at: At) -> None:
    state.risk_halted = state.risk_halted_until_ns = None


EVOLVE: dict[type[Event], Callable[[State, Any, At], None]] = {
    ParametersChanged: _parameters,
    RootListed: _root,
    Approved: _approved,
    ExitRequested: _exit,
    ChainFrame: _chain_frame,
    OrderSubmitted: _submitted,
    OrderCancelled: _cancel_asked,
    WorkingPriceMoved: _price_moved,
    OrderUnknown: _unknown,
    OrderDone: _done,
    Accepted: _accepted,
    Rejected: _rejected,
    Cancelled: _cancelled,
    Filled: _filled,
    Expired: _expired,
    SettlementPrint: _printed,
    Halt: _halt,
    Resume: _resume,
    TradingHalted: _risk_halt,
    TradingResumed: _risk_resume,
}
