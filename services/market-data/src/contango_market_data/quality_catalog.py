"""The whole catalog checked, streaming: one session of quotes or one row group of bars at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from contango_common.domain.errors import UserError
from contango_common.domain.sessions import Sessions
from contango_common.edge.calendar import session_table
from contango_market_data.catalog.dates import local_dates, to_date
from contango_market_data.catalog.schema import TIMEFRAMES
from contango_market_data.catalog.store import Catalog
from contango_market_data.quality import (
    ADJUSTED_ROOT,
    EXPIRED,
    Snapshot,
    all_bids_zero,
    in_range,
    is_adjusted,
    price_elsewhere,
    quote_mask,
    row_flags,
    snapshot_gaps,
    stale_rows,
    wrong_date,
)
from contango_market_data.quality_bars import bar_flags, grid_flags
from contango_market_data.quality_flag import Flag, FlagBook

_COLUMNS = ["quote_ts", "root", "expiry", "strike", "right", "bid", "ask", "spot"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A flag and what it is about: ``subject`` is a symbol with its timeframe, or an underlying's chains."""

    subject: str
    flag: Flag


def check_catalog(catalog: Catalog) -> Iterator[Finding]:
    """Every finding, bars first; raises UserError when there is nothing to check."""
    if not catalog.info.symbols and not catalog.info.underlyings:
        raise UserError(f"catalog {catalog.path} is empty: import something first")
    for symbol in catalog.info.symbols:
        for timeframe in catalog.timeframes(symbol):
            subject = f"{symbol} {timeframe}"
            yield from (Finding(subject, flag) for flag in _bars(catalog, symbol, timeframe))
    for underlying in catalog.info.underlyings:
        yield from (Finding(f"{underlying} chains", flag) for flag in check_chains(catalog, underlying))


def _bars(catalog: Catalog, symbol: str, timeframe: str) -> list[Flag]:
    """Row groups are checked one by one; only instants are kept for the grid."""
    book, instants = FlagBook(), []
    for table in catalog.bar_groups(symbol, timeframe):
        ts = table.column("ts").cast(pa.int64()).to_numpy()
        columns = {name: table.column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")}
        for flag in bar_flags(ts, columns, symbol):
            book.merge(flag)
        instants.append(ts)
    every = np.concatenate(instants) if instants else np.empty(0, dtype=np.int64)
    sessions = _sessions(catalog, symbol, local_dates(every[[0, -1]], catalog.info.time_zone)) if len(every) else None
    if sessions is not None:
        for flag in grid_flags(every, sessions, TIMEFRAMES[timeframe], symbol):
            book.merge(flag)
    return book.flags()


def check_chains(catalog: Catalog, underlying: str) -> list[Flag]:
    """Rows, snapshots and sessions of one underlying's chains."""
    book = FlagBook()
    dates = np.array(catalog.sessions_of_chains(underlying), dtype=np.int64)
    sessions = _sessions(catalog, underlying, dates[[0, -1]])
    _missing_sessions(book, dates, sessions, underlying)
    keys = _Keys()
    ranges = _daily_ranges(catalog, underlying)
    before: Snapshot | None = None
    for date, table in catalog.chains(underlying, columns=_COLUMNS):
        columns = _Columns.of(table, keys)
        where = f"{underlying} {date}"
        _session_of_quotes(book, columns, keys, date, sessions, where)
        row = sessions.last_on_or_before(date)
        _spot(book, columns, None if row is None else ranges.get(sessions.date[row]), where)
        for snapshot in columns.snapshots():
            _instant(book, snapshot, sessions, ranges, underlying)
            _quotes(book, before, snapshot, underlying)
            before = snapshot
    return book.flags()


@dataclass(frozen=True, slots=True)
class _Columns:
    ts: npt.NDArray[np.int64]
    key: npt.NDArray[np.int64]
    root: npt.NDArray[np.int64]
    expiry: npt.NDArray[np.int64]
    bid: npt.NDArray[np.float64]
    ask: npt.NDArray[np.float64]
    spot: npt.NDArray[np.float64]

    @classmethod
    def of(cls, table: pa.Table, keys: "_Keys") -> "_Columns":
        root = keys.roots(table.column("root"))
        expiry = table.column("expiry").cast(pa.int32()).to_numpy().astype(np.int64)
        strike = np.rint(table.column("strike").to_numpy() * 1000).astype(np.int64)
        right = pc.equal(table.column("right").cast(pa.string()), "P").to_numpy().astype(np.int64)
        key = (((expiry << 8) | root) << 32 | strike) << 1 | right
        bid, ask, spot = (table.column(name).to_numpy() for name in ("bid", "ask", "spot"))
        return cls(table.column("quote_ts").cast(pa.int64()).to_numpy(), key, root, expiry, bid, ask, spot)

    def snapshots(self) -> Iterator[Snapshot]:
        edges = [0, *(np.flatnonzero(np.diff(self.ts)) + 1).tolist(), len(self.ts)]
        for a, b in pairwise(edges):
            ts_ns, spot = int(self.ts[a]), float(self.spot[a])
            yield Snapshot(ts_ns, self.key[a:b], self.expiry[a:b], self.bid[a:b], self.ask[a:b], spot)


class _Keys:
    """Roots as small numbers that stay the same from session to session."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def roots(self, column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
        encoded = column.unify_dictionaries().combine_chunks()
        numbers = np.array([self._number(name) for name in encoded.dictionary.to_pylist()], dtype=np.int64)
        result: npt.NDArray[np.int64] = numbers[encoded.indices.to_numpy()]
        return result

    def _number(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def _session_of_quotes(
    book: FlagBook, columns: _Columns, keys: _Keys, date: int, sessions: Sessions, where: str
) -> None:
    mask = quote_mask(columns.bid, columns.ask)
    adjusted = np.array([is_adjusted(name) for name in keys.names], dtype=np.bool_)
    mask[adjusted[columns.root]] |= ADJUSTED_ROOT
    row = sessions.last_on_or_before(date)
    if row is not None:
        session_days = np.datetime64(to_date(sessions.date[row])).astype(np.int64)
        mask[columns.expiry < session_days] |= EXPIRED
    for flag in row_flags(mask, where):
        book.merge(flag)
    instants = np.unique(columns.ts)
    gaps = snapshot_gaps(instants)
    book.add("gap between snapshots", len(gaps), f"{where} {_utc(instants[gaps[0]])}" if len(gaps) else where)


def _quotes(book: FlagBook, before: Snapshot | None, snapshot: Snapshot, underlying: str) -> None:
    where = f"{underlying} {_utc(snapshot.ts_ns)}"
    if all_bids_zero(snapshot):
        book.add("snapshot whose bids are all zero", 1, where, f"{len(snapshot.bid)} rows")
    if before is not None and (same := stale_rows(before, snapshot)):
        detail = f"{same} of {len(snapshot.bid)} rows as at {_utc(before.ts_ns)}"
        book.add("stale copy: the quotes of the snapshot before", 1, where, detail)


def _instant(
    book: FlagBook, snapshot: Snapshot, sessions: Sessions, ranges: dict[int, tuple[float, float]], underlying: str
) -> None:
    """Whether the instant can be true. Expiries alone make it hard to believe; with the price against it, it is wrong.

    Outside the sessions the last one before counts: its quotes are what a vendor shows then.
    """
    where = f"{underlying} {_utc(snapshot.ts_ns)}"
    if sessions.at(snapshot.ts_ns) is None:
        book.add("snapshot outside the sessions", 1, where)
    date = sessions.local_date(snapshot.ts_ns)
    why = None if date is None else wrong_date(snapshot, int(np.datetime64(to_date(date)).astype(np.int64)))
    if date is None or why is None:
        return
    price = price_elsewhere(snapshot, date, ranges)
    if price is None:
        book.add("date hard to believe", 1, where, why)
    else:
        book.add("wrong header date: expiries and price are of another session", 1, where, f"{why}; {price}")


def _missing_sessions(book: FlagBook, dates: npt.NDArray[np.int64], sessions: Sessions, underlying: str) -> None:
    table = np.asarray(sessions.date, dtype=np.int64)
    wanted = table[(table >= dates[0]) & (table <= dates[-1])]
    missing = wanted[~np.isin(wanted, dates)]
    if len(missing):
        detail = f"{len(missing)} of {len(wanted)} sessions between {dates[0]} and {dates[-1]}"
        book.add("gap: session without quotes", len(missing), f"{underlying} {missing[0]}", detail)


def _spot(book: FlagBook, columns: _Columns, range_: tuple[float, float] | None, where: str) -> None:
    absent = int(np.count_nonzero(~np.isfinite(columns.spot)))
    book.add("row without a price of the underlying", absent, where)
    if range_ is not None and absent < len(columns.spot):
        low, high = range_
        spot = columns.spot[np.isfinite(columns.spot)]
        outside = int(np.count_nonzero(~in_range(spot, range_)))
        detail = f"spot {spot.min():g}..{spot.max():g}, the day's bar {low:g}..{high:g}"
        book.add("spot outside the day's range", outside, where, detail)


def _daily_ranges(catalog: Catalog, underlying: str) -> dict[int, tuple[float, float]]:
    """Date -> (low, high) of the underlying's daily bar, empty when the catalog has none."""
    if "1d" not in catalog.timeframes(underlying):
        return {}
    bars = catalog.bars(underlying, "1d")
    dates = local_dates(bars["ts_ns"], catalog.info.time_zone)
    return {int(d): (float(lo), float(hi)) for d, lo, hi in zip(dates, bars["low"], bars["high"], strict=True)}


def _sessions(catalog: Catalog, symbol: str, dates: npt.NDArray[np.int64]) -> Sessions:
    """The symbol's sessions around two dates, with two weeks to spare on each side."""
    spare = timedelta(days=14)
    first, last = to_date(int(dates[0])), to_date(int(dates[-1]))
    return session_table(catalog.info.calendar_of(symbol), first - spare, last + spare)


def _utc(ts_ns: int | np.int64) -> str:
    return f"{np.datetime64(int(ts_ns), 'ns').astype('M8[s]')}Z"
