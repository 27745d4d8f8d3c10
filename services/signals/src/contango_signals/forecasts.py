"""What is made of forecasts: the baseline's variance, pooled with a model's as far as that has earned weight. Pure.

    ln q = (1 − w) ln q_baseline + w ln q_model        at every horizon and level

A model that is silent, late, of other horizons or levels, without weight, or switched off changes nothing: the baseline
stands alone. Nothing here is ever waited for.
"""

import math

from contango_signals.state import DirectionSeen, ForecastSeen, State
from contango_signals.switches import acts

FEATURE = "models"
HOUR_NS = 3_600_000_000_000
SESSION = 0  # the horizon of a forecast for the next session


def forecast_of(state: State, symbol: str, now_ns: int) -> ForecastSeen | None:
    """The variance forecast that decisions rest on; None before any."""
    base, w = state.forecasts.get(symbol), model_weight(state, symbol, now_ns)
    if base is None or not w:
        return base
    model = state.model_forecasts[symbol]
    return ForecastSeen(
        ts_ns=base.ts_ns,
        horizons_sessions=base.horizons_sessions,
        levels=base.levels,
        variance_quantiles=[
            [_pooled(ours, theirs, w) for ours, theirs in zip(row, other, strict=True)]
            for row, other in zip(base.variance_quantiles, model.variance_quantiles, strict=True)
        ],
        absent=base.absent,
    )


def model_weight(state: State, symbol: str, now_ns: int) -> float:
    """What the champion's variance counts now beside the baseline's, 0 to 1."""
    base, model = state.forecasts.get(symbol), state.model_forecasts.get(symbol)
    if base is None or model is None or not acts(state, FEATURE) or not _is_young(state, model.ts_ns, now_ns):
        return 0.0
    alike = (base.horizons_sessions, base.levels) == (model.horizons_sessions, model.levels)
    return model.weight if alike else 0.0


def direction_of(state: State, symbol: str, horizon_s: int, now_ns: int) -> DirectionSeen | None:
    """The newest direction forecast for a horizon while it is young enough, whatever its weight."""
    seen = state.directions.get(f"{symbol}:{horizon_s}")
    if seen is None:
        return None
    old = now_ns - seen.ts_ns > seen.horizon_s * 1_000_000_000 if seen.horizon_s else False
    return None if old or not _is_young(state, seen.ts_ns, now_ns) else seen


def said(state: State, symbol: str, now_ns: int) -> dict[str, float | None]:
    """What the served model says of the next session, and what its word counts: for the record of a decision."""
    seen = direction_of(state, symbol, SESSION, now_ns)
    if seen is None:
        return {}
    return {
        "model_bull": seen.bull,
        "model_bear": seen.bear,
        "model_direction_weight": seen.weight,
        "model_variance_weight": model_weight(state, symbol, now_ns),
    }


def _is_young(state: State, then_ns: int, now_ns: int) -> bool:
    return now_ns - then_ns <= state.params.forecast_max_age_hours * HOUR_NS


def _pooled(ours: float, theirs: float, weight: float) -> float:
    return math.exp((1.0 - weight) * math.log(ours) + weight * math.log(theirs))
