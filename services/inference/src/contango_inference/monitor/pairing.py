"""What a model's variance forecast and the baseline's speak of both: horizons and levels in common. Pure."""

from dataclasses import dataclass

from contango_common.events.forecast import Forecast

Rows = list[list[float]]


@dataclass(frozen=True, slots=True)
class Paired:
    """Quantiles (H, Q) of both at the same horizons (H,) and levels (Q,): what ``record.expect_variance`` takes."""

    horizons_sessions: list[int]
    levels: list[float]
    quantiles: Rows
    baseline: Rows


def paired(model: Forecast, baseline: Forecast) -> Paired | str:
    """Both at what they have in common; a reason where there is nothing to compare.

    >>> one = Forecast(symbol="SPX", model="m", model_sha="s", input_hash="h", horizons_sessions=(1, 5),
    ...     levels=(0.1, 0.5), variance_quantiles=((0.01, 0.02), (0.03, 0.04)))
    >>> other = one.model_copy(update={"model": "har", "horizons_sessions": (5, 21)})
    >>> got = paired(one, other)
    >>> got.horizons_sessions, got.quantiles, got.baseline
    ([5], [[0.03, 0.04]], [[0.01, 0.02]])
    """
    if model.symbol != baseline.symbol:
        return f"a forecast of {model.symbol} is not compared with one of {baseline.symbol}"
    horizons = [h for h in model.horizons_sessions if h in baseline.horizons_sessions]
    levels = [a for a in model.levels if a in baseline.levels]
    if not horizons or not levels:
        what = "horizon" if not horizons else "level"
        return f"{model.model} and {baseline.model} have no {what} in common"
    return Paired(horizons, levels, _at(model, horizons, levels), _at(baseline, horizons, levels))


def _at(forecast: Forecast, horizons: list[int], levels: list[float]) -> Rows:
    columns = [forecast.levels.index(a) for a in levels]
    rows = (forecast.variance_quantiles[forecast.horizons_sessions.index(h)] for h in horizons)
    return [[row[i] for i in columns] for row in rows]
