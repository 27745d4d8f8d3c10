"""Generic Parquet: bars or chains by column names, one row group's batch at a time."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contango_common.domain.errors import UserError
from contango_market_data.importers import generic
from contango_market_data.importers.base import Batch, Source
from contango_market_data.importers.sheet import Sheet

NAME = "parquet"
SUFFIXES = (".parquet",)
CALENDAR = "XNYS"
TIME_ZONE = "America/New_York"
OPTIONS = generic.OPTIONS
_BATCH_ROWS = 262_144


def read(source: Source, /) -> Iterator[Batch]:
    """Batches of at most 262,144 rows; line numbers in messages are row numbers, the first being 1."""
    plan = generic.Plan.of(source)
    for file in source.files:
        try:
            handle = pq.ParquetFile(file)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{file} is no readable Parquet file: {str(error).splitlines()[0]}") from error
        row = 1
        with handle:
            for batch in handle.iter_batches(_BATCH_ROWS):
                lines = np.arange(row, row + batch.num_rows, dtype=np.int64)
                sheet = Sheet(file, pa.Table.from_batches([batch]), lines, source.problems, unit="row")
                yield from generic.batches(sheet, plan, source)
                row += batch.num_rows
        source.progress(file.stat().st_size, 0, file.name)
