"""Cash settlement at expiry: everything held of one root and expiry, on one print, in one fact. Pure integers.

Physically settled contracts are settled in cash at the same print as well: a modelled assumption (the delivered shares
are taken to be sold at the print, so no overnight or assignment risk is simulated).

The shares beside a call or put that settles stay in the account and are sold at the market when it opens again: no
exercise takes them. That is a little worse than delivery against the strike, and happens only where a structure was
held past the rule that closes physically settled contracts before their last trade.
"""

from datetime import date

from contango_common.domain.instrument import parse_option_id
from contango_common.domain.money import MICROS
from contango_common.domain.sessions import DAY_NS
from contango_common.events.base import Event
from contango_common.events.market import SettlementPrint
from contango_common.events.order import Cancelled, Expired
from contango_execution.params import usd_micros
from contango_execution.venue_state import VenueState

_EPOCH_ORDINAL = 719_163  # date(1970, 1, 1).toordinal()
_STRIKE_AND_RIGHT = 9


def series_of(root: str, expiry_ns: int, expiry_date: int | None = None) -> str:
    """Common prefix of the contracts that settle together: root and yymmdd of their date, else of the UTC day.

    >>> series_of("SPXW", 1_521_230_400_000_000_000)
    'SPXW180316'
    >>> series_of("VXX", 1_481_922_000_000_000_000, 20161217)
    'VXX161217'
    """
    if expiry_date is not None:
        return f"{root}{expiry_date % 1_000_000:06d}"
    day = date.fromordinal(_EPOCH_ORDINAL + expiry_ns // DAY_NS)
    return f"{root}{day.year % 100:02d}{day.month:02d}{day.day:02d}"


def in_series(instrument: str, series: str) -> bool:
    return instrument.startswith(series) and len(instrument) == len(series) + _STRIKE_AND_RIGHT


def leg_cash_micros(instrument: str, quantity: int, multiplier: int, print_micros: int) -> int:
    """Quantity · multiplier · intrinsic value at the print.

    >>> leg_cash_micros("SPXW180316P02500000", -2, 100, 2_490_000_000)
    -2000000000
    """
    _, _, right, strike_millis = parse_option_id(instrument)
    beyond = print_micros - strike_millis * 1_000
    return quantity * multiplier * max(0, beyond if right == "C" else -beyond)


def settle(state: VenueState, event: SettlementPrint) -> list[Event]:
    """Orders on the expired contracts end first; then all holdings of the series settle together."""
    series = series_of(event.root, event.expiry_ns, event.expiry_date)
    facts: list[Event] = [
        Cancelled(order_id=order.order_id, reason=f"{series} expired")
        for order in state.orders.values()
        if any(in_series(name, series) for name in order.instruments)
    ]
    held = {name: quantity for name, quantity in state.holdings.items() if in_series(name, series)}
    if held:
        facts.append(_expired(state, event, held))
    return facts


def _expired(state: VenueState, event: SettlementPrint, held: dict[str, int]) -> Expired:
    multiplier = state.roots[event.root].multiplier
    print_micros = round(event.price * MICROS)
    legs = tuple(leg_cash_micros(name, quantity, multiplier, print_micros) for name, quantity in held.items())
    fee_micros = usd_micros(state.params.settlement_fee_per_contract_usd)
    return Expired(
        underlying=event.underlying,
        root=event.root,
        expiry_ns=event.expiry_ns,
        print_price=event.price,
        instruments=tuple(held),
        quantities=tuple(held.values()),
        leg_cash_micros=legs,
        cash_micros=sum(legs),
        fees_micros=fee_micros * sum(abs(quantity) for quantity in held.values()),
    )
