"""Facts of the inference oracle: ``log.forecast``."""

from typing import ClassVar, Literal

from pydantic import Field, NonNegativeInt

from contango_common.domain.blocks import Block
from contango_common.events.base import ByReference, Event

BASELINE = "har_range_v1"  # the variance model that is always there; what others earn, they earn beside it
Number = float | None
Role = Literal["champion", "challenger", "baseline"]
Target = Literal["direction", "variance"]


class Forecast(Event):
    """Quantiles of the variance to come, per horizon in sessions.

    ``variance_quantiles[i]`` holds the annualised variance over the next ``horizons_sessions[i]`` sessions at each of
    ``levels``; ``input_hash`` names the data the model saw, ``model_sha`` the fitted coefficients. ``weight`` is what
    the model has earned beside the baseline (0: none), ``backend`` who computed it.
    """

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    model_sha: str
    input_hash: str
    horizons_sessions: tuple[int, ...]
    levels: tuple[float, ...]
    variance_quantiles: tuple[tuple[float, ...], ...]
    role: Role = "baseline"
    weight: float = Field(1.0, ge=0.0, le=1.0)
    backend: str | None = None


class DirectionForecast(Event):
    """Calibrated probabilities that the symbol stands higher, lower, or about the same ``horizon_s`` from now.

    ``horizon_s`` 0 means one session. ``confidence`` is the probability of the likeliest of the three. ``weight`` is
    what the model has earned (0: it is recorded and decides nothing). A log return of at most ``neutral_band`` in size
    counts as about the same.
    """

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    model_sha: str
    input_hash: str
    horizon_s: NonNegativeInt
    prob_bull: float = Field(ge=0.0, le=1.0)
    prob_bear: float = Field(ge=0.0, le=1.0)
    prob_neutral: float = Field(ge=0.0, le=1.0)
    confidence: float = Field(ge=0.0, le=1.0)
    role: Role = "champion"
    weight: float = Field(0.0, ge=0.0, le=1.0)
    backend: str | None = None
    neutral_band: float = Field(0.0, ge=0.0)


class ForecastAbsent(Event):
    """No forecast could be made, and why."""

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    reason: str


class DirectionFitted(ByReference):
    """The direction predictor was fitted anew. ``block`` holds its trees (columns: see ``contango_inference.trees``).

    The scores are those of the purged walk-forward folds before the last fit, against the frequency of rises known at
    the time; None where there were too few rows for folds.
    """

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    sha: str
    features: tuple[str, ...]
    rows: NonNegativeInt
    trained_from_ns: int
    trained_until_ns: int
    brier: Number
    baseline_brier: Number
    accuracy: Number
    base_rate: float
    calibration: tuple[tuple[float, float], ...]
    importance: dict[str, float]
    block: str

    def references(self) -> tuple[str, ...]:
        return (self.block,)

    def trees(self) -> Block:
        """The trees' columns; KeyError when the runtime did not resolve them."""
        return self.block_at(self.block)


class PredictorSwitched(Event):
    """A model's say was taken away or given back by its own record, and the evidence at that moment."""

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    on: bool
    rule: str
    reason: str
    resolved: NonNegativeInt
    accuracy: Number
    e_value: Number


class ForecastScored(Event):
    """How forecasts that have come due did against the baseline, over the last ``resolved`` of them.

    ``loss`` is the Brier score for a direction and the mean pinball loss in log variance for a variance;
    ``skill`` = 1 − loss / baseline_loss over all horizons; ``e_value`` measures the evidence that the model is better,
    from forecasts that followed one another (of a variance the shortest horizon).
    """

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    model_sha: str
    target: Target
    resolved: NonNegativeInt
    loss: float
    baseline_loss: float
    skill: Number
    calibration_error: Number
    e_value: Number


class DriftDetected(Event):
    """Inputs or errors of a model are not what they were: a named feature (``psi``) or the losses (``adwin``)."""

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    subject: Literal["feature", "error"]
    name: str
    test: Literal["psi", "adwin"]
    value: float
    limit: float
