"""Parameters of the earnings models."""

from pydantic import BaseModel, ConfigDict, Field


class EarningsParams(BaseModel):
    """How the models learn, and when a forecast is refused.

    >>> EarningsParams().trees
    200
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    trees: int = Field(200, ge=1, le=2000, description="trees of the quantile forest")
    least_in_leaf: int = Field(10, ge=1, le=1000, description="training rows in a leaf at least")
    features_share: float = Field(0.3, gt=0.0, le=1.0, description="share of the features that a split may look at")
    boosting_rounds: int = Field(120, ge=1, le=5000, description="rounds of gradient boosting, for comparison")
    direction_c: float = Field(0.02, gt=0.0, le=1000.0, description="inverse penalty of the logistic regression")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of everything drawn")
    fold_years: int = Field(2, ge=1, le=20, description="calendar years of one fold of the walk-forward test")
    least_training: int = Field(300, ge=20, le=1_000_000, description="labelled events before the first fold")
    embargo_days: int = Field(5, ge=0, le=365, description="days between the last training label and a fold")
    most_missing: float = Field(
        0.4, ge=0.0, le=1.0, description="share of the usual features that may be missing from a request"
    )
    most_age_days: int = Field(
        400, ge=1, le=10_000, description="days after the last training label for which the model is ready"
    )
