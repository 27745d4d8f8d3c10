"""OptionsDX chains: CSV text files with bracketed headers, call and put of one strike in one row.

``QUOTE_UNIXTIME`` (seconds, UTC) is the instant, checked against the readable New York time beside it. IV is decimal,
theta per day, vega per volatility point; SIZE is "bid x ask". The file names no underlying: it is the first word of
the file's name (``spx_eod_202301.txt``) or the option ``underlying``. Roots are not told apart.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contango_common.domain.errors import UserError
from contango_market_data.importers.base import Batch, Chains, Source, Units
from contango_market_data.importers.csvfile import csv_sheets
from contango_market_data.importers.sheet import Sheet

NAME = "optionsdx"
SUFFIXES = (".txt", ".csv", ".txt.gz", ".csv.gz")
CALENDAR = "XNYS"
TIME_ZONE = "America/New_York"
OPTIONS = {
    "underlying": "underlying (default: first word of the file's name)",
    "root": "option root (default: the underlying; the files do not tell SPX from SPXW)",
}
UNITS = Units(iv="decimal", theta="per_day", vega="per_point")
_NEEDED = (
    "QUOTE_UNIXTIME",
    "QUOTE_READTIME",
    "UNDERLYING_LAST",
    "EXPIRE_DATE",
    "STRIKE",
    "C_BID",
    "C_ASK",
    "P_BID",
    "P_ASK",
)
_SIDE = ("BID", "ASK", "LAST", "DELTA", "GAMMA", "IV", "THETA", "VEGA")


def read(source: Source, /) -> Iterator[Batch]:
    """Batches of about 8 MiB of text."""
    for file in source.files:
        underlying = source.options.text("underlying") or _name(file)
        root = source.options.text("root") or underlying
        rows = 0
        for sheet in csv_sheets(file, source.problems):
            missing = [name for name in _NEEDED if name not in sheet]
            if missing:
                raise UserError(f"{file} is no OptionsDX file: columns {', '.join(missing)} are missing")
            table = _chains(sheet, root)
            rows += table.num_rows
            yield Chains(underlying, table)
        if root == underlying == "SPX":
            source.problems.flag(
                "AM-settled SPX and PM-settled SPXW are not told apart", rows, str(file), "pass root=SPXW"
            )
        source.progress(file.stat().st_size, 0, file.name)


def _name(file: Path) -> str:
    word = re.match(r"[A-Za-z]+", file.name)
    if word is None:
        raise UserError(f"{file}: the name does not begin with the underlying: pass underlying=SPY")
    return word.group(0).upper()


def _chains(sheet: Sheet, root: str) -> pa.Table:
    instants = sheet.instants("QUOTE_UNIXTIME", None, None, "s")
    _check_readable(sheet, instants)
    shared = {
        "quote_ts": instants,
        "spot": sheet.numbers("UNDERLYING_LAST"),
        "expiry": sheet.dates("EXPIRE_DATE", None),
        "strike": sheet.numbers("STRIKE", required=True),
        "root": pa.repeat(pa.scalar(root), sheet.table.num_rows),
    }
    sides = [{**shared, **_side(sheet, right)} for right in ("C", "P")]
    return pa.concat_tables([sheet.good(side) for side in sides])


def _check_readable(sheet: Sheet, instants: pa.Array) -> None:
    """The two times of a row must agree: a hand-edited file or another zone shows here."""
    readable = sheet.instants("QUOTE_READTIME", TIME_ZONE, "%Y-%m-%d %H:%M", None)
    differ = pc.fill_null(pc.not_equal(readable, instants.cast(pa.timestamp("ns", tz="UTC"))), False)
    rows = np.flatnonzero(np.asarray(differ.to_numpy(zero_copy_only=False), dtype=np.bool_) & ~sheet.bad)
    sheet.report(rows, "QUOTE_READTIME", "is not QUOTE_UNIXTIME in New York")


def _side(sheet: Sheet, right: str) -> dict[str, pa.Array]:
    columns = {name.lower(): sheet.numbers(f"{right}_{name}") for name in _SIDE if f"{right}_{name}" in sheet}
    if f"{right}_VOLUME" in sheet:
        columns["volume"] = sheet.counts(f"{right}_VOLUME")
    if f"{right}_SIZE" in sheet:
        columns |= _sizes(sheet, f"{right}_SIZE")
    for name, factor in UNITS.factors().items():
        if name in columns and factor is not None and factor != 1.0:
            columns[name] = pc.multiply(columns[name], factor)
    columns["right"] = pa.repeat(pa.scalar(right), sheet.table.num_rows)
    return columns


def _sizes(sheet: Sheet, column: str) -> dict[str, pa.Array]:
    """Bid and ask size of "12 x 340"."""
    text = sheet.words(column)
    parts = pc.extract_regex(text, r"^(?P<bid>\d+)\s*x\s*(?P<ask>\d+)$")
    wrong = np.asarray(
        pc.and_(parts.is_null(), pc.invert(text.is_null())).to_numpy(zero_copy_only=False), dtype=np.bool_
    )
    sheet.report(np.flatnonzero(wrong), column, 'is not a size like "12 x 340"')
    return {f"{side}_size": pc.struct_field(parts, side).cast(pa.int64()) for side in ("bid", "ask")}
