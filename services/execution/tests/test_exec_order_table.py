"""The order table is total: every pair of state and event is either in it or leaves the order unknown and unchanged."""

import copy
from collections.abc import Callable
from itertools import product

import pytest

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.order import Accepted, Cancelled, Expired, Filled, OrderUnknown, Rejected
from contango_common.runtime.fold import step
from contango_execution import fold
from contango_execution.order import FINAL, TABLE, Order, OrderEvent, OrderState, next_state
from contango_execution.state import Finished, Position, State

LEG = "SPXW180316P02500000"
AT = At(1_000, 7, "broker")


def order_in(state: OrderState, filled: int = 0) -> Order:
    return Order(
        order_id="p:o1",
        position_id="p",
        purpose="open",
        underlying="SPX",
        instruments=(LEG,),
        ratios=(-1,),
        quantity=10,
        limit_ticks=-100,
        valid_until_ns=None,
        submitted_ns=0,
        state=state,
        filled=filled,
    )


def world_with(order: Order) -> State:
    state = fold.initial()
    state.orders[order.order_id] = order
    state.positions["p"] = Position("p", "SPX", (LEG,), (-1,), 100, 10_000, -100, held=order.filled)
    return state


def fill(quantity: int, remaining: int, fill_id: str = "p:o1:f9") -> Filled:
    return Filled(
        order_id="p:o1",
        fill_id=fill_id,
        quantity=quantity,
        instruments=(LEG,),
        leg_quantities=(-quantity,),
        leg_price_micros=(1_000_000,),
        cash_micros=quantity * 100_000_000,
        mid_cash_micros=0,
        natural_cash_micros=0,
        fees_micros=0,
        remaining=remaining,
    )


def expiry() -> Expired:
    return Expired(
        underlying="SPX",
        root="SPXW",
        expiry_ns=1,
        print_price=2_500.0,
        instruments=(LEG,),
        quantities=(-1,),
        leg_cash_micros=(0,),
        cash_micros=0,
    )


# How each report reaches the fold, for an order of 10 of which ``filled`` are filled.
REPORTS: dict[OrderEvent, Callable[[int], Event]] = {
    OrderEvent.ACCEPTED: lambda filled: Accepted(order_id="p:o1", venue_id="V1"),
    OrderEvent.REJECTED: lambda filled: Rejected(order_id="p:o1", reasons=("no",)),
    OrderEvent.REJECTED_AFTER_FILL: lambda filled: Rejected(order_id="p:o1", reasons=("no",)),
    OrderEvent.PART_FILLED: lambda filled: fill(1, 10 - filled - 1),
    OrderEvent.FILLED: lambda filled: fill(10 - filled, 0),
    OrderEvent.OVERFILLED: lambda filled: fill(10 - filled + 1, 0),
    OrderEvent.CANCELLED: lambda filled: Cancelled(order_id="p:o1", reason="done"),
}
FILLED_BEFORE = {OrderState.PARTIAL: 4, OrderState.CANCELLING: 4, OrderState.UNKNOWN: 4}


def test_every_pair_is_decided_by_the_table() -> None:
    for state, event in product(OrderState, OrderEvent):
        assert next_state(state, event) == TABLE.get((state, event))
    assert {state for state, _ in TABLE} == set(OrderState), "every state has a row"


def test_no_way_leads_out_of_an_end() -> None:
    assert all(after == state for (state, _), after in TABLE.items() if state in FINAL)


def test_every_working_state_can_reach_every_end() -> None:
    reach: dict[OrderState, set[OrderState]] = {s: {s} for s in OrderState}
    for _ in OrderState:
        for (state, _event), after in TABLE.items():
            reach[state] |= reach[after]
    assert reach[OrderState.SUBMITTED] >= set(FINAL)
    assert OrderState.UNKNOWN not in reach[OrderState.SUBMITTED], "only an illegal report makes an order unknown"
    assert reach[OrderState.UNKNOWN] >= set(FINAL), "the venue can prove any end"


def states_before(event: OrderEvent) -> list[tuple[OrderState, int]]:
    rows = []
    for state in (s for s in OrderState if s not in FINAL):
        filled = FILLED_BEFORE.get(state, 0)
        if event is OrderEvent.REJECTED and filled and state is not OrderState.PARTIAL:
            filled = 0  # a believable rejection: nothing has traded
        if event is OrderEvent.REJECTED and filled:
            continue
        if event is OrderEvent.REJECTED_AFTER_FILL and not filled:
            continue
        rows.append((state, filled))
    return rows


@pytest.mark.parametrize(
    ("state", "event", "filled"),
    [(state, event, filled) for event in REPORTS for state, filled in states_before(event)],
)
def test_reports_move_an_order_as_the_table_says(state: OrderState, event: OrderEvent, filled: int) -> None:
    world = world_with(order_in(state, filled))
    before = copy.deepcopy(world.orders["p:o1"])
    facts, _ = step(fold, world, [REPORTS[event](filled)], AT)
    after = TABLE.get((state, event))
    unknown = [fact for fact in facts if isinstance(fact, OrderUnknown)]
    if after is None:
        order = world.orders["p:o1"]
        assert [(fact.state, fact.report) for fact in unknown] == [(state.value, event.value)]
        assert order.state is OrderState.UNKNOWN
        assert (order.filled, order.limit_ticks, order.fill_ids) == (before.filled, before.limit_ticks, before.fill_ids)
        assert world.positions["p"].held == filled
        assert world.unknown == {"p:o1": "SPX"}
    else:
        assert unknown == []
        if after in FINAL:
            assert world.finished["p:o1"].state is after
            assert "p:o1" not in world.orders
        else:
            assert world.orders["p:o1"].state is after


@pytest.mark.parametrize("state", list(FINAL))
@pytest.mark.parametrize("event", list(REPORTS))
def test_reports_after_the_end(state: OrderState, event: OrderEvent) -> None:
    """A fill after the end is never part of the order; other words are what the table says."""
    world = fold.initial()
    world.finished["p:o1"] = Finished(state, "SPX")
    if event is OrderEvent.REJECTED_AFTER_FILL:
        return
    facts, _ = step(fold, world, [REPORTS[event](0)], AT)
    is_fill = event in (OrderEvent.PART_FILLED, OrderEvent.FILLED, OrderEvent.OVERFILLED)
    legal = not is_fill and (state, event) in TABLE
    assert [type(fact) for fact in facts] == ([] if legal else [OrderUnknown])
    assert world.finished["p:o1"].state is (state if legal else OrderState.UNKNOWN)


def test_the_same_fill_twice_counts_once() -> None:
    world = world_with(order_in(OrderState.WORKING))
    step(fold, world, [fill(4, 6, "p:o1:f1")], AT)
    facts, _ = step(fold, world, [fill(4, 6, "p:o1:f1")], AT)
    assert facts == []
    assert (world.orders["p:o1"].filled, world.positions["p"].held) == (4, 4)


def test_a_lost_fill_is_noticed() -> None:
    """The venue says 3 remain where 6 should: a report between was lost."""
    world = world_with(order_in(OrderState.WORKING))
    facts, _ = step(fold, world, [fill(4, 3)], AT)
    assert isinstance(facts[0], OrderUnknown)
    assert world.orders["p:o1"].filled == 0


def test_a_report_on_a_strange_order_is_named_and_changes_nothing() -> None:
    world = fold.initial()
    facts, _ = step(fold, world, [Cancelled(order_id="stranger", reason="x")], AT)
    assert [(type(f), f.state) for f in facts if isinstance(f, OrderUnknown)] == [(OrderUnknown, "NONE")]
    assert world.orders == {}
    assert world.unknown == {}


def test_the_venue_proves_an_unknown_order() -> None:
    world = world_with(order_in(OrderState.PARTIAL, 4))
    facts, _ = step(fold, world, [Rejected(order_id="p:o1", reasons=("late",))], AT)
    assert [type(f).__name__ for f in facts] == ["OrderUnknown", "OrderCancelled"], "and it is asked to take it back"
    facts, _ = step(fold, world, [Cancelled(order_id="p:o1", reason="asked")], AT)
    assert [type(f).__name__ for f in facts] == ["OrderDone"]
    assert world.unknown == {}
    assert world.positions["p"].held == 4


def test_orders_on_expired_contracts_end() -> None:
    world = world_with(order_in(OrderState.PARTIAL, 4))
    facts, _ = step(fold, world, [expiry()], AT)
    assert [type(f).__name__ for f in facts] == ["OrderDone"]
    assert world.finished["p:o1"].state is OrderState.EXPIRED
    assert world.positions == {}
