"""The simulated venue's journal: the account, the open orders, and every order id ever answered."""

from dataclasses import dataclass, field
from typing import Literal

from contango_common.domain.sessions import Sessions
from contango_execution.params import VenueParams


@dataclass(slots=True)
class Root:
    """What the venue must know of an option root."""

    underlying: str
    multiplier: int
    tick_micros: int
    increment_ticks: int
    cash_settled: bool


@dataclass(slots=True)
class Tradable:
    """What the venue must know of an asset; an index has no market."""

    kind: Literal["index", "stock", "spot", "perpetual"]
    tick_micros: int
    lot_micros: int


@dataclass(slots=True)
class VenueOrder:
    """An order as it arrived; ``venue_id`` is empty until accepted, ``lot_micros`` one contract for options.

    ``is_option``: there is an option among its legs, and so its prices are those of chain frames.
    """

    order_id: str
    purpose: Literal["open", "reduce"]
    underlying: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    multiplier: int
    tick_micros: int
    lot_micros: int
    remaining: int
    limit_ticks: int | None
    valid_until_ns: int | None
    ts_ns: int
    is_option: bool
    venue_id: str = ""
    fills: int = 0

    @property
    def on_frames(self) -> bool:
        """Whether frames fill it: options do, and shares counted in contracts, which a structure has left behind."""
        return self.is_option or self.multiplier > 1


@dataclass(slots=True)
class Answer:
    """How an order ended: an id that comes again is answered from here and never traded again."""

    state: Literal["filled", "cancelled", "rejected"]
    venue_id: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class VenueState:
    """``holdings`` counts contracts of options and lots of assets.

    ``settled`` maps root and yymmdd to the expiry instant; ``feeds`` says what an underlying's feed is worth.
    """

    params: VenueParams = field(default_factory=VenueParams)
    funded: bool = False
    cash_micros: int = 0
    holdings: dict[str, int] = field(default_factory=dict)
    orders: dict[str, VenueOrder] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    roots: dict[str, Root] = field(default_factory=dict)
    assets: dict[str, Tradable] = field(default_factory=dict)
    sessions: dict[str, Sessions] = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=dict)
    settled: dict[str, int] = field(default_factory=dict)


def hold(state: VenueState, instrument: str, change: int) -> None:
    """Change a holding; nothing is kept for zero."""
    after = state.holdings.get(instrument, 0) + change
    if after:
        state.holdings[instrument] = after
    else:
        state.holdings.pop(instrument, None)


def session_open_ns(state: VenueState, ts_ns: int) -> int | None:
    """Opening instant of the session that contains ``ts_ns``; None when every known exchange is shut."""
    for table in state.sessions.values():
        row = table.at(ts_ns)
        if row is not None:
            return table.open_ns[row]
    return None


def session_date(state: VenueState, ts_ns: int) -> int | None:
    """Latest session date (yyyymmdd) known at ``ts_ns``, None without a table."""
    dates = [date for table in state.sessions.values() if (date := table.local_date(ts_ns)) is not None]
    return max(dates, default=None)
