"""What the execution fold makes of what it hears: orders, new limits, cancels and last words. Nothing here writes."""

from collections.abc import Callable, Sequence
from typing import Any

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.market import Bars, ChainFrame, Tick
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
from contango_common.events.risk import Approved, ExitRequested, TradingHalted
from contango_common.events.system import Halt
from contango_execution import working
from contango_execution.order import FINAL, Order, OrderState
from contango_execution.quotes import on_chain, quotes_of
from contango_execution.state import Position, State, opening_forbidden, orders_of, unclosed


def _approved(state: State, event: Approved, at: At) -> list[Event]:
    """The opening order, or its end at once when no new risk may be opened. An id is used once for ever."""
    order_id = f"{event.position_id}:o1"
    if event.position_id not in state.positions or order_id in state.orders or order_id in state.finished:
        return []
    forbidden = opening_forbidden(state, event.underlying, at.ts_ns)
    deadline_ns = working.open_deadline_ns(state.params, at.ts_ns, event.valid_until_ns)
    if forbidden is not None:
        return [_never_sent(event, order_id, "cancelled", forbidden)]
    if deadline_ns <= at.ts_ns:
        return [_never_sent(event, order_id, "expired", "the approval was no longer valid")]
    limit_ticks = event.limit_ticks
    if on_chain(event.instruments):
        increment_ticks = working.increment_of(state.increments, event.instruments)
        limit_ticks = working.open_limit(state.params, event.limit_ticks, increment_ticks, 0)
    return [
        OrderSubmitted(
            order_id=order_id,
            position_id=event.position_id,
            purpose="open",
            underlying=event.underlying,
            instruments=event.instruments,
            ratios=event.ratios,
            multiplier=event.multiplier,
            tick_micros=event.tick_micros,
            quantity=event.quantity,
            limit_ticks=limit_ticks,
            valid_until_ns=deadline_ns,
        )
    ]


def _never_sent(event: Approved, order_id: str, state: Any, reason: str) -> OrderDone:
    return OrderDone(
        order_id=order_id,
        position_id=event.position_id,
        purpose="open",
        underlying=event.underlying,
        state=state,
        filled=0,
        quantity=event.quantity,
        reason=reason,
    )


def _exit(state: State, event: ExitRequested, at: At) -> list[Event]:
    """Take the opening order back, close what is held, and let an emergency go to the market at once."""
    position = state.positions.get(event.position_id)
    if position is None:
        return []
    facts: list[Event] = [
        OrderCancelled(order_id=order.order_id, reason=f"exit requested: {event.reason}")
        for order in orders_of(state, position.position_id, "open")
        if order.open_for_commands
    ]
    if event.urgency == "emergency":
        facts += _reprice(state, position, None, working.Rung.MARKET)
    return facts + _close(state, position, position.close_limit_ticks, at)


def _close(state: State, position: Position, limit_ticks: int | None, at: At) -> list[Event]:
    """A closing order for what is held and not yet being closed; after a refusal, not again at the same instant."""
    quantity = unclosed(state, position)
    if quantity <= 0 or at.ts_ns <= position.refused_ns:
        return []
    return [
        OrderSubmitted(
            order_id=f"{position.position_id}:x{position.closings + 1}",
            position_id=position.position_id,
            purpose="reduce",
            underlying=position.underlying,
            instruments=position.instruments,
            ratios=_reversed(position.ratios),
            multiplier=position.multiplier,
            tick_micros=position.tick_micros,
            quantity=quantity,
            limit_ticks=limit_ticks,
            valid_until_ns=None,
        )
    ]


def _reprice(state: State, position: Position, limit_ticks: int | None, rung: working.Rung) -> list[Event]:
    return [
        WorkingPriceMoved(order_id=order.order_id, limit_ticks=limit_ticks, step=int(rung), reason=rung.name.lower())
        for order in orders_of(state, position.position_id, "reduce")
        if order.open_for_commands and order.limit_ticks is not None and order.limit_ticks != limit_ticks
    ]


def _reversed(ratios: Sequence[int]) -> tuple[int, ...]:
    return tuple(-ratio for ratio in ratios)


def _tick(state: State, event: Tick, at: At) -> list[Event]:
    """An opening order whose time is over is taken back. A tick has no price: nothing walks, climbs or is sent."""
    if not state.orders:
        return []
    return [
        OrderCancelled(order_id=order.order_id, reason="deadline")
        for order in state.orders.values()
        if order.purpose == "open" and _overdue(order, at.ts_ns) and order.open_for_commands
    ]


def _bars(state: State, event: Bars, at: At) -> list[Event]:
    if not state.orders and not state.closing:
        return []
    facts = _work_openings(state, at)
    for position_id in state.closing:
        position = state.positions[position_id]
        facts += _close(state, position, position.close_limit_ticks, at)
    return facts


def _chain_frame(state: State, event: ChainFrame, at: At) -> list[Event]:
    if not state.orders and not state.closing:
        return []
    facts = _work_openings(state, at)
    for position_id in state.closing:
        position = state.positions[position_id]
        if position.underlying == event.underlying and at.ts_ns > position.exit_ns:
            facts += _climb(state, position, event, at)
    return facts


def _climb(state: State, position: Position, frame: ChainFrame, at: At) -> list[Event]:
    """The closing ladder at a frame: fresh limit for what works, and an order for what does not work yet."""
    rung = working.exit_rung(state.params, position.exit_frames)
    market = rung is working.Rung.MARKET or position.close_limit_ticks is None
    limit_ticks = working.exit_limit(
        state.params,
        rung,
        None if market else quotes_of(frame, position.instruments, position.tick_micros),
        _reversed(position.ratios),
        position.tick_micros,
        working.increment_of(state.increments, position.instruments),
        position.close_limit_ticks,
    )
    return _reprice(state, position, limit_ticks, rung) + _close(state, position, limit_ticks, at)


def _work_openings(state: State, at: At) -> list[Event]:
    facts: list[Event] = []
    for order in state.orders.values():
        if order.purpose != "open" or not order.open_for_commands:
            continue
        if _overdue(order, at.ts_ns):
            facts.append(OrderCancelled(order_id=order.order_id, reason="deadline"))
        elif on_chain(order.instruments):
            facts += _walk(state, order, at)
    return facts


def _overdue(order: Order, ts_ns: int) -> bool:
    return order.valid_until_ns is not None and ts_ns >= order.valid_until_ns


def _walk(state: State, order: Order, at: At) -> list[Event]:
    """Towards the bound by the clock; never beyond it and never back."""
    bound_ticks = state.positions[order.position_id].bound_ticks
    if bound_ticks is None or order.limit_ticks is None:
        return []
    step = working.open_step(state.params, at.ts_ns - order.submitted_ns)
    increment_ticks = working.increment_of(state.increments, order.instruments)
    limit_ticks = working.open_limit(state.params, bound_ticks, increment_ticks, step)
    if limit_ticks <= order.limit_ticks:
        return []
    return [WorkingPriceMoved(order_id=order.order_id, limit_ticks=limit_ticks, step=step, reason="walk")]


def _report(state: State, event: Event, at: At) -> list[Event]:
    """After a word from the venue: doubt, last words, and what an exit still has to close."""
    facts = _doubt(state) + _last_words(state)
    for position_id in state.closing:
        position = state.positions[position_id]
        facts += _close(state, position, position.close_limit_ticks, at)
    return facts


def _doubt(state: State) -> list[Event]:
    """The order of an illegal report is unknown; if it may still work, the venue is asked to take it back."""
    problem = state.problem
    if problem is None:
        return []
    facts: list[Event] = [
        OrderUnknown(
            order_id=problem.order_id, underlying=problem.underlying, state=problem.state, report=problem.report
        )
    ]
    order = state.orders.get(problem.order_id)
    if order is not None and order.open_for_commands:
        facts.append(OrderCancelled(order_id=order.order_id, reason=f"unknown after {problem.report}"))
    return facts


def _last_words(state: State) -> list[Event]:
    return [
        OrderDone(
            order_id=order.order_id,
            position_id=order.position_id,
            purpose=order.purpose,
            underlying=order.underlying,
            state=FINAL[order.state],
            filled=order.filled,
            quantity=order.quantity,
            reason=order.reason or FINAL[order.state],
        )
        for order in state.orders.values()
        if order.final
    ]


def _stop_openings(state: State, event: Halt | TradingHalted, at: At) -> list[Event]:
    """A halt takes back what would open risk and nothing else."""
    return [
        OrderCancelled(order_id=order.order_id, reason=f"halted: {event.reason}")
        for order in state.orders.values()
        if order.purpose == "open" and order.state is not OrderState.CANCELLING and order.open_for_commands
    ]


DECIDE: dict[type[Event], Callable[[State, Any, At], list[Event]]] = {
    Tick: _tick,
    Bars: _bars,
    ChainFrame: _chain_frame,
    Approved: _approved,
    ExitRequested: _exit,
    Accepted: _report,
    Rejected: _report,
    Filled: _report,
    Cancelled: _report,
    Expired: _report,
    Halt: _stop_openings,
    TradingHalted: _stop_openings,
}
