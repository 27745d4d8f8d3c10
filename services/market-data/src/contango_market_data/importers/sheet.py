"""A piece of a table as a vendor wrote it, and the ways to read its columns as numbers, dates and instants.

Every reader gives one value per row, null where the vendor gave none, and reports what cannot be read by file, line,
column and value.
"""

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from contango_common.domain.errors import UserError
from contango_market_data.catalog.dates import zone
from contango_market_data.importers.base import Problems

_EMPTY = pa.array(["", "nan", "NaN", "NAN", "NA", "N/A", "null", "NULL", "None", "--"])
_ZONED = re.compile(r"(Z|[+-]\d\d(:?\d\d)?)$")
_EPOCH_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DATE_FORMATS = {r"^\d{4}-\d\d-\d\d$": "%Y-%m-%d", r"^\d{8}$": "%Y%m%d"}


class Sheet:
    """Rows of one file: ``lines`` are their line (or row) numbers, ``bad`` marks the ones that were reported."""

    def __init__(
        self, file: Path, table: pa.Table, lines: npt.NDArray[np.int64], problems: Problems, unit: str = "line"
    ) -> None:
        self.file = file
        self.table = table
        self.lines = lines
        self.problems = problems
        self.unit = unit
        self.bad = np.zeros(table.num_rows, dtype=np.bool_)

    def __contains__(self, column: str) -> bool:
        return column in self.table.schema.names

    def where(self, row: int) -> str:
        return f"{self.file}, {self.unit} {int(self.lines[row])}"

    def report(self, rows: npt.NDArray[np.intp], column: str, why: str) -> None:
        values = self.table.column(column) if column in self else None
        for row in rows.tolist():
            self.bad[row] = True
            self.problems.bad(self.where(row), column, None if values is None else values[row].as_py(), why)

    def good(self, columns: dict[str, pa.Array]) -> pa.Table:
        """A table of read columns without the rows that were reported."""
        table = pa.table(columns)
        return table.filter(pa.array(~self.bad)) if self.bad.any() else table

    # -- readers -------------------------------------------------------------------------------------------------

    def words(self, column: str, required: bool = False) -> pa.Array:
        """Trimmed text, null where empty."""
        return self._text(column, required)

    def numbers(self, column: str, required: bool = False) -> pa.Array:
        """float64; not finite is malformed, NaN in a typed file is 'no value'."""
        values = self._flat(column)
        if not _is_text(values.type):
            numbers = self._cast(values, column, pa.float64())
            numbers = pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
        else:
            numbers = self._parse_numbers(self._text(column, required=False), column)
        infinite = pc.fill_null(pc.is_inf(numbers), False)
        self.report(np.flatnonzero(_bools(infinite)), column, "is not a finite number")
        if required:
            self.report(np.flatnonzero(_bools(numbers.is_null()) & ~self.bad), column, "is missing: a number is needed")
        return numbers

    def counts(self, column: str) -> pa.Array:
        """int64; a fraction is malformed."""
        numbers = self.numbers(column)
        odd = pc.fill_null(pc.not_equal(numbers, pc.round(numbers)), False)
        self.report(np.flatnonzero(_bools(odd) & ~self.bad), column, "is not a whole number")
        keep = pc.if_else(pc.or_(odd, pc.fill_null(pc.is_inf(numbers), False)), pa.scalar(None, pa.float64()), numbers)
        return keep.cast(pa.int64())

    def dates(self, column: str, date_format: str | None) -> pa.Array:
        """date32; text as yyyy-mm-dd or yyyymmdd unless a format is given (never guessed between d/m and m/d)."""
        values = self._flat(column)
        if not _is_text(values.type):
            if pa.types.is_integer(values.type):
                values = values.cast(pa.string())
            else:
                return self._cast(values, column, pa.date32(), safe=False)
        text = self._text(column, required=True, values=values)
        chosen = date_format or _format_of(text)
        if chosen is None:
            hint = "is not yyyy-mm-dd or yyyymmdd: pass date_format, for example date_format=%m/%d/%Y"
            self.report(_first(text), column, hint)
            return pa.nulls(len(text), pa.date32())
        parsed = pc.strptime(text, format=chosen, unit="s", error_is_null=True)
        wrong = _bools(parsed.is_null()) & ~_bools(text.is_null())
        self.report(np.flatnonzero(wrong), column, f"is not a date of the form {chosen}")
        return parsed.cast(pa.date32())

    def instants(self, column: str, tz: str | None, datetime_format: str | None, epoch: str | None) -> pa.Array:
        """timestamp[ns, UTC]; what carries no zone needs ``tz``, numbers need ``epoch`` (s, ms, us, ns)."""
        values = self._flat(column)
        if epoch is not None:
            return self._from_epoch(column, epoch)
        if pa.types.is_timestamp(values.type) and values.type.tz is not None:
            self._agree(column, values.type.tz, tz)
            return values.cast(pa.timestamp("ns", tz="UTC"))
        if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            raise UserError(f"{self.file}: column {column!r} holds numbers: pass epoch=s, ms, us or ns")
        if _is_text(values.type):
            text = self._text(column, required=True)
            if datetime_format is None and _has_zone(text):
                return self._parse_instants(text, column, pa.timestamp("ns", tz="UTC"))
            values = self._parse_naive(text, column, datetime_format)
        return self._localise(values.cast(pa.timestamp("ns")), column, tz)

    # -- inside --------------------------------------------------------------------------------------------------

    def _flat(self, column: str) -> pa.Array:
        values = self.table.column(column)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        flat = values.combine_chunks()
        return flat.cast(pa.string()) if pa.types.is_large_string(flat.type) else flat

    def _text(self, column: str, required: bool, values: pa.Array | None = None) -> pa.Array:
        values = self._flat(column) if values is None else values
        text = pc.utf8_trim_whitespace(values if _is_text(values.type) else values.cast(pa.string()))
        text = pc.if_else(pc.is_in(text, _EMPTY), pa.scalar(None, pa.string()), text)
        if required:
            self.report(np.flatnonzero(_bools(text.is_null()) & ~self.bad), column, "is missing")
        return text

    def _parse_numbers(self, text: pa.Array, column: str) -> pa.Array:
        try:
            return text.cast(pa.float64())
        except pa.ArrowInvalid:
            parsed = [_float(word) for word in text.to_pylist()]
            wrong = [n is None and word is not None for n, word in zip(parsed, text.to_pylist(), strict=True)]
            self.report(np.flatnonzero(np.array(wrong)), column, "is not a number")
            return pa.array(parsed, pa.float64())

    def _parse_instants(self, text: pa.Array, column: str, kind: pa.DataType) -> pa.Array:
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            rows = [row for row, word in enumerate(text) if not _castable(word, kind)]
            self.report(np.array(rows, dtype=np.intp), column, "is not an instant like 2024-01-31 16:00:00")
            kept = pa.array([None if self.bad[row] else word.as_py() for row, word in enumerate(text)], pa.string())
            return kept.cast(kind)

    def _parse_naive(self, text: pa.Array, column: str, datetime_format: str | None) -> pa.Array:
        if datetime_format is None:
            return self._parse_instants(text, column, pa.timestamp("ns"))
        parsed = pc.strptime(text, format=datetime_format, unit="s", error_is_null=True)
        wrong = _bools(parsed.is_null()) & ~_bools(text.is_null())
        self.report(np.flatnonzero(wrong), column, f"is not of the form {datetime_format}")
        return parsed

    def _localise(self, naive: pa.Array, column: str, tz: str | None) -> pa.Array:
        if tz is None:
            raise UserError(
                f"{self.file}: column {column!r} carries no time zone: "
                "pass tz, for example tz=America/New_York or tz=UTC"
            )
        zone(tz)
        early, late = (
            pc.assume_timezone(naive, tz, ambiguous=side, nonexistent=side).cast(pa.timestamp("ns", tz="UTC"))
            for side in ("earliest", "latest")
        )
        unclear = pc.fill_null(pc.not_equal(early, late), False)
        self.report(np.flatnonzero(_bools(unclear)), column, f"happens twice or never in {tz} (clock change)")
        return early

    def _from_epoch(self, column: str, epoch: str) -> pa.Array:
        if epoch not in _EPOCH_NS:
            raise UserError(f"option epoch={epoch!r}: use s, ms, us or ns")
        values = self._flat(column)
        whole = values.cast(pa.int64()) if pa.types.is_integer(values.type) else self.counts(column)
        self.report(np.flatnonzero(_bools(whole.is_null()) & ~self.bad), column, "is missing")
        return pc.multiply(whole, _EPOCH_NS[epoch]).cast(pa.timestamp("ns", tz="UTC"))

    def _agree(self, column: str, own: str, tz: str | None) -> None:
        """A zone that is passed must not contradict the one the column carries."""
        moments = [datetime(2024, month, 1) for month in (1, 7)]
        if tz is not None and any(zone(tz).utcoffset(m) != _own_zone(own).utcoffset(m) for m in moments):
            raise UserError(f"{self.file}: column {column!r} already carries the zone {own}, not {tz}: leave tz out")

    def _cast(self, values: pa.Array, column: str, kind: pa.DataType, safe: bool = True) -> pa.Array:
        try:
            return values.cast(kind, safe=safe)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UserError(f"{self.file}: column {column!r} of type {values.type} cannot be read as {kind}") from error


def _own_zone(name: str):  # type: ignore[no-untyped-def]
    return zone("UTC") if name in ("+00:00", "Z") else zone(name)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _bools(array: pa.Array) -> npt.NDArray[np.bool_]:
    flags: npt.NDArray[np.bool_] = np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.bool_)
    return flags


def _float(word: str | None) -> float | None:
    try:
        return None if word is None else float(word)
    except ValueError:
        return None


def _castable(word: pa.Scalar, kind: pa.DataType) -> bool:
    try:
        word.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _first(text: pa.Array) -> npt.NDArray[np.intp]:
    return np.flatnonzero(~_bools(text.is_null()))[:1]


def _has_zone(text: pa.Array) -> bool:
    first = _first(text)
    return (
        bool(len(first))
        and _ZONED.search(text[int(first[0])].as_py()) is not None
        and ":" in text[int(first[0])].as_py()
    )


def _format_of(text: pa.Array) -> str | None:
    first = _first(text)
    word = text[int(first[0])].as_py() if len(first) else "2000-01-01"
    return next((form for pattern, form in _DATE_FORMATS.items() if re.match(pattern, word)), None)
