"""Instruments: underlyings, option contracts, stocks, spot pairs and perpetuals.

An option is known by its OCC symbol without padding, ``SPXW180316P02500000``: root, expiry date, right, strike in
thousandths. What all contracts of a root share lives in ``RootSpec``; when a contract stops trading and when it
expires are UTC *instants*, computed from the exchange's calendar at the edge and never from a bare date.
"""

import re
from dataclasses import dataclass
from datetime import date as Date
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from contango_common.domain.errors import UserError

Right = Literal["C", "P"]


class Style(StrEnum):
    EUROPEAN = "european"
    AMERICAN = "american"


class Settlement(StrEnum):
    """AM: on the opening print of the expiry day, last trade the day before. PM: on the close of the expiry day."""

    AM = "am"
    PM = "pm"


class Delivery(StrEnum):
    CASH = "cash"
    PHYSICAL = "physical"


class AssetKind(StrEnum):
    INDEX = "index"
    STOCK = "stock"
    SPOT = "spot"
    PERPETUAL = "perpetual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Something with a price of its own: an index, a stock or fund, a spot pair, a perpetual.

    ``spy_equivalent`` is the number of SPY shares that one unit moves like (SPX: 10, SPY: 1), for portfolio limits.
    ``lot_micros`` is the smallest tradable quantity in millionths of a unit (a share: 1,000,000).
    """

    symbol: str
    kind: AssetKind
    tick_micros: int = 10_000
    lot_micros: int = 1_000_000
    spy_equivalent: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RootSpec:
    """What every contract of one option root shares.

    ``tick_micros`` is the unit of integer prices; ``increment_ticks`` the step of a net order price;
    ``deliverable_shares`` differs from ``multiplier`` only for adjusted contracts.
    """

    root: str
    underlying: str
    style: Style
    settlement: Settlement
    delivery: Delivery
    multiplier: int = 100
    deliverable_shares: int = 100
    tick_micros: int = 10_000
    increment_ticks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionContract:
    """One listed option; ``strike_millis`` is the strike in thousandths of a currency unit."""

    root: str
    expiry_date: int
    right: Right
    strike_millis: int
    expiry_ns: int
    last_trade_ns: int

    @property
    def contract_id(self) -> str:
        return option_id(self.root, self.expiry_date, self.right, self.strike_millis)


_OCC = re.compile(r"([A-Z0-9.^]{1,6}?)(\d{6})([CP])(\d{8})", re.ASCII)


def option_id(root: str, expiry_date: int, right: str, strike_millis: int) -> str:
    """OCC symbol without padding; ``expiry_date`` is yyyymmdd.

    >>> option_id("SPXW", 20180316, "P", 2_500_000)
    'SPXW180316P02500000'
    """
    if not 0 <= strike_millis < 100_000_000:
        raise ValueError(f"strike {strike_millis} does not fit the eight digits of an option symbol")
    return f"{root}{expiry_date % 1_000_000:06d}{right}{strike_millis:08d}"


def parse_option_id(contract_id: str) -> tuple[str, int, Right, int]:
    """Root, expiry date (yyyymmdd), right and strike in thousandths.

    >>> parse_option_id("SPXW180316P02500000")
    ('SPXW', 20180316, 'P', 2500000)
    """
    match = _matched(contract_id)
    if match is None:
        raise UserError(f"{contract_id!r} is no option symbol: expected ROOTyymmddC|Pstrike with 8 strike digits")
    root, date, right, strike = match.groups()
    return root, 20_000_000 + int(date), "C" if right == "C" else "P", int(strike)


def series_of(contract_id: str) -> str:
    """Root and expiry date of an option: what one smile is fitted to.

    >>> series_of("SPXW180316P02500000")
    'SPXW:20180316'
    """
    root, expiry_date, _, _ = parse_option_id(contract_id)
    return f"{root}:{expiry_date}"


def is_option_id(symbol: str) -> bool:
    return _matched(symbol) is not None


@lru_cache(maxsize=16_384)
def _matched(symbol: str) -> re.Match[str] | None:
    match = _OCC.fullmatch(symbol)
    if match is None:
        return None
    date = int(match.group(2))
    try:
        Date(2000 + date // 10_000, date // 100 % 100, date % 100)
    except ValueError:
        return None
    return match


# What the house knows by heart; a catalog or a book may add to it.
KNOWN_ROOTS: dict[str, RootSpec] = {
    spec.root: spec
    for spec in (
        RootSpec(
            root="SPXW",
            underlying="SPX",
            style=Style.EUROPEAN,
            settlement=Settlement.PM,
            delivery=Delivery.CASH,
            increment_ticks=5,
        ),
        RootSpec(
            root="SPX",
            underlying="SPX",
            style=Style.EUROPEAN,
            settlement=Settlement.AM,
            delivery=Delivery.CASH,
            increment_ticks=5,
        ),
        RootSpec(
            root="XSP",
            underlying="XSP",
            style=Style.EUROPEAN,
            settlement=Settlement.PM,
            delivery=Delivery.CASH,
        ),
        RootSpec(
            root="NDX",
            underlying="NDX",
            style=Style.EUROPEAN,
            settlement=Settlement.AM,
            delivery=Delivery.CASH,
            increment_ticks=5,
        ),
        RootSpec(
            root="NDXP",
            underlying="NDX",
            style=Style.EUROPEAN,
            settlement=Settlement.PM,
            delivery=Delivery.CASH,
            increment_ticks=5,
        ),
        RootSpec(
            root="RUT",
            underlying="RUT",
            style=Style.EUROPEAN,
            settlement=Settlement.AM,
            delivery=Delivery.CASH,
        ),
        RootSpec(
            root="RUTW",
            underlying="RUT",
            style=Style.EUROPEAN,
            settlement=Settlement.PM,
            delivery=Delivery.CASH,
        ),
    )
}


def root_spec(root: str, underlying: str) -> RootSpec:
    """The known root, or an American, PM-settled, physically delivered equity option."""
    known = KNOWN_ROOTS.get(root)
    if known is not None:
        return known
    return RootSpec(
        root=root,
        underlying=underlying,
        style=Style.AMERICAN,
        settlement=Settlement.PM,
        delivery=Delivery.PHYSICAL,
    )


_SPY_EQUIVALENT = {"SPX": 10.0, "SPY": 1.0, "XSP": 1.0}


def index_asset(symbol: str) -> Asset:
    """An index or fund with the number of SPY shares one unit moves like (1 where the house does not know)."""
    kind = AssetKind.INDEX if symbol in ("SPX", "NDX", "RUT", "XSP", "VIX") else AssetKind.STOCK
    return Asset(symbol=symbol, kind=kind, spy_equivalent=_SPY_EQUIVALENT.get(symbol, 1.0))
