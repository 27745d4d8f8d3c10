"""Marks of what is held, from the frame's own quotes, in integers.

Per contract and in ticks:

    mid         (bid + ask) / 2                         for reporting
    achievable  ask − f·(ask − bid) when it is sold,
                bid + f·(ask − bid) when bought back    profit target and stop alike; f by the number of legs
    natural     bid when sold, ask when bought back     the worst

A bid of 0 is never half of a mid: a bought leg without a bid is worth 0, a sold leg without a bid costs the ask, in
all three marks. A leg without a usable quote (missing, crossed, flagged) keeps its last good one and is *stale*.
A stock leg beside options is quoted at the ticks around the frame's spot.
"""

from math import gcd

import numpy as np

from contango_common.domain.blocks import Block
from contango_common.domain.chain import key_of
from contango_common.domain.structure import spot_quote_ticks
from contango_common.events.market import ChainFrame
from contango_risk.params import FillFractions
from contango_risk.state import Asset, Leg, Position

_MILLION = 1_000_000


def quote_legs(position: Position, frame: ChainFrame, ts_ns: int) -> None:
    """Take the frame's quotes into the legs; rows are looked up once per listing."""
    contracts, quotes = frame.contract_columns(), frame.quote_columns()
    bids, asks = quotes["bid_ticks"], quotes["ask_ticks"]
    for leg in position.legs:
        if not leg.lots:
            continue
        if not leg.is_option:
            leg.bid_ticks, leg.ask_ticks = spot_quote_ticks(frame.spot, position.entry.tick_micros)
            leg.quoted_ns, leg.stale = ts_ns, False
            continue
        if leg.listing != frame.contracts:
            _find(leg, frame, contracts)
        leg.stale = True
        if leg.row < 0:
            continue
        bid, ask = int(bids[leg.row]), int(asks[leg.row])
        if bid >= 0 and ask > 0 and bid <= ask:
            leg.bid_ticks, leg.ask_ticks, leg.quoted_ns, leg.stale = bid, ask, ts_ns, False


def mark_options(position: Position, fractions: FillFractions, ts_ns: int) -> None:
    """Marks of the whole holding from its legs' last good quotes."""
    held = [leg for leg in position.legs if leg.lots]
    share = round(fractions.of(len(held)) * _MILLION)
    unit = position.entry.tick_micros * position.entry.multiplier
    mid = achievable = natural = 0
    known = True
    for leg in held:
        known = known and leg.quoted_ns > 0
        mid += leg.lots * leg_mid_half_ticks(leg)
        achievable += leg.lots * _achievable_millionths(leg, share)
        natural += leg.lots * (leg.bid_ticks if leg.lots > 0 else leg.ask_ticks)
    marks = position.marks
    marks.stale_legs = sum(leg.stale for leg in held)
    marks.marked_ns = ts_ns
    if known:
        marks.mid_micros = mid * unit // 2
        marks.achievable_micros = achievable * unit // _MILLION
        marks.natural_micros = natural * unit


def mark_spot(position: Position, asset: Asset, price: float, ts_ns: int) -> None:
    """A stock or spot holding is worth lots × lot × close, in all three marks."""
    leg = position.legs[0]
    value = leg.lots * asset.lot_micros * round(price * _MILLION) // _MILLION * position.entry.multiplier
    marks = position.marks
    marks.mid_micros = marks.achievable_micros = marks.natural_micros = value
    marks.stale_legs, marks.marked_ns = 0, ts_ns
    leg.stale, leg.quoted_ns = False, ts_ns


def leg_mid_half_ticks(leg: Leg) -> int:
    """Twice the leg's mid, by the rule for zero bids."""
    if leg.bid_ticks > 0:
        return leg.bid_ticks + leg.ask_ticks
    return 0 if leg.lots > 0 else 2 * leg.ask_ticks


def closing_debit_ticks(position: Position) -> float | None:
    """Expected cost of closing one unit (negative: a credit); None before the first quotes or when flat."""
    worth, units = position.marks.achievable_micros, unit_count(position)
    if worth is None or units == 0:
        return None
    return -worth / (position.entry.tick_micros * position.entry.multiplier * units)


def unit_count(position: Position) -> int:
    """Units of the holding in its smallest proportions."""
    return gcd(*(leg.lots for leg in position.legs))


def _achievable_millionths(leg: Leg, share: int) -> int:
    spread = leg.ask_ticks - leg.bid_ticks
    if leg.lots > 0:
        return 0 if leg.bid_ticks == 0 else leg.ask_ticks * _MILLION - share * spread
    return leg.ask_ticks * _MILLION if leg.bid_ticks == 0 else leg.bid_ticks * _MILLION + share * spread


def _find(leg: Leg, frame: ChainFrame, contracts: Block) -> None:
    leg.listing, leg.row = frame.contracts, -1
    key = key_of(frame.roots, leg.instrument)
    if key is None:
        return
    rows = np.flatnonzero(contracts["key"] == key)
    if len(rows):
        leg.row = int(rows[0])
        leg.expiry_ns = int(contracts["expiry_ns"][leg.row])
        leg.last_trade_ns = int(contracts["last_trade_ns"][leg.row])
