"""Facts of the market-data edge: ``log.md`` (one message an instant), ``log.reference``, ``log.clock``."""

from typing import ClassVar, Literal

from pydantic import PositiveInt

from contango_common.domain.blocks import Block
from contango_common.events.base import ByReference, Event


class Tick(Event):
    """Time passed: the clock edge drives exits even when a feed is dead."""

    FAMILY: ClassVar[str] = "clock"


class Bars(Event):
    """Closed bars of one timeframe, one column entry a symbol; the envelope's ``ts_ns`` is their close."""

    FAMILY: ClassVar[str] = "md"
    timeframe_s: PositiveInt
    symbols: tuple[str, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float | None, ...] = ()


class ChainFrame(ByReference):
    """Quotes of one underlying's tradable options at one instant, by reference.

    ``contracts`` is the block that lists them and ``quotes`` has the same rows (columns: see ``domain.chain``); frames
    with the same listing share one contracts block. ``closing`` marks the session's last frame. ``flags`` with
    ``flag_counts`` say what the quality checks found and dropped.
    """

    FAMILY: ClassVar[str] = "md"
    underlying: str
    spot: float
    roots: tuple[str, ...]
    contracts: str
    quotes: str
    rows: int
    session_date: int
    closing: bool = False
    flags: tuple[str, ...] = ()
    flag_counts: tuple[int, ...] = ()

    def references(self) -> tuple[str, ...]:
        return (self.contracts, self.quotes)

    def contract_columns(self) -> Block:
        return self.block_at(self.contracts)

    def quote_columns(self) -> Block:
        return self.block_at(self.quotes)


class FeedState(Event):
    """What the feed of one underlying is worth right now; only ``live`` may open risk."""

    FAMILY: ClassVar[str] = "md"
    underlying: str
    state: Literal["live", "stale", "halted", "refused"]
    reasons: tuple[str, ...] = ()


class SessionTable(Event):
    """Sessions of one exchange calendar as columns (dates yyyymmdd, instants UTC ns)."""

    FAMILY: ClassVar[str] = "reference"
    calendar: str
    date: tuple[int, ...]
    open_ns: tuple[int, ...]
    close_ns: tuple[int, ...]


CRYPTO = ("spot", "perpetual")  # kinds of assets that trade around the clock


class AssetListed(Event):
    """An index, stock, spot pair or perpetual that the log speaks of."""

    FAMILY: ClassVar[str] = "reference"
    symbol: str
    kind: Literal["index", "stock", "spot", "perpetual"]
    tick_micros: PositiveInt = 10_000
    lot_micros: PositiveInt = 1_000_000
    spy_equivalent: float = 1.0


class RootListed(Event):
    """What all option contracts of one root share."""

    FAMILY: ClassVar[str] = "reference"
    root: str
    underlying: str
    style: Literal["european", "american"]
    settlement: Literal["am", "pm"]
    delivery: Literal["cash", "physical"]
    multiplier: PositiveInt = 100
    deliverable_shares: PositiveInt = 100
    tick_micros: PositiveInt = 10_000
    increment_ticks: PositiveInt = 1


class RateSet(Event):
    """Continuously compounded rate in force for one underlying, from here on.

    ``div_yield_annual`` None: nobody knows it; forwards come from put-call parity.
    """

    FAMILY: ClassVar[str] = "reference"
    underlying: str
    rate_annual: float
    div_yield_annual: float | None


class SettlementPrint(Event):
    """The one official price on which every contract of ``root`` expiring at ``expiry_ns`` settles.

    ``expiry_date`` is the date in the contracts' names, which is not always the date of the instant (contracts named
    after a Saturday expire on the Friday before); None: the instant's UTC date.
    """

    FAMILY: ClassVar[str] = "reference"
    underlying: str
    root: str
    expiry_ns: int
    price: float
    expiry_date: int | None = None


class BarHistory(ByReference):
    """Bars before the first frame, by reference (columns ``ts_ns``, ``open``, ``high``, ``low``, ``close``)."""

    FAMILY: ClassVar[str] = "reference"
    symbol: str
    timeframe_s: PositiveInt
    rows: int
    bars: str

    def references(self) -> tuple[str, ...]:
        return (self.bars,)

    def columns(self) -> Block:
        return self.block_at(self.bars)
