"""The text inside LEAN zips: small CSVs without headers, read as columns of numbers."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from contango_market_data.catalog.dates import zone
from contango_market_data.importers.base import Problems
from contango_market_data.importers.csvfile import WrongWidths, filled_rows, line_numbers
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

_CHUNK_BYTES = 16 << 20
_CHUNK_FILES = 4_096

Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]


def entries(
    archive: zipfile.ZipFile, path: Path, kind: str, day: str | None, tz: str, problems: Problems
) -> Iterator[tuple[str, Instants, dict[str, Floats]]]:
    """(name, start of each bar in UTC nanoseconds, columns with NaN where empty) of every file of a zip, by name.

    ``day`` is the date of a minute file, None where rows carry their own. A zip of options holds thousands of tiny
    files; they are parsed many at a time.
    """
    for names, data in _chunks(archive):
        sheet = _ZipSheet.parse(path, names, data, ["time", *_COLUMNS[kind]], problems)
        values = {column: _floats(sheet.numbers(column)) for column in _COLUMNS[kind]}
        starts = _starts(sheet, day, tz)
        edges = np.searchsorted(sheet.entry_of_row, np.arange(len(names) + 1))
        for number, name in enumerate(names):
            rows = np.arange(edges[number], edges[number + 1])
            rows = rows[~sheet.bad[rows]]
            yield name, starts[rows], {column: array[rows] for column, array in values.items()}


def _chunks(archive: zipfile.ZipFile) -> Iterator[tuple[list[str], list[bytes]]]:
    """Files of a zip in groups of about 16 MiB of text, every one ending with a line feed."""
    names: list[str] = []
    data: list[bytes] = []
    size = 0
    for name in sorted(archive.namelist()):
        text = archive.read(name)
        if not text.strip():
            continue
        names.append(name)
        data.append(text if text.endswith(b"\n") else text + b"\n")
        size += len(text)
        if size > _CHUNK_BYTES or len(data) >= _CHUNK_FILES:
            yield names, data
            names, data, size = [], [], 0
    if names:
        yield names, data


class _ZipSheet(Sheet):
    """Rows of several files of one zip; a row is named by its file and the line in it."""

    entry_of_row: npt.NDArray[np.int64]

    @classmethod
    def parse(
        cls, path: Path, names: list[str], data: list[bytes], columns: list[str], problems: Problems
    ) -> "_ZipSheet":
        first_lines = np.cumsum([0, *(text.count(b"\n") for text in data)])[:-1]

        def where(line: int) -> str:
            entry = int(np.searchsorted(first_lines, line - 1, side="right")) - 1
            return f"{path}#{names[entry]}, line {line - int(first_lines[entry])}"

        widths = WrongWidths(where, problems)
        table = _parse(b"".join(data), columns, widths)
        lines = line_numbers(1, table.num_rows, widths.lines)
        filled = filled_rows(table).to_numpy(zero_copy_only=False)
        sheet = cls(path, table.filter(pa.array(filled)), lines[filled], problems)
        sheet.entry_of_row = np.searchsorted(first_lines, sheet.lines - 1, side="right") - 1
        sheet._where = where
        return sheet

    def where(self, row: int) -> str:
        return self._where(int(self.lines[row]))

    _where: Callable[[int], str]


def _parse(data: bytes, columns: list[str], widths: WrongWidths) -> pa.Table:
    """All columns as text; columns beyond the known ones are ignored, absent ones are empty."""
    width = len(data.split(b"\n", 1)[0].split(b","))
    given = columns[:width] + [f"extra_{i}" for i in range(width - len(columns))]
    read = pcsv.ReadOptions(column_names=given, use_threads=False)
    parse = pcsv.ParseOptions(invalid_row_handler=widths.note, ignore_empty_lines=False)
    convert = pcsv.ConvertOptions(column_types=dict.fromkeys(given, pa.string()), strings_can_be_null=False)
    table = pcsv.read_csv(pa.py_buffer(data), read, parse, convert)
    widths.report()
    for name in columns[width:]:
        table = table.append_column(name, pa.repeat(pa.scalar(""), table.num_rows))
    return table


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
