"""Figures with intervals: of the equity curve and of the closed trades.

Intervals are 90 % percentile intervals of the stationary block bootstrap (blocks of mean length n^(1/3), 1,000
resamples, fixed seed). Where resamples lie to one side of the figure itself the interval is widened to hold it: the
cautious direction. A figure that is not defined is None, and why stands beside it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from contango_quant.stats import bootstrap, performance, power

SEED = 20140103
RESAMPLES = 1000
LEVEL = 0.9
TAIL = 0.95
CONFIDENCE, POWER = 0.95, 0.80

Floats = npt.NDArray[np.float64]
Figure = Callable[[Floats], float | None]


class Range(NamedTuple):
    low: float
    high: float


@dataclass(slots=True)
class Figures:
    """Values by name, their intervals where meaningful, and why a value is absent."""

    values: dict[str, float | None] = field(default_factory=dict)
    intervals: dict[str, Range] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: float | None, why_absent: str = "") -> None:
        if value is not None and math.isfinite(value):
            self.values[name] = float(f"{value:.12g}")
        else:
            self.values[name], self.absent[name] = None, why_absent or "not defined"

    def put_with_interval(self, name: str, figure: Figure, data: Floats, why_absent: str) -> None:
        """The figure of ``data`` and what resamples of its blocks make of it."""
        value = figure(data)
        self.put(name, value, why_absent)
        if value is not None and math.isfinite(value):
            found = _interval(figure, data, value)
            if found is not None:
                self.intervals[name] = found


def _interval(figure: Figure, data: Floats, value: float) -> Range | None:
    draw = bootstrap.stationary(float(bootstrap.usual_block(len(data))))
    rng = np.random.default_rng(SEED)
    got = bootstrap.interval(figure, data, draw=draw, rng=rng, resamples=RESAMPLES, level=LEVEL)
    if got is None:
        return None
    return Range(float(f"{min(got.low, value):.12g}"), float(f"{max(got.high, value):.12g}"))


def curve_of(before: float, returns: Floats) -> Floats:
    """Equity from a start and simple returns."""
    return np.concatenate(([before], before * np.cumprod(1.0 + returns)))


def returns_of(before: float, equity: Sequence[float]) -> Floats:
    """Simple returns of each session against the one before."""
    curve = np.array([before, *equity], dtype=np.float64)
    returns: Floats = curve[1:] / curve[:-1] - 1.0
    return returns


def curve_figures(returns: Floats, sessions_per_year: float, intervals: bool = True) -> Figures:
    """Figures of daily returns; ``cvar_95`` and ``worst_day`` are fractions of equity (a loss is positive in CVaR)."""
    found = Figures()
    if len(returns) < 2:
        for name in ("return", "cagr", "sharpe", "sortino", "max_drawdown", "cvar_95", "worst_day", "volatility"):
            found.put(name, None, "fewer than two sessions")
        return found
    n, year = len(returns), sessions_per_year
    flat = "equity never moved"

    def growth(r: Floats) -> float:
        return float(np.prod(1.0 + r)) - 1.0

    def cagr(r: Floats) -> float | None:
        return performance.cagr(curve_of(1.0, r), years=n / year)

    def depth(r: Floats) -> float | None:
        fall = performance.max_drawdown(curve_of(1.0, r))
        return None if fall is None else fall.depth

    figures: dict[str, tuple[Figure, str]] = {
        "return": (growth, ""),
        "cagr": (cagr, ""),
        "sharpe": (lambda r: performance.sharpe(r, periods_per_year=year), flat),
        "sortino": (lambda r: performance.sortino(r, periods_per_year=year), "no session lost money"),
        "volatility": (lambda r: float(np.std(r, ddof=1)) * math.sqrt(year), flat),
        "max_drawdown": (depth, ""),
        "cvar_95": (lambda r: performance.cvar(r, level=TAIL), ""),
    }
    for name, (figure, why) in figures.items():
        if intervals:
            found.put_with_interval(name, figure, returns, why)
        else:
            found.put(name, figure(returns), why)
    found.put("worst_day", float(returns.min()))
    return found


def trade_figures(pnls_usd: Sequence[float]) -> Figures:
    """Figures of closed trades in order of closing. No interval with fewer than five trades: it would say nothing."""
    found, data = Figures(), np.array(pnls_usd, dtype=np.float64)
    figures: dict[str, tuple[Figure, str]] = {
        "win_rate": (performance.win_rate, ""),
        "profit_factor": (performance.profit_factor, "no trade lost money"),
        "expectancy_usd": (performance.expectancy, ""),
        "cvar_95_trade_usd": (lambda x: performance.cvar(x, level=TAIL), ""),
    }
    for name, (figure, why) in figures.items():
        if len(data) >= 5:
            found.put_with_interval(name, figure, data, why)
        else:
            found.put(name, figure(data), why if len(data) else "no trade was closed")
    return found


def effective_trades(spans_ns: Sequence[tuple[int, int]]) -> float:
    """How many trades the overlapping ones are worth: each instant of a trade counts 1 / (trades open then).

    >>> effective_trades([(0, 10), (0, 10), (10, 20)])
    2.0

    Reference: M. López de Prado, Advances in Financial Machine Learning (2018), section 4.4 (average uniqueness).
    """
    times = sorted({edge for span in spans_ns for edge in span})
    total = 0.0
    for start, end in pairwise(times):
        over = [close - open_ for open_, close in spans_ns if open_ <= start and close >= end]
        total += sum((end - start) / length for length in over) / max(1, len(over))
    return total + sum(1 for open_, close in spans_ns if open_ == close)


def trades_needed(pnls_usd: Sequence[float]) -> int | None:
    """Independent trades with this mean and spread after which the mean's sign is known at 95 % with power 80 %.

    None for fewer than two trades, no spread or a mean of 0.

    >>> trades_needed([3.0, -1.0, 3.0, -1.0])
    35
    """
    if len(pnls_usd) < 2:
        return None
    mean, spread = float(np.mean(pnls_usd)), float(np.std(pnls_usd, ddof=1))
    if mean == 0.0 or spread == 0.0:
        return None
    return power.trades_needed(mean=abs(mean), spread=spread, confidence=CONFIDENCE, power=POWER)
