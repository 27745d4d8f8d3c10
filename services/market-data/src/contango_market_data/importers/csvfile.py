"""Streaming CSV: a file of any size as sheets of text, each row with its line number."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from contango_common.domain.errors import UserError
from contango_market_data.importers.base import Problems
from contango_market_data.importers.sheet import Sheet

_BLOCK_BYTES = 8 << 20


def csv_sheets(
    file: Path, problems: Problems, names: Sequence[str] | None = None, delimiter: str = ","
) -> Iterator[Sheet]:
    """Sheets of about 8 MiB; header names are stripped of blanks and brackets unless ``names`` are given.

    ``names`` says that the file has no header. A row with too many or too few fields is malformed. Compressed files
    (.gz, .bz2, .zst) are read as they are.
    """
    widths = WrongWidths(lambda line: f"{file}, line {line}", problems)

    try:
        reader = _open(file, names, delimiter, widths.note)
        widths.report()
        line = 1 if names is not None else 2
        for batch in reader:
            table = _clean(pa.Table.from_batches([batch]))
            lines = line_numbers(line, table.num_rows, widths.lines)
            line += table.num_rows
            filled = filled_rows(table)
            widths.report()
            yield Sheet(file, table.filter(filled), lines[filled.to_numpy(zero_copy_only=False)], problems)
        widths.report()
    except pa.ArrowInvalid as error:
        raise UserError(f"{file} is no readable CSV file: {str(error).splitlines()[0]}") from error


class WrongWidths:
    """Rows with too many or too few fields: noted while the parser runs (it swallows errors), reported after."""

    def __init__(self, where: Callable[[int], str], problems: Problems) -> None:
        self._where = where
        self.lines: list[int] = []
        self._problems = problems
        self._rows: list[pcsv.InvalidRow] = []

    def note(self, row: pcsv.InvalidRow) -> str:
        self._rows.append(row)
        self.lines.append(row.number)
        return "skip"

    def report(self) -> None:
        rows, self._rows = self._rows, []
        for row in rows:
            shown = row.text if len(row.text) <= 60 else row.text[:57] + "..."
            why = f"has {row.actual_columns} fields instead of {row.expected_columns}"
            self._problems.bad(self._where(row.number), "(whole row)", shown, why)


def _open(file: Path, names, delimiter, handler):  # type: ignore[no-untyped-def]
    read = pcsv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False, column_names=names)
    parse = pcsv.ParseOptions(delimiter=delimiter, invalid_row_handler=handler, ignore_empty_lines=False)
    header = names if names is not None else _header(file, delimiter)
    convert = pcsv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)
    return pcsv.open_csv(pa.input_stream(str(file), compression="detect"), read, parse, convert)


def _header(file: Path, delimiter: str) -> list[str]:
    """The header's names exactly as they stand, so that every column can be read as text."""
    with pa.input_stream(str(file), compression="detect") as stream:
        first = stream.read(1 << 16).split(b"\n")[0].rstrip(b"\r")
    if not first.strip():
        raise UserError(f"{file} is empty or begins with a blank line: a header is needed")
    options = pcsv.ReadOptions(autogenerate_column_names=True)
    row = pcsv.read_csv(
        pa.py_buffer(first + b"\n"),
        options,
        pcsv.ParseOptions(delimiter=delimiter),
        pcsv.ConvertOptions(strings_can_be_null=False),
    )
    return [str(column[0].as_py()) for column in row.columns]


def filled_rows(table: pa.Table) -> pa.Array:
    """Rows that are no blank lines."""
    filled = pc.not_equal(table.column(0), "")
    for column in table.columns[1:]:
        if pc.all(filled).as_py():
            break
        filled = pc.or_(filled, pc.not_equal(column, ""))
    return filled.combine_chunks()


def _clean(table: pa.Table) -> pa.Table:
    return table.rename_columns([name.strip().lstrip("\ufeff").strip("[]# ") for name in table.schema.names])


def line_numbers(first: int, rows: int, skipped: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Line of each row, lines that were skipped counted in; ``first`` counts the rows before this sheet only."""
    lines = np.arange(first, first + rows, dtype=np.int64)
    for line in skipped:
        lines += lines >= line
    return lines
