"""Rows of a CSV or Parquet file by named column, each with its place, so that a bad cell can be named."""

import csv
import gzip
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contango_common.domain.errors import UserError


@dataclass(frozen=True, slots=True)
class Record:
    """One row; ``place`` is file and line (CSV) or row (Parquet)."""

    place: str
    cells: Mapping[str, Any]

    def text(self, column: str, otherwise: str | None = None) -> str:
        """The cell without blanks. Raises UserError when it is empty and nothing stands in."""
        value = self.cells.get(column)
        found = "" if value is None else str(value).strip()
        if found:
            return found
        if otherwise is None:
            raise self.wrong(column, "is empty", "fill it in or remove the row")
        return otherwise

    def date(self, column: str) -> int:
        """yyyymmdd of a date, an instant, 2024-02-01, 2024-02-01T16:00 or 20240201."""
        value = self.cells.get(column)
        if isinstance(value, datetime | Date):
            return int(value.strftime("%Y%m%d"))
        found = self.text(column)
        try:
            return int(datetime.fromisoformat(found).strftime("%Y%m%d"))
        except ValueError:
            raise self.wrong(column, f"{found!r} is no date", "write YYYY-MM-DD") from None

    def number(self, column: str) -> float | None:
        """A finite number, thousands' commas and a $ allowed; None for an empty cell or NaN."""
        value = self.cells.get(column)
        found = "" if value is None else str(value).strip()
        if found.lower() in ("", "nan", "null", "none", "nat"):
            return None
        bare = found.replace(",", "").replace("$", "")
        if bare.startswith("(") and bare.endswith(")"):  # a loss as accountants write it
            bare = f"-{bare[1:-1]}"
        try:
            number = float(bare)
        except ValueError:
            raise self.wrong(column, f"{found!r} is no number", "write it as 1234.56") from None
        if not math.isfinite(number):
            raise self.wrong(column, f"{found!r} is not finite", "write a number or leave it empty")
        return number

    def need(self, column: str) -> float:
        """A number that must be there."""
        value = self.number(column)
        if value is None:
            raise self.wrong(column, "is empty", "fill it in or remove the row")
        return value

    def wrong(self, column: str, what: str, todo: str) -> UserError:
        """The one line about a cell."""
        return UserError(f"{self.place}, column {column!r}: {what}; {todo}")


def records(path: Path, needed: Sequence[str]) -> Iterator[Record]:
    """Rows of ``path`` (.csv, .csv.gz, .parquet); column names without regard to case.

    Raises UserError when the file is missing, no table, or lacks one of the ``needed`` columns.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; name a CSV or Parquet file")
    rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    try:
        columns = [str(name) for name in next(rows).cells]
        lacking = [name for name in needed if name not in columns]
        if lacking:
            names = ", ".join(repr(name) for name in lacking)
            raise UserError(
                f"{path}, line 1: no column {names} (there are {', '.join(columns)}); name it in the header"
            )
        yield from rows
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is no readable table: {str(error).splitlines()[0]}; save it as UTF-8 CSV") from None


def _csv(path: Path) -> Iterator[Record]:
    """The first record holds the header alone."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        names = [name.strip().lower() for name in next(reader, [])]
        if not any(names):
            raise UserError(f"{path}, line 1: there is no header; the first line names the columns")
        yield Record(f"{path}, line 1", dict.fromkeys(names))
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            place = f"{path}, line {reader.line_num}"
            if len(row) != len(names):
                raise UserError(f"{place}: {len(row)} fields for {len(names)} columns; quote fields that hold a comma")
            yield Record(place, dict(zip(names, row, strict=True)))


def _parquet(path: Path) -> Iterator[Record]:
    with pq.ParquetFile(path) as file:
        names = [name.lower() for name in file.schema_arrow.names]
        yield Record(f"{path}, header", dict.fromkeys(names))
        row = 0
        for batch in file.iter_batches():
            for cells in batch.rename_columns(names).to_pylist():
                row += 1
                yield Record(f"{path}, row {row}", cells)
