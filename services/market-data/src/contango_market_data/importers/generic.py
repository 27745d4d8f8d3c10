"""Bars and chains by column names: what ``csv`` and ``parquet`` share once a file is a sheet of columns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contango_common.domain.errors import UserError
from contango_market_data.catalog.dates import local_dates
from contango_market_data.catalog.schema import TIMEFRAMES
from contango_market_data.importers.base import Bars, Batch, Chains, Source, Units
from contango_market_data.importers.placing import NEVER, bar_ends, closes_of, instants_of
from contango_market_data.importers.sheet import Sheet

OPTIONS = {
    "kind": "bars or chains (default: chains when there are strike and expiry columns)",
    "columns": "our names for their columns: quote_ts=QuoteDate,right=Type",
    "tz": "time zone of instants that carry none, for example America/New_York",
    "epoch": "instants are numbers since 1970: s, ms, us or ns",
    "datetime_format": "strptime form of instants that are not ISO",
    "date_format": "strptime form of expiry dates that are not yyyy-mm-dd or yyyymmdd",
    "eod_close": "end-of-day rows dated at midnight get the closing instant of their session",
    "symbol": "symbol of the bars when there is no such column",
    "underlying": "underlying of the chain when there is no such column",
    "root": "option root when there is no such column (default: the underlying)",
    "timeframe": "length of the bars: " + ", ".join(TIMEFRAMES),
    "stamp": "what the bars' instant is: start (default) or close",
    "iv_unit": "decimal (default) or percent",
    "theta_unit": "per_day or per_year; without it theta is left out",
    "vega_unit": "per_point or per_unit; without it vega is left out",
}

_ALIASES = {
    "ts": ("ts", "timestamp", "datetime", "time", "date", "open_time"),
    "quote_ts": ("quote_ts", "quote_datetime", "quotedate", "quote_date", "datadate", "timestamp", "ts", "date"),
    "symbol": ("symbol", "ticker"),
    "underlying": ("underlying", "underlyingsymbol", "underlying_symbol"),
    "root": ("root", "option_root"),
    "spot": ("spot", "underlying_last", "underlyingprice", "underlying_price"),
    "expiry": ("expiry", "expiration", "expiration_date", "expire_date"),
    "strike": ("strike", "strike_price"),
    "right": ("right", "type", "option_type", "put_call", "call_put"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume",),
    "bid": ("bid",),
    "ask": ("ask",),
    "bid_size": ("bid_size",),
    "ask_size": ("ask_size",),
    "last": ("last",),
    "open_interest": ("open_interest", "openinterest"),
    "iv": ("iv", "impliedvol", "implied_volatility", "ivmean"),
    "delta": ("delta",),
    "gamma": ("gamma",),
    "theta": ("theta",),
    "vega": ("vega",),
}
_NUMBERS = ("spot", "bid", "ask", "last", "delta", "gamma")
_COUNTS = ("bid_size", "ask_size", "volume", "open_interest")
_RIGHTS = {"c": "C", "call": "C", "p": "P", "put": "P"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The options of one import, read once."""

    names: dict[str, str]
    units: Units
    tz: str | None
    epoch: str | None
    datetime_format: str | None
    date_format: str | None
    eod_close: bool

    @classmethod
    def of(cls, source: Source) -> "Plan":
        options = source.options
        return cls(
            names=options.pairs("columns"),
            units=units_of(source),
            tz=options.text("tz"),
            epoch=options.choice("epoch", ("s", "ms", "us", "ns"), None),
            datetime_format=options.text("datetime_format"),
            date_format=options.text("date_format"),
            eod_close=options.flag("eod_close"),
        )

    def column(self, sheet: Sheet, ours: str) -> str | None:
        """Their name of our column: as mapped, else the first known one, else None."""
        if ours in self.names:
            theirs = self.names[ours]
            if theirs not in sheet:
                have = ", ".join(sheet.table.schema.names)
                raise UserError(f"{sheet.file}: option columns names {theirs!r} for {ours}, but the file has {have}")
            return theirs
        lowered = {name.strip().lower().replace(" ", "_"): name for name in sheet.table.schema.names}
        return next((lowered[alias] for alias in _ALIASES[ours] if alias in lowered), None)

    def needed(self, sheet: Sheet, ours: str) -> str:
        theirs = self.column(sheet, ours)
        if theirs is None:
            have = ", ".join(sheet.table.schema.names)
            raise UserError(f"{sheet.file}: no column for {ours!r} among {have}; name it with columns={ours}=THEIRS")
        return theirs


def units_of(source: Source) -> Units:
    options = source.options
    return Units(
        iv=options.choice("iv_unit", ("decimal", "percent"), "decimal"),  # type: ignore[arg-type]
        theta=options.choice("theta_unit", ("per_day", "per_year"), None),  # type: ignore[arg-type]
        vega=options.choice("vega_unit", ("per_point", "per_unit"), None),  # type: ignore[arg-type]
    )


def batches(sheet: Sheet, plan: Plan, source: Source) -> Iterator[Batch]:
    """The sheet's rows as chains or bars."""
    looks_like_chains = all(plan.column(sheet, name) for name in ("strike", "expiry"))
    default = "chains" if looks_like_chains else "bars"
    if source.options.choice("kind", ("bars", "chains"), default) == "chains":
        yield from _chains(sheet, plan, source)
    else:
        yield from _bars(sheet, plan, source)


def _chains(sheet: Sheet, plan: Plan, source: Source) -> Iterator[Chains]:
    columns = {"quote_ts": _instants(sheet, plan, source, plan.needed(sheet, "quote_ts"))}
    columns["expiry"] = sheet.dates(plan.needed(sheet, "expiry"), plan.date_format)
    columns["strike"] = sheet.numbers(plan.needed(sheet, "strike"), required=True)
    columns["right"] = rights(sheet, plan.needed(sheet, "right"))
    for ours in (*_NUMBERS, *_COUNTS):
        theirs = plan.column(sheet, ours)
        if theirs is not None:
            columns[ours] = sheet.counts(theirs) if ours in _COUNTS else sheet.numbers(theirs)
    columns |= _greeks(sheet, plan, source)
    columns["underlying"] = _names(sheet, plan, source, "underlying")
    theirs = plan.column(sheet, "root")
    fallback = pa.scalar(source.options.text("root"), pa.string())
    roots = fallback_names(sheet, fallback) if theirs is None else sheet.words(theirs)
    columns["root"] = pc.coalesce(roots, columns["underlying"])
    for underlying, table in _split(sheet.good(columns), "underlying"):
        yield Chains(underlying, table)


def _bars(sheet: Sheet, plan: Plan, source: Source) -> Iterator[Bars]:
    timeframe = source.options.choice("timeframe", tuple(TIMEFRAMES), None)
    if timeframe is None:
        raise UserError(f"{sheet.file} holds bars: pass timeframe, one of {', '.join(TIMEFRAMES)}")
    columns = {
        name: sheet.numbers(plan.needed(sheet, name), required=True) for name in ("open", "high", "low", "close")
    }
    theirs = plan.column(sheet, "volume")
    if theirs is not None:
        columns["volume"] = sheet.numbers(theirs)
    columns["ts"] = _bar_instants(sheet, plan, source, timeframe)
    columns["symbol"] = _names(sheet, plan, source, "symbol")
    for symbol, table in _split(sheet.good(columns), "symbol"):
        yield Bars(symbol, timeframe, table)


def _instants(sheet: Sheet, plan: Plan, source: Source, column: str) -> pa.Array:
    instants = sheet.instants(column, _assumed_zone(sheet, plan, source, column), plan.datetime_format, plan.epoch)
    return _to_closes(sheet, column, instants, plan.tz or source.time_zone, source) if plan.eod_close else instants


def _bar_instants(sheet: Sheet, plan: Plan, source: Source, timeframe: str) -> pa.Array:
    column = plan.needed(sheet, "ts")
    instants = _instants(sheet, plan, source, column)
    if plan.eod_close or source.options.choice("stamp", ("start", "close"), "start") == "close":
        return instants
    filled = pc.fill_null(instants.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    ends = bar_ends(filled, timeframe, source.calendar.sessions, plan.tz or source.time_zone)
    return _placed(sheet, column, ends, source)


def _to_closes(sheet: Sheet, column: str, instants: pa.Array, tz: str, source: Source) -> pa.Array:
    filled = pc.fill_null(instants.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return _placed(sheet, column, closes_of(local_dates(filled, tz), source.calendar.sessions), source)


def _placed(sheet: Sheet, column: str, ts_ns: "np.ndarray[tuple[int], np.dtype[np.int64]]", source: Source) -> pa.Array:
    shut = np.flatnonzero((ts_ns == NEVER) & ~sheet.bad)
    sheet.report(shut, column, f"is on a date without a session of {source.calendar.name}")
    return instants_of(ts_ns)


def _assumed_zone(sheet: Sheet, plan: Plan, source: Source, column: str) -> str | None:
    """Dates without time of day (date32) are dates of the exchange; everything else needs to be told its zone."""
    kind = sheet.table.schema.field(column).type
    return source.time_zone if plan.tz is None and pa.types.is_date(kind) and plan.eod_close else plan.tz


def _greeks(sheet: Sheet, plan: Plan, source: Source) -> dict[str, pa.Array]:
    columns = {}
    for ours, factor in plan.units.factors().items():
        theirs = plan.column(sheet, ours)
        if theirs is None:
            continue
        if factor is None:
            source.problems.flag(
                f"{ours} left out: its unit is not declared",
                sheet.table.num_rows,
                sheet.where(0) if sheet.table.num_rows else str(sheet.file),
                f"pass {ours}_unit={'per_day or per_year' if ours == 'theta' else 'per_point or per_unit'}",
            )
            continue
        columns[ours] = pc.multiply(sheet.numbers(theirs), factor)
    return columns


def rights(sheet: Sheet, column: str) -> pa.Array:
    """C or P from C, P, call, put in any case."""
    text = pc.utf8_lower(sheet.words(column, required=True))
    found = pc.index_in(text, pa.array(list(_RIGHTS)))
    unknown = np.asarray(found.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_) & ~sheet.bad
    sheet.report(np.flatnonzero(unknown), column, "is neither C nor P")
    return pa.array(list(_RIGHTS.values())).take(found)


def _names(sheet: Sheet, plan: Plan, source: Source, ours: str) -> pa.Array:
    given = source.options.text(ours)
    theirs = plan.column(sheet, ours)
    if given is not None:
        return fallback_names(sheet, pa.scalar(given, pa.string()))
    if theirs is None:
        raise UserError(f"{sheet.file}: no column for {ours!r}: pass {ours}=NAME or columns={ours}=THEIRS")
    return sheet.words(theirs, required=True)


def fallback_names(sheet: Sheet, word: pa.Scalar) -> pa.Array:
    return pa.nulls(sheet.table.num_rows, pa.string()) if not word.is_valid else pa.repeat(word, sheet.table.num_rows)


def _split(table: pa.Table, column: str) -> Iterator[tuple[str, pa.Table]]:
    """Rows by name, each name's rows in their order."""
    names = pc.unique(table.column(column)).to_pylist()
    for name in names:
        yield name, table if len(names) == 1 else table.filter(pc.equal(table.column(column), name))
