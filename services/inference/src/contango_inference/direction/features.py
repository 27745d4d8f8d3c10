"""The twenty features of the direction predictor, by their names in a ``FeatureRow``. Pure.

Rows come every hour. What looks back further than one row (returns, the trend of volume) reads a short memory of closes
and volumes by their instants, so that a gap in the rows is a missing feature and not another look-back.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

HOUR_NS = 3_600_000_000_000
DAY_HOURS, WEEK_DAYS = 24, 7
MEMORY_HOURS = 24
SHORT_HOURS = 6
FEATURES = (
    "return_1h",
    "return_4h",
    "return_24h",
    "price_to_vwap",
    "rvol",
    "volume_trend",
    "atr_percent",
    "atr_pctl",
    "bb_width",
    "bb_position",
    "rsi",
    "macd",
    "squeeze",
    "adx",
    "trend",
    "trend_4h",
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
)
Row = Mapping[str, float | None]


@dataclass(slots=True)
class Memory:
    """Instants, closes and volumes of the rows of the last day, oldest first."""

    ts_ns: list[int] = field(default_factory=list)
    closes: list[float] = field(default_factory=list)
    volumes: list[float | None] = field(default_factory=list)


def remember(memory: Memory, ts_ns: int, row: Row) -> None:
    """Take one row in; those older than a day are forgotten. A row without a close is none."""
    close = row.get("close")
    if close is None or not close > 0.0 or (memory.ts_ns and ts_ns <= memory.ts_ns[-1]):
        return
    memory.ts_ns.append(ts_ns)
    memory.closes.append(close)
    memory.volumes.append(row.get("volume"))
    while memory.ts_ns[0] < ts_ns - MEMORY_HOURS * HOUR_NS:
        del memory.ts_ns[0], memory.closes[0], memory.volumes[0]


def features_of(memory: Memory, ts_ns: int, row: Row) -> list[float] | str:
    """The features in the order of ``FEATURES``, with the row already remembered; else which one is missing."""
    found = {**_prices(memory, ts_ns, row), **_indicators(row), **_calendar(ts_ns)}
    for name in FEATURES:
        value = found[name]
        if value is None or not math.isfinite(value):
            return f"feature {name} is missing"
    return [float(found[name] or 0.0) for name in FEATURES]


def close_at(memory: Memory, ts_ns: int) -> float | None:
    """The close of the row of exactly this instant."""
    for i in range(len(memory.ts_ns) - 1, -1, -1):
        if memory.ts_ns[i] <= ts_ns:
            return memory.closes[i] if memory.ts_ns[i] == ts_ns else None
    return None


def _prices(memory: Memory, ts_ns: int, row: Row) -> dict[str, float | None]:
    close, vwap = row.get("close"), row.get("vwap_1h")
    returns = {f"return_{hours}h": _log_ratio(close, close_at(memory, ts_ns - hours * HOUR_NS)) for hours in (1, 4, 24)}
    return {
        **returns,
        "price_to_vwap": _log_ratio(close, vwap),
        "volume_trend": _volume_trend(memory, ts_ns),
    }


def _log_ratio(one: float | None, other: float | None) -> float | None:
    """ln(one / other); None where either is missing or no price."""
    if one is None or other is None or not (0.0 < one < math.inf and 0.0 < other < math.inf):
        return None
    return math.log(one) - math.log(other)


def _volume_trend(memory: Memory, ts_ns: int) -> float | None:
    """Logarithm of the mean volume of the last six hours over that of the day; None where a volume is missing."""
    day = [v for v in memory.volumes if v is not None and v >= 0.0]
    short = [
        v
        for t, v in zip(memory.ts_ns, memory.volumes, strict=True)
        if v is not None and v >= 0.0 and t > ts_ns - SHORT_HOURS * HOUR_NS
    ]
    if len(day) != len(memory.volumes) or not short or not sum(day) > 0.0 or not sum(short) > 0.0:
        return None
    return math.log(sum(short) / len(short)) - math.log(sum(day) / len(day))


def _indicators(row: Row) -> dict[str, float | None]:
    close, macd = row.get("close"), row.get("macd_hist_1h")
    plus, minus = row.get("plus_di_1h"), row.get("minus_di_1h")
    return {
        "rvol": row.get("rvol_1h"),
        "atr_percent": row.get("atr_percent_1h"),
        "atr_pctl": row.get("atr_pctl_1h"),
        "bb_width": row.get("bb_width_1h"),
        "bb_position": row.get("bb_position_1h"),
        "rsi": row.get("rsi_1h"),
        "macd": None if macd is None or not close else macd / close,
        "squeeze": row.get("squeeze_on_1h"),
        "adx": row.get("adx_1h"),
        "trend": None if plus is None or minus is None else plus - minus,
        "trend_4h": row.get("sma_distance_4h"),
    }


def _calendar(ts_ns: int) -> dict[str, float | None]:
    """Hour of the day and day of the week (UTC) on circles, so that midnight is near eleven."""
    hours = ts_ns // HOUR_NS
    hour, weekday = hours % DAY_HOURS, (hours // DAY_HOURS + 3) % WEEK_DAYS  # 1970 began on a Thursday
    day, week = 2.0 * math.pi * hour / DAY_HOURS, 2.0 * math.pi * weekday / WEEK_DAYS
    return {
        "hour_sin": math.sin(day),
        "hour_cos": math.cos(day),
        "weekday_sin": math.sin(week),
        "weekday_cos": math.cos(week),
    }
