"""Prices of one unit of a structure in ticks, from the quotes of its legs. Pure.

Signs: ratio + bought, − sold; net = Σ ratio·price, so a credit is negative. ``limit`` concedes the share ``f`` of each
leg's spread (bought at bid + f·(ask − bid), sold mirrored) and is rounded up to the root's increment: the least that
an order at that concession must accept, so that the maximum loss is taken at the worse price.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contango_common.domain.blocks import Block
from contango_quant.pricing.payoff import Leg, max_loss_ticks

_ROUNDING = 1e-9  # a net that is a whole increment but for float dust stays where it is


@dataclass(frozen=True, slots=True)
class Net:
    """``displayed`` is how many units the quotes show on our side; None when a size is unknown."""

    mid_ticks: float
    natural_ticks: int
    spread_ticks: int
    limit_ticks: int
    max_loss_ticks: int | None
    displayed: int | None


def net_of(
    rows: Sequence[int],
    ratios: Sequence[int],
    contracts: Block,
    quotes: Block,
    *,
    tick_micros: int,
    increment_ticks: int,
    f_limit: float,
) -> Net:
    """Net prices of one unit; every leg must have a usable two-sided quote."""
    bids = [int(quotes["bid_ticks"][row]) for row in rows]
    asks = [int(quotes["ask_ticks"][row]) for row in rows]
    legs = list(zip(ratios, bids, asks, strict=True))
    natural = sum(q * (ask if q > 0 else bid) for q, bid, ask in legs)
    opposite = sum(q * (bid if q > 0 else ask) for q, bid, ask in legs)
    at_limit = opposite + f_limit * (natural - opposite)
    limit = increment_ticks * math.ceil(at_limit / increment_ticks - _ROUNDING)
    return Net(
        mid_ticks=0.5 * (natural + opposite),
        natural_ticks=natural,
        spread_ticks=natural - opposite,
        limit_ticks=limit,
        max_loss_ticks=_max_loss(rows, ratios, contracts, tick_micros, limit),
        displayed=_displayed(rows, ratios, quotes),
    )


def _max_loss(
    rows: Sequence[int], ratios: Sequence[int], contracts: Block, tick_micros: int, limit_ticks: int
) -> int | None:
    """Over all settlement prices; None when unbounded or when a strike is no whole number of ticks."""
    legs = []
    for row, ratio in zip(rows, ratios, strict=True):
        strike_ticks, rest = divmod(int(contracts["strike_millis"][row]) * 1000, tick_micros)
        if rest:
            return None
        legs.append(Leg(ratio, strike_ticks, bool(contracts["is_call"][row])))
    return max_loss_ticks(legs, -limit_ticks)


def _displayed(rows: Sequence[int], ratios: Sequence[int], quotes: Block) -> int | None:
    sizes = [int(quotes["ask_size" if q > 0 else "bid_size"][row]) for row, q in zip(rows, ratios, strict=True)]
    if min(sizes) < 0:
        return None
    return min(size // abs(q) for size, q in zip(sizes, ratios, strict=True))
