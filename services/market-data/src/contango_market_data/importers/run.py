"""Run an import: find the files, read them through their importer, write everything or nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from contango_common.domain.errors import UserError
from contango_market_data.catalog.info import FILE, CatalogInfo
from contango_market_data.catalog.store import Catalog
from contango_market_data.importers.base import (
    Bars,
    Batch,
    Calendar,
    Chains,
    Importer,
    Options,
    Problems,
    Progress,
    Source,
)
from contango_market_data.importers.placing import after_hours_closes, instants_of, numbers_of
from contango_market_data.importers.registry import IMPORTERS
from contango_market_data.quality_flag import Flag

COMMON_OPTIONS = {
    "on_bad": "raise (default): the first malformed row stops the import; flag: such rows are left out and counted",
    "after_hours": "keep (default), or close: snapshots taken after a close get that closing instant",
    "calendar": "exchange_calendars name of a new catalog, or of these symbols in one that has another",
    "time_zone": "time zone whose dates name the sessions of a new catalog",
    "name": "name of a new catalog",
    "note": "a sentence for the catalog's notes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was read and stored. ``rows_known`` counts rows whose instant and contract were in the catalog already.

    Such rows stand in the catalog once, with the values of this import.
    """

    format: str
    files: tuple[Path, ...]
    rows_read: int
    rows_new: int
    rows_known: int
    symbols: dict[str, int] = field(default_factory=dict)
    underlyings: dict[str, int] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    examples: tuple[str, ...] = ()


def run_import(
    format: str,
    src: Path | str,
    catalog_path: Path | str,
    options: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import ``src`` (a file, or a folder searched for files of the format) into the catalog, as one whole.

    A catalog is made when there is none. A second import of the same files changes nothing. ``progress`` is called
    with bytes done, bytes in all and the file's name. Raises UserError for unknown formats or options, missing files
    and malformed rows; the catalog is then as it was before.
    """
    importer = _importer(format)
    given = Options(options or {}, {**COMMON_OPTIONS, **importer.OPTIONS})
    files = _files(Path(src), importer)
    problems = Problems(on_bad=given.choice("on_bad", ("raise", "flag"), "raise") or "raise")
    fresh = not (Path(catalog_path) / FILE).exists()
    info = _new_info(Path(catalog_path), given, importer) if fresh else Catalog.open(catalog_path).info
    calendar = Calendar(given.text("calendar") or (importer.CALENDAR if fresh else _calendar(importer, info)))
    source = Source(
        files=files,
        options=given,
        problems=problems,
        calendar=calendar,
        time_zone=info.time_zone,
        progress=_Counter(files, progress).step,
    )
    tally = _Tally()
    batches = _placed(importer.read(source), source)
    first = next(batches, None)  # nothing is made on disk before the first rows could be read
    catalog = Catalog.create(catalog_path, info) if fresh else Catalog.open(catalog_path)
    try:
        with catalog.writing() as writer:
            for batch in _again(first, batches):
                tally.count(batch)
                if isinstance(batch, Bars):
                    writer.bars(batch.symbol, batch.timeframe, batch.table)
                else:
                    writer.chains(batch.underlying, batch.table)
            _refuse_empty(tally, source)
    except BaseException:
        if fresh:
            _remove(Path(catalog_path))
        raise
    _describe(catalog, calendar, tally, given, problems, format)
    written = writer.written
    problems.flag("duplicate rows (the last one is stored)", written.duplicates, str(files[0]))
    return ImportReport(
        format=format,
        files=tuple(files),
        rows_read=tally.rows + sum(f.count for f in problems.flags() if f.reason.startswith("malformed")),
        rows_new=written.rows - written.duplicates - written.replaced,
        rows_known=written.replaced,
        symbols=tally.symbols,
        underlyings=tally.underlyings,
        flags=tuple(problems.flags()),
        examples=tuple(problems.examples),
    )


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    symbols: dict[str, int] = field(default_factory=dict)
    underlyings: dict[str, int] = field(default_factory=dict)
    calendars: dict[str, str] = field(default_factory=dict)

    def count(self, batch: Batch) -> None:
        rows = batch.table.num_rows
        self.rows += rows
        if isinstance(batch, Bars):
            self.symbols[batch.symbol] = self.symbols.get(batch.symbol, 0) + rows
            if batch.calendar is not None:
                self.calendars[batch.symbol] = batch.calendar
        else:
            self.underlyings[batch.underlying] = self.underlyings.get(batch.underlying, 0) + rows


class _Counter:
    """Turns an importer's 'this file is done' into bytes done of bytes in all."""

    def __init__(self, files: list[Path], report: Progress | None) -> None:
        self._all = sum(file.stat().st_size for file in files)
        self._done = 0
        self._report = report

    def step(self, size: int, _: int, text: str) -> None:
        self._done += size
        if self._report is not None:
            self._report(self._done, self._all, text)


def _importer(format: str) -> Importer:
    if format not in IMPORTERS:
        raise UserError(f"format {format!r} is unknown: use one of {', '.join(IMPORTERS)}")
    return IMPORTERS[format]


def _files(src: Path, importer: Importer) -> list[Path]:
    if not src.exists():
        raise UserError(f"{src} does not exist: name a file or a folder to import")
    if src.is_file():
        return [src]
    files = sorted(path for path in src.rglob("*") if path.is_file() and path.name.endswith(importer.SUFFIXES))
    if not files:
        raise UserError(f"{src} holds no file for {importer.NAME} (looked for {', '.join(importer.SUFFIXES)})")
    return files


def _new_info(path: Path, options: Options, importer: Importer) -> CatalogInfo:
    return CatalogInfo(
        name=options.text("name") or path.resolve().name,
        calendar=options.text("calendar") or importer.CALENDAR,
        time_zone=options.text("time_zone") or importer.TIME_ZONE,
    )


def _calendar(importer: Importer, info: CatalogInfo) -> str:
    """A market that never shuts keeps its own calendar in an exchange's catalog."""
    return importer.CALENDAR if importer.CALENDAR == "24/7" else info.calendar


def _placed(batches: Iterator[Batch], source: Source) -> Iterator[Batch]:
    """Chains with the ``after_hours`` choice applied and counted."""
    to_close = source.options.choice("after_hours", ("keep", "close"), "keep") == "close"
    for batch in batches:
        if isinstance(batch, Chains) and to_close and batch.table.num_rows:
            yield Chains(batch.underlying, _at_close(batch.table, source))
        elif batch.table.num_rows:
            yield batch


def _at_close(table: pa.Table, source: Source) -> pa.Table:
    column = table.schema.get_field_index("quote_ts")
    old = numbers_of(table.column(column))
    new = after_hours_closes(old, source.calendar.sessions)
    moved = int(np.count_nonzero(new != old))
    source.problems.flag("after-hours snapshot stamped with its session's close", moved, str(source.files[0]))
    return table.set_column(column, "quote_ts", instants_of(new))


def _again(first: Batch | None, rest: Iterator[Batch]) -> Iterator[Batch]:
    if first is not None:
        yield first
    yield from rest


def _refuse_empty(tally: _Tally, source: Source) -> None:
    if tally.rows == 0:
        told = (
            f"; {len(source.problems.examples)} malformed rows, first: {source.problems.examples[0]}"
            if source.problems.examples
            else ""
        )
        raise UserError(f"{source.files[0]}: no row could be imported{told}")


def _remove(path: Path) -> None:
    """Take back a catalog that was made for an import that failed; foreign files in the folder stay."""
    for name in (FILE, ".lock"):
        (path / name).unlink(missing_ok=True)
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()


def _describe(
    catalog: Catalog, calendar: Calendar, tally: _Tally, options: Options, problems: Problems, format: str
) -> None:
    own = dict.fromkeys(sorted({*tally.symbols, *tally.underlyings}), calendar.name)
    foreign = {name: used for name, used in {**own, **tally.calendars}.items() if used != catalog.info.calendar}
    if foreign:
        catalog.describe(calendars={**catalog.info.calendars, **foreign})
    note = options.text("note")
    flagged = [f"{format} import: {flag.reason}: {flag.count}" for flag in problems.flags()]
    catalog.add_notes([*([note] if note else []), *flagged])
