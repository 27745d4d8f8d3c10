"""Facts of the risk fold: ``log.risk``."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from contango_common.events.base import Event
from contango_common.events.signal import Scalar


class Approved(Event):
    """A proposal may be opened: how many units, at what limit, and which multiplier was the smallest."""

    FAMILY: ClassVar[str] = "risk"
    proposal_id: str
    position_id: str
    strategy: str
    underlying: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    multiplier: PositiveInt
    tick_micros: PositiveInt
    quantity: PositiveInt
    limit_ticks: int
    max_loss_micros: int
    sizes: dict[str, int]
    limits: dict[str, float | None]
    valid_until_ns: int


class Refused(Event):
    """A proposal may not be opened: *all* the reasons."""

    FAMILY: ClassVar[str] = "risk"
    proposal_id: str
    strategy: str
    underlying: str
    reasons: tuple[str, ...]
    limits: dict[str, float | None]


class ExitRequested(Event):
    """A position is to be closed. Stays standing until the book is flat of it; nothing may refuse it."""

    FAMILY: ClassVar[str] = "risk"
    position_id: str
    underlying: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    multiplier: PositiveInt
    tick_micros: PositiveInt
    quantity: PositiveInt
    reason: str
    all_true: tuple[str, ...]
    closing_debit_ticks: float | None
    urgency: Literal["normal", "emergency"] = "normal"


class PositionOpened(Event):
    """The first fill of an approved proposal reached the ledger."""

    FAMILY: ClassVar[str] = "risk"
    position_id: str
    proposal_id: str
    strategy: str
    underlying: str
    quantity: PositiveInt
    entry_net_ticks: float
    fees_micros: int


class TradeClosed(Event):
    """A position is flat: its cash flows, and everything known when it was entered (see ``signal.Proposal``)."""

    FAMILY: ClassVar[str] = "risk"
    position_id: str
    proposal_id: str
    strategy: str
    underlying: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    quantity: PositiveInt
    opened_ns: int
    entry_net_micros: int
    exit_net_micros: int
    fees_micros: int
    pnl_micros: int
    mid_pnl_micros: int
    natural_pnl_micros: int
    max_loss_micros: int
    exit_reason: str
    exit_all_true: tuple[str, ...]
    regime_at_entry: str
    regime_at_exit: str | None
    entry_why: dict[str, float | None]
    exit_why: dict[str, float | None]
    adjusts: str | None = None
    entry_parameters: dict[str, Scalar] = Field({})
    module_specific_params: dict[str, Scalar] = Field({})
    market_context: dict[str, Scalar] = Field({})
    alternatives: dict[str, Scalar] = Field({})


class PortfolioMarked(Event):
    """The book at an instant. Mid for reporting; ``achievable`` is what closing now would be expected to leave.

    Greeks are of the whole book in shares of SPY equivalents (delta), the same per 1 USD of SPY (gamma), USD per vol
    point (vega) and USD per calendar day (theta). ``stale_marks`` counts legs without a usable quote now.
    """

    FAMILY: ClassVar[str] = "risk"
    cash_micros: int
    mid_micros: int
    achievable_micros: int
    natural_micros: int
    equity_micros: int
    high_water_micros: int
    drawdown_fraction: float
    open_positions: int
    max_loss_micros: int
    delta_spy_shares: float | None
    gamma_spy_shares: float | None
    vega_usd_per_point: float | None
    theta_usd_per_day: float | None
    stale_marks: int


HaltKind = Literal["drawdown", "manual"] | None
"""``drawdown``: risk's own for the session's loss, over with the next session. ``manual``: until a person resumes.

``reason`` is free text and tells nothing about it: a person may write any words. None stands on logs from before the
kind was said; there, and only there, the reason decides.
"""


class TradingHalted(Event):
    """No new risk from here on; exits go on."""

    FAMILY: ClassVar[str] = "risk"
    reason: str
    until_ns: int | None
    kind: HaltKind = None


class TradingResumed(Event):
    """A halt of this kind is over."""

    FAMILY: ClassVar[str] = "risk"
    reason: str
    kind: HaltKind = None
