"""Parameters of the inference oracles: the section ``inference`` of the book's file."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from contango_inference.direction.params import DirectionParams
from contango_inference.models.params import ModelsParams


class InferenceParams(BaseModel):
    """What the variance forecast looks at and how often it learns.

    >>> InferenceParams().horizons_sessions
    (1, 5, 10, 21, 32, 42)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    symbols: tuple[str, ...] = Field(
        (), description="symbols to forecast; empty: the underlying of every option root that is listed"
    )
    estimator: Literal["parkinson", "garman_klass", "rogers_satchell"] = Field(
        "parkinson", description="range estimator of one session's variance; the squared overnight return is added"
    )
    min_days: int = Field(500, ge=120, le=100_000, description="daily bars before the first forecast")
    window_days: int | None = Field(
        None, ge=250, le=100_000, description="daily bars that a fit looks back on; null: all of them"
    )
    horizons_sessions: tuple[int, ...] = Field(
        (1, 5, 10, 21, 32, 42), min_length=1, max_length=32, description="sessions ahead, ascending, 1 to 63 each"
    )
    levels: tuple[float, ...] = Field(
        (0.05, 0.25, 0.5, 0.75, 0.95), min_length=1, max_length=32, description="levels of the quantiles, ascending"
    )
    sessions_per_year: int = Field(252, ge=200, le=366, description="sessions that make a year's variance")
    floor_daily_vol: float = Field(
        1e-4, gt=0.0, le=0.01, description="smallest daily volatility (1 = 100 %) that a session's range is read as"
    )
    direction: DirectionParams = Field(
        DirectionParams(), description="predictor of the direction some hours ahead, for strategies on bars"
    )
    models: ModelsParams = Field(ModelsParams(), description="trained models that are served beside the baseline")

    @field_validator("horizons_sessions")
    @classmethod
    def _horizons(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if list(values) != sorted(set(values)) or values[0] < 1 or values[-1] > 63:
            raise ValueError("must be ascending, each from 1 to 63 sessions")
        return values

    @field_validator("levels")
    @classmethod
    def _levels(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if list(values) != sorted(set(values)) or values[0] <= 0.0 or values[-1] >= 1.0:
            raise ValueError("must be ascending, each inside 0 to 1")
        return values
