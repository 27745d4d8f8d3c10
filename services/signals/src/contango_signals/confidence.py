"""Fuzzy confidence of one underlying: what the ten factors see, how sure they are together, and the size that allows.

Factors are read from closed bars of one timeframe (``timeframe``) and from the volatility index. What is missing is
left out and the others carry its weight, as long as they are ``min_coverage`` of the whole; below that there is no
confidence and no trade. σ* is the percentile of realised volatility within its own year.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import field_validator

from contango_common.domain.declare import Section, param
from contango_quant.fuzzy.confidence import FACTORS, WEIGHTS, Confidence, confidence
from contango_quant.fuzzy.fusion import fused
from contango_quant.fuzzy.size import g, quantity

TIMEFRAMES = ("5m", "15m", "1h", "4h", "1d")


class FuzzyParams(Section):
    """Factors, coverage, fusion and size."""

    timeframe: Literal["5m", "15m", "1h", "4h", "1d"] = param("1d", "bars that the technical factors are read from")
    weights: dict[str, float] = param(
        dict(WEIGHTS), "weight of each factor; they are renormalised over what is present"
    )
    min_coverage: float = param(0.7, "weight that must be present", unit="fraction", ge=0, le=1)
    base_units: int = param(10, "units at full confidence and no volatility", unit="units", ge=1, le=1_000_000)
    sigma_window: int = param(252, "sessions that rank realised volatility", unit="sessions", ge=20, le=300)
    forecast_weight: float = param(
        1.0,
        "weight of a model's forecast of direction in the fusion, at most; it counts what it has earned",
        unit="fraction",
        ge=0,
        le=1,
    )
    effective_halflife: float = param(
        60.0, "sessions over which factors' co-movement halves", unit="sessions", gt=1, le=5000
    )

    @field_validator("weights")
    @classmethod
    def _known(cls, weights: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(weights) - set(FACTORS))
        if unknown:
            raise ValueError(f"no factor is called {unknown[0]!r}; there are {', '.join(FACTORS)}")
        if min(weights.values(), default=0.0) < 0.0 or not sum(weights.values()) > 0.0:
            raise ValueError("weights must not be below 0, and one must be above")
        return weights


@dataclass(frozen=True, slots=True)
class Neural:
    """A model's confidence in the direction it names, and the weight that the model has earned."""

    confidence: float
    weight: float


@dataclass(frozen=True, slots=True)
class Assurance:
    """Confidence in force: ``fused`` in [0, 1], ``size`` = F(1 − σ*), ``units`` = ⌊base · size⌋; None where unknown.

    ``effective`` is how many factors it really rests on.
    """

    fuzzy: Confidence
    sigma: float | None
    fused: float | None
    size: float | None
    units: int | None
    effective: float | None = None


def factors(values: Mapping[str, float | None], iv_rank: float | None, p: FuzzyParams) -> dict[str, float | None]:
    """What each factor looks at, from a symbol's features by name.

    ``mtf`` is the mean signed distance from the average over the timeframes that have one: near 0 when they cancel or
    all stand still.
    """
    frame = p.timeframe
    distances = [d for t in TIMEFRAMES if (d := values.get(f"sma_distance_{t}")) is not None]
    return {
        "mtf": sum(distances) / len(distances) if distances else None,
        "iv": iv_rank,
        "regime": values.get("vol_index"),
        "rsi": values.get(f"rsi_{frame}"),
        "adx": values.get(f"adx_{frame}"),
        "bb": values.get(f"bb_position_{frame}"),
        "stoch": values.get(f"stoch_k_{frame}"),
        "vol": values.get(f"rvol_{frame}"),
        "sma": values.get(f"sma_distance_{frame}"),
        "psar": values.get(f"psar_distance_{frame}"),
    }


def assurance(
    values: Mapping[str, float | None],
    iv_rank: float | None,
    sigma_pctl: float | None,
    p: FuzzyParams,
    neural: Neural | None = None,
) -> Assurance:
    """Confidence from the features, with the size that ``sigma_pctl`` (0 to 100) leaves of it."""
    fuzzy = confidence(factors(values, iv_rank, p), weights=p.weights, min_coverage=p.min_coverage)
    sigma = None if sigma_pctl is None else sigma_pctl / 100.0
    said, earned = (None, 0.0) if neural is None else (neural.confidence, neural.weight)
    together = fused(gauss=None, fuzzy=fuzzy.score, neural=said, neural_weight=min(p.forecast_weight, earned))
    size = None if fuzzy.score is None or sigma is None else g(fuzzy.score, sigma)
    units = None if size is None else quantity(p.base_units, size)
    return Assurance(fuzzy, sigma, together, size, units, values.get("fuzzy_effective"))


NOT_SURE = Assurance(Confidence(None, 0.0, {}, {}, FACTORS, "it failed"), None, None, None, None)
"""What stands in when the confidence cannot be worked out: it passes no gate."""

__all__ = ["FACTORS", "NOT_SURE", "Assurance", "FuzzyParams", "Neural", "assurance", "factors"]
