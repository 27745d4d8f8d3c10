"""What a training looks at and how it learns. Everything that shapes the outcome stands here, with its default."""

from typing import Literal, Self

from pydantic import Field, model_validator

from contango_common.domain.declare import Section, param
from contango_inference.mamba.shape import Shape
from contango_inference.models.manifest import Contract, Feature
from contango_inference.params import InferenceParams

SMALL = Shape(layers=2, d_model=32, d_state=16, headdim=16, chunk=8)
"""Trains in minutes on two cores; ``Shape()`` is the published network."""


class Choice(Section):
    """One feature by its name in a ``FeatureRow``; ``log`` takes its natural logarithm first."""

    name: str = Field(min_length=1, max_length=100)
    log: bool = False


DAILY_CHOICES = (
    Choice(name="return_1_1d"),
    Choice(name="momentum_1d"),
    Choice(name="range_vol_1_1d", log=True),
    Choice(name="range_vol_5_1d", log=True),
    Choice(name="range_vol_22_1d", log=True),
    Choice(name="realised_vol_1d", log=True),
    Choice(name="atr_percent_1d", log=True),
    Choice(name="rsi_1d"),
    Choice(name="adx_1d"),
    Choice(name="bb_position_1d"),
    Choice(name="sma_distance_1d"),
    Choice(name="rvol_1d", log=True),
)
"""Known from daily bars with volume alone."""


class Learning(Section):
    """How one network learns."""

    epochs: int = param(60, "most passes over the training rows", ge=1, le=10_000)
    patience: int = param(8, "passes without a better validation loss before it stops", unit="passes", ge=1, le=1_000)
    batch: int = param(128, "rows of one step", unit="rows", ge=1, le=65_536)
    rate: float = param(1e-3, "learning rate of AdamW", gt=0.0, le=1.0)
    decay: float = param(1e-2, "weight decay of AdamW", ge=0.0, le=10.0)
    dropout: float = param(0.1, "share of the last row's channels dropped in training", ge=0.0, lt=1.0)
    direction_weight: float = param(0.1, "weight of the cross entropy beside the pinball loss", ge=0.0, le=10.0)
    largest_gradient: float = param(1.0, "norm to which gradients are clipped", gt=0.0, le=1_000.0)


class Walking(Section):
    """How the history is cut: an expanding past, a purge of the longest horizon, an embargo, then a test."""

    first_sessions: int = param(1_260, "sessions before the first test", unit="sessions", ge=100, le=100_000)
    test_sessions: int = param(252, "sessions of one test", unit="sessions", ge=10, le=10_000)
    embargo_sessions: int = param(5, "sessions left out beside the purge", unit="sessions", ge=0, le=250)
    validation_share: float = param(0.15, "newest share of the past that stops and calibrates", gt=0.02, lt=0.5)


class Judging(Section):
    """How much history a verdict needs."""

    fewest_stretches: int = param(
        50, "stretches of the longest horizon that do not overlap, in all tests", unit="stretches", ge=10, le=10_000
    )


class TrainSettings(Section):
    """The whole of it. ``inference`` gives horizons, levels and the estimator: the baseline's own.

    >>> TrainSettings().contract(()).outputs
    33
    """

    features: tuple[Choice, ...] = Field(DAILY_CHOICES, min_length=1, max_length=256)
    anchor: str = "range_vol_22_1d"
    context: int = param(8, "rows of a window", unit="sessions", ge=1, le=256)
    clip: float = param(8.0, "largest normalised value", unit="standard deviations", gt=0.0, le=100.0)
    neutral_band: float = param(0.25, "half width of neutral", unit="daily standard deviations", ge=0.0, le=5.0)
    inference: InferenceParams = InferenceParams()
    shape: Shape = SMALL
    learning: Learning = Learning()
    walking: Walking = Walking()
    verdict: Judging = Judging()
    seeds: tuple[int, ...] = Field((1, 2), min_length=1, max_length=32)
    device: Literal["cpu", "cuda", "auto"] = "cpu"

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [choice.name for choice in self.features]
        if len(set(names)) != len(names):
            raise ValueError("a feature is named twice")
        if len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ValueError("seeds must be different numbers of at least 0")
        return self

    @property
    def longest(self) -> int:
        """The longest horizon, in sessions."""
        return self.inference.horizons_sessions[-1]

    def contract(self, features: tuple[Feature, ...], symbols: tuple[str, ...] = ()) -> Contract:
        """The contract of a model of these settings; without ``features`` those chosen, not normalised."""
        plain = tuple(Feature(name=c.name, log=c.log, mean=0.0, scale=1.0) for c in self.features)
        return Contract(
            features=features or plain,
            context=self.context,
            cadence="session",
            symbols=symbols,
            clip=self.clip,
            anchor=self.anchor,
            neutral_band=self.neutral_band,
            horizons_sessions=self.inference.horizons_sessions,
            levels=self.inference.levels,
        )
