"""A small market with announcements whose sizes can be forecast and whose directions cannot."""

from datetime import date as Date
from datetime import timedelta

import numpy as np

from contango_inference.earnings.build import Inputs
from contango_inference.earnings.events import DailyBars, Event, Timing, close_ns, instants

TIMINGS: tuple[Timing, ...] = ("bmo", "amc", "unknown")


def weekdays(first: Date, count: int) -> list[int]:
    found, day = [], first
    while len(found) < count:
        if day.weekday() < 5:
            found.append(int(day.strftime("%Y%m%d")))
        day += timedelta(days=1)
    return found


def bars_of(dates: list[int], returns: np.ndarray, wiggle: np.ndarray) -> DailyBars:
    close = 100.0 * np.exp(np.cumsum(returns))
    before = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(before, close) * (1.0 + wiggle), np.minimum(before, close) * (1.0 - wiggle)
    return DailyBars(np.array([close_ns(d) for d in dates]), before, high, low, close)


def world(
    symbols: int = 8, sessions: int = 1500, every: int = 63, seed: int = 0, *, bars: bool = True
) -> tuple[list[Event], Inputs]:
    """Announcements every ``every`` sessions; each symbol's moves have a scale of its own (2 % … 10 %)."""
    rng = np.random.default_rng(seed)
    dates = weekdays(Date(2010, 1, 4), sessions)
    market = 0.01 * rng.standard_normal(sessions)
    events: list[Event] = []
    held: dict[str, DailyBars] = {}
    for k in range(symbols):
        symbol, scale = f"S{k}", 0.02 + 0.08 * k / max(symbols - 1, 1)
        returns = 0.7 * market + 0.008 * rng.standard_normal(sessions)
        for i in range(40 + 3 * k, sessions - 3, every):
            timing = TIMINGS[int(rng.integers(3))]
            earliest, latest = instants(dates[i], timing)
            returns[i if timing == "bmo" else i + 1] += scale * rng.standard_normal()
            estimate = 1.0 + 0.1 * float(rng.standard_normal())
            events.append(Event(symbol, dates[i], timing, earliest, latest, estimate, estimate + 0.05, "SEC"))
        held[symbol] = bars_of(dates, returns, 0.004 * rng.random(sessions))
    index = bars_of(dates, market, 0.002 * rng.random(sessions))
    level = 20.0 * np.exp(0.1 * np.sin(np.arange(sessions) / 40.0))
    vix = DailyBars(index.close_ns, level, level, level, level)
    return events, Inputs(held if bars else {}, vix, index, {"SEC": index})
