"""Cboe delayed quotes: the ``*_quotedata.csv`` that the site's option-chain page lets one download.

Line 2 names the underlying and its last price, line 3 the wall time of the download (US Eastern), line 4 the columns;
each row then holds a call and the put of the same strike. During the session quotes are 15 minutes old; the snapshot
is stamped with the download, the moment it could be known. IV is decimal; theta and vega are not in the file. A bid
of 0 means "no bid".
"""

import csv
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contango_common.domain.errors import UserError
from contango_market_data.catalog.dates import zone
from contango_market_data.importers.base import Batch, Chains, Source
from contango_market_data.importers.sheet import Sheet

NAME = "cboe"
SUFFIXES = (".csv", ".csv.gz")
CALENDAR = "XNYS"
TIME_ZONE = "America/New_York"
OPTIONS = {
    "quote_ts": "download time yyyy-mm-ddThh:mm (US Eastern) of one file whose header cannot be read",
    "underlying": "underlying, when it is not the one the contracts' names say",
}

_SIDE = ("contract", "last", "net", "bid", "ask", "volume", "iv", "delta", "gamma", "open_interest")
_HEADER = [
    "Expiration Date",
    *("Calls", "Last Sale", "Net", "Bid", "Ask", "Volume", "IV", "Delta", "Gamma", "Open Interest"),
    "Strike",
    *("Puts", "Last Sale", "Net", "Bid", "Ask", "Volume", "IV", "Delta", "Gamma", "Open Interest"),
]
_NAMES = ["expiry", *(f"c_{name}" for name in _SIDE), "strike", *(f"p_{name}" for name in _SIDE)]
_CONTRACT = re.compile(r"^([A-Z0-9.^]{1,6}?)(\d{6})([CP])(\d{8})$")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january enero",
            "feb february febrero",
            "mar march marzo",
            "apr april abril",
            "may mayo",
            "jun june junio",
            "jul july julio",
            "aug august agosto",
            "sep sept september septiembre",
            "oct october octubre",
            "nov november noviembre",
            "dec december diciembre",
        ),
        start=1,
    )
    for name in names.split()
}
_FOLDED = {"SPXW": "SPX", "NDXP": "NDX", "RUTW": "RUT", "VIXW": "VIX", "XSPW": "XSP"}
"""Roots that are another series of an underlying."""


@dataclass(frozen=True, slots=True)
class Head:
    spot: float
    quote_ns: int


def read(source: Source, /) -> Iterator[Batch]:
    """One batch per file and underlying."""
    stated = source.options.text("quote_ts")
    if stated is not None and len(source.files) != 1:
        raise UserError("option quote_ts is for one file: import the others without it")
    for file in source.files:
        yield from _file(file, stated, source)
        source.progress(file.stat().st_size, 0, file.name)


def _file(file: Path, stated: str | None, source: Source) -> Iterator[Chains]:
    lines = _text(file).splitlines()
    header = next((row for row, line in enumerate(lines[:10]) if line.lstrip('"').startswith("Expiration Date")), None)
    if header is None or header < 2:
        raise UserError(f"{file} is no Cboe quote-data file: no line with 'Expiration Date' after two header lines")
    names = [name.strip() for name in next(csv.reader([lines[header]]))]
    if names != _HEADER:
        raise UserError(f"{file}, line {header + 1}: columns are {', '.join(names)}; expected {', '.join(_HEADER)}")
    head = _head(file, lines[header - 2], lines[header - 1], header, stated, source)
    if head is None:
        return
    sheet = _sheet(file, lines, header, source)
    yield from _chains(sheet, head, source)


def _text(file: Path) -> str:
    data = file.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return data.decode("utf-8-sig", errors="replace")


def _head(file: Path, name: str, download: str, line: int, stated: str | None, source: Source) -> Head | None:
    """Spot and instant of the snapshot; None when a malformed header is to be flagged."""
    found = re.search(r"Last:\s*([\d.,]*\d)", name)
    if found is None:
        source.problems.bad(f"{file}, line {line - 1}", "Last", name.strip(), "names no last price of the underlying")
        return None
    spot = float(found.group(1).replace(",", ""))
    text = stated or download.partition("Bid:")[0].replace("Date:", "").strip(' ",')
    moment = datetime.fromisoformat(stated) if stated else parse_download_time(text)
    if moment is None:
        why = "is no date with month, day, year and time: pass quote_ts=yyyy-mm-ddThh:mm for this file"
        source.problems.bad(f"{file}, line {line}", "Date", text, why)
        return None
    eastern = moment.replace(tzinfo=zone(TIME_ZONE))
    _check_zone(file, text, eastern, source)
    return Head(spot, int(eastern.timestamp()) * 1_000_000_000)


def parse_download_time(text: str) -> datetime | None:
    """Wall time of a header in any of the forms the site has used; None when a part is missing.

    >>> parse_download_time("April 30, 2025 at 8:35 PM EDT")
    datetime.datetime(2025, 4, 30, 20, 35)
    >>> parse_download_time("11 April, 2023 à 22:23 UTC−4")
    datetime.datetime(2023, 4, 11, 22, 23)
    """
    clock = re.search(r"(\d{1,2}):(\d\d)(?::\d\d)?\s*([ap])?\.?\s?(?:m\b)?", text, re.IGNORECASE)
    year = re.search(r"\b(19|20)\d\d\b", text)
    words = re.findall(r"[^\W\d_]+", text.lower())
    month = next((_MONTHS[word] for word in words if word in _MONTHS), None)
    if clock is None or year is None or month is None:
        return None
    rest = text[: clock.start()].replace(year.group(0), " ", 1)
    day = re.search(r"\b(\d{1,2})\b", rest)
    hour, half = int(clock.group(1)), (clock.group(3) or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return datetime(int(year.group(0)), month, int(day.group(1)) if day else 0, hour, int(clock.group(2)))
    except ValueError:
        return None


def _check_zone(file: Path, text: str, eastern: datetime, source: Source) -> None:
    """Flag a header whose stated offset is not New York's on that date."""
    stated = re.search(r"\b(EDT|EST)\b|UTC\s*[−-]\s*(\d)", text)
    if stated is None:
        return
    hours = {"EDT": -4, "EST": -5}.get(stated.group(1) or "", -int(stated.group(2) or 0))
    offset = eastern.utcoffset()
    if offset is not None and offset.total_seconds() != hours * 3600:
        source.problems.flag("header's zone is not New York's on that date", 1, str(file), text)


def _sheet(file: Path, lines: list[str], header: int, source: Source) -> Sheet:
    rows, numbers = [], []
    for number, row in enumerate(csv.reader(io.StringIO("\n".join(lines[header + 1 :]))), start=header + 2):
        if not any(row):
            continue
        if len(row) != len(_NAMES):
            where = f"{file}, line {number}"
            source.problems.bad(
                where, "(whole row)", ",".join(row)[:60], f"has {len(row)} fields instead of {len(_NAMES)}"
            )
            continue
        rows.append(row)
        numbers.append(number)
    columns = list(zip(*rows, strict=True)) or [()] * len(_NAMES)
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=_NAMES)
    return Sheet(file, table, np.array(numbers, dtype=np.int64), source.problems)


def _chains(sheet: Sheet, head: Head, source: Source) -> Iterator[Chains]:
    rows = sheet.table.num_rows
    expiry = sheet.dates("expiry", "%a %b %d %Y")
    strike = sheet.numbers("strike", required=True)
    sides = [_side(sheet, side, expiry) for side in ("C", "P")]
    for side in sides:
        side |= {
            "quote_ts": pa.repeat(pa.scalar(head.quote_ns, pa.int64()), rows).cast(pa.timestamp("ns", tz="UTC")),
            "spot": pa.repeat(pa.scalar(head.spot), rows),
            "expiry": expiry,
            "strike": strike,
        }
    table = pa.concat_tables([sheet.good(side) for side in sides])
    if table.num_rows == 0:
        return
    underlying = source.options.text("underlying") or _underlying(table)
    yield Chains(underlying, table)


def _side(sheet: Sheet, right: str, expiry: pa.Array) -> dict[str, pa.Array]:
    prefix = right.lower()
    columns = {name: sheet.numbers(f"{prefix}_{name}") for name in ("last", "bid", "ask", "iv", "delta", "gamma")}
    columns |= {name: sheet.counts(f"{prefix}_{name}") for name in ("volume", "open_interest")}
    contracts = sheet.words(f"{prefix}_contract", required=True).to_pylist()
    parsed = [_CONTRACT.match(word or "") for word in contracts]
    unknown = np.array([match is None for match in parsed]) & ~sheet.bad
    sheet.report(np.flatnonzero(unknown), f"{prefix}_contract", "is no option symbol like SPXW220110C01200000")
    dates = pc.strftime(expiry, "%y%m%d").to_pylist()
    differs = [m is not None and (m.group(3) != right or m.group(2) != d) for m, d in zip(parsed, dates, strict=True)]
    sheet.report(
        np.flatnonzero(np.array(differs) & ~sheet.bad), f"{prefix}_contract", "is not of this row's expiry and side"
    )
    columns["root"] = pa.array([None if match is None else match.group(1) for match in parsed], pa.string())
    columns["right"] = pa.repeat(pa.scalar(right), sheet.table.num_rows)
    return columns


def _underlying(table: pa.Table) -> str:
    """The underlying of the most frequent root: SPXW is SPX, an adjusted AMD1 beside AMD is AMD."""
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(table.column("root")).to_pylist()}
    root = str(max(counts, key=lambda name: (counts[name], name)))
    return _FOLDED.get(root, root)
