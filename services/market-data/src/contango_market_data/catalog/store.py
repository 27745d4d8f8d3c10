"""The Parquet catalog: one folder with bars, option chains and the small tables around them.

    catalog.yaml                          name, calendar, notes, contents
    bars/<symbol>/<timeframe>.parquet     ts is the instant the bar closed
    chains/<underlying>/<yyyymm>.parquet  one row group per session, sorted by quote_ts, expiry, root, strike, right
    rates.parquet, settlements.parquet, dividends.parquet   optional

Reading never holds more than one row group; writing is atomic and merges with what is there (same key: new wins).
"""

import fcntl
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contango_common.domain.errors import UserError
from contango_market_data.catalog.dates import local_dates
from contango_market_data.catalog.info import CatalogInfo, read_info, write_info
from contango_market_data.catalog.parts import Layout, Staging, Written
from contango_market_data.catalog.schema import (
    BAR_KEY,
    BARS,
    CHAIN_KEY,
    CHAINS,
    DIVIDENDS,
    RATES,
    SETTLEMENTS,
    TIMEFRAMES,
    conform,
    order_rows,
)

_NAME = re.compile(r"^[A-Za-z0-9^][A-Za-z0-9._^-]*$")
_SMALL: dict[str, tuple[pa.Schema, tuple[str, ...]]] = {
    "rates": (RATES, ("date", "tenor_days")),
    "settlements": (SETTLEMENTS, ("underlying", "root", "expiry")),
    "dividends": (DIVIDENDS, ("symbol", "ex_date")),
}
_GROUP_OF_BARS = {"1m": 100, "5m": 100, "15m": 10_000, "1h": 10_000, "4h": 10_000, "1d": 100_000_000}
"""Bars of one row group share yyyymmdd divided by this: a month, a year, everything."""


class Catalog:
    """A catalog folder; ``Catalog.create`` makes one, ``Catalog.open`` needs one to be there."""

    def __init__(self, path: Path, info: CatalogInfo) -> None:
        self.path = path
        self.info = info

    @classmethod
    def create(cls, path: Path | str, info: CatalogInfo) -> "Catalog":
        """A new, empty catalog; UserError when one is there already."""
        root = Path(path)
        if (root / "catalog.yaml").exists():
            raise UserError(f"{root} already holds a catalog: remove it or import into it")
        root.mkdir(parents=True, exist_ok=True)
        write_info(root, info)
        return cls(root, info)

    @classmethod
    def open(cls, path: Path | str) -> "Catalog":
        """The catalog at ``path``; UserError when there is none."""
        root = Path(path)
        return cls(root, read_info(root))

    # -- writing ---------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator["CatalogWriter"]:
        """Write bars and chains of any number of names as one whole: all of it appears at the end, or nothing."""
        writer = CatalogWriter(self)
        try:
            yield writer
            writer.commit()
        finally:
            writer.discard()

    def write_bars(self, symbol: str, timeframe: str, data: pa.Table | Iterable[pa.Table]) -> Written:
        """Store bars (ts = closing instant, UTC); a stored bar with the same ts is replaced."""
        with self.writing() as writer:
            for table in _tables(data):
                writer.bars(symbol, timeframe, table)
        return writer.written

    def write_chains(self, underlying: str, data: pa.Table | Iterable[pa.Table]) -> Written:
        """Store option quotes; a stored row of the same quote_ts and contract is replaced."""
        with self.writing() as writer:
            for table in _tables(data):
                writer.chains(underlying, table)
        return writer.written

    def write_rates(self, table: pa.Table) -> None:
        """Merge (date, tenor_days, rate_annual) into the rates."""
        self._write_small("rates", table)

    def write_settlements(self, table: pa.Table) -> None:
        """Merge settlement prints (underlying, root, expiry, ts, price)."""
        self._write_small("settlements", table)

    def write_dividends(self, table: pa.Table) -> None:
        """Merge (symbol, ex_date, amount)."""
        self._write_small("dividends", table)

    def describe(self, **changes: Any) -> None:
        """Change fields of ``catalog.yaml`` (name, calendar, notes, …) under the catalog's lock."""
        with self._lock():
            self.info = replace(read_info(self.path), **changes)
            write_info(self.path, self.info)

    def add_notes(self, notes: Sequence[str]) -> None:
        """Append sentences that the catalog does not carry yet."""
        with self._lock():
            info = read_info(self.path)
            self.info = replace(info, notes=(*info.notes, *(n for n in notes if n not in info.notes)))
            write_info(self.path, self.info)

    # -- reading ---------------------------------------------------------------------------------------------------

    def timeframes(self, symbol: str) -> list[str]:
        """Timeframes stored for ``symbol``, shortest first."""
        folder = self.path / "bars" / symbol
        return [name for name in TIMEFRAMES if (folder / f"{name}.parquet").exists()]

    def bars(
        self, symbol: str, timeframe: str, start_ns: int | None = None, end_ns: int | None = None
    ) -> dict[str, npt.NDArray[Any]]:
        """Columns ts_ns (int64), open, high, low, close, volume (NaN where absent) of bars with start < ts ≤ end.

        The interval is open on the left because a bar that closes at an opening instant belongs to what went before.
        Raises UserError when no such bars are stored.
        """
        tables = list(self.bar_groups(symbol, timeframe, start_ns, end_ns))
        table = pa.concat_tables(tables) if tables else BARS.empty_table()
        columns: dict[str, npt.NDArray[Any]] = {"ts_ns": table.column("ts").cast(pa.int64()).to_numpy()}
        for name in ("open", "high", "low", "close", "volume"):
            columns[name] = table.column(name).to_numpy()
        return columns

    def bar_groups(
        self, symbol: str, timeframe: str, start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[pa.Table]:
        """The same bars, one row group at a time (a month of 1m or 5m bars, a year of longer ones)."""
        with _open_parquet(self._bar_file(symbol, timeframe)) as file:
            for index, first, last in _bounds(file, "ts"):
                if (end_ns is None or first <= end_ns) and (start_ns is None or last > start_ns):
                    yield _between(file.read_row_group(index), "ts", start_ns, end_ns)

    def sessions_of_chains(self, underlying: str) -> list[int]:
        """Dates (yyyymmdd, the catalog's time zone) that have option quotes, ascending."""
        return [date for path in self._chain_files(underlying) for date, _ in self._chain_groups(path)]

    def chains(
        self,
        underlying: str,
        start_date: int | None = None,
        end_date: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[tuple[int, pa.Table]]:
        """(session date, its quotes) ascending, dates yyyymmdd and both included; only ``columns`` are read."""
        for path in self._chain_files(underlying):
            month = int(path.stem)
            if (start_date and month < start_date // 100) or (end_date and month > end_date // 100):
                continue
            groups = self._chain_groups(path)
            with _open_parquet(path) as file:
                for date, index in groups:
                    if (start_date or 0) <= date <= (end_date or 99_999_999):
                        yield date, file.read_row_group(index, columns=None if columns is None else list(columns))

    def rates(self) -> pa.Table | None:
        """(date, tenor_days, rate_annual), or None when the catalog has none."""
        return self._read_small("rates")

    def settlements(self) -> pa.Table | None:
        """(underlying, root, expiry, ts, price), or None."""
        return self._read_small("settlements")

    def dividends(self) -> pa.Table | None:
        """(symbol, ex_date, amount), or None."""
        return self._read_small("dividends")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _bar_file(self, symbol: str, timeframe: str) -> Path:
        path = self.path / "bars" / _name(symbol) / f"{_timeframe(timeframe)}.parquet"
        if not path.exists():
            there = ", ".join(f"{s} {t}" for s in self.info.symbols for t in self.timeframes(s)) or "none"
            raise UserError(f"catalog {self.path} has no {timeframe} bars of {symbol}; bars there: {there}")
        return path

    def _chain_files(self, underlying: str) -> list[Path]:
        files = sorted((self.path / "chains" / _name(underlying)).glob("[0-9]*.parquet"))
        if not files:
            there = ", ".join(self.info.underlyings) or "none"
            raise UserError(f"catalog {self.path} has no option chains of {underlying}; chains there: {there}")
        return files

    def _chain_groups(self, path: Path) -> list[tuple[int, int]]:
        """(session date, row group) of one file."""
        with _open_parquet(path) as file:
            bounds = list(_bounds(file, "quote_ts"))
        dates = local_dates(np.array([first for _, first, _ in bounds], dtype=np.int64), self.info.time_zone)
        return [(int(date), index) for date, (index, _, _) in zip(dates, bounds, strict=True)]

    def _read_small(self, name: str) -> pa.Table | None:
        path = self.path / f"{name}.parquet"
        return pq.read_table(path) if path.exists() else None

    def _write_small(self, name: str, table: pa.Table) -> None:
        schema, key = _SMALL[name]
        fresh = conform(table, schema, tuple(schema.names), name)
        with self._lock():
            stored = self._read_small(name)
            merged = fresh if stored is None else pa.concat_tables([stored, fresh])
            merged, _ = order_rows(_encoded(merged, key), key)
            temporary = self.path / f".{name}.parquet"
            pq.write_table(merged.cast(schema), temporary, compression="zstd")
            temporary.replace(self.path / f"{name}.parquet")

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One writer of the shared files at a time, also between processes."""
        with (self.path / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _register(self, symbols: set[str], roots: dict[str, set[str]]) -> None:
        with self._lock():
            info = read_info(self.path)
            merged = {name: tuple(sorted({*info.roots.get(name, ()), *new})) for name, new in roots.items()}
            self.info = replace(
                info,
                symbols=tuple(sorted({*info.symbols, *symbols})),
                underlyings=tuple(sorted({*info.underlyings, *roots})),
                roots=dict(sorted({**info.roots, **merged}.items())),
            )
            write_info(self.path, self.info)


class CatalogWriter:
    """Stages rows for one catalog; made by ``Catalog.writing``."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._staging = Staging(catalog.path)
        self._symbols: set[str] = set()
        self._roots: dict[str, set[str]] = {}
        self._pending: dict[str, list[pa.Table]] = {}
        self._pending_date: dict[str, int] = {}

    @property
    def written(self) -> Written:
        return self._staging.written

    def bars(self, symbol: str, timeframe: str, table: pa.Table) -> None:
        """Stage bars of one symbol; the symbol column is filled in."""
        what = f"bars of {_name(symbol)} {_timeframe(timeframe)}"
        table = conform(table, BARS, ("ts", "open", "high", "low", "close"), what)
        table = table.set_column(1, BARS.field("symbol"), _constant(symbol, table.num_rows))
        layout = _bar_layout(timeframe)
        path = self._catalog.path / "bars" / symbol / f"{timeframe}.parquet"
        groups = _utc_dates(table, "ts") // _GROUP_OF_BARS[timeframe]
        for group, piece in _runs(table, groups):
            self._staging.add(path, layout, group, piece)
        self._symbols.add(symbol)

    def chains(self, underlying: str, table: pa.Table) -> None:
        """Stage quotes of one underlying; root defaults to the underlying's name."""
        what = f"chains of {_name(underlying)}"
        if "root" not in table.schema.names:
            table = table.append_column("root", _constant(underlying, table.num_rows))
        table = conform(table, CHAINS, CHAIN_KEY, what)
        table = table.set_column(1, CHAINS.field("underlying"), _constant(underlying, table.num_rows))
        known = self._roots.setdefault(underlying, set())
        known.update(pc.unique(table.column("root")).to_pylist())
        dates = local_dates(table.column("quote_ts").cast(pa.int64()).to_numpy(), self._catalog.info.time_zone)
        for date, piece in _runs(table, dates):
            self._collect(underlying, date, piece)

    def commit(self) -> None:
        for underlying in list(self._pending):
            self._flush(underlying)
        with self._catalog._lock():
            self._staging.commit()
        self._catalog._register(self._symbols, self._roots)

    def discard(self) -> None:
        self._staging.discard()

    def _collect(self, underlying: str, date: int, piece: pa.Table) -> None:
        """Gather the pieces of one session, which may span batches, before they are staged."""
        if self._pending_date.get(underlying) != date:
            self._flush(underlying)
            self._pending_date[underlying] = date
        self._pending.setdefault(underlying, []).append(piece)

    def _flush(self, underlying: str) -> None:
        pieces = self._pending.pop(underlying, [])
        if not pieces:
            return
        date = self._pending_date[underlying]
        path = self._catalog.path / "chains" / underlying / f"{date // 100}.parquet"
        layout = _chain_layout(self._catalog.info.time_zone)
        self._staging.add(path, layout, date, pa.concat_tables(pieces))


def _bar_layout(timeframe: str) -> Layout:
    def group_of(table: pa.Table) -> int:
        return int(_utc_dates(table.slice(0, 1), "ts")[0]) // _GROUP_OF_BARS[timeframe]

    return Layout(schema=BARS, key=BAR_KEY, group_of=group_of, dictionary_columns=("symbol",))


def _chain_layout(time_zone: str) -> Layout:
    def group_of(table: pa.Table) -> int:
        first = table.column("quote_ts").slice(0, 1).cast(pa.int64()).to_numpy()
        return int(local_dates(first, time_zone)[0])

    repeated = ("quote_ts", "underlying", "root", "spot", "expiry", "strike", "right", "bid_size", "ask_size")
    return Layout(schema=CHAINS, key=CHAIN_KEY, group_of=group_of, dictionary_columns=repeated)


def _tables(data: pa.Table | Iterable[pa.Table]) -> Iterable[pa.Table]:
    return [data] if isinstance(data, pa.Table) else data


def _runs(table: pa.Table, groups: npt.NDArray[np.int64]) -> Iterator[tuple[int, pa.Table]]:
    """Slices of equal group, in the order of the groups when the rows are not already in it."""
    if len(groups) == 0:
        return
    if np.any(groups[1:] < groups[:-1]):
        order = np.argsort(groups, kind="stable")
        table, groups = table.take(pa.array(order)), groups[order]
    edges = np.flatnonzero(np.diff(groups)) + 1
    for start, end in zip([0, *edges.tolist()], [*edges.tolist(), len(groups)], strict=True):
        yield int(groups[start]), table.slice(start, end - start)


def _utc_dates(table: pa.Table, column: str) -> npt.NDArray[np.int64]:
    return local_dates(table.column(column).cast(pa.int64()).to_numpy(), "UTC")


def _constant(word: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([word]))


def _encoded(table: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """Dictionary-encode the names among the key, so that they can be ordered."""
    for index, column in enumerate(table.schema):
        if column.name in key and pa.types.is_string(column.type):
            table = table.set_column(index, column.name, table.column(index).dictionary_encode())
    return table


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} is no readable Parquet file: {str(error).splitlines()[0]}") from error


def _bounds(file: pq.ParquetFile, column: str) -> Iterator[tuple[int, int, int]]:
    """(row group, first, last) of a file's instants in nanoseconds, from the statistics in its footer."""
    position = file.schema_arrow.get_field_index(column)
    for index in range(file.num_row_groups):
        statistics = file.metadata.row_group(index).column(position).statistics
        yield index, int(statistics.min_raw), int(statistics.max_raw)


def _between(table: pa.Table, column: str, start_ns: int | None, end_ns: int | None) -> pa.Table:
    ts = table.column(column).cast(pa.int64()).to_numpy()
    low = 0 if start_ns is None else int(np.searchsorted(ts, start_ns, side="right"))
    high = len(ts) if end_ns is None else int(np.searchsorted(ts, end_ns, side="right"))
    return table.slice(low, max(high - low, 0))


def _name(symbol: str) -> str:
    if _NAME.match(symbol) is None:
        raise UserError(f"{symbol!r} cannot name a folder of the catalog: use letters, digits and . _ ^ -")
    return symbol


def _timeframe(name: str) -> str:
    if name not in TIMEFRAMES:
        raise UserError(f"timeframe {name!r} is unknown: use one of {', '.join(TIMEFRAMES)}")
    return name
