"""Quotes of a structure's legs in one chain frame, and what a net order on them costs. Pure integers.

Price of a leg when a share ``f`` of the spread is given up: bought ``bid + f·(ask − bid)``, sold
``ask − f·(ask − bid)``; fractions of a millionth are rounded against the account.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contango_common.domain.chain import NO_QUOTE, find_row, key_of
from contango_common.domain.money import MICROS
from contango_common.events.market import ChainFrame


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


def quotes_of(frame: ChainFrame, instruments: Sequence[str]) -> list[LegQuote] | None:
    """Usable quotes of all legs, None when a single one is missing."""
    found = []
    for instrument in instruments:
        quote = quote_of(frame, instrument)
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
