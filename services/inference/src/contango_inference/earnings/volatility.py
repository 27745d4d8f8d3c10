"""Features of a stock's own volatility, over windows that end at the last close before the announcement.

    atr_pct_w    mean true range of w sessions over the last close
    bb_width_w   (upper − lower)/middle of Bollinger's bands at 2 standard deviations: 4 σ(close)/mean(close)
    hv_w         std (n − 1) of w log returns, times √252
    hv_percentile_w   share of the last 252 values of hv_w at or below the newest (at least 60)
    hv_regime    0, 1, 2: hv_percentile_20 below 0.25, between, above 0.75
    hv_ratio     hv_10 / hv_50

Where bars are lacking, the volatility that came with the event's own window is hv_10 and all else is missing.
"""

import numpy as np

from contango_inference.earnings.events import DailyBars, Event, Floats
from contango_inference.earnings.group import Row

NAME = "volatility_features"
WINDOWS = (10, 20, 50)
NAMES = (
    *(f"{kind}_{w}" for kind in ("atr_pct", "bb_width", "hv", "hv_percentile") for w in WINDOWS),
    "hv_regime",
    "hv_ratio",
)
_YEAR, _LOOK_BACK, _LEAST_RANKED = 252, 252, 60
_LOW, _HIGH = 0.25, 0.75


def row(event: Event, bars: DailyBars | None) -> Row:
    """Features of one event; nothing that closed after ``event.earliest_ns`` is looked at."""
    empty: dict[str, float | None] = dict.fromkeys(NAMES)
    if bars is None:
        return _from_window(event, empty, f"no daily bars of {event.symbol}")
    rows = bars.rows_until(event.earliest_ns)
    if rows < WINDOWS[0] + 1:
        return _from_window(event, empty, f"{rows} bars of {event.symbol} before the announcement")
    start = max(0, rows - _LOOK_BACK - WINDOWS[-1] - 1)
    high, low, close = (column[start:rows] for column in (bars.high, bars.low, bars.close))
    values = empty | features(high, low, close)
    lacking = values["hv_50"] is None or values["hv_percentile_50"] is None
    reasons = (f"{rows} bars of {event.symbol} before the announcement",) if lacking else ()
    return Row(values, int(bars.close_ns[rows - 1]), reasons)


def features(high: Floats, low: Floats, close: Floats) -> dict[str, float | None]:
    """Every feature from columns (n,) that end at the last close allowed; None where n is too small.

    >>> flat = np.full(60, 100.0)
    >>> found = features(flat + 1.0, flat - 1.0, flat)
    >>> found["atr_pct_10"], found["hv_10"], found["bb_width_10"]
    (0.02, 0.0, 0.0)
    """
    values: dict[str, float | None] = dict.fromkeys(NAMES)
    returns = np.diff(np.log(close))
    ranges = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])  # true ranges, (n − 1,)
    for w in WINDOWS:
        if len(returns) < w:
            continue
        values[f"atr_pct_{w}"] = float(ranges[-w:].mean() / close[-1])
        values[f"bb_width_{w}"] = float(4.0 * close[-w:].std() / close[-w:].mean())
        rolled = np.lib.stride_tricks.sliding_window_view(returns, w).std(axis=1, ddof=1) * np.sqrt(_YEAR)
        values[f"hv_{w}"] = float(rolled[-1])
        values[f"hv_percentile_{w}"] = percentile(rolled[-_LOOK_BACK:])
    rank, short, long = values["hv_percentile_20"], values["hv_10"], values["hv_50"]
    values["hv_regime"] = None if rank is None else float(rank >= _LOW) + float(rank > _HIGH)
    values["hv_ratio"] = short / long if short is not None and long else None
    return values


def percentile(column: Floats) -> float | None:
    """Share of the column at or below its newest value; None for fewer than 60 values.

    >>> percentile(np.arange(100.0))
    1.0
    """
    return float(np.mean(column <= column[-1])) if len(column) >= _LEAST_RANKED else None


def _from_window(event: Event, empty: dict[str, float | None], reason: str) -> Row:
    seen = event.window
    if seen is None or seen.vol_annual is None or seen.pre_ns > event.earliest_ns:
        return Row(empty, None, (reason,))
    return Row(empty | {"hv_10": seen.vol_annual}, seen.pre_ns, (f"{reason}: hv_10 alone",))
