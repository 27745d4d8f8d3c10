"""The simulated venue: an oracle that answers orders from the frames of the log, with a journal of its own.

It does no I/O and reads no clock. Rules: an order trades only at a frame later than its own instant; nothing trades in
the first minutes of a session, outside sessions, or while the underlying's feed is not live; options trade against
the chain frame, assets at the open of a bar that began after the order; settlement comes before any order of its
instant. A client order id is unique for ever: the same id again is answered by the state that it already has.
"""

from collections.abc import Callable
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.instrument import is_option_id
from contango_common.domain.money import MICROS
from contango_common.domain.sessions import MINUTE_NS, Sessions
from contango_common.events.base import Event
from contango_common.events.market import (
    AssetListed,
    Bars,
    ChainFrame,
    FeedState,
    RootListed,
    SessionTable,
    SettlementPrint,
)
from contango_common.events.order import (
    Accepted,
    AccountSnapshot,
    Cancelled,
    Expired,
    Filled,
    OrderCancelled,
    OrderSubmitted,
    Rejected,
    WorkingPriceMoved,
)
from contango_common.events.system import ParametersChanged
from contango_execution.params import VenueParams, section_of, usd_micros
from contango_execution.quotes import quotes_of
from contango_execution.venue_checks import refusals
from contango_execution.venue_match import Taken, fill_asset, fill_options
from contango_execution.venue_settle import series_of, settle
from contango_execution.venue_state import Answer, Root, Tradable, VenueOrder, VenueState, hold, session_open_ns
from contango_execution.working import floor_to, increment_of

NAME = "broker"
READS = frozenset({"log.md", "log.reference", "log.execution", "log.control.*"})

_NS_PER_S = 1_000_000_000
_DAY_S = 86_400


def initial() -> VenueState:
    return VenueState()


def evolve(state: VenueState, event: Event, at: At, /) -> None:
    handler = _EVOLVE.get(type(event))
    if handler is not None:
        handler(state, event, at)


def decide(state: VenueState, event: Event, at: At, /) -> list[Event]:
    handler = _DECIDE.get(type(event))
    return handler(state, event, at) if handler is not None else []


# --- facts into state ------------------------------------------------------------------------------------------------


def _parameters(state: VenueState, event: ParametersChanged, at: At) -> None:
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
    is_option = bool(event.instruments) and is_option_id(event.instruments[0])
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
    for name, quantity in zip(event.instruments, event.leg_quantities, strict=True):
        hold(state, name, quantity)
    order = state.orders[event.order_id]
    order.remaining, order.fills = event.remaining, order.fills + 1
    if not event.remaining:
        del state.orders[event.order_id]
        state.answers[event.order_id] = Answer("filled", order.venue_id)


def _settled(state: VenueState, event: SettlementPrint, at: At) -> None:
    state.settled[series_of(event.root, event.expiry_ns)] = event.expiry_ns


def _expired(state: VenueState, event: Expired, at: At) -> None:
    state.cash_micros += event.cash_micros - event.fees_micros
    for name, quantity in zip(event.instruments, event.quantities, strict=True):
        hold(state, name, -quantity)


# --- what follows ----------------------------------------------------------------------------------------------------


def _fund(state: VenueState, event: ParametersChanged, at: At) -> list[Event]:
    if state.funded:
        return []
    return [AccountSnapshot(cash_micros=usd_micros(state.params.initial_cash_usd), instruments=(), quantities=())]


def _answer(state: VenueState, event: OrderSubmitted, at: At) -> list[Event]:
    known = state.answers.get(event.order_id)
    if known is not None:
        return [_repeated(event.order_id, known)]
    order = state.orders[event.order_id]
    if order.venue_id:
        return [Accepted(order_id=event.order_id, venue_id=order.venue_id)]
    reasons = refusals(state, event, at.ts_ns)
    if reasons:
        return [Rejected(order_id=event.order_id, reasons=reasons)]
    return [Accepted(order_id=event.order_id, venue_id=f"V{at.seq}")]


def _repeated(order_id: str, known: Answer) -> Event:
    """The last word on an id that ended, without any new trade; a filled order answers with its first acceptance."""
    if known.state == "rejected":
        return Rejected(order_id=order_id, reasons=known.reasons)
    if known.state == "cancelled":
        return Cancelled(order_id=order_id, reason=known.reasons[0])
    return Accepted(order_id=order_id, venue_id=known.venue_id)


def _take_back(state: VenueState, event: OrderCancelled, at: At) -> list[Event]:
    """Cancelled, nothing when it is already over, and a rejection for an id that never arrived."""
    if event.order_id in state.orders:
        return [Cancelled(order_id=event.order_id, reason=event.reason)]
    if event.order_id in state.answers:
        return []
    return [Rejected(order_id=event.order_id, reasons=("the venue knows no such order",))]


def _settle(state: VenueState, event: SettlementPrint, at: At) -> list[Event]:
    return settle(state, event)


def _chain_frame(state: VenueState, event: ChainFrame, at: At) -> list[Event]:
    if not state.orders:
        return []
    facts = _lapsed(state, at)
    if not _options_trade(state, event.underlying, at.ts_ns):
        return facts
    taken: dict[str, Taken] = {}
    for order in state.orders.values():
        if not order.is_option or order.underlying != event.underlying or not _alive(order, at.ts_ns):
            continue
        quotes = quotes_of(event, order.instruments)
        fill = None if quotes is None else fill_options(state, order, quotes, at.ts_ns, taken)
        if fill is not None:
            facts.append(fill)
    return facts


def _bars(state: VenueState, event: Bars, at: At) -> list[Event]:
    if not state.orders:
        return []
    facts = _lapsed(state, at)
    for order in state.orders.values():
        if order.is_option or order.instruments[0] not in event.symbols or not _alive(order, at.ts_ns):
            continue
        if not _bar_usable(state, order, event.timeframe_s, at.ts_ns):
            continue
        fill = fill_asset(state, order, event.open[event.symbols.index(order.instruments[0])])
        if fill is not None:
            facts.append(fill)
    return facts


def _lapsed(state: VenueState, at: At) -> list[Event]:
    return [
        Cancelled(order_id=order.order_id, reason="valid until passed")
        for order in state.orders.values()
        if order.valid_until_ns is not None and at.ts_ns > order.valid_until_ns
    ]


def _alive(order: VenueOrder, ts_ns: int) -> bool:
    """Accepted, older than this frame, and not past its validity."""
    return (
        bool(order.venue_id) and ts_ns > order.ts_ns and (order.valid_until_ns is None or ts_ns <= order.valid_until_ns)
    )


def _options_trade(state: VenueState, underlying: str, ts_ns: int) -> bool:
    """Feed live, a session open, and its first minutes over. Without any session table only the feed counts."""
    if state.feeds.get(underlying, "live") != "live":
        return False
    if not state.sessions:
        return True
    open_ns = session_open_ns(state, ts_ns)
    return open_ns is not None and ts_ns - open_ns >= state.params.no_fill_first_minutes * MINUTE_NS


def _bar_usable(state: VenueState, order: VenueOrder, timeframe_s: int, ts_ns: int) -> bool:
    """Whether the bar's open lies after the order, and, within the day, after the session's first minutes."""
    if state.feeds.get(order.instruments[0], "live") != "live":
        return False
    began_ns = ts_ns - timeframe_s * _NS_PER_S
    if not state.sessions or state.assets[order.instruments[0]].kind != "stock":
        return began_ns >= order.ts_ns
    open_ns = session_open_ns(state, ts_ns)
    if open_ns is None:
        return False
    quiet_ns = 0 if timeframe_s >= _DAY_S else state.params.no_fill_first_minutes * MINUTE_NS
    began_ns = max(began_ns, open_ns)
    return began_ns >= order.ts_ns and began_ns >= open_ns + quiet_ns


_EVOLVE: dict[type[Event], Callable[[VenueState, Any, At], None]] = {
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

_DECIDE: dict[type[Event], Callable[[VenueState, Any, At], list[Event]]] = {
    ParametersChanged: _fund,
    OrderSubmitted: _answer,
    OrderCancelled: _take_back,
    SettlementPrint: _settle,
    ChainFrame: _chain_frame,
    Bars: _bars,
}
