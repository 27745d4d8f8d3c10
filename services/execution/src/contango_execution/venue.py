"""The simulated venue: an oracle that answers orders from the frames of the log, with a journal of its own.

It does no I/O and reads no clock. Rules: an order trades only at a frame later than its own instant; nothing trades in
the first minutes of a session, outside sessions, or while the underlying's feed is not live; options, with a stock leg
or without, trade against the chain frame, assets at the open of a bar that began after the order, and shares that a
structure has left behind at whichever of the two comes first; settlement comes before any order of its instant. A
client order id is unique for ever: the same id again is answered by the state that it already has.
"""

from collections.abc import Callable
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.sessions import MINUTE_NS
from contango_common.events.base import Event
from contango_common.events.market import (
    Bars,
    ChainFrame,
    SettlementPrint,
)
from contango_common.events.order import (
    Accepted,
    AccountSnapshot,
    Cancelled,
    OrderCancelled,
    OrderSubmitted,
    Rejected,
)
from contango_common.events.system import ParametersChanged
from contango_execution.params import usd_micros
from contango_execution.quotes import quotes_of
from contango_execution.venue_checks import refusals
from contango_execution.venue_intake import EVOLVE
from contango_execution.venue_match import Taken, fill_asset, fill_structure
from contango_execution.venue_settle import settle
from contango_execution.venue_state import Answer, VenueOrder, VenueState, session_open_ns

__all__ = ["DECIDE", "EVOLVE", "NAME", "READS", "idle", "initial"]

NAME = "broker"
READS = frozenset({"log.md", "log.reference", "log.execution", "log.control.*"})

_NS_PER_S = 1_000_000_000
_DAY_S = 86_400


def initial() -> VenueState:
    return VenueState()


def idle(state: VenueState) -> bool:
    """Without an order no frame makes the venue answer."""
    return not state.orders


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
        if not order.on_frames or order.underlying != event.underlying or not _alive(order, at.ts_ns):
            continue
        quotes = quotes_of(event, order.instruments, order.tick_micros)
        fill = None if quotes is None else fill_structure(state, order, quotes, at.ts_ns, taken)
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


DECIDE: dict[type[Event], Callable[[VenueState, Any, At], list[Event]]] = {
    ParametersChanged: _fund,
    OrderSubmitted: _answer,
    OrderCancelled: _take_back,
    SettlementPrint: _settle,
    ChainFrame: _chain_frame,
    Bars: _bars,
}
