"""LEAN trade zips as bars."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from contango_common.domain.errors import UserError
from contango_market_data.importers.base import Bars, Calendar, Source
from contango_market_data.importers.lean_text import SCALES, TRADE, ZONES, Floats, Instants, entry
from contango_market_data.importers.placing import NEVER, bar_ends, instants_of

TIMEFRAME = {"minute": "1m", "hour": "1h", "daily": "1d"}


def read_bars(path: Path, security: str, resolution: str, ticker: str, key: str, source: Source) -> Iterator[Bars]:
    """Bars of every file in a zip; a future's symbol carries its expiry month (ES201312)."""
    with open_zip(path) as archive:
        for name in sorted(archive.namelist()):
            ends, columns = bars_of(archive, path, name, security, resolution, key, source)
            if len(ends) == 0:
                continue
            table = pa.table({"ts": instants_of(ends), **{column: pa.array(columns[column]) for column in TRADE}})
            yield Bars(_symbol(name, security, ticker), TIMEFRAME[resolution], table)


def bars_of(
    archive: zipfile.ZipFile, path: Path, name: str, security: str, resolution: str, key: str, source: Source
) -> tuple[Instants, dict[str, Floats]]:
    """(closing instants, scaled columns) of one file; days without a session are reported."""
    day = key if resolution == "minute" else None
    starts, columns = entry(archive, path, name, "trade", day, ZONES[security], source.problems)
    ends = close_instants(starts, security, resolution, source)
    shut = np.flatnonzero(ends == NEVER)
    for row in shut.tolist():
        where = f"{path}#{name}, row {row + 1}"
        source.problems.bad(
            where,
            "time",
            str(starts[row].astype("M8[ns]")),
            f"is on a date without a session of {source.calendar.name}",
        )
    prices = {column: columns[column] * SCALES[security] for column in TRADE[:-1]}
    keep = ends != NEVER
    return ends[keep], {
        name: np.round(values[keep], 10) for name, values in {**prices, "volume": columns["volume"]}.items()
    }


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
