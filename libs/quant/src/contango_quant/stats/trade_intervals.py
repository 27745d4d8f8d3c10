"""Intervals for the figures of closed trades and of periodic returns.

Win rate: Wilson's score interval, which behaves at 0 and at 1 [1]. Everything else: percentile intervals of
the stationary block bootstrap over the values in order of time, mean block n^(1/3) (`stats.bootstrap`); the
generator is the caller's. A tail figure rests on the few values beyond it. Of 90 % intervals for a seller of
premium (nine small gains to a large loss) these shares held the truth, by number of trades:

    trades    expectancy    profit factor    Sharpe    CVaR 95 %
    50        0.89          0.87             0.85      0.75
    100       0.89          0.86             0.87      0.80
    300       0.86          0.87             0.87      0.89

References:
    [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927)
        209-212.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import Floats
from contango_quant.pricing.normal import inverse_cdf
from contango_quant.stats import bootstrap, performance
from contango_quant.stats.lines import count, line, share

Figure = Callable[[Floats], float | None]


class Measured(NamedTuple):
    """value of the figure (None: not defined) and its interval (None: too few values)."""

    value: float | None
    interval: bootstrap.Interval | None


def win_rate_interval(wins: int, trades: int, *, level: float = 0.9) -> tuple[float, float] | None:
    """Wilson's interval of the share of winning trades, taken as independent; None without a trade.

    >>> [round(limit, 4) for limit in win_rate_interval(8, 10)]
    [0.5408, 0.9314]
    """
    count("wins", wins, 0)
    if count("trades", trades, 0) < wins:
        raise ValueError(f"wins must be at most trades, got {wins!r} of {trades!r}")
    z = float(inverse_cdf(0.5 * (1.0 - share("level", level))))
    if trades == 0:
        return None
    rate, penalty = wins / trades, z * z / trades
    middle = rate + 0.5 * penalty
    half = -z * math.sqrt((rate * (1.0 - rate) + 0.25 * penalty) / trades)
    low = 0.0 if wins == 0 else (middle - half) / (1.0 + penalty)
    return low, 1.0 if wins == trades else (middle + half) / (1.0 + penalty)


def profit_factor(pnls: ArrayLike, *, rng: np.random.Generator, level: float = 0.9) -> Measured:
    """Gains over losses of closed trades with its interval; see `performance.profit_factor`.

    >>> got = profit_factor([3.0, -1.0] * 20, rng=np.random.default_rng(0))
    >>> got.value, got.interval.low < 3.0 < got.interval.high
    (3.0, True)
    """
    return measured(performance.profit_factor, line("pnls", pnls), rng=rng, level=level)


def expectancy(pnls: ArrayLike, *, rng: np.random.Generator, level: float = 0.9) -> Measured:
    """Mean profit per trade with its interval.

    >>> expectancy([2.0] * 9, rng=np.random.default_rng(0)).value
    2.0
    """
    return measured(performance.expectancy, line("pnls", pnls), rng=rng, level=level)


def cvar(values: ArrayLike, *, rng: np.random.Generator, tail: float = 0.95, level: float = 0.9) -> Measured:
    """Mean loss of the worst 1 − `tail` with its interval; see `performance.cvar`.

    >>> cvar([-2.0] * 9, rng=np.random.default_rng(0)).interval.undefined
    0
    """
    share("tail", tail)
    return measured(lambda x: performance.cvar(x, level=tail), line("values", values), rng=rng, level=level)


def sharpe(returns: ArrayLike, *, periods_per_year: float, rng: np.random.Generator, level: float = 0.9) -> Measured:
    """Annual Sharpe ratio with its block bootstrap interval; the normal one is `stats.sharpe.interval`.

    >>> sharpe([0.01] * 9, periods_per_year=252.0, rng=np.random.default_rng(0))
    Measured(value=None, interval=None)
    """
    return measured(
        lambda r: performance.sharpe(r, periods_per_year=periods_per_year),
        line("returns", returns),
        rng=rng,
        level=level,
    )


def sortino(returns: ArrayLike, *, periods_per_year: float, rng: np.random.Generator, level: float = 0.9) -> Measured:
    """Annual Sortino ratio with its block bootstrap interval.

    >>> got = sortino([0.03, -0.01, 0.04, -0.02], periods_per_year=5.0, rng=np.random.default_rng(0))
    >>> round(got.value, 12)
    2.0
    """
    return measured(
        lambda r: performance.sortino(r, periods_per_year=periods_per_year),
        line("returns", returns),
        rng=rng,
        level=level,
    )


def measured(
    figure: Figure, values: Floats, *, rng: np.random.Generator, level: float = 0.9, resamples: int = 1000
) -> Measured:
    """Any figure of values (n,) in order of time, with its stationary block bootstrap interval.

    >>> measured(performance.expectancy, np.array([5.0]), rng=np.random.default_rng(0))
    Measured(value=5.0, interval=None)
    """
    draw = bootstrap.stationary(float(bootstrap.usual_block(len(values))))
    found = bootstrap.interval(figure, values, draw=draw, rng=rng, level=level, resamples=resamples)
    return Measured(figure(values), found)
