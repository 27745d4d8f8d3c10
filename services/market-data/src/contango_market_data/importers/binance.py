"""Binance klines: CSV files (plain, gz or the site's zip) named ``BTCUSDT-5m-2022-08.csv``, with or without a header.

``open_time`` is the bar's start in milliseconds (microseconds in spot files since 2025), UTC; ``close_time`` must be
one unit before the next bar's start, so that the timeframe is checked row by row.
"""

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contango_common.domain.errors import UserError
from contango_common.domain.sessions import MINUTE_NS
from contango_market_data.catalog.schema import TIMEFRAMES
from contango_market_data.importers.base import Bars, Batch, Source
from contango_market_data.importers.csvfile import csv_sheets
from contango_market_data.importers.placing import instants_of
from contango_market_data.importers.sheet import Sheet

NAME = "binance"
SUFFIXES = (".csv", ".zip", ".csv.gz")
CALENDAR = "24/7"
TIME_ZONE = "UTC"
OPTIONS = {
    "symbol": "symbol (default: from the file's name)",
    "timeframe": "length of the bars (default: from the file's name): " + ", ".join(TIMEFRAMES),
}
_NAMES = ["open_time", "open", "high", "low", "close", "volume", "close_time"]
_REST = ["quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"]
_MICROSECONDS_FROM = 100_000_000_000_000  # as milliseconds this is the year 5138


def read(source: Source, /) -> Iterator[Batch]:
    """Batches of about 8 MiB of text."""
    for file in source.files:
        symbol, timeframe = _identity(file, source)
        with _plain(file) as plain:
            for sheet in csv_sheets(plain, source.problems, names=[*_NAMES, *_REST]):
                sheet.file = file
                body = _without_header(sheet)
                if body.table.num_rows:
                    yield Bars(symbol, timeframe, _bars(body, timeframe))
        source.progress(file.stat().st_size, 0, file.name)


def _identity(file: Path, source: Source) -> tuple[str, str]:
    named = re.match(r"^([A-Z0-9]+)-(\d+[mhd])-", file.name)
    symbol = source.options.text("symbol") or (named.group(1) if named else None)
    timeframe = source.options.text("timeframe") or (named.group(2) if named else None)
    if symbol is None or timeframe is None:
        raise UserError(f"{file}: the name is not like BTCUSDT-5m-2022-08.csv: pass symbol=BTCUSDT,timeframe=5m")
    if timeframe not in TIMEFRAMES:
        raise UserError(f"{file}: bars of {timeframe} are not kept; use one of {', '.join(TIMEFRAMES)}")
    return symbol, timeframe


@contextmanager
def _plain(file: Path) -> Iterator[Path]:
    """The file, or the one file inside a zip, unpacked beside nothing that stays."""
    if file.suffix != ".zip":
        yield file
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise UserError(f"{file} holds {len(names)} files: a klines zip holds one")
        target = Path(folder) / "klines.csv"
        with archive.open(names[0]) as packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out)
        yield target


def _without_header(sheet: Sheet) -> Sheet:
    if (
        sheet.table.num_rows
        and sheet.lines[0] == 1
        and sheet.table.column("open_time")[0].as_py().strip() == "open_time"
    ):
        return Sheet(sheet.file, sheet.table.slice(1), sheet.lines[1:], sheet.problems)
    return sheet


def _bars(sheet: Sheet, timeframe: str) -> pa.Table:
    columns = {name: sheet.numbers(name, required=True) for name in ("open", "high", "low", "close", "volume")}
    start, end = (
        pc.fill_null(sheet.counts(name), -1).to_numpy(zero_copy_only=False) for name in ("open_time", "close_time")
    )
    unit_ns = np.where(start >= _MICROSECONDS_FROM, 1_000, 1_000_000)
    length = TIMEFRAMES[timeframe] * MINUTE_NS
    sheet.report(np.flatnonzero((start <= 0) & ~sheet.bad), "open_time", "is missing")
    off = (end - start + 1) * unit_ns != length
    sheet.report(np.flatnonzero(off & ~sheet.bad), "close_time", f"does not end a {timeframe} bar")
    columns["ts"] = instants_of(start * unit_ns + length)
    return sheet.good(columns)
