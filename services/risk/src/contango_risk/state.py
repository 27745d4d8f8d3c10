"""State of the risk fold: plain records that a snapshot can hold. Only ``evolve`` writes them.

Money is in micros (millionths of USD), prices in ticks, holdings in signed contracts (lots), instants in UTC ns.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contango_common.domain.arrays import Array
from contango_risk.params import RiskParams


@dataclass(slots=True)
class Leg:
    """One instrument of a position. Quotes are the last good ones; ``stale``: there is none at the last mark."""

    instrument: str
    ratio: int
    lots: int = 0
    root: str = ""
    expiry_date: int = 0
    is_call: bool = False
    strike_millis: int = 0
    expiry_ns: int = 0
    last_trade_ns: int = 0
    listing: str = ""
    row: int = -1
    bid_ticks: int = 0
    ask_ticks: int = 0
    quoted_ns: int = 0
    stale: bool = True
    iv_annual: float | None = None
    iv_ns: int = 0

    @property
    def is_option(self) -> bool:
        return self.expiry_date != 0


@dataclass(slots=True)
class Marks:
    """What the holding is worth now (positive: the account would receive); None before the first quote."""

    mid_micros: int | None = None
    achievable_micros: int | None = None
    natural_micros: int | None = None
    stale_legs: int = 0
    marked_ns: int = 0


@dataclass(slots=True)
class Greeks:
    """Delta in SPY shares, gamma in SPY shares per 1 USD of SPY, vega USD per vol point, theta USD per day."""

    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0


@dataclass(slots=True)
class Exit:
    """A standing request to close."""

    reason: str
    all_true: list[str]
    urgency: str
    quantity: int
    why: dict[str, float | None]


@dataclass(slots=True)
class Context:
    """The trade's context as its proposal gave it; kept, never looked at."""

    entry_parameters: dict[str, Any] = field(default_factory=dict)
    module_specific_params: dict[str, Any] = field(default_factory=dict)
    market_context: dict[str, Any] = field(default_factory=dict)
    alternatives: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """What was approved, and why: kept from the approval to the closing of the trade.

    ``multipliers`` scale the size that the limits leave; ``adjusts`` is the position that this one was made to change,
    and with ``closes`` that one is closed when this one is approved.
    """

    position_id: str
    proposal_id: str
    strategy: str
    kind: str
    underlying: str
    instruments: list[str]
    ratios: list[int]
    multiplier: int
    tick_micros: int
    quantity: int
    limit_ticks: int
    unit_max_loss_micros: int
    defined_risk: bool
    unit_greeks: Greeks | None
    expiry_ns: int | None
    last_trade_ns: int | None
    valid_until_ns: int
    regime: str
    why: dict[str, float | None]
    quantity_cap: int | None = None
    multipliers: dict[str, float] = field(default_factory=dict)
    adjusts: str | None = None
    closes: bool = False
    context: Context = field(default_factory=Context)


@dataclass(slots=True)
class Position:
    """Holdings and cash flows of one trade. ``units`` is what was opened, in units of the structure."""

    entry: Entry
    legs: list[Leg]
    units: int = 0
    opened_ns: int = 0
    announced: bool = False
    open_cash_micros: int = 0
    close_cash_micros: int = 0
    mid_cash_micros: int = 0
    natural_cash_micros: int = 0
    fees_micros: int = 0
    max_loss_micros: int | None = 0
    entry_max_loss_micros: int | None = 0
    settled: bool = False
    fills: list[str] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)
    greeks: Greeks | None = None
    stop_hits: list[bool] = field(default_factory=list)
    exit: Exit | None = None
    signal_why: dict[str, float | None] | None = None
    manual: str | None = None
    flatten: bool = False

    @property
    def flat(self) -> bool:
        return not any(leg.lots for leg in self.legs)

    @property
    def spot(self) -> bool:
        """Whether it never held an option: such a holding lives on bars, every other one on chain frames."""
        for leg in self.legs:  # noqa: SIM110 (asked at every frame: any() over a generator costs twice as much)
            if leg.is_option:
                return False
        return True


@dataclass(slots=True)
class Pending:
    """An approved opening whose order is not final: its maximum loss is reserved."""

    entry: Entry
    filled: int = 0
    submitted: bool = False


@dataclass(slots=True)
class OrderRef:
    position_id: str
    purpose: str


@dataclass(slots=True)
class Ledger:
    """Cash and positions, from the broker's facts only."""

    funded: bool = False
    initial_cash_micros: int = 0
    cash_micros: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    drafts: dict[str, Entry] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    orders: dict[str, OrderRef] = field(default_factory=dict)
    closed_fills: dict[str, bool] = field(default_factory=dict)  # of trades that are over, the last few hundred
    unattributed_micros: int = 0  # cash of broker's facts that no position of ours explains
    spot_positions: int = 0
    spot_seen: bool = False


@dataclass(slots=True)
class Asset:
    """Of an underlying: SPY shares that one unit moves like, its last price, its feed and its carry."""

    spy_equivalent: float = 1.0
    lot_micros: int = 1_000_000
    price: float | None = None
    price_ns: int = 0
    feed: str = "live"
    rate_annual: float | None = None
    div_yield_annual: float | None = None


@dataclass(slots=True)
class Smile:
    """The last fitted smile of one expiry (``contango_quant.surface.curve.Smile`` as floats) and its forward."""

    expiry_ns: int
    forward: float
    row: list[float]


@dataclass(slots=True)
class Root:
    underlying: str
    settlement: str
    delivery: str
    multiplier: int
    tick_micros: int


@dataclass(slots=True)
class Calendar:
    """Sessions that are not over yet, ascending: the first row is the running or the next one.

    ``before_open_ns`` is the opening instant of the session before the first row (0: none was seen);
    ``first_close_ns`` is ``close_ns[0]`` as a plain integer (0: no session), because every bar asks for it.
    """

    date: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    open_ns: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    close_ns: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    before_open_ns: int = 0
    first_close_ns: int = 0


@dataclass(slots=True)
class Equity:
    """Equity from mid marks, its high-water mark, and what it was when the session began."""

    equity_micros: int = 0
    high_water_micros: int = 0
    session_base_micros: int = 0
    session_date: int = 0
    marked_ns: int = 0


@dataclass(slots=True)
class Halts:
    """``manual``: until a person resumes. ``drawdown``: until ``until_ns`` (None: the next session's first frame)."""

    manual: str | None = None
    drawdown: bool = False
    until_ns: int | None = None
    session_date: int = 0  # session in which the drawdown halt began


@dataclass(slots=True)
class RiskState:
    params: RiskParams = field(default_factory=RiskParams)
    params_error: str | None = None
    started: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    assets: dict[str, Asset] = field(default_factory=dict)
    roots: dict[str, Root] = field(default_factory=dict)
    smiles: dict[str, Smile] = field(default_factory=dict)  # root:expiry date → the last fit
    calendar: Calendar = field(default_factory=Calendar)
    equity: Equity = field(default_factory=Equity)
    halts: Halts = field(default_factory=Halts)
    regimes: dict[str, dict[str, str]] = field(default_factory=dict)  # symbol → detector → label, last changed last
    unknown_orders: dict[str, str] = field(default_factory=dict)
    prints: dict[str, float] = field(default_factory=dict)
    bars_ns: int = 0
    utc_day: int = 0
