"""Real bars as messages of the signals fold, an independent resampling of them, and what tests ask of the fold's facts.

A table of bars has the columns ``end_ns`` (the instant the bar closed), ``symbol``, ``open``, ``high``, ``low``,
``close`` and ``volume``, ordered by instant and symbol.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from contango_common.domain.sessions import Sessions
from contango_common.edge.calendar import session_table
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, encode
from contango_common.events.market import AssetListed, Bars, FeedState, SessionTable
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ParametersChanged, TradingStarted
from support.signals_world import Message

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MINUTE_NS = 60_000_000_000
PRICES = ["open", "high", "low", "close"]
Facts = list[tuple[int, Event]]
E = TypeVar("E", bound=Event)


def read_bars(
    path: str,
    *,
    minutes: int,
    symbol: str | None = None,
    zone: str = "UTC",
    first: str | None = None,
    last: str | None = None,
) -> pd.DataFrame:
    """Bars of a file under the data whose start lies in first ≤ start < last (UTC); all of the file's symbols.

    ``zone`` is that of start stamps which name none. ``symbol`` names the bars of a file without symbols.
    """
    table = pd.read_parquet(DATA / path)
    start = table["ts"] if table["ts"].dt.tz is not None else table["ts"].dt.tz_localize(zone)
    table["end_ns"] = to_ns(start) + minutes * MINUTE_NS
    if "symbol" not in table:
        table["symbol"] = symbol
    if "volume" not in table:
        table["volume"] = np.nan
    low = start.min() if first is None else pd.Timestamp(first, tz="UTC")
    high = start.max() + pd.Timedelta(1, "ns") if last is None else pd.Timestamp(last, tz="UTC")
    kept = table[(start >= low) & (start < high)]
    return kept.sort_values(["end_ns", "symbol"])[["end_ns", "symbol", *PRICES, "volume"]].reset_index(drop=True)


def to_ns(stamps: pd.Series) -> npt.NDArray[np.int64]:
    """Nanoseconds since 1970."""
    return np.asarray(stamps.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("M8[ns]").astype(np.int64))


def sessions_of(bars: pd.DataFrame, calendar: str) -> Sessions:
    """The calendar's sessions from a week before the first bar to a week after the last."""
    first, last = (pd.Timestamp(int(ns)) for ns in bars["end_ns"].iloc[[0, -1]])
    week = pd.Timedelta(days=7)
    return session_table(calendar, _date(first - week), _date(last + week))


def _date(stamp: pd.Timestamp) -> date:
    return date(stamp.year, stamp.month, stamp.day)


def in_sessions(bars: pd.DataFrame, sessions: Sessions) -> pd.DataFrame:
    """Bars that lie in a session."""
    inside = [sessions.at(ns) is not None for ns in bars["end_ns"].tolist()]
    return bars[inside].reset_index(drop=True)


def setup(
    bars: pd.DataFrame, sessions: Sessions, kind: Literal["index", "stock", "spot"], **keys: Any
) -> list[Message]:
    """Everything before the first bar; ``keys`` are the section's parameters."""
    ts_ns = int(bars["end_ns"].iloc[0]) - 1
    names = sorted(set(bars["symbol"]))
    table = SessionTable(
        calendar=sessions.calendar, date=sessions.date, open_ns=sessions.open_ns, close_ns=sessions.close_ns
    )
    params = {"signals": {"strategies": {}, "calendar": sessions.calendar, **keys}}
    return [
        Message(ts_ns, (ParametersChanged(params=params, reason="start"),), "control.test"),
        Message(ts_ns, (table, *(AssetListed(symbol=name, kind=kind) for name in names)), "reference"),
        Message(ts_ns, tuple(FeedState(underlying=name, state="live") for name in names)),
        Message(ts_ns, (TradingStarted(),), "control.test"),
    ]


def bar_messages(bars: pd.DataFrame, timeframe_s: int) -> list[Message]:
    """One message an instant, with the bars of all symbols that closed then; a volume of nan is none."""
    messages = []
    edges = np.flatnonzero(np.diff(bars["end_ns"].to_numpy(), prepend=-1))
    columns = {name: bars[name].tolist() for name in ("end_ns", "symbol", *PRICES)}
    volumes = [None if v != v else v for v in bars["volume"].astype(float).tolist()]
    for a, b in zip(edges, [*edges[1:], len(bars)], strict=True):
        event = Bars(
            timeframe_s=timeframe_s,
            symbols=tuple(columns["symbol"][a:b]),
            open=tuple(columns["open"][a:b]),
            high=tuple(columns["high"][a:b]),
            low=tuple(columns["low"][a:b]),
            close=tuple(columns["close"][a:b]),
            volume=tuple(volumes[a:b]),
        )
        messages.append(Message(columns["end_ns"][a], (event,)))
    return messages


def resampled(bars: pd.DataFrame, minutes: int, source_minutes: int, sessions: Sessions | None = None) -> pd.DataFrame:
    """Longer bars of one symbol by pandas, from midnight UTC, or from each session's opening.

    ``parts`` of ``due`` source bars are in each; ``known_ns`` is when it is known to be over: its end where its last
    source bar is there, else the close of the first bar behind it.
    """
    stamped = bars.assign(last_ns=bars["end_ns"]).set_index(pd.to_datetime(bars["end_ns"]))
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "last_ns": "last"}
    whole = [(stamped, "start_day", None)]
    if sessions is not None:
        spans = [pd.to_datetime([a, b]) for a, b in zip(sessions.open_ns, sessions.close_ns, strict=True)]
        whole = [(stamped[(stamped.index > a) & (stamped.index <= b)], a, b) for a, b in spans]
    made = []
    for part, origin, close in whole:
        if part.empty:
            continue
        rule = part.resample(f"{minutes}min", closed="right", label="right", origin=origin)
        table = rule.agg(how).assign(parts=rule["close"].count())
        ends = table.index if close is None else table.index.where(table.index <= close, close)
        starts = table.index - pd.Timedelta(minutes=minutes)
        table["due"] = -(-((ends - starts) // pd.Timedelta(minutes=1)) // source_minutes)
        table["end_ns"] = ends.as_unit("ns").astype(np.int64)
        made.append(table[table["parts"] > 0])
    longer = pd.concat(made).reset_index(drop=True)
    ends_ns = bars["end_ns"].to_numpy()
    behind = np.searchsorted(ends_ns, longer["last_ns"].to_numpy(), side="right")
    next_ns = np.append(ends_ns, np.iinfo(np.int64).max)[behind]
    longer["known_ns"] = np.where(longer["last_ns"] == longer["end_ns"], longer["end_ns"], next_ns)
    return longer


def seen_at(instants: npt.NDArray[np.int64], known_ns: pd.Series) -> npt.NDArray[np.intp]:
    """Row of the last bar that is known at each instant; −1 before the first."""
    return np.searchsorted(known_ns.to_numpy(), instants, side="right") - 1


def numbers_in(value: Any, where: str = "") -> Iterator[tuple[str, float]]:
    """Every float inside a fact's fields, with its place."""
    if isinstance(value, float):
        yield where, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers_in(inner, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from numbers_in(inner, f"{where}[{i}]")


def not_finite(facts: Facts) -> list[str]:
    """Places of every nan and infinity in what was published."""
    found: list[str] = []
    for seq, fact in facts:
        fields = {name: getattr(fact, name) for name in type(fact).model_fields}
        found += [f"{seq} {fact.TAG}{w}={x}" for w, x in numbers_in(fields) if not math.isfinite(x)]
    return found


def lines(facts: Facts) -> list[bytes]:
    """Each fact as the log holds it."""
    return [encode(Envelope(0, "signals", seq, (fact,), (0,))) for seq, fact in facts]


def of_kind(facts: Facts, kind: type[E], symbol: str | None = None) -> list[E]:
    """Facts of one class, of one symbol where one is named."""
    found = [fact for _, fact in facts if isinstance(fact, kind)]
    return [fact for fact in found if symbol is None or getattr(fact, "symbol", None) == symbol]


def table_of(facts: Facts, messages: Iterable[Message], symbol: str) -> pd.DataFrame:
    """The feature rows of one symbol, by the instant they were told; None as nan."""
    instants = [m.ts_ns for m in messages]
    rows = [(instants[seq - 1], f.values) for seq, f in facts if isinstance(f, FeatureRow) and f.symbol == symbol]
    return pd.DataFrame([values for _, values in rows], index=[ns for ns, _ in rows], dtype=float)
