"""The text inside LEAN zips: small CSVs without headers, read as columns of numbers."""

import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from contango_market_data.catalog.dates import zone
from contango_market_data.importers.base import Problems
from contango_market_data.importers.sheet import Sheet

ZONES = {
    "equity": "America/New_York",
    "option": "America/New_York",
    "indexoption": "America/New_York",
    "index": "America/Chicago",
    "future": "UTC",
    "crypto": "UTC",
}
SCALES = {"equity": 1e-4, "option": 1e-4, "indexoption": 1e-4, "index": 1.0, "future": 1.0, "crypto": 1.0}
TRADE = ("open", "high", "low", "close", "volume")
QUOTE = ("bid_open", "bid_high", "bid_low", "bid", "bid_size", "ask_open", "ask_high", "ask_low", "ask", "ask_size")
OPEN_INTEREST = ("open_interest",)
_COLUMNS = {"trade": TRADE, "quote": QUOTE, "openinterest": OPEN_INTEREST}

Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]


def entry(
    archive: zipfile.ZipFile, path: Path, name: str, kind: str, day: str | None, tz: str, problems: Problems
) -> tuple[Instants, dict[str, Floats]]:
    """(start of each bar in UTC nanoseconds, columns with NaN where empty) of one file of a zip.

    ``day`` is the date of a minute file, None where rows carry their own.
    """
    names = ["time", *_COLUMNS[kind]]
    data = archive.read(name)
    if not data.strip():
        return np.empty(0, dtype=np.int64), {column: np.empty(0) for column in _COLUMNS[kind]}
    sheet = _sheet(data, Path(f"{path}#{name}"), names, problems)
    values = {column: _floats(sheet.numbers(column)) for column in _COLUMNS[kind]}
    starts = _starts(sheet, day, tz)
    keep = ~sheet.bad
    if not keep.all():
        return starts[keep], {column: array[keep] for column, array in values.items()}
    return starts, values


def _sheet(data: bytes, where: Path, names: list[str], problems: Problems) -> Sheet:
    def wrong_width(row: pcsv.InvalidRow) -> str:
        why = f"has {row.actual_columns} fields instead of {row.expected_columns}"
        problems.bad(f"{where}, line {row.number}", "(whole row)", row.text[:60], why)
        return "skip"

    width = len(data.split(b"\n", 1)[0].split(b","))
    given = names[:width] + [f"extra_{i}" for i in range(width - len(names))]
    read = pcsv.ReadOptions(column_names=given, use_threads=False)
    parse = pcsv.ParseOptions(invalid_row_handler=wrong_width)
    convert = pcsv.ConvertOptions(column_types=dict.fromkeys(given, pa.string()), strings_can_be_null=False)
    table = pcsv.read_csv(pa.py_buffer(data), read, parse, convert)
    for name in names[width:]:
        table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return Sheet(where, table, np.arange(1, table.num_rows + 1, dtype=np.int64), problems)


def _floats(values: pa.Array) -> Floats:
    floats: Floats = pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False)
    return floats


def _starts(sheet: Sheet, day: str | None, tz: str) -> Instants:
    if day is None:
        instants = sheet.instants("time", tz, "%Y%m%d %H:%M", None)
        return np.asarray(pc.fill_null(instants.cast(pa.int64()), 0).to_numpy(zero_copy_only=False), dtype=np.int64)
    millis = np.asarray(pc.fill_null(sheet.counts("time"), 0).to_numpy(zero_copy_only=False), dtype=np.int64)
    return wall_to_utc(np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}", "ms").astype(np.int64) + millis, tz)


def wall_to_utc(wall_ms: Instants, tz: str) -> Instants:
    """Wall-clock milliseconds since 1970 in ``tz`` to UTC nanoseconds (the earlier of two readings)."""
    zone(tz)
    naive = pa.array(wall_ms).cast(pa.timestamp("ms"))
    aware = pc.assume_timezone(naive, tz, ambiguous="earliest", nonexistent="latest")
    instants: Instants = aware.cast(pa.int64()).to_numpy(zero_copy_only=False) * 1_000_000
    return instants
