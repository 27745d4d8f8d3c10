"""The ledger: cash, holdings and cash flows, booked from the broker's facts alone, in integers.

Cash in the book is initial cash + fills − fees + settlements; every micro that moves is booked to exactly one
position, so the positions' flows and the book's cash cannot drift apart.
"""

from contango_common.domain.instrument import is_option_id, parse_option_id
from contango_common.events.order import Assigned, Expired, Filled
from contango_risk.maxloss import NEVER, Holding, max_loss_micros
from contango_risk.state import Asset, Entry, Ledger, Leg, Marks, OrderRef, Pending, Position, Root

CLOSED_FILLS = 512  # how many fills of trades that are over are still recognised when they are reported again


def fund(ledger: Ledger, cash_micros: int) -> None:
    """The venue's first account snapshot is the book's initial cash."""
    ledger.funded = True
    ledger.initial_cash_micros = ledger.cash_micros = cash_micros


def reserve(ledger: Ledger, entry: Entry) -> None:
    """An approved opening reserves its maximum loss until its order is final."""
    ledger.pending[entry.position_id] = Pending(entry)


def submitted(ledger: Ledger, order_id: str, position_id: str, purpose: str) -> None:
    ledger.orders[order_id] = OrderRef(position_id, purpose)
    if purpose == "open" and position_id in ledger.pending:
        ledger.pending[position_id].submitted = True


def order_done(ledger: Ledger, order_id: str, position_id: str, purpose: str) -> None:
    """A final opening order releases what was not filled; an order that left no position is forgotten."""
    if purpose == "open":
        ledger.pending.pop(position_id, None)
    if position_id not in ledger.positions:
        ledger.orders.pop(order_id, None)


def release_overdue(ledger: Ledger, ts_ns: int) -> None:
    """Approvals that were never submitted and are no longer valid hold no reservation."""
    overdue = [key for key, p in ledger.pending.items() if not p.submitted and ts_ns > p.entry.valid_until_ns]
    for key in overdue:
        del ledger.pending[key]


def book_fill(ledger: Ledger, fill: Filled, ts_ns: int, assets: dict[str, Asset], roots: dict[str, Root]) -> None:
    """Book a fill to its position; a fill that is already booked changes nothing."""
    if fill.fill_id in ledger.closed_fills:
        return
    position_id, opening = _owner(ledger, fill)
    position = ledger.positions.get(position_id)
    if position is None:
        position = _open_position(ledger, position_id, fill, ts_ns, roots)
    if fill.fill_id in position.fills:
        return
    position.fills.append(fill.fill_id)
    before = [leg.lots for leg in position.legs]
    _move_lots(position, fill)
    position.settled = False
    if opening:
        position.units += fill.quantity
        position.open_cash_micros += fill.cash_micros
        if position_id in ledger.pending:
            ledger.pending[position_id].filled += fill.quantity
    else:
        position.close_cash_micros += fill.cash_micros
        position.flatten = position.flatten or _turned(before, position)
    position.mid_cash_micros += fill.mid_cash_micros
    position.natural_cash_micros += fill.natural_cash_micros
    position.fees_micros += fill.fees_micros
    ledger.cash_micros += fill.cash_micros - fill.fees_micros
    _carry_marks(position, fill)
    refresh_max_loss(position, assets)
    if opening:
        position.entry_max_loss_micros = position.max_loss_micros


def owner(ledger: Ledger, fill: Filled) -> Position | None:
    """The position that holds a booked fill."""
    return ledger.positions.get(_owner(ledger, fill)[0])


def net_holdings(ledger: Ledger) -> dict[str, int]:
    """Signed contracts or lots per instrument over all positions, without zeros: what the venue should say it holds.

    A stock leg is held in units of its position's multiplier; the account counts shares.
    """
    net: dict[str, int] = {}
    for position in ledger.positions.values():
        for leg in position.legs:
            lots = leg.lots if leg.is_option else leg.lots * position.entry.multiplier
            net[leg.instrument] = net.get(leg.instrument, 0) + lots
    return {name: lots for name, lots in sorted(net.items()) if lots}


def book_expiry(ledger: Ledger, expired: Expired, assets: dict[str, Asset]) -> list[str]:
    """Book a settlement: each contract's cash goes to the positions that hold it, by their lots."""
    touched: list[str] = []
    left, fees = expired.cash_micros, expired.fees_micros
    for instrument, cash in zip(expired.instruments, expired.leg_cash_micros, strict=True):
        for position, leg, share in _shares(ledger, instrument, cash):
            leg.lots = 0
            _flow(position, share, fees)
            left, fees = left - share, 0  # a fee is booked once, to the first holder
            position.settled = True
            _drop_mark(position)
            if position.entry.position_id not in touched:
                touched.append(position.entry.position_id)
    ledger.unattributed_micros += left - fees
    ledger.cash_micros += expired.cash_micros - expired.fees_micros
    for position_id in touched:
        refresh_max_loss(ledger.positions[position_id], assets)
    return touched


def settle_netted(ledger: Ledger, prints: dict[str, float], assets: dict[str, Asset]) -> None:
    """Contracts that positions hold against each other: the venue sees none, so they settle among us on the print.

    They are known by the date in their names: a contract bought at the last frame was never marked, and what its expiry
    is as an instant is not known here.
    """
    net: dict[str, int] = {}
    held = [(p, leg) for p in ledger.positions.values() for leg in p.legs if leg.lots and leg.is_option]
    for _, leg in held:
        net[leg.instrument] = net.get(leg.instrument, 0) + leg.lots
    for position, leg in held:
        price = prints.get(print_key(leg.root, leg.expiry_date))
        if price is None or net[leg.instrument] != 0:
            continue
        inside = round(price * 1_000_000) - leg.strike_millis * 1000
        value = max(0, inside if leg.is_call else -inside) * position.entry.multiplier * leg.lots
        leg.lots = 0
        _flow(position, value, 0)  # the holders' values add up to 0: no cash moves
        position.settled = True
        _drop_mark(position)
        refresh_max_loss(position, assets)


def print_key(root: str, expiry_date: int) -> str:
    return f"{root}:{expiry_date}"


def book_assignment(ledger: Ledger, assigned: Assigned, assets: dict[str, Asset]) -> list[str]:
    """Short contracts were assigned: oldest positions first. What is left is flattened; a stock leg is not modelled."""
    lots_left, cash_left, fees = assigned.quantity, assigned.cash_micros, assigned.fees_micros
    touched: list[str] = []
    for position in ledger.positions.values():
        leg = _leg(position, assigned.instrument)
        if leg is None or leg.lots >= 0 or lots_left == 0:
            continue
        taken = min(lots_left, -leg.lots)
        cash = cash_left if taken == lots_left else assigned.cash_micros * taken // assigned.quantity
        leg.lots += taken
        _flow(position, cash, fees)
        lots_left, cash_left, fees = lots_left - taken, cash_left - cash, 0
        position.flatten = True  # no longer the structure that was approved
        refresh_max_loss(position, assets)
        touched.append(position.entry.position_id)
    ledger.unattributed_micros += cash_left - fees
    ledger.cash_micros += assigned.cash_micros - assigned.fees_micros
    return touched


def close_position(ledger: Ledger, position_id: str) -> None:
    """Forget a flat position (its record is the fact TradeClosed)."""
    position = ledger.positions.pop(position_id, None)
    if position is None:
        return
    ledger.closed_fills.update(dict.fromkeys(position.fills, True))
    for fill_id in list(ledger.closed_fills)[:-CLOSED_FILLS]:
        del ledger.closed_fills[fill_id]
    if position.spot:
        ledger.spot_positions -= 1
    for order_id in [key for key, ref in ledger.orders.items() if ref.position_id == position_id]:
        del ledger.orders[order_id]


def refresh_max_loss(position: Position, assets: dict[str, Asset]) -> None:
    """Maximum loss of what is held, with the cash flows so far; None when it is not finite."""
    cash = position.open_cash_micros + position.close_cash_micros
    position.max_loss_micros = max_loss_micros(cash, holdings(position, assets))


def holdings(position: Position, assets: dict[str, Asset]) -> list[Holding]:
    """The position as payoff terms."""
    return [holding(position.entry, leg, leg.lots, assets) for leg in position.legs]


def holding(entry: Entry, leg: Leg, lots: int, assets: dict[str, Asset]) -> Holding:
    if leg.is_option:
        return Holding(lots * entry.multiplier * 1_000_000, leg.strike_millis, leg.is_call, leg.expiry_date)
    asset = assets.get(entry.underlying)
    lot_micros = asset.lot_micros if asset else 1_000_000
    return Holding(lots * entry.multiplier * lot_micros, 0, True, NEVER)


def leg_of(instrument: str, ratio: int) -> Leg:
    """A leg with what its symbol says; anything that is no option symbol is a stock or spot leg."""
    if not is_option_id(instrument):
        return Leg(instrument, ratio)
    root, expiry_date, right, strike_millis = parse_option_id(instrument)
    return Leg(instrument, ratio, root=root, expiry_date=expiry_date, is_call=right == "C", strike_millis=strike_millis)


def _flow(position: Position, cash_micros: int, fees_micros: int) -> None:
    """A closing flow that no spread was paid on."""
    position.close_cash_micros += cash_micros
    position.mid_cash_micros += cash_micros
    position.natural_cash_micros += cash_micros
    position.fees_micros += fees_micros


def _turned(before: list[int], position: Position) -> bool:
    """Whether a closing fill went through zero: more was closed than was held."""
    return any(old * leg.lots < 0 for old, leg in zip(before, position.legs, strict=False))


def _drop_mark(position: Position) -> None:
    """A settled holding is worth nothing; what is left of one is marked again on the next frame."""
    if position.flat:
        position.marks = Marks(0, 0, 0)


def _carry_marks(position: Position, fill: Filled) -> None:
    """Until the next frame the holding is worth what it was, less what the fill would have brought at mid."""
    marks = position.marks
    before = marks.mid_micros or 0
    marks.mid_micros = 0 if position.flat else before - fill.mid_cash_micros
    marks.achievable_micros = marks.natural_micros = None


def _owner(ledger: Ledger, fill: Filled) -> tuple[str, bool]:
    """Position of a fill and whether it opens; an order nobody announced is read from its id."""
    known = ledger.orders.get(fill.order_id)
    if known is not None:
        return known.position_id, known.purpose == "open"
    position_id, _, tail = fill.order_id.rpartition(":")
    return (position_id, tail.startswith("o")) if position_id in ledger.positions else (fill.order_id, True)


def _open_position(ledger: Ledger, position_id: str, fill: Filled, ts_ns: int, roots: dict[str, Root]) -> Position:
    pending = ledger.pending.get(position_id)
    entry = pending.entry if pending is not None else _adopted(position_id, fill, roots)
    legs = [leg_of(name, ratio) for name, ratio in zip(entry.instruments, entry.ratios, strict=True)]
    position = Position(entry, legs, opened_ns=ts_ns, flatten=entry.kind == "adopted")
    ledger.positions[position_id] = position
    if position.spot:
        ledger.spot_positions += 1
        ledger.spot_seen = True
    return position


def _adopted(position_id: str, fill: Filled, roots: dict[str, Root]) -> Entry:
    """A fill without an approval of ours is still our money: it becomes a position of its own, to be flattened."""
    legs = [leg_of(name, 1) for name in fill.instruments]
    first = next((leg for leg in legs if leg.is_option), legs[0])  # beside a stock the option says the multiplier
    root = roots.get(first.root)
    return Entry(
        position_id=position_id,
        proposal_id=position_id,
        strategy="adopted",
        kind="adopted",
        underlying=root.underlying if root else first.root or first.instrument,
        instruments=list(fill.instruments),
        ratios=[n // fill.quantity for n in fill.leg_quantities],
        multiplier=root.multiplier if root else (100 if first.is_option else 1),
        tick_micros=root.tick_micros if root else 10_000,
        quantity=fill.quantity,
        limit_ticks=0,
        unit_max_loss_micros=0,
        defined_risk=True,
        unit_greeks=None,
        expiry_ns=None,
        last_trade_ns=None,
        valid_until_ns=0,
        regime="",
        why={},
    )


def _move_lots(position: Position, fill: Filled) -> None:
    for instrument, lots in zip(fill.instruments, fill.leg_quantities, strict=True):
        leg = _leg(position, instrument)
        if leg is None:
            leg = leg_of(instrument, 0)
            position.legs.append(leg)
        leg.lots += lots


def _leg(position: Position, instrument: str) -> Leg | None:
    for leg in position.legs:
        if leg.instrument == instrument:
            return leg
    return None


def _shares(ledger: Ledger, instrument: str, cash_micros: int) -> list[tuple[Position, Leg, int]]:
    """Holders of a contract with their part of its settlement cash; the parts add up to the cash exactly."""
    held = [(p, leg) for p in ledger.positions.values() if (leg := _leg(p, instrument)) is not None and leg.lots]
    total = sum(leg.lots for _, leg in held)
    if not held or total == 0:
        return []  # nets to nothing: see settle_netted
    parts = [cash_micros * leg.lots // total for _, leg in held]
    parts[-1] += cash_micros - sum(parts)
    return [(position, leg, part) for (position, leg), part in zip(held, parts, strict=True)]
