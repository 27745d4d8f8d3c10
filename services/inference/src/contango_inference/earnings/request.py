"""What is asked about one announcement, and what is answered. Units stand in the descriptions."""

from collections.abc import Callable
from datetime import date as Date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contango_inference.earnings.events import Timing
from contango_quant.surface.event import EVENT_YEARS

Move = Annotated[float, Field(gt=-1.0, le=10.0)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Expiry(Strict):
    """At-the-money volatility of one expiry that contains the announcement."""

    vol_annual: float = Field(gt=0.0, le=10.0, description="at-the-money implied volatility, 0.6 = 60 % a year")
    years: float = Field(ge=EVENT_YEARS, le=5.0, description="time to expiry in years, at least one trading day")


class EarningsRequest(Strict):
    """What is known before the announcement: options by two expiries or a straddle, and moves or features."""

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "symbol": "XYZ",
                    "date": "2024-02-01",
                    "timing": "amc",
                    "spot": 100.0,
                    "near": {"vol_annual": 0.9, "years": 0.0192},
                    "far": {"vol_annual": 0.5, "years": 0.096},
                    "prior_moves": [0.03, -0.05, 0.02, 0.07],
                }
            ]
        },
    )
    symbol: str = Field(min_length=1, max_length=32)
    date: Date = Field(description="exchange date of the announcement")
    timing: Timing = Field("unknown", description="bmo: before the open, amc: after the close")
    spot: float = Field(gt=0.0, description="price of the underlying")
    near: Expiry | None = Field(None, description="first expiry after the announcement")
    far: Expiry | None = Field(None, description="an expiry after `near`")
    straddle_price: float | None = Field(None, gt=0.0, description="of the first expiry, in units of the spot")
    prior_moves: list[Move] = Field(
        default_factory=list, max_length=400, description="close-to-close moves at earlier announcements, oldest first"
    )
    features: dict[str, float | None] = Field(
        default_factory=dict, max_length=500, description="features by name as the tables have them"
    )
    tiers: Literal["event_variance", "source_s3"] = "event_variance"

    @model_validator(mode="after")
    def _whole(self) -> "EarningsRequest":
        if (self.near is None) != (self.far is None):
            raise ValueError("near and far belong together: give both expiries")
        if self.near is not None and self.far is not None and not self.near.years < self.far.years:
            raise ValueError("far must expire after near")
        if self.near is None and self.straddle_price is None:
            raise ValueError("give near and far, or straddle_price")
        if not self.prior_moves and not self.features:
            raise ValueError("give prior_moves or features")
        return self


class TailBody(Strict):
    """Earlier moves met by a seller of today's implied move; per unit of price. Null with a reason."""

    moves: int
    win_rate: float | None = Field(description="never to be read without the ratio")
    worst_loss: float | None
    average_win: float | None
    ratio: float | None = Field(description="worst loss over average win")
    trr: float | None = Field(description="largest over mean |move|; above 2.5 the size is halved")
    reason: str | None


class EarningsAnswer(Strict):
    """The forecast. Moves are fractions of price; what is null has its reason beside it."""

    symbol: str
    date: Date
    model: str | None = Field(description="null when the plain rule answered")
    model_sha: str | None = Field(description="SHA-256 of the loaded weights")
    q10: float | None
    q50: float | None
    q90: float | None
    expected_move: float | None = Field(description="mean |move|: of the model, else of the earlier moves")
    prob_up: float | None = Field(description="the base rate unless the model showed skill in the direction")
    shows_direction: bool
    implied_move: float | None
    implied_by: Literal["event_variance", "straddle"] | None
    implied_reason: str | None
    vrp: float | None
    tiers: str
    tier: str
    size_factor: float
    missing_share: float | None = Field(description="share of the model's usual features that were missing")
    fallback: bool
    reason: str | None = Field(description="why the plain rule answered, or why there is no VRP")
    tail: TailBody


Predictor = Callable[[EarningsRequest], EarningsAnswer]
