"""How a strategy did: figures of an equity curve, of periodic returns and of closed trades.

Returns are simple and per period (0.01 = 1 %); annual figures take the caller's periods per year. None means
that the figure is not defined for this input (too few values, no dispersion, no loss to divide by); nothing
is ever nan. Intervals come from `stats.bootstrap`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import POSITIVE, Floats, floats
from contango_quant.stats.lines import line, scaled


class Drawdown(NamedTuple):
    """depth: fraction of the peak that was lost, at least 0; peak and trough: positions in the curve."""

    depth: float
    peak: int
    trough: int


def total_return(equity: ArrayLike) -> float | None:
    """Last over first value of the curve, minus 1.

    >>> total_return([100.0, 90.0, 150.0])
    0.5
    """
    curve = line("equity", equity)
    if curve.size < 2:
        return None
    _check_start(curve)
    return float(curve[-1] / curve[0]) - 1.0


def cagr(equity: ArrayLike, *, years: float) -> float | None:
    """Constant annual growth that leads from the first to the last value in `years`; −1 when all is lost.

    >>> round(cagr([100.0, 121.0], years=2.0), 12)
    0.1
    """
    floats("years", years, POSITIVE)
    gain = total_return(equity)
    if gain is None:
        return None
    return (1.0 + gain) ** (1.0 / years) - 1.0 if gain > -1.0 else -1.0


def sharpe(returns: ArrayLike, *, periods_per_year: float, rate_per_period: float = 0.0) -> float | None:
    """Mean excess return over its standard deviation (n − 1), annualised by √periods_per_year.

    >>> round(sharpe([0.01, 0.02, 0.03], periods_per_year=252.0), 6)
    31.749016
    """
    excess, _ = scaled(line("returns", returns) - rate_per_period)
    floats("periods_per_year", periods_per_year, POSITIVE)
    if excess.size < 2:
        return None
    spread = float(np.std(excess, ddof=1))
    if spread <= _rounding(excess):
        return None
    return float(np.mean(excess)) / spread * math.sqrt(periods_per_year)


def sortino(returns: ArrayLike, *, periods_per_year: float, rate_per_period: float = 0.0) -> float | None:
    """Mean excess return over the root mean square of the shortfalls (over all periods), annualised.

    >>> round(sortino([0.03, -0.01, 0.04, -0.02], periods_per_year=5.0), 12)
    2.0
    """
    excess, _ = scaled(line("returns", returns) - rate_per_period)
    floats("periods_per_year", periods_per_year, POSITIVE)
    if excess.size < 2:
        return None
    shortfall = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2)))
    if shortfall <= _rounding(excess):
        return None
    return float(np.mean(excess)) / shortfall * math.sqrt(periods_per_year)


def max_drawdown(equity: ArrayLike) -> Drawdown | None:
    """The deepest fall from a running peak; depth 0 for a curve that never falls.

    >>> max_drawdown([100.0, 120.0, 90.0, 130.0])
    Drawdown(depth=0.25, peak=1, trough=2)
    """
    curve = line("equity", equity)
    if curve.size == 0:
        return None
    _check_start(curve)
    depth = 1.0 - curve / np.maximum.accumulate(curve)
    trough = int(np.argmax(depth))
    return Drawdown(float(depth[trough]), int(np.argmax(curve[: trough + 1])), trough)


def profit_factor(pnls: ArrayLike) -> float | None:
    """Sum of gains over sum of losses of closed trades; None without a loss.

    >>> profit_factor([3.0, -1.0, 1.0, -1.0])
    2.0
    """
    values = line("pnls", pnls)
    losses = -float(values[values < 0.0].sum())
    return float(values[values > 0.0].sum()) / losses if losses > 0.0 else None


def win_rate(pnls: ArrayLike) -> float | None:
    """Share of trades with a profit above 0; a trade of exactly 0 is no win.

    >>> win_rate([3.0, -1.0, 0.0, 1.0])
    0.5
    """
    values = line("pnls", pnls)
    return float(np.mean(values > 0.0)) if values.size else None


def expectancy(pnls: ArrayLike) -> float | None:
    """Mean profit per trade, in the unit of `pnls`.

    >>> expectancy([3.0, -1.0])
    1.0
    """
    values = line("pnls", pnls)
    return float(np.mean(values)) if values.size else None


def cvar(values: ArrayLike, *, level: float = 0.95) -> float | None:
    """Expected shortfall: mean loss (positive) of the worst 1 − level of `values`, with the last one in part.

    >>> round(cvar([-4.0, -2.0, 1.0, 2.0, 3.0], level=0.7), 12)
    3.333333333333
    """
    ordered = np.sort(line("values", values))
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1, got {level!r}")
    if ordered.size == 0:
        return None
    mass = (1.0 - level) * ordered.size
    weights = np.clip(mass - np.arange(ordered.size), 0.0, 1.0)
    return -float(ordered @ weights) / mass


def _check_start(curve: Floats) -> None:
    if curve[0] <= 0.0:
        raise ValueError(f"equity must begin above 0, got {float(curve[0])!r}")


def _rounding(values: Floats) -> float:
    """Dispersion that rounding alone can make of equal values."""
    return 4.0 * float(np.finfo(np.float64).eps) * float(np.max(np.abs(values)))
