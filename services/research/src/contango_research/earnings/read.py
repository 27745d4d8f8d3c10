"""Announcements and daily bars from files and catalogs."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from contango_common.domain.errors import UserError
from contango_inference.earnings.events import DailyBars, Event, Timing, Window, close_ns, instants
from contango_research.earnings.records import Record, records

EVENT_COLUMNS = ("symbol", "date")
BAR_COLUMNS = ("symbol", "date", "open", "high", "low", "close")
_TIMES: dict[str, Timing] = {
    "bmo": "bmo",
    "pre": "bmo",
    "before": "bmo",
    "amc": "amc",
    "post": "amc",
    "after": "amc",
    "unknown": "unknown",
    "": "unknown",
}


def read_events(path: Path) -> list[Event]:
    """Announcements of a table with the columns symbol and date, and as many of these as there are.

    time (bmo, amc, unknown; also pre and post), eps_est, eps, sector, and for events without daily bars pre_date,
    pre_close, post_date, post_close, vol (annual volatility of the closes before). Raises UserError naming the cell.
    """
    found = [_event(record) for record in records(path, EVENT_COLUMNS)]
    if not found:
        raise UserError(f"{path}: there is no announcement in it")
    return found


def read_bars(paths: Sequence[Path], symbols: set[str] | None = None) -> dict[str, DailyBars]:
    """Daily bars by symbol from catalogs (folders) and tables with symbol, date, open, high, low, close.

    ``symbols``: only these. Later paths replace a symbol of earlier ones. Raises UserError naming the row.
    """
    found: dict[str, DailyBars] = {}
    for path in paths:
        found |= _catalog(path, symbols) if path.is_dir() else _table(path, symbols)
    return found


def _event(record: Record) -> Event:
    date = record.date("date")
    word = record.text("time", "").lower()
    if word not in _TIMES:
        raise record.wrong("time", f"{word!r} is no time", f"write one of {', '.join(get_args(Timing))}")
    earliest, latest = instants(date, _TIMES[word])
    return Event(
        symbol=record.text("symbol").upper(),
        date=date,
        timing=_TIMES[word],
        earliest_ns=earliest,
        latest_ns=latest,
        eps_estimate=record.number("eps_est"),
        eps=record.number("eps"),
        sector=record.text("sector", "").upper() or None,
        window=_window(record),
    )


def _window(record: Record) -> Window | None:
    prices = [record.number(name) for name in ("pre_close", "post_close")]
    dates = [record.text(name, "") for name in ("pre_date", "post_date")]
    if None in prices or not all(dates):
        return None
    before, after = (_price(record, name) for name in ("pre_close", "post_close"))
    return Window(
        close_ns(record.date("pre_date")), before, close_ns(record.date("post_date")), after, record.number("vol")
    )


def _price(record: Record, column: str) -> float:
    price = record.need(column)
    if not price > 0.0:
        raise record.wrong(column, f"{price!r} is no price", "prices are above 0")
    return price


def _table(path: Path, symbols: set[str] | None) -> dict[str, DailyBars]:
    rows: dict[str, dict[int, tuple[float, ...]]] = {}
    for record in records(path, BAR_COLUMNS):
        symbol = record.text("symbol").upper()
        if symbols is not None and symbol not in symbols:
            continue
        bar = tuple(_price(record, name) for name in ("open", "high", "low", "close"))
        rows.setdefault(symbol, {})[close_ns(record.date("date"))] = bar
    return {symbol: _columns(held) for symbol, held in rows.items()}


def _columns(rows: dict[int, tuple[float, ...]]) -> DailyBars:
    instants_ns = sorted(rows)
    prices = np.array([rows[ns] for ns in instants_ns], dtype=np.float64).reshape(-1, 4)
    return DailyBars(np.array(instants_ns, dtype=np.int64), *(np.ascontiguousarray(c) for c in prices.T))


def _catalog(path: Path, symbols: set[str] | None) -> dict[str, DailyBars]:
    from contango_market_data.catalog.store import Catalog

    catalog = Catalog.open(path)
    held = sorted(folder.name for folder in (path / "bars").glob("*") if "1d" in catalog.timeframes(folder.name))
    found = {}
    for symbol in held:
        if symbols is None or symbol in symbols:
            columns = catalog.bars(symbol, "1d")
            found[symbol] = DailyBars(columns["ts_ns"], *(columns[name] for name in ("open", "high", "low", "close")))
    return found
