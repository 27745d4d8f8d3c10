"""Do the timeframes agree? 4 h gives the trend, 1 h confirms, 15 m is the set-up, 5 m the timing.

    4 aligned → confidence 1.0, 3 → 0.7, fewer → 0.0: no signal

The direction is that of the side with more timeframes; the weights 0.40, 0.30, 0.20, 0.10 break a tie and give
``weighted_confidence``, the weight of the side's timeframes. Only closed bars count. A timeframe that is missing, or
whose last bar closed longer ago than twice its length, counts as not aligned, and the rest goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import Section, param

SECOND_NS = 1_000_000_000
LENGTH_NS = {"5m": 300 * SECOND_NS, "15m": 900 * SECOND_NS, "1h": 3600 * SECOND_NS, "4h": 14_400 * SECOND_NS}
TIMEFRAMES = tuple(LENGTH_NS)


class AlignmentParams(Section):
    """Weights of the timeframes and what their agreement is worth.

    >>> AlignmentParams().weights["4h"]
    0.4
    """

    weights: dict[str, float] = param({"4h": 0.40, "1h": 0.30, "15m": 0.20, "5m": 0.10}, "weight of each timeframe")
    confidence_4: float = param(1.0, "confidence when four agree", unit="score in [0, 1]", ge=0, le=1)
    confidence_3: float = param(0.7, "confidence when three agree", unit="score in [0, 1]", ge=0, le=1)
    stale_factor: float = param(2.0, "lengths of a timeframe after which its last bar is stale", gt=0, le=100)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.weights) != set(TIMEFRAMES) or any(w < 0.0 for w in self.weights.values()):
            raise ValueError(f"weights need one for each of {', '.join(TIMEFRAMES)}, none below 0")
        return self


@dataclass(frozen=True, slots=True)
class Reading:
    """Direction of one timeframe (+1, −1, 0 flat, None not ready) and when its last bar closed."""

    direction: int | None
    closed_ns: int


@dataclass(frozen=True, slots=True)
class Alignment:
    """``direction`` +1, −1 or 0; ``aligned`` how many go that way; ``looked_at`` always all four."""

    direction: int
    aligned: int
    confidence: float
    weighted_confidence: float
    looked_at: tuple[str, ...]
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    directions: dict[str, int | None]

    @property
    def signal_allowed(self) -> bool:
        return self.confidence > 0.0


def direction_of(values: Mapping[str, float | None]) -> int | None:
    """+1 when the fast average lies above the slow one and the close above its mean; −1 the other way; else 0.

    >>> direction_of({"ema_fast": 2.0, "ema_slow": 1.0, "sma_distance": 0.1})
    1
    """
    fast, slow, distance = (values.get(name) for name in ("ema_fast", "ema_slow", "sma_distance"))
    if fast is None or slow is None or distance is None:
        return None
    if fast > slow and distance > 0.0:
        return 1
    return -1 if fast < slow and distance < 0.0 else 0


def align(readings: Mapping[str, Reading | None], now_ns: int, p: AlignmentParams) -> Alignment:
    """Agreement of the four timeframes at ``now_ns``."""
    stale: list[str] = []
    missing: list[str] = []
    directions: dict[str, int | None] = {}
    for name in TIMEFRAMES:
        reading = readings.get(name)
        directions[name] = None
        if reading is None or reading.direction is None:
            missing.append(name)
        elif now_ns - reading.closed_ns > p.stale_factor * LENGTH_NS[name]:
            stale.append(name)
        else:
            directions[name] = reading.direction
    direction = _side(directions, p)
    side = [name for name, d in directions.items() if direction and d == direction]
    confidence = {4: p.confidence_4, 3: p.confidence_3}.get(len(side), 0.0)
    weight = sum(p.weights[name] for name in side) / (sum(p.weights.values()) or 1.0)
    return Alignment(direction, len(side), confidence, weight, TIMEFRAMES, tuple(missing), tuple(stale), directions)


def _side(directions: Mapping[str, int | None], p: AlignmentParams) -> int:
    """+1 or −1 for the side with more timeframes, by weight when equal; 0 when neither has any."""
    up, down = ([name for name, d in directions.items() if d == sign] for sign in (1, -1))
    if len(up) != len(down):
        return 1 if len(up) > len(down) else -1
    heavy_up, heavy_down = (sum(p.weights[name] for name in side) for side in (up, down))
    return 0 if heavy_up == heavy_down else 1 if heavy_up > heavy_down else -1
