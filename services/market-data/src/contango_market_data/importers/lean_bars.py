"""LEAN trade zips as bars."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from contango_common.domain.errors import UserError
from contango_market_data.importers.base import Bars, Calendar, Source
from contango_market_data.importers.lean_text import SCALES, TRADE, ZONES, Floats, Instants, entries
from contango_market_data.importers.placing import NEVER, bar_ends, instants_of

_CALENDARS = {"future": "CMES", "crypto": "24/7"}
TIMEFRAME = {"minute": "1m", "hour": "1h", "daily": "1d"}


def read_bars(path: Path, security: str, resolution: str, ticker: str, key: str, source: Source) -> Iterator[Bars]:
    """Bars of every file in a zip; a future's symbol carries its expiry month (ES201312)."""
    for name, ends, columns in bars_of(path, security, resolution, key, source):
        if len(ends):
            table = pa.table({"ts": instants_of(ends), **{column: pa.array(columns[column]) for column in TRADE}})
            yield Bars(_symbol(name, security, ticker), TIMEFRAME[resolution], table, _CALENDARS.get(security))


def bars_of(
    path: Path, security: str, resolution: str, key: str, source: Source
) -> Iterator[tuple[str, Instants, dict[str, Floats]]]:
    """(file name, closing instants, scaled columns) of every file of a zip; days without a session are reported."""
    day = key if resolution == "minute" else None
    with open_zip(path) as archive:
        for name, starts, columns in entries(archive, path, "trade", day, ZONES[security], source.problems):
            ends = close_instants(starts, security, resolution, source)
            for row in np.flatnonzero(ends == NEVER).tolist():
                why = f"is on a date without a session of {source.calendar.name}"
                source.problems.bad(f"{path}#{name}", "time", str(starts[row].astype("M8[ns]")), why)
            keep = ends != NEVER
            scaled = {column: columns[column] * SCALES[security] for column in TRADE[:-1]}
            scaled["volume"] = columns["volume"]
            yield name, ends[keep], {column: np.round(values[keep], 10) for column, values in scaled.items()}


def close_instants(starts: Instants, security: str, resolution: str, source: Source) -> Instants:
    """Ends of bars that start at ``starts``; around the clock for futures and crypto, else by the sessions."""
    calendar = Calendar("24/7") if security in ("future", "crypto") else source.calendar
    zone = ZONES[security]
    if resolution == "minute":
        return bar_ends(starts, "1m", calendar.sessions, zone) if len(starts) else starts
    return bar_ends(starts, TIMEFRAME[resolution], calendar.sessions, zone)


def open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{path} is no readable zip: {error}") from error


def _symbol(name: str, security: str, ticker: str) -> str:
    month = re.search(r"_(\d{6})(?:_|\.)", name) if security == "future" else None
    return ticker if month is None else f"{ticker}{month.group(1)}"
