"""Axes: a linear map from data to pixels, round tick values, and ticks of time."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps [low, high] to [start, end] (pixels; start may be the larger one)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def span(values: list[float], *, zero: bool = False, pad: float = 0.04) -> tuple[float, float]:
    """Range of the values with some air; never empty.

    >>> span([0.0, 10.0], pad=0.1)
    (-1.0, 11.0)
    """
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    air = (high - low) * pad or max(abs(high) * pad, 1e-9)
    return low - air, high + air


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values inside the range, about so many.

    >>> ticks(-1.0, 11.0, 4)
    [0.0, 5.0, 10.0]
    """
    step = _round_step((high - low) / max(1, about))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def decimals(values: list[float]) -> int:
    """Places that tell neighbouring ticks apart.

    >>> decimals([0.0, 0.25, 0.5])
    2
    """
    step = min((b - a for a, b in pairwise(values)), default=1.0)
    for places in range(6):
        if abs(step * 10**places - round(step * 10**places)) < 1e-6:
            return places
    return 6


def time_ticks(low_ms: float, high_ms: float) -> list[tuple[float, str]]:
    """Instants (ms since 1970) and labels: years, quarters, months, weeks or days, whichever fits.

    >>> time_ticks(1388750000000.0, 1546000000000.0)[:2]
    [(1388750000000.0, '2014'), (1420070400000.0, '2015')]
    """
    days = (high_ms - low_ms) / DAY_MS
    for unit, every, most, form in _UNITS:
        if days <= most:
            return _time_ticks(low_ms, high_ms, unit, every, form)
    years = max(1, round(days / 365 / 8))
    return _time_ticks(low_ms, high_ms, "Y", years, "%Y")


Unit = Literal["D", "M", "Y"]
_UNITS: tuple[tuple[Unit, int, int, str], ...] = (
    ("D", 1, 9, "%d %b"),
    ("D", 7, 60, "%d %b"),
    ("M", 1, 270, "%b %Y"),
    ("M", 3, 900, "%b %Y"),
    ("Y", 1, 3650, "%Y"),
)


def _time_ticks(low_ms: float, high_ms: float, unit: Unit, every: int, form: str) -> list[tuple[float, str]]:
    first = np.datetime64(int(low_ms), "ms").astype(f"datetime64[{unit}]").astype(int)
    last = np.datetime64(int(high_ms), "ms").astype(f"datetime64[{unit}]").astype(int)
    found = []
    for count in range(first - first % every, last + 1, every):
        instant = np.datetime64(int(count), unit).astype("datetime64[ms]")
        at = float(instant.astype(int))
        if at <= high_ms:  # a period that began before the range is named at its edge
            found.append((max(at, low_ms), instant.item().strftime(form)))
    return found


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    for factor in (1.0, 2.0, 2.5, 5.0, 10.0):
        if raw <= factor * power * (1 + 1e-9):
            return factor * power
    return 10.0 * power
