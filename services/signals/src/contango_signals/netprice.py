"""Prices of one unit of a structure in ticks, from the quotes of its legs. Pure.

Signs: ratio + bought, − sold; net = Σ ratio·price, so a credit is negative. ``limit`` concedes the share ``f`` of each
leg's spread (bought at bid + f·(ask − bid), sold mirrored) and is rounded up to the root's increment: the least that
an order at that concession must accept, so that the maximum loss is taken at the worse price. A leg in the underlying
(row −1) is quoted at the spot, a tick around it, with no size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contango_common.domain.blocks import Block
from contango_quant.pricing.payoff import Leg, max_loss_ticks

_ROUNDING = 1e-9  # a net that is a whole increment but for float dust stays where it is


@dataclass(frozen=True, slots=True)
class Net:
    """``displayed`` is how many units the quotes show on our side; None when a size is unknown.

    ``widest_leg`` is the largest (ask − bid)/mid of a leg; None when a leg has no mid.
    """

    mid_ticks: float
    natural_ticks: int
    spread_ticks: int
    limit_ticks: int
    max_loss_ticks: int | None
    displayed: int | None
    widest_leg: float | None


@dataclass(frozen=True, slots=True)
class LegQuote:
    """Ticks and sizes of one leg; a size of −1 is unknown. ``strike_millis`` 0 and a call: the underlying itself."""

    bid: int
    ask: int
    bid_size: int
    ask_size: int
    strike_millis: int
    is_call: bool
    expiry_ns: int | None


def leg_quotes(rows: Sequence[int], contracts: Block, quotes: Block, spot: float, tick_micros: int) -> list[LegQuote]:
    """The quote behind each row."""
    spot_ticks = spot * 1e6 / tick_micros
    underlying = LegQuote(math.floor(spot_ticks), math.ceil(spot_ticks), -1, -1, 0, True, None)
    return [underlying if row < 0 else _quote(row, contracts, quotes) for row in rows]


def _quote(row: int, contracts: Block, quotes: Block) -> LegQuote:
    return LegQuote(
        bid=int(quotes["bid_ticks"][row]),
        ask=int(quotes["ask_ticks"][row]),
        bid_size=int(quotes["bid_size"][row]),
        ask_size=int(quotes["ask_size"][row]),
        strike_millis=int(contracts["strike_millis"][row]),
        is_call=bool(contracts["is_call"][row]),
        expiry_ns=int(contracts["expiry_ns"][row]),
    )


def net_of(
    legs: Sequence[LegQuote], ratios: Sequence[int], *, tick_micros: int, increment_ticks: int, f_limit: float
) -> Net:
    """Net prices of one unit; every leg must have a usable two-sided quote."""
    pairs = list(zip(ratios, legs, strict=True))
    natural = sum(q * (leg.ask if q > 0 else leg.bid) for q, leg in pairs)
    opposite = sum(q * (leg.bid if q > 0 else leg.ask) for q, leg in pairs)
    at_limit = opposite + f_limit * (natural - opposite)
    limit = increment_ticks * math.ceil(at_limit / increment_ticks - _ROUNDING)
    return Net(
        mid_ticks=0.5 * (natural + opposite),
        natural_ticks=natural,
        spread_ticks=natural - opposite,
        limit_ticks=limit,
        max_loss_ticks=_max_loss(pairs, tick_micros, limit),
        displayed=_displayed(pairs),
        widest_leg=_widest(legs),
    )


def _max_loss(pairs: Sequence[tuple[int, LegQuote]], tick_micros: int, limit_ticks: int) -> int | None:
    """Over all prices at the first expiry; None when unbounded or when a strike is no whole number of ticks.

    Legs of several expiries: bought legs that live on count at intrinsic value at the instant at which all sold legs
    expire; a bought leg that is gone by then, or sold legs of two expiries, bound nothing.
    """
    sold = {leg.expiry_ns for q, leg in pairs if q < 0}
    bought = [leg.expiry_ns for q, leg in pairs if q > 0 and leg.expiry_ns is not None]
    if None in sold or len(sold) > 1 or (sold and any(at < max(s for s in sold if s) for at in bought)):
        return None
    legs = []
    for ratio, leg in pairs:
        strike_ticks, rest = divmod(leg.strike_millis * 1000, tick_micros)
        if rest:
            return None
        legs.append(Leg(ratio, strike_ticks, leg.is_call))
    return max_loss_ticks(legs, -limit_ticks)


def _displayed(pairs: Sequence[tuple[int, LegQuote]]) -> int | None:
    options = [(q, leg) for q, leg in pairs if leg.expiry_ns is not None]
    sizes = [leg.ask_size if q > 0 else leg.bid_size for q, leg in options]
    if not sizes or min(sizes) < 0:
        return None
    return min(size // abs(q) for size, (q, _) in zip(sizes, options, strict=True))


def _widest(legs: Sequence[LegQuote]) -> float | None:
    if any(leg.bid + leg.ask <= 0 for leg in legs):
        return None
    return max(2.0 * (leg.ask - leg.bid) / (leg.bid + leg.ask) for leg in legs)
