"""Whether the venue takes an order: all the reasons why not."""

from contango_common.domain.instrument import is_option_id, parse_option_id
from contango_common.domain.money import MICROS
from contango_common.events.order import OrderSubmitted
from contango_execution.quotes import on_chain
from contango_execution.venue_state import VenueState, session_date


def refusals(state: VenueState, order: OrderSubmitted, ts_ns: int) -> tuple[str, ...]:
    """Every reason to reject, none when the order can be worked."""
    reasons = _shape(order)
    if order.quantity < 1:
        reasons.append(f"quantity {order.quantity} is not positive")
    if order.valid_until_ns is not None and order.valid_until_ns <= ts_ns:
        reasons.append("valid_until is not in the future")
    options = [name for name in order.instruments if is_option_id(name)]
    for name in order.instruments:
        if is_option_id(name):
            reasons += _option(state, order, name, ts_ns)
        else:
            reasons += _asset(state, order, name)
            reasons += _beside_options(state, order, name) if options else []
    if options:
        reasons += _increment(state, order)
    return tuple(reasons)


def _shape(order: OrderSubmitted) -> list[str]:
    reasons = []
    if not order.instruments or len(order.instruments) != len(order.ratios):
        reasons.append(f"{len(order.instruments)} instruments with {len(order.ratios)} ratios")
    if any(ratio == 0 for ratio in order.ratios):
        reasons.append("a leg has ratio 0")
    if len(dict.fromkeys(order.instruments)) != len(order.instruments):
        reasons.append("an instrument is named twice")
    return reasons


def _option(state: VenueState, order: OrderSubmitted, name: str, ts_ns: int) -> list[str]:
    code, expiry_date, _, _ = parse_option_id(name)
    root = state.roots.get(code)
    if root is None:
        return [f"unknown instrument {name}: root {code} is not listed"]
    reasons = []
    if root.underlying != order.underlying:
        reasons.append(f"{name} is an option on {root.underlying}, not on {order.underlying}")
    if root.multiplier != order.multiplier or root.tick_micros != order.tick_micros:
        reasons.append(f"{name} has multiplier {root.multiplier} and a tick of {root.tick_micros} millionths")
    today = session_date(state, ts_ns)
    if f"{code}{expiry_date % 1_000_000:06d}" in state.settled or (today is not None and expiry_date < today):
        reasons.append(f"{name} has expired")
    return reasons


def _asset(state: VenueState, order: OrderSubmitted, name: str) -> list[str]:
    asset = state.assets.get(name)
    if asset is None:
        return [f"unknown instrument {name}: the asset is not listed"]
    reasons = []
    if asset.kind == "index":
        reasons.append(f"{name} is an index and cannot be traded")
    if len(order.instruments) > 1 and not on_chain(order.instruments):
        reasons.append("an asset trades as a single leg")
    if asset.tick_micros != order.tick_micros:
        reasons.append(f"{name} has a tick of {asset.tick_micros} millionths")
    return reasons


def _beside_options(state: VenueState, order: OrderSubmitted, name: str) -> list[str]:
    """A stock leg of a structure: the options' own underlying, in whole units."""
    if name != order.underlying:
        return [f"{name} beside options on {order.underlying}: only the underlying can be one order with them"]
    asset = state.assets.get(name)
    if asset is None or asset.lot_micros == MICROS:
        return []
    return [f"{name} trades in lots of {asset.lot_micros} millionths: beside options only whole units can be traded"]


def _increment(state: VenueState, order: OrderSubmitted) -> list[str]:
    known = [
        state.roots[c] for n in order.instruments if is_option_id(n) and (c := parse_option_id(n)[0]) in state.roots
    ]
    increment = max((root.increment_ticks for root in known), default=1)
    if order.limit_ticks is None or order.limit_ticks % increment == 0:
        return []
    return [f"limit of {order.limit_ticks} ticks is no multiple of {increment}"]
