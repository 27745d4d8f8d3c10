"""Quotes of a structure's legs in one chain frame, and what a net order on them costs. Pure integers.

Price of a leg when a share ``f`` of the spread is given up: bought ``bid + f·(ask − bid)``, sold
``ask − f·(ask − bid)``; fractions of a millionth are rounded against the account. A stock leg beside options is quoted
at the ticks around the frame's spot, in unknown size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contango_common.domain.chain import NO_QUOTE, UNKNOWN_SIZE, find_row, key_of
from contango_common.domain.instrument import is_option_id
from contango_common.domain.money import MICROS
from contango_common.domain.structure import spot_quote_ticks
from contango_common.events.market import ChainFrame

NEVER_NS = 2**63 - 1  # expiry and last trade of what has none


@dataclass(frozen=True, slots=True)
class LegQuote:
    """One contract's quote; sizes in contracts, −1 unknown; a bid of 0 is "no bid"."""

    bid_ticks: int
    ask_ticks: int
    bid_size: int
    ask_size: int
    expiry_ns: int
    last_trade_ns: int


def quote_of(frame: ChainFrame, instrument: str) -> LegQuote | None:
    """The usable quote of a contract: None when it is not listed, has no ask, or bid and ask are crossed."""
    contracts = frame.contract_columns()
    row = find_row(contracts, key_of(frame.roots, instrument))
    if row is None:
        return None
    quotes = frame.quote_columns()
    bid, ask = int(quotes["bid_ticks"][row]), int(quotes["ask_ticks"][row])
    if ask == NO_QUOTE or ask <= 0 or bid < 0 or bid > ask:
        return None
    sizes = int(quotes["bid_size"][row]), int(quotes["ask_size"][row])
    return LegQuote(bid, ask, *sizes, int(contracts["expiry_ns"][row]), int(contracts["last_trade_ns"][row]))


def spot_quote(frame: ChainFrame, instrument: str, tick_micros: int) -> LegQuote | None:
    """The quote of the frame's own underlying; None for any other asset and for a spot below one tick."""
    bid, ask = spot_quote_ticks(frame.spot, tick_micros)
    if instrument != frame.underlying or bid <= 0:
        return None
    return LegQuote(bid, ask, UNKNOWN_SIZE, UNKNOWN_SIZE, NEVER_NS, NEVER_NS)


def on_chain(instruments: Sequence[str]) -> bool:
    """Whether a structure has an option, and so trades against chain frames.

    >>> on_chain(("SPY", "SPY180316C00280000")), on_chain(("SPY",))
    (True, False)
    """
    return any(is_option_id(name) for name in instruments)


def quotes_of(frame: ChainFrame, instruments: Sequence[str], tick_micros: int) -> list[LegQuote] | None:
    """Usable quotes of all legs, None when a single one is missing."""
    found = []
    for name in instruments:
        quote = quote_of(frame, name) if is_option_id(name) else spot_quote(frame, name, tick_micros)
        if quote is None:
            return None
        found.append(quote)
    return found


def leg_price_micros(quote: LegQuote, *, bought: bool, tick_micros: int, fraction_millionths: int) -> int:
    """Price of one underlying unit in millionths after giving up a share of the spread (1,000,000: natural).

    >>> leg_price_micros(LegQuote(100, 110, 5, 5, 0, 0), bought=True, tick_micros=10_000, fraction_millionths=750_000)
    1075000
    """
    spread = (quote.ask_ticks - quote.bid_ticks) * tick_micros
    given_up = -(-spread * fraction_millionths // MICROS)
    if bought:
        return quote.bid_ticks * tick_micros + given_up
    return quote.ask_ticks * tick_micros - given_up


def net_price_micros(
    quotes: Sequence[LegQuote], ratios: Sequence[int], tick_micros: int, fraction_millionths: int
) -> int:
    """Cost of one unit of the structure in millionths per underlying unit (negative: credit)."""
    return sum(
        ratio
        * leg_price_micros(quote, bought=ratio > 0, tick_micros=tick_micros, fraction_millionths=fraction_millionths)
        for quote, ratio in zip(quotes, ratios, strict=True)
    )
