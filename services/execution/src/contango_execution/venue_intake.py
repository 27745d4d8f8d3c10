"""How facts change the simulated venue's journal: one handler per fact, none of which judges."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.domain.instrument import is_option_id
from contango_common.domain.money import MICROS
from contango_common.domain.sessions import Sessions
from contango_common.events.base import Event
from contango_common.events.market import AssetListed, FeedState, RootListed, SessionTable, SettlementPrint
from contango_common.events.order import (
    Accepted,
    AccountSnapshot,
    Cancelled,
    Expired,
    Filled,
    OrderSubmitted,
    Rejected,
    WorkingPriceMoved,
)
from contango_common.events.system import ParametersChanged
from contango_execution.params import VenueParams, section_of
from contango_execution.quotes import on_chain
from contango_execution.venue_settle import series_of
from contango_execution.venue_state import Answer, Root, Tradable, VenueOrder, VenueState, hold
from contango_execution.working import floor_to, increment_of


def _parameters(state: VenueState, event: ParametersChanged, at: At) -> None:
    # evolve is total: a section that is not valid (any more) leaves the last good one in force.
    with suppress(UserError):
        state.params = section_of(VenueParams, event.params, "venue")


def _funded(state: VenueState, event: AccountSnapshot, at: At) -> None:
    if not state.funded:
        state.funded, state.cash_micros = True, event.cash_micros


def _root(state: VenueState, event: RootListed, at: At) -> None:
    state.roots[event.root] = Root(
        event.underlying, event.multiplier, event.tick_micros, event.increment_ticks, event.delivery == "cash"
    )


def _asset(state: VenueState, event: AssetListed, at: At) -> None:
    state.assets[event.symbol] = Tradable(event.kind, event.tick_micros, event.lot_micros)


def _sessions(state: VenueState, event: SessionTable, at: At) -> None:
    state.sessions[event.calendar] = Sessions(event.calendar, event.date, event.open_ns, event.close_ns)


def _feed(state: VenueState, event: FeedState, at: At) -> None:
    state.feeds[event.underlying] = event.state


def _submitted(state: VenueState, event: OrderSubmitted, at: At) -> None:
    """Noted, not yet accepted. An id that is known changes nothing."""
    if event.order_id in state.orders or event.order_id in state.answers:
        return
    is_option = on_chain(event.instruments)
    asset = None if is_option or not event.instruments else state.assets.get(event.instruments[0])
    state.orders[event.order_id] = VenueOrder(
        order_id=event.order_id,
        purpose=event.purpose,
        underlying=event.underlying,
        instruments=event.instruments,
        ratios=event.ratios,
        multiplier=event.multiplier,
        tick_micros=event.tick_micros,
        lot_micros=asset.lot_micros if asset is not None else MICROS,
        remaining=event.quantity,
        limit_ticks=event.limit_ticks,
        valid_until_ns=event.valid_until_ns,
        ts_ns=at.ts_ns,
        is_option=is_option,
    )


def _price_moved(state: VenueState, event: WorkingPriceMoved, at: At) -> None:
    order = state.orders.get(event.order_id)
    if order is None:
        return
    limit_ticks = event.limit_ticks
    if limit_ticks is not None and order.is_option:
        increments = {code: root.increment_ticks for code, root in state.roots.items()}
        limit_ticks = floor_to(limit_ticks, increment_of(increments, order.instruments))
    order.limit_ticks = limit_ticks


def _accepted(state: VenueState, event: Accepted, at: At) -> None:
    order = state.orders.get(event.order_id)
    if order is not None:
        order.venue_id = event.venue_id


def _rejected(state: VenueState, event: Rejected, at: At) -> None:
    state.orders.pop(event.order_id, None)
    state.answers.setdefault(event.order_id, Answer("rejected", "", event.reasons))


def _cancelled(state: VenueState, event: Cancelled, at: At) -> None:
    order = state.orders.pop(event.order_id, None)
    if order is not None:
        state.answers[event.order_id] = Answer("cancelled", order.venue_id, (event.reason,))


def _filled(state: VenueState, event: Filled, at: At) -> None:
    state.cash_micros += event.cash_micros - event.fees_micros
    order = state.orders.get(event.order_id)
    multiplier = 1 if order is None else order.multiplier
    for name, quantity in zip(event.instruments, event.leg_quantities, strict=True):
        hold(state, name, quantity if is_option_id(name) else quantity * multiplier)
    if order is None:
        return
    order.remaining, order.fills = event.remaining, order.fills + 1
    if not event.remaining:
        del state.orders[event.order_id]
        state.answers[event.order_id] = Answer("filled", order.venue_id)


def _settled(state: VenueState, event: SettlementPrint, at: At) -> None:
    state.settled[series_of(event.root, event.expiry_ns, event.expiry_date)] = event.expiry_ns


def _expired(state: VenueState, event: Expired, at: At) -> None:
    state.cash_micros += event.cash_micros - event.fees_micros
    for name, quantity in zip(event.instruments, event.quantities, strict=True):
        hold(state, name, -quantity)


EVOLVE: dict[type[Event], Callable[[VenueState, Any, At], None]] = {
    ParametersChanged: _parameters,
    AccountSnapshot: _funded,
    RootListed: _root,
    AssetListed: _asset,
    SessionTable: _sessions,
    FeedState: _feed,
    OrderSubmitted: _submitted,
    WorkingPriceMoved: _price_moved,
    Accepted: _accepted,
    Rejected: _rejected,
    Cancelled: _cancelled,
    Filled: _filled,
    SettlementPrint: _settled,
    Expired: _expired,
}
