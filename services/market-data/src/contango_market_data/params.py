"""What the market-data edge cuts frames from: section ``market_data`` of a book."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from contango_common.domain.declare import Section, param


class AssetParams(Section):
    """How one asset trades; what is not said is taken from the house's own list.

    >>> AssetParams(kind="spot", lot_micros=1000).tick_micros
    10000
    """

    kind: Literal["stock", "spot", "perpetual", "index"] = param("stock", "what it is; an index cannot be traded")
    tick_micros: int = param(10_000, "smallest step of its price", unit="millionths", ge=1, le=10**12)
    lot_micros: int = param(1_000_000, "smallest amount traded", unit="millionths of a unit", ge=1, le=10**12)
    spy_equivalent: float = param(1.0, "shares of SPY that one unit moves like", unit="shares", ge=0, le=10**6)


class MarketDataParams(BaseModel):
    """Validated at start; an unknown key or a value out of range is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    underlying: str | None = Field(default="SPX", description="underlying whose option chains are framed; null: none")
    symbols: tuple[str, ...] = Field(default=("SPX", "VIX"), description="symbols whose bars are framed")
    bar_timeframe: str = Field(default="15m", description="timeframe of the bars on the log (resampled when shorter)")
    source_timeframe: str | None = Field(default="5m", description="timeframe read from the catalog; null: the same")
    daily_bars: bool = Field(default=True, description="frame closed daily bars at the session's close")
    assets: dict[str, AssetParams] = Field(default={}, description="how symbols trade, where the house does not know")
    history_symbols: tuple[str, ...] = Field(default=("SPX", "VIX"), description="daily bars before the first frame")
    max_dte: int = Field(default=60, ge=1, le=1100, description="contracts listed up to this many calendar days ahead")
    window_low: float = Field(default=-0.15, ge=-0.95, le=0, description="lowest strike framed, relative to spot")
    window_high: float = Field(default=0.08, ge=0, le=5, description="highest strike framed, relative to spot")
    rate_annual: float | None = Field(
        default=None, ge=-0.05, le=0.5, description="continuously compounded rate; null: the catalog's, else 0"
    )
    div_yield_annual: float | None = Field(
        default=None, ge=0, le=0.5, description="continuous dividend yield; null: forwards come from put-call parity"
    )
