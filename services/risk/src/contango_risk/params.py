"""Parameters of the risk fold: the section ``risk`` of a book's YAML file.

Greek caps are stated *per 100,000 USD of equity*, the account size for which the source's numbers (30 share-deltas
and 100 USD a vol point per trade, 200/50/500 for the book) make sense; a book of 1,000,000 USD has ten times as much.
Deltas are shares of SPY equivalents (one SPX share-delta = 10), gammas the same per 1 USD of SPY.
"""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contango_common.domain.declare import wrong
from contango_common.domain.errors import UserError


class StopBasis(StrEnum):
    """What a stop of 2.0 means: a loss of twice the credit, a price of twice the credit, twice the maximum loss."""

    LOSS_X_CREDIT = "loss_x_credit"
    PRICE_X_CREDIT = "price_x_credit"
    PCT_MAX_LOSS = "pct_max_loss"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ExitParams(_Section):
    """The exit table."""

    profit_target: float | None = Field(
        0.50, gt=0, le=1, description="fraction of the entry credit (or debit); null off"
    )
    stop: float | None = Field(2.0, gt=0, le=20, description="multiple that stop_basis explains; null off")
    stop_basis: StopBasis = Field(StopBasis.LOSS_X_CREDIT, description="what the stop is a multiple of, for credits")
    stop_debit: float | None = Field(
        0.50, gt=0, le=1, description="fraction of the debit paid that may be lost; null off"
    )
    stop_confirm_n: int = Field(2, ge=1, le=20, description="marks beyond the stop, of the last stop_confirm_m")
    stop_confirm_m: int = Field(3, ge=1, le=20, description="marks looked at for stop_confirm_n")
    no_stop_minutes: int = Field(15, ge=0, le=390, description="minutes after the session's open without a stop")
    crash: bool = Field(True, description="close when the underlying's regime is CRASH_MODE")
    dte: int | None = Field(
        7, ge=0, le=365, description="close at this many calendar days to expiry or fewer; null off"
    )
    monitor_dte: int | None = Field(
        21, ge=0, le=365, description="from here on a part of the target is enough; null off"
    )
    monitor_pnl: float = Field(0.70, gt=0, le=1, description="fraction of the profit target that is enough then")
    last_trade_sessions: int = Field(
        1, ge=0, le=5, description="sessions before the last trade at which AM or physical contracts are closed"
    )


class LimitParams(_Section):
    """Caps on opening risk. None of them stands before an exit."""

    max_quantity: int = Field(100, ge=1, le=1_000_000_000, description="units of one structure per trade")
    max_open_positions: int = Field(12, ge=1, le=10_000, description="positions, approved ones included")
    max_positions_per_underlying: int = Field(12, ge=1, le=10_000, description="positions, approved ones included")
    heat_fraction: float = Field(0.10, gt=0, le=1, description="sum of maximum losses as a fraction of equity")
    daily_drawdown_halt: float = Field(0.02, gt=0, le=1, description="fraction of the equity at the last session's end")
    max_drawdown: float | None = Field(0.30, gt=0, le=1, description="fraction below the high-water mark; null off")
    max_frame_age_s: int = Field(3_900, ge=1, le=864_000, description="seconds since the underlying's last frame")
    greek_caps: bool = Field(True, description="whether the five caps below refuse and shrink")
    trade_delta: float = Field(30.0, gt=0, description="SPY shares per 100,000 USD of equity, one trade")
    trade_vega: float = Field(100.0, gt=0, description="USD per vol point per 100,000 USD of equity, one trade")
    book_delta: float = Field(200.0, gt=0, description="SPY shares per 100,000 USD of equity, whole book")
    book_gamma: float = Field(50.0, gt=0, description="SPY shares per 1 USD of SPY per 100,000 USD, whole book")
    book_vega: float = Field(500.0, gt=0, description="USD per vol point per 100,000 USD of equity, whole book")


class FillFractions(_Section):
    """Part of the spread that is paid, by the number of legs; for the achievable closing price."""

    one: float = Field(0.75, ge=0, le=1, description="fraction of ask minus bid")
    two: float = Field(0.66, ge=0, le=1, description="fraction of ask minus bid")
    three: float = Field(0.56, ge=0, le=1, description="fraction of ask minus bid")
    four: float = Field(0.53, ge=0, le=1, description="fraction of ask minus bid")

    def of(self, legs: int) -> float:
        """Fraction for this many legs (more than four count as four).

        >>> FillFractions().of(2)
        0.66
        """
        return (self.one, self.two, self.three, self.four)[min(max(legs, 1), 4) - 1]


class RiskParams(_Section):
    """Section ``risk``."""

    risk_per_trade_fraction: float = Field(0.02, gt=0, le=1, description="maximum loss of one trade / equity")
    mark_every_s: int = Field(0, ge=0, le=604_800, description="seconds between PortfolioMarked; 0 = every chain frame")
    bar_mark_every_s: int = Field(
        86_400, ge=0, le=604_800, description="the same for books of stocks and spot, on bars"
    )
    limits: LimitParams = LimitParams()
    exits: ExitParams = ExitParams()
    fill_fractions: FillFractions = FillFractions()


def parse(params: dict[str, Any]) -> RiskParams:
    """The validated section ``risk`` of a whole parameter set (defaults when absent). Raises UserError.

    >>> parse({"risk": {"limits": {"max_open_positions": 3}}}).limits.max_open_positions
    3
    """
    try:
        return RiskParams.model_validate(params.get("risk") or {})
    except ValidationError as error:
        raise UserError(wrong("risk", error.errors(include_url=False)[0])) from error
