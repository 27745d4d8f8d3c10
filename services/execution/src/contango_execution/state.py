"""State of the execution fold: orders at work, positions they belong to, and what is over."""

from dataclasses import dataclass, field

from contango_execution.order import Order, OrderState
from contango_execution.params import ExecutionParams


@dataclass(slots=True)
class Position:
    """What execution holds for one position. ``instruments`` and ``ratios`` are those of the opening side.

    ``bound_ticks`` is the most that opening one unit may cost. ``exit_reason`` is set once an exit stands;
    ``close_limit_ticks`` is then the last limit (None: market), ``exit_frames`` counts chain frames since, and
    ``refused_ns`` is the instant at which a closing order was last refused, so that an instant sees one attempt only.
    """

    position_id: str
    underlying: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    multiplier: int
    tick_micros: int
    bound_ticks: int | None
    held: int = 0
    exit_reason: str | None = None
    exit_ns: int = 0
    exit_frames: int = 0
    close_limit_ticks: int | None = None
    closings: int = 0
    refused_ns: int = -1


@dataclass(slots=True)
class Finished:
    """What is remembered of an order for ever, so that its id is never used again and a late report is recognised."""

    state: OrderState
    underlying: str
    fill_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Problem:
    """An illegal report: which order, in which state, what was said."""

    order_id: str
    underlying: str
    state: str
    report: str


@dataclass(slots=True)
class State:
    """``problem`` is about the last report only. ``unknown`` maps orders of unknown state to their underlying."""

    params: ExecutionParams = field(default_factory=ExecutionParams)
    increments: dict[str, int] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    closing: list[str] = field(default_factory=list)
    finished: dict[str, Finished] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None
    halted: str | None = None
    risk_halted: str | None = None
    risk_halted_until_ns: int | None = None


def orders_of(state: State, position_id: str, purpose: str) -> list[Order]:
    """Orders at work for a position, in the order of submission."""
    return [o for o in state.orders.values() if o.position_id == position_id and o.purpose == purpose]


def unclosed(state: State, position: Position) -> int:
    """Units held for which no closing order is at work. An order of unknown state still counts as at work."""
    at_work = sum(order.remaining for order in orders_of(state, position.position_id, "reduce") if not order.final)
    return position.held - at_work


def seen(state: State, position_id: str) -> bool:
    """Whether a position of this id was ever worked here."""
    first = (f"{position_id}:o1", f"{position_id}:x1")
    return position_id in state.positions or any(order_id in state.finished for order_id in first)


def opening_forbidden(state: State, underlying: str, ts_ns: int) -> str | None:
    """Why no new risk may be opened now; None when it may."""
    if state.halted is not None:
        return f"halted: {state.halted}"
    until = state.risk_halted_until_ns
    if state.risk_halted is not None and (until is None or ts_ns < until):
        return f"trading halted: {state.risk_halted}"
    stuck = [order_id for order_id, of in state.unknown.items() if of == underlying]
    return f"order {stuck[0]} is of unknown state" if stuck else None
