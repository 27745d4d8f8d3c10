"""LEAN option zips (quote, trade, open interest of one day or year) as chain rows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from contango_market_data.catalog.dates import local_dates
from contango_market_data.importers.base import Chains, Source
from contango_market_data.importers.lean_bars import bars_of, close_instants, open_zip
from contango_market_data.importers.lean_text import ZONES, Floats, Instants, entries
from contango_market_data.importers.placing import NEVER, instants_of

_CONTRACT = re.compile(r"_(?P<right>call|put)_(?P<strike>\d+)_(?P<expiry>\d{8})\.csv$")
_UNDERLYING = {"SPXW": "SPX", "NDXP": "NDX", "RUTW": "RUT", "VIXW": "VIX"}


@dataclass(frozen=True, slots=True)
class Contract:
    right: str
    strike: float
    expiry: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The zips of one day or year that belong together, and where they stand."""

    security: str
    resolution: str
    ticker: str
    key: str
    source: Source

    @property
    def underlying(self) -> str:
        return self.source.options.text("underlying") or _UNDERLYING.get(self.ticker, self.ticker)


def read_chain(
    paths: dict[str, Path], security: str, resolution: str, ticker: str, key: str, source: Source
) -> Iterator[Chains]:
    """One batch: every contract's quotes with its trades, open interest and the underlying's price."""
    group = Group(security=security, resolution=resolution, ticker=ticker, key=key, source=source)
    if "quote" not in paths:
        shown = next(iter(paths.values()))
        source.problems.flag("option trades or open interest without quotes: left out", 1, str(shown))
        return
    trades = _contents(paths.get("trade"), "trade", group)
    interest = _contents(paths.get("openinterest"), "openinterest", group)
    tables = [
        _rows(contract, starts, columns, trades.get(contract), interest.get(contract), group)
        for contract, (starts, columns) in _contents(paths["quote"], "quote", group).items()
        if len(starts)
    ]
    if tables:
        table = pa.concat_tables(tables)
        yield Chains(group.underlying, _with_spot(table, paths["quote"], group))


_Series = tuple[Instants, dict[str, Floats]]


def _contents(path: Path | None, kind: str, group: Group) -> dict[Contract, _Series]:
    if path is None:
        return {}
    day = group.key if group.resolution == "minute" else None
    found = {}
    with open_zip(path) as archive:
        for name, starts, columns in entries(archive, path, kind, day, ZONES[group.security], group.source.problems):
            contract = _contract(name)
            if contract is None:
                group.source.problems.bad(f"{path}", "file name", name, "names no contract")
                continue
            found[contract] = (starts, columns)
    return found


def _contract(name: str) -> Contract | None:
    match = _CONTRACT.search(name)
    if match is None:
        return None
    day = match.group("expiry")
    return Contract(
        "C" if match.group("right") == "call" else "P",
        int(match.group("strike")) / 10_000,
        date(int(day[:4]), int(day[4:6]), int(day[6:])),
    )


def _rows(
    contract: Contract,
    starts: Instants,
    quotes: dict[str, Floats],
    trades: _Series | None,
    interest: _Series | None,
    group: Group,
) -> pa.Table:
    ends = close_instants(starts, group.security, group.resolution, group.source)
    last, volume = _traded(starts, trades, group)
    columns = {
        "quote_ts": instants_of(ends),
        "bid": _filled(quotes["bid"] * 1e-4),
        "ask": _filled(quotes["ask"] * 1e-4),
        "bid_size": _filled(quotes["bid_size"]).cast(pa.int64()),
        "ask_size": _filled(quotes["ask_size"]).cast(pa.int64()),
        "last": _filled(last),
        "volume": _filled(volume).cast(pa.int64()),
        "open_interest": _filled(_known(starts, interest, "open_interest")).cast(pa.int64()),
        "expiry": pa.repeat(pa.scalar(contract.expiry, pa.date32()), len(starts)),
        "strike": pa.repeat(pa.scalar(contract.strike), len(starts)),
        "right": pa.repeat(pa.scalar(contract.right), len(starts)),
        "root": pa.repeat(pa.scalar(group.ticker), len(starts)),
    }
    table = pa.table(columns)
    shut = int(np.count_nonzero(ends == NEVER))
    if shut:
        group.source.problems.flag("quotes on a date without a session: left out", shut, f"{group.ticker} {group.key}")
        return table.filter(pa.array(ends != NEVER))
    return table


def _traded(starts: Instants, trades: _Series | None, group: Group) -> tuple[Floats, Floats]:
    """Last price and volume up to each bar's end, counted from the beginning of the bar's own session."""
    if trades is None or len(trades[0]) == 0:
        return np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    row = np.searchsorted(trades[0], starts, side="right") - 1
    last = np.where(row >= 0, trades[1]["close"][np.maximum(row, 0)] * 1e-4, np.nan)
    if group.resolution == "daily":
        same = (row >= 0) & (trades[0][np.maximum(row, 0)] == starts)
        return np.where(same, last, np.nan), np.where(same, trades[1]["volume"][np.maximum(row, 0)], np.nan)
    total = np.cumsum(trades[1]["volume"])
    zone = ZONES[group.security]
    first = np.searchsorted(local_dates(trades[0], zone), local_dates(starts, zone), side="left")
    before = np.where(first > 0, total[np.maximum(first - 1, 0)], 0.0)
    volume = np.where(row >= first, total[np.maximum(row, 0)] - before, np.nan)
    return np.where(row >= first, last, np.nan), volume


def _known(starts: Instants, series: _Series | None, column: str) -> Floats:
    """The last value reported up to each instant, NaN before the first."""
    if series is None or len(series[0]) == 0:
        return np.full(len(starts), np.nan)
    row = np.searchsorted(series[0], starts, side="right") - 1
    return np.where(row >= 0, series[1][column][np.maximum(row, 0)], np.nan)


def _filled(values: Floats) -> pa.Array:
    """NaN to null; prices rounded to the 10,000ths they were written in."""
    return pa.array(np.round(values, 4), mask=np.isnan(values))


def _with_spot(table: pa.Table, quote_path: Path, group: Group) -> pa.Table:
    """The underlying's close at each quote's instant, null where the folder tree has none."""
    ends, close = _underlying_closes(quote_path, group)
    quotes = table.column("quote_ts").cast(pa.int64()).to_numpy()
    if len(ends):
        row = np.minimum(np.searchsorted(ends, quotes), len(ends) - 1)
        spot = np.where(ends[row] == quotes, close[row], np.nan)
    else:
        spot = np.full(len(quotes), np.nan)
    missing = int(np.count_nonzero(np.isnan(spot)))
    group.source.problems.flag("no price of the underlying at this instant: spot left empty", missing, str(quote_path))
    return table.append_column("spot", pa.array(spot, mask=np.isnan(spot)))


def _underlying_closes(quote_path: Path, group: Group) -> tuple[Instants, Floats]:
    """Closes of the underlying beside ``…/<class>/<market>/<resolution>/…``."""
    security = "index" if group.security == "indexoption" else "equity"
    up = 3 if group.resolution == "minute" else 2
    market = quote_path.resolve().parents[up - 1]
    base = market.parents[1] / security / market.name / group.resolution
    ticker = group.underlying.lower()
    path = base / ticker / f"{group.key}_trade.zip" if group.resolution == "minute" else base / f"{ticker}.zip"
    if not path.is_file():
        return np.empty(0, dtype=np.int64), np.empty(0)
    found = list(bars_of(path, security, group.resolution, group.key, group.source))
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0)
    _, ends, columns = found[0]
    return ends, columns["close"]
