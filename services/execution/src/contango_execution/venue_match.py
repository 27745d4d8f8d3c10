"""How the simulated venue fills: a net order against one chain frame, an asset order against one bar. Pure.

All legs of a net order trade at one instant or none does. A leg trades at ``bid + f·(ask − bid)`` when bought and
mirrored when sold; a market order, the natural model and the stress model (which adds slippage per leg) trade at the
natural price. Nothing is bought or sold on a missing or crossed quote. A leg without a bid cannot be sold, with one
exception: a worthless long that is closed as part of a structure is given away at 0.

A stock leg trades at the ticks around the frame's spot plus the slippage of stocks, in any size, and is all or none
with its options. Its quantity counts as theirs does, in units of the multiplier; its fees are those of stocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contango_common.domain.chain import UNKNOWN_SIZE
from contango_common.domain.instrument import is_option_id, parse_option_id
from contango_common.domain.money import MICROS
from contango_common.events.order import Filled
from contango_execution.params import VenueParams, fraction_millionths, usd_micros
from contango_execution.quotes import LegQuote, leg_price_micros
from contango_execution.venue_money import asset_fee_micros, fill_cash_micros, option_fee_micros
from contango_execution.venue_state import VenueOrder, VenueState

_NATURAL = MICROS


@dataclass(frozen=True, slots=True)
class Taken:
    """Contracts of one instrument that orders before this one took from the same frame."""

    bought: int = 0
    sold: int = 0


def fill_structure(
    state: VenueState, order: VenueOrder, quotes: Sequence[LegQuote], ts_ns: int, taken: dict[str, Taken]
) -> Filled | None:
    """What of the order trades at this frame; None when nothing does. ``taken`` is updated with what it takes."""
    legs = list(zip(order.instruments, order.ratios, quotes, strict=True))
    if any(ts_ns >= quote.expiry_ns or ts_ns > quote.last_trade_ns for quote in quotes):
        return None
    if not all(_sellable(state, order, *leg) for leg in legs):
        return None
    prices = [_price(state.params, order, *leg) for leg in legs]
    net_micros = sum(ratio * price for ratio, price in zip(order.ratios, prices, strict=True))
    if order.limit_ticks is not None and net_micros > order.limit_ticks * order.tick_micros:
        return None
    units = min([order.remaining, *(_units(state.params, *leg, taken) for leg in legs)])
    if units < 1:
        return None
    quantities = tuple(ratio * units for ratio in order.ratios)
    for name, quantity in zip(order.instruments, quantities, strict=True):
        before = taken.get(name, Taken())
        taken[name] = Taken(before.bought + max(quantity, 0), before.sold + max(-quantity, 0))
    return _filled(state, order, units, quantities, prices, quotes)


def _sellable(state: VenueState, order: VenueOrder, name: str, ratio: int, quote: LegQuote) -> bool:
    if ratio > 0 or quote.bid_ticks > 0:
        return True
    held = state.holdings.get(name, 0)
    return order.purpose == "reduce" and len(order.ratios) > 1 and held >= -ratio * order.remaining


def _price(params: VenueParams, order: VenueOrder, name: str, ratio: int, quote: LegQuote) -> int:
    """Price of one leg in millionths of currency per underlying unit."""
    if ratio < 0 and quote.bid_ticks == 0:
        return 0
    natural = params.fill_model != "default" or order.limit_ticks is None
    share = _NATURAL if natural else fraction_millionths(params.fill_fractions, len(order.ratios))
    price = leg_price_micros(quote, bought=ratio > 0, tick_micros=order.tick_micros, fraction_millionths=share)
    ticks = params.stress_slippage_ticks if params.fill_model == "stress" else 0
    ticks += 0 if is_option_id(name) else params.stock_slippage_ticks
    slippage = ticks * order.tick_micros
    return price + slippage if ratio > 0 else max(0, price - slippage)


def _units(params: VenueParams, name: str, ratio: int, quote: LegQuote, taken: dict[str, Taken]) -> int:
    """Units of the structure that one leg's displayed size allows."""
    size = quote.ask_size if ratio > 0 else quote.bid_size
    given_away = ratio < 0 and quote.bid_ticks == 0
    if not params.size_respected or size == UNKNOWN_SIZE or given_away:
        return 2**62
    before = taken.get(name, Taken())
    left = int(size * params.max_share_of_size) - (before.bought if ratio > 0 else before.sold)
    return max(0, left) // abs(ratio)


def _twice_mid_micros(price_micros: int, quote: LegQuote, tick_micros: int) -> int:
    """Twice the mid; a zero bid is never half of one: such a leg counts at the price at which it traded."""
    return 2 * price_micros if quote.bid_ticks <= 0 else (quote.bid_ticks + quote.ask_ticks) * tick_micros


def _filled(
    state: VenueState,
    order: VenueOrder,
    units: int,
    quantities: tuple[int, ...],
    prices: list[int],
    quotes: Sequence[LegQuote],
) -> Filled:
    natural = [quote.ask_ticks if q > 0 else quote.bid_ticks for q, quote in zip(quantities, quotes, strict=True)]
    at_natural = [ticks * order.tick_micros for ticks in natural]
    twice_mid = [
        _twice_mid_micros(price, quote, order.tick_micros) for price, quote in zip(prices, quotes, strict=True)
    ]
    return Filled(
        order_id=order.order_id,
        fill_id=f"{order.order_id}:f{order.fills + 1}",
        quantity=units,
        instruments=order.instruments,
        leg_quantities=quantities,
        leg_price_micros=tuple(prices),
        cash_micros=fill_cash_micros(quantities, prices, order.multiplier, order.lot_micros),
        mid_cash_micros=fill_cash_micros(quantities, twice_mid, order.multiplier, order.lot_micros) // 2,
        natural_cash_micros=fill_cash_micros(quantities, at_natural, order.multiplier, order.lot_micros),
        fees_micros=_fees(state, order, quantities, prices),
        remaining=order.remaining - units,
    )


def _fees(state: VenueState, order: VenueOrder, quantities: tuple[int, ...], prices: list[int]) -> int:
    """Of all legs: per contract, and for a stock leg what stocks cost."""
    legs = list(zip(order.instruments, quantities, prices, strict=True))
    options = [(quantity, _contract_fee(state, name)) for name, quantity, _ in legs if is_option_id(name)]
    stocks = [_asset_fee(state, order, quantity, price) for name, quantity, price in legs if not is_option_id(name)]
    return option_fee_micros([q for q, _ in options], [fee for _, fee in options]) + sum(stocks)


def _asset_fee(state: VenueState, order: VenueOrder, quantity: int, price_micros: int) -> int:
    rate = round(state.params.stock_commission_rate * MICROS)
    per_unit = usd_micros(state.params.stock_commission_per_unit_usd)
    return asset_fee_micros(quantity * order.multiplier, price_micros, order.lot_micros, per_unit, rate)


def _contract_fee(state: VenueState, name: str) -> int:
    params = state.params
    fee = usd_micros(params.commission_per_contract_usd)
    root = state.roots.get(parse_option_id(name)[0])
    return fee + usd_micros(params.index_fee_per_contract_usd) if root is not None and root.cash_settled else fee


def fill_asset(state: VenueState, order: VenueOrder, open_price: float) -> Filled | None:
    """The whole order at a bar's opening price and the slippage asked for; None when the limit is worse."""
    params = state.params
    quantity = order.ratios[0] * order.remaining
    open_micros = round(open_price * MICROS)
    slippage = params.stock_slippage_ticks * order.tick_micros
    price = open_micros + slippage if quantity > 0 else max(0, open_micros - slippage)
    if open_micros <= 0:
        return None
    if order.limit_ticks is not None and order.ratios[0] * price > order.limit_ticks * order.tick_micros:
        return None
    at_open = fill_cash_micros([quantity], [open_micros], order.multiplier, order.lot_micros)
    return Filled(
        order_id=order.order_id,
        fill_id=f"{order.order_id}:f{order.fills + 1}",
        quantity=order.remaining,
        instruments=order.instruments,
        leg_quantities=(quantity,),
        leg_price_micros=(price,),
        cash_micros=fill_cash_micros([quantity], [price], order.multiplier, order.lot_micros),
        mid_cash_micros=at_open,
        natural_cash_micros=at_open,
        fees_micros=_asset_fee(state, order, quantity, price),
        remaining=0,
    )
