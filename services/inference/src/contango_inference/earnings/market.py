"""Features of the market around an announcement, up to the last close before it.

vix, vix_percentile (of 252), vix_change_5 (log)          index points, share, log
market_return_5, _20, _60; market_hv_20                   simple returns; annual volatility
market_above_200                                          1 when the close is above its mean of 200 sessions
market_correlation_60, sector_correlation_60              of daily log returns with the symbol's
sector_return_20
"""

from collections.abc import Mapping

import numpy as np

from contango_inference.earnings.events import DailyBars, Event, Floats
from contango_inference.earnings.group import Row
from contango_inference.earnings.volatility import percentile

NAME = "market_features"
NAMES = (
    "vix",
    "vix_percentile",
    "vix_change_5",
    "market_return_5",
    "market_return_20",
    "market_return_60",
    "market_hv_20",
    "market_above_200",
    "market_correlation_60",
    "sector_correlation_60",
    "sector_return_20",
)
_LONG, _CORRELATED, _SLACK_NS = 200, 60, 7 * 86_400_000_000_000


def row(
    event: Event,
    bars: DailyBars | None,
    *,
    vix: DailyBars | None,
    market: DailyBars | None,
    sectors: Mapping[str, DailyBars],
) -> Row:
    """Features of one event from whichever series are given; the others are missing with a reason."""
    sector = sectors.get(event.sector) if event.sector else None
    reasons: list[str] = []
    newest: list[int] = []
    values: dict[str, float | None] = dict.fromkeys(NAMES)
    for name, series, features in (
        ("VIX", vix, _vix),
        ("market", market, _market),
        (f"sector {event.sector}" if event.sector else "sector", sector, _sector),
    ):
        rows = _usable(series, event)
        if series is None or rows == 0:
            reasons.append(f"no {name} at the announcement")
            continue
        values |= features(series.close[:rows])
        newest.append(int(series.close_ns[rows - 1]))
    for name, series in (("market_correlation_60", market), ("sector_correlation_60", sector)):
        if bars is None or series is None:
            reasons.append(f"{name} needs daily bars of both")
            continue
        values[name] = correlation(bars, series, event.earliest_ns)
    if bars is not None and (rows := bars.rows_until(event.earliest_ns)):
        newest.append(int(bars.close_ns[rows - 1]))
    return Row(values, max(newest, default=None), reasons)


def correlation(one: DailyBars, other: DailyBars, until_ns: int) -> float | None:
    """Of the log returns between the last 61 closes that both have by ``until_ns``; None where they are fewer."""
    a, b = one.rows_until(until_ns), other.rows_until(until_ns)
    start_a, start_b = max(0, a - 2 * _CORRELATED), max(0, b - 2 * _CORRELATED)
    _, at_a, at_b = np.intersect1d(one.close_ns[start_a:a], other.close_ns[start_b:b], return_indices=True)
    if len(at_a) <= _CORRELATED:
        return None
    pair = [np.diff(np.log(c)) for c in (one.close[start_a:a][at_a], other.close[start_b:b][at_b])]
    x, y = (returns[-_CORRELATED:] for returns in pair)
    if not (np.ptp(x) > 0.0 and np.ptp(y) > 0.0):
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _usable(series: DailyBars | None, event: Event) -> int:
    """Rows closed by the announcement; 0 when the newest is older than a week."""
    if series is None:
        return 0
    rows = series.rows_until(event.earliest_ns)
    return rows if rows and event.earliest_ns - int(series.close_ns[rows - 1]) <= _SLACK_NS else 0


def _vix(close: Floats) -> dict[str, float | None]:
    change = float(np.log(close[-1] / close[-6])) if len(close) > 5 else None
    return {"vix": float(close[-1]), "vix_percentile": percentile(close[-252:]), "vix_change_5": change}


def _market(close: Floats) -> dict[str, float | None]:
    values = {f"market_return_{n}": _return(close, n) for n in (5, 20, 60)}
    returns = np.diff(np.log(close[-21:]))
    values["market_hv_20"] = float(returns.std(ddof=1) * np.sqrt(252)) if len(returns) == 20 else None
    values["market_above_200"] = float(close[-1] > close[-_LONG:].mean()) if len(close) >= _LONG else None
    return values


def _sector(close: Floats) -> dict[str, float | None]:
    return {"sector_return_20": _return(close, 20)}


def _return(close: Floats, sessions: int) -> float | None:
    return float(close[-1] / close[-1 - sessions] - 1.0) if len(close) > sessions else None
