"""What is in a catalog and what is wrong with it: data only, the command line prints."""

from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from contango_market_data.catalog.dates import local_dates
from contango_market_data.catalog.store import Catalog
from contango_market_data.quality_catalog import Finding, check_catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One line of ``contango data show``; ``timeframe`` is ``chains`` for option quotes, instants are UTC ns.

    ``flags`` counts the findings of a check that was handed in, None when none was.
    """

    symbol: str
    timeframe: str
    first_ns: int
    last_ns: int
    rows: int
    sessions: int
    flags: int | None


def show(catalog: Catalog, findings: list[Finding] | None = None) -> list[Holding]:
    """Bars and chains with first and last instant, rows and sessions, read from the files' footers."""
    holdings = []
    for symbol in catalog.info.symbols:
        for timeframe in catalog.timeframes(symbol):
            holdings.append(_bars(catalog, symbol, timeframe, findings))
    holdings += [_chains(catalog, underlying, findings) for underlying in catalog.info.underlyings]
    return holdings


def check(catalog: Catalog) -> list[Finding]:
    """Every finding about the catalog's bars and chains."""
    return list(check_catalog(catalog))


def _bars(catalog: Catalog, symbol: str, timeframe: str, findings: list[Finding] | None) -> Holding:
    dates: set[int] = set()
    for table in catalog.bar_groups(symbol, timeframe):
        instants = table.column("ts").cast("int64").to_numpy()
        # A bar that closes at midnight belongs to the day before.
        dates.update(np.unique(local_dates(instants - 1, catalog.info.time_zone)).tolist())
    paths = [str(catalog.path / "bars" / symbol / f"{timeframe}.parquet")]
    return _holding(symbol, timeframe, paths, "ts", len(dates), findings)


def _chains(catalog: Catalog, underlying: str, findings: list[Finding] | None) -> Holding:
    paths = [str(path) for path in sorted((catalog.path / "chains" / underlying).glob("[0-9]*.parquet"))]
    sessions = len(catalog.sessions_of_chains(underlying))
    return _holding(underlying, "chains", paths, "quote_ts", sessions, findings)


def _holding(
    symbol: str, timeframe: str, paths: list[str], column: str, sessions: int, findings: list[Finding] | None
) -> Holding:
    footers = [pq.read_metadata(path) for path in paths]
    position = footers[0].schema.to_arrow_schema().get_field_index(column)
    spans = [
        footer.row_group(index).column(position).statistics
        for footer in footers
        for index in range(footer.num_row_groups)
    ]
    subject = f"{symbol} {timeframe}"
    return Holding(
        symbol=symbol,
        timeframe=timeframe,
        first_ns=min(int(span.min_raw) for span in spans),
        last_ns=max(int(span.max_raw) for span in spans),
        rows=sum(footer.num_rows for footer in footers),
        sessions=sessions,
        flags=None if findings is None else sum(f.flag.count for f in findings if f.subject == subject),
    )
