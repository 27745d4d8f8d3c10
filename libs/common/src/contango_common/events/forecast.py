"""Facts of the inference oracle: ``log.forecast``."""

from typing import ClassVar

from contango_common.events.base import Event


class Forecast(Event):
    """Quantiles of the variance to come, per horizon in sessions.

    ``variance_quantiles[i]`` holds the annualised variance over the next ``horizons_sessions[i]`` sessions at each of
    ``levels``; ``input_hash`` names the data the model saw, ``model_sha`` the fitted coefficients.
    """

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    model_sha: str
    input_hash: str
    horizons_sessions: tuple[int, ...]
    levels: tuple[float, ...]
    variance_quantiles: tuple[tuple[float, ...], ...]


class ForecastAbsent(Event):
    """No forecast could be made, and why."""

    FAMILY: ClassVar[str] = "forecast"
    symbol: str
    model: str
    reason: str
