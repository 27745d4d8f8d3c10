"""Thresholds that move with volatility: higher when the market is wilder than in the last 30 days, lower when calmer.

    percentile of ATR/close (Wilder, hourly bars) among the last 720 → band → multiplier → base · multiplier, inside
    bounds

    band edges 20, 40, 60, 80 points       multipliers 0.7, 0.85, 1, 1.15, 1.3

A band is left only when the percentile is ``hysteresis`` points beyond its edge, so that a threshold does not flutter;
the map from band to multiplier is monotone. Without a percentile the multiplier is 1.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import Section, param

HOUR_NS = 3_600_000_000_000


class ThresholdParams(Section):
    """Bases, bounds, and the map from percentile to multiplier.

    >>> ThresholdParams().multipliers[0]
    0.7
    """

    adx_base: float = param(25.0, "ADX that counts as a trend", unit="ADX points", gt=0, le=100, tune=(18, 32))
    adx_min: float = param(15.0, "adapted ADX threshold, at least", unit="ADX points", gt=0, le=100)
    adx_max: float = param(40.0, "adapted ADX threshold, at most", unit="ADX points", gt=0, le=100)
    rvol_base: float = param(1.5, "relative volume that counts as much", unit="ratio", gt=0, le=100, tune=(1.1, 2.5))
    rvol_min: float = param(1.0, "adapted relative volume, at least", unit="ratio", gt=0, le=100)
    rvol_max: float = param(3.0, "adapted relative volume, at most", unit="ratio", gt=0, le=100)
    edges: tuple[float, ...] = param((20.0, 40.0, 60.0, 80.0), "percentiles between the bands", unit="points of 100")
    multipliers: tuple[float, ...] = param((0.7, 0.85, 1.0, 1.15, 1.3), "multiplier of each band", unit="ratio")
    hysteresis: float = param(2.0, "points beyond an edge before a band is left", unit="points of 100", ge=0, le=20)
    every_hours: int = param(1, "between two looks", unit="hours", ge=1, le=168)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if len(self.multipliers) != len(self.edges) + 1:
            raise ValueError("multipliers must be one more than edges")
        if any(a >= b for a, b in pairwise(self.edges)) or any(a > b for a, b in pairwise(self.multipliers)):
            raise ValueError("edges must ascend and multipliers must not fall")
        for name in ("adx", "rvol"):
            low, base, high = (getattr(self, f"{name}_{end}") for end in ("min", "base", "max"))
            if not low <= base <= high:
                raise ValueError(f"{name}_min <= {name}_base <= {name}_max must hold")
        return self


@dataclass(frozen=True, slots=True)
class ThresholdState:
    """Thresholds in force by name, the band they come from, and when they were last changed."""

    current: dict[str, float] = field(default_factory=dict)
    band: int | None = None
    changed_ns: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One threshold's step from ``old`` to ``new`` and what moved it."""

    threshold: str
    old: float
    new: float
    percentile: float
    multiplier: float
    reason: str


NAMES = ("adx", "rvol")


def band_of(percentile: float, standing: int | None, p: ThresholdParams) -> int:
    """The band of a percentile, given the band that stands: left only beyond the hysteresis.

    >>> p = ThresholdParams()
    >>> band_of(41.0, None, p), band_of(41.0, 1, p), band_of(42.5, 1, p)
    (2, 1, 2)
    """
    plain = bisect_right(p.edges, percentile)
    if standing is None or plain == standing or not 0 <= standing <= len(p.edges):
        return plain
    low = p.edges[standing - 1] - p.hysteresis if standing > 0 else float("-inf")
    high = p.edges[standing] + p.hysteresis if standing < len(p.edges) else float("inf")
    return standing if low <= percentile < high else plain


def threshold(base: float, multiplier: float, low: float, high: float) -> float:
    """The adapted threshold inside its bounds.

    >>> threshold(25.0, 1.3, 15.0, 30.0)
    30.0
    """
    return min(max(base * multiplier, low), high)


def adapted(name: str, multiplier: float, p: ThresholdParams) -> float:
    """The threshold ``name`` under a multiplier."""
    return threshold(*(getattr(p, f"{name}_base"), multiplier, getattr(p, f"{name}_min"), getattr(p, f"{name}_max")))


def in_force(current: Mapping[str, float], factor: float, p: ThresholdParams) -> dict[str, float]:
    """Every threshold as decisions see it: the adapted one, else its base, times ``factor``, not above its bound.

    >>> in_force({"adx": 28.75}, 1.3, ThresholdParams())
    {'adx': 37.375, 'rvol': 1.9500000000000002}
    """
    levels = {name: current.get(name, getattr(p, f"{name}_base")) for name in NAMES}
    return {name: min(level * factor, getattr(p, f"{name}_max")) for name, level in levels.items()}


def changes(state: ThresholdState, percentile: float | None, ts_ns: int, p: ThresholdParams) -> list[Change]:
    """What is to change now; nothing between two looks, or while no percentile is known."""
    if percentile is None or ts_ns < state.changed_ns + p.every_hours * HOUR_NS:
        return []
    band = band_of(percentile, state.band, p)
    multiplier = p.multipliers[band]
    found = []
    for name in NAMES:
        old, new = state.current.get(name, getattr(p, f"{name}_base")), adapted(name, multiplier, p)
        if old != new:
            found.append(Change(name, old, new, percentile, multiplier, _reason(percentile, band, p)))
    return found


def apply(
    state: ThresholdState, name: str, new: float, percentile: float, ts_ns: int, p: ThresholdParams
) -> ThresholdState:
    """The state after a change was told."""
    return replace(
        state, current={**state.current, name: new}, band=band_of(percentile, state.band, p), changed_ns=ts_ns
    )


def _reason(percentile: float, band: int, p: ThresholdParams) -> str:
    low = p.edges[band - 1] if band > 0 else 0.0
    high = p.edges[band] if band < len(p.edges) else 100.0
    return f"volatility stands at its {percentile:.1f}th percentile of 30 days: band {low:g} to {high:g}"
