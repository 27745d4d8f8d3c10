"""Training rows from a catalog or from a recorded run: sessions, daily bars, and the features of each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_common.domain.errors import UserError
from contango_inference.train.rows import Sessions
from contango_market_data.catalog.dates import local_dates
from contango_market_data.catalog.store import Catalog
from contango_research.training.features import Tell, Values, session_rows
from contango_research.training.recorded import recorded
from contango_signals.params import SignalsParams

PRICES = ("open", "high", "low", "close")
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """``sessions`` of ``symbol`` to train on; ``words`` say where they come from."""

    symbol: str
    sessions: Sessions
    words: tuple[str, ...]


def from_catalog(
    path: Path,
    symbol: str,
    since: int | None,
    until: int | None,
    params: SignalsParams,
    tell: Tell | None = None,
) -> Source:
    """Daily bars of a catalog up to ``until``, through the signals fold; rows from ``since`` on (dates yyyymmdd).

    Bars before ``since`` are folded as warm-up and give no row; what is later than ``until`` is not read.
    """
    catalog = Catalog.open(path)
    columns = catalog.bars(symbol, "1d")
    dates = local_dates(columns["ts_ns"] - 1, catalog.info.time_zone)  # a close at midnight is the day before
    columns, dates = _until(columns, dates, until, f"catalog {path}")
    rows = session_rows(symbol, columns, params, tell)
    words = (f"catalog {catalog.info.name}: daily bars of {symbol}", *catalog.info.notes)
    return Source(symbol, _since(sessions_of(columns, dates, rows), since, f"catalog {path}"), words)


def from_log(folder: Path, symbol: str, since: int | None, until: int | None, tell: Tell | None = None) -> Source:
    """Session rows that a run recorded, behind those of the daily history it began with, folded by its parameters."""
    found = recorded(folder, symbol)
    columns, dates = _until(found.columns, found.dates, until, str(folder))
    before = int(np.searchsorted(columns["ts_ns"], found.first_row_ns))
    history = {name: values[:before] for name, values in columns.items()}
    rows = session_rows(symbol, history, found.params, tell) if before else []
    for ts_ns in columns["ts_ns"][before:].tolist():
        if ts_ns not in found.rows:
            day = np.datetime64(ts_ns, "ns").astype("datetime64[D]")
            raise UserError(
                f"{folder}: no session row of {symbol} on {day}; record with signals.feature_row_every_s > 0"
            )
        rows.append(found.rows[ts_ns])
    return Source(
        symbol, _since(sessions_of(columns, dates, rows), since, str(folder)), (f"log {folder.name} of {symbol}",)
    )


def sessions_of(columns: Columns, dates: npt.NDArray[np.int64], rows: list[Values]) -> Sessions:
    """Columns and rows as one table; a value that a row lacks is nan here, and only here."""
    names = sorted({name for row in rows for name, value in row.items() if value is not None})
    values = {name: np.array([_number(row.get(name)) for row in rows]) for name in names}
    bars = np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in PRICES])
    return Sessions(dates, np.asarray(columns["ts_ns"], dtype=np.int64), bars, values)


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _until(
    columns: Columns, dates: npt.NDArray[np.int64], until: int | None, where: str
) -> tuple[Columns, npt.NDArray[np.int64]]:
    if len(dates) == 0 or (until is not None and until < dates[0]):
        there = f"daily bars from {dates[0]}" if len(dates) else "no daily bars"
        raise UserError(f"{where} holds {there}, none until {until}; choose a later --until")
    rows = dates <= (until or 99_999_999)
    return {name: values[rows] for name, values in columns.items()}, dates[rows]


def _since(sessions: Sessions, since: int | None, where: str) -> Sessions:
    if since is None:
        return sessions
    rows = sessions.dates >= since
    if not rows.any():
        raise UserError(f"{where} holds nothing between {since} and {sessions.dates[-1]}; choose an earlier --from")
    values = {name: column[rows] for name, column in sessions.values.items()}
    return Sessions(sessions.dates[rows], sessions.ts_ns[rows], sessions.bars[rows], values)
