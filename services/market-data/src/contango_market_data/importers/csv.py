"""Generic CSV: bars or chains by column names, of any size, plain or compressed."""

from collections.abc import Iterator

from contango_market_data.importers import generic
from contango_market_data.importers.base import Batch, Source
from contango_market_data.importers.csvfile import csv_sheets

NAME = "csv"
SUFFIXES = (".csv", ".csv.gz", ".txt", ".csv.zst", ".csv.bz2")
CALENDAR = "XNYS"
TIME_ZONE = "America/New_York"
OPTIONS = {**generic.OPTIONS, "delimiter": "field separator (default: comma)"}


def read(source: Source, /) -> Iterator[Batch]:
    """Batches of about 8 MiB of text."""
    plan = generic.Plan.of(source)
    delimiter = source.options.text("delimiter") or ","
    for file in source.files:
        for sheet in csv_sheets(file, source.problems, delimiter=delimiter):
            yield from generic.batches(sheet, plan, source)
        source.progress(file.stat().st_size, 0, file.name)
