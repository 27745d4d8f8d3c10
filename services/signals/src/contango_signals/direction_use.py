"""Parameters of what the direction predictor's word does: the part ``signals.direction``."""

from contango_common.domain.declare import Section, param


class DirectionUse(Section):
    """Thresholds of the probability that the price will rise, and what follows from them."""

    horizon_hours: int = param(4, "horizon of the forecasts that are listened to", unit="hours", ge=1, le=168)
    boost_above: float = param(0.7, "above it confidence is raised", unit="probability", ge=0.5, le=1)
    boost: float = param(1.25, "factor of confidence, which stays at most 1", ge=1, le=4)
    reduce_below: float = param(0.3, "below it size is cut", unit="probability", ge=0, le=0.5)
    reduce: float = param(0.5, "factor of size", ge=0, le=1)
    reversal_above: float = param(
        0.8, "probability of the move against a position, above which it is closed", unit="probability", ge=0.5, le=1
    )
