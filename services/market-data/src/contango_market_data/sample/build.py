"""Builds the sample catalog. An edge: reads the real data, starts processes, writes files.

Months are independent of each other, of the number of processes and of the range that is built: a month built alone
holds the same bytes as in the full build.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_common.edge.calendar import session_table
from contango_market_data.catalog.dates import to_date
from contango_market_data.catalog.info import CatalogInfo
from contango_market_data.catalog.store import Catalog
from contango_market_data.sample.daily import load_market
from contango_market_data.sample.expiries import HORIZON_DAYS, expiry_dates
from contango_market_data.sample.market import FIRST_DATE, LAST_DATE, Market
from contango_market_data.sample.month import Month, Plan, build_month
from contango_market_data.sample.sources import SOURCES
from contango_market_data.sample.tables import (
    UNDERLYING,
    VIX,
    bar_table,
    daily_index_table,
    daily_vix_table,
    rates_table,
    settlements_table,
)

Progress = Callable[[int, int], None]
"""Called with (sessions done, sessions in all)."""

FIRST, LAST = to_date(FIRST_DATE), to_date(LAST_DATE)
PROCESSES = 2
NAME = "sample"


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What was built: sessions, 5-minute bars of the index, option quotes, bytes on disk, what is real and what not."""

    path: Path
    first: date
    last: date
    sessions: int
    bars: int
    quotes: int
    size_bytes: int
    sources: tuple[str, ...]


def build_sample(
    catalog_path: Path | str,
    *,
    progress: Progress | None = None,
    first: date = FIRST,
    last: date = LAST,
    processes: int = PROCESSES,
) -> SampleReport:
    """Build the sample catalog of the sessions from ``first`` to ``last`` at ``catalog_path``, which must not exist.

    Nothing is left behind when it fails. Raises UserError when something is at the path already and when the range
    holds no session of 2014-01-03 … 2018-12-31.
    """
    path = Path(catalog_path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is not empty: remove it or name another folder for the sample catalog")
    market = load_market()
    rows = _rows(market, first, last)
    path.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        report = _build(workshop / NAME, market, rows, processes, progress or _silent)
        if path.exists():
            path.rmdir()
        report.path.replace(path)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return replace(report, path=path)


def _rows(market: Market, first: date, last: date) -> range:
    low, high = _number(first), _number(last)
    rows = market.rows(low, high)
    if low < FIRST_DATE or high > LAST_DATE or len(rows) == 0:
        raise UserError(f"sample range {first} … {last} is not available: choose sessions between {FIRST} and {LAST}")
    return rows


def _build(path: Path, market: Market, rows: range, processes: int, progress: Progress) -> SampleReport:
    plan = Plan(path, market, _expiries(market, rows))
    dates = [int(market.date[row]) for row in rows]
    catalog = Catalog.create(path, CatalogInfo(name=NAME, calendar="XNYS", notes=SOURCES))
    months: list[Month] = []
    for month in _run(plan, _months(market, rows), processes):
        months.append(month)
        progress(sum(len(m.days) for m in months), len(rows))
    days = [day for month in months for day in month.days]
    with catalog.writing() as writer:
        writer.bars(UNDERLYING, "1d", daily_index_table(market, dates[-1]))
        writer.bars(VIX, "1d", daily_vix_table(market, dates[-1]))
        writer.bars(UNDERLYING, "5m", bar_table([day.spx for day in days]))
        writer.bars(VIX, "5m", bar_table([day.vix for day in days]))
    catalog.write_rates(rates_table(dates))
    catalog.write_settlements(settlements_table(market, rows, tuple(plan.expiry_close_ns)))
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    bars = sum(len(day.spx.ts_ns) for day in days)
    quotes = sum(month.quotes for month in months)
    return SampleReport(path, to_date(dates[0]), to_date(dates[-1]), len(days), bars, quotes, size, SOURCES)


def _run(plan: Plan, months: list[range], processes: int) -> Iterator[Month]:
    """Months in order. The first is built here, so that the kernels are compiled once, into numba's cache."""
    yield build_month(plan, months[0])
    if processes < 2 or len(months) < 3:
        yield from map(partial(build_month, plan), months[1:])
        return
    with ProcessPoolExecutor(min(processes, len(months) - 1), mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(build_month, plan), months[1:])


def _months(market: Market, rows: range) -> list[range]:
    """``rows`` cut where the month changes."""
    cuts = [row for row in rows[1:] if market.date[row] // 100 != market.date[row - 1] // 100]
    return [range(low, high) for low, high in zip([rows.start, *cuts], [*cuts, rows.stop])]


def _expiries(market: Market, rows: range) -> dict[int, int]:
    """Instants of every expiry that any session of ``rows`` lists."""
    first = to_date(int(market.date[rows.start]))
    last = to_date(int(market.date[rows.stop - 1])) + timedelta(days=HORIZON_DAYS + 10)
    sessions = session_table("XNYS", first, last)
    instants = dict(zip(sessions.date, sessions.close_ns))
    return {expiry: instants[expiry] for expiry in expiry_dates(sessions)}


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _silent(_done: int, _total: int) -> None:
    pass
