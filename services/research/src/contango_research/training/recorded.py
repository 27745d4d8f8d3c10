"""What a recorded run says of one symbol: its daily bars, the history before them, and the session rows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_common.domain.errors import LogError, Undecodable, UserError
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, decode
from contango_common.events.market import BarHistory, Bars, SessionTable
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ParametersChanged
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.canon import read_canonical
from contango_market_data.catalog.dates import local_dates
from contango_research.rundir import BLOCKS, LOG
from contango_research.training.features import DAY_S, SESSION, Values
from contango_signals.config import parse
from contango_signals.params import SignalsParams

NAMES = ("ts_ns", "open", "high", "low", "close", "volume")
TIME_ZONE = "America/New_York"
SUBJECTS = frozenset({"log.md", "log.reference", "log.signals"})
Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """``columns`` of all daily bars with their ``dates``; ``rows`` by the instant of a close, from ``first_row_ns``."""

    columns: dict[str, npt.NDArray[Any]]
    dates: npt.NDArray[np.int64]
    rows: dict[int, Values]
    first_row_ns: int
    params: SignalsParams


@dataclass(slots=True)
class _Reading:
    symbol: str
    bars: dict[int, Row] = field(default_factory=dict)
    rows: dict[int, Values] = field(default_factory=dict)
    params: SignalsParams | None = None
    zone: str = TIME_ZONE


def recorded(folder: Path, symbol: str) -> Recorded:
    """Read a run's directory once. Raises UserError where it is none, or tells no session rows of ``symbol``."""
    path, reading = folder / LOG, _Reading(symbol)
    if not path.is_file():
        raise UserError(f"{folder} has no {LOG}: name the directory of a backtest, replay or session with --log")
    blocks = BlockStore(folder / BLOCKS)
    try:
        for message in read_canonical(path):
            if message.subject in SUBJECTS or message.subject.startswith("log.control."):
                _take(reading, decode(message.data), blocks)
    except (OSError, EOFError, ValueError, Undecodable, LogError) as error:
        raise UserError(f"{path}: cannot be read to its end ({error}); record the run again") from None
    finally:
        blocks.close()
    if not reading.rows:
        raise UserError(
            f"{folder}: no session row of {symbol}; the run must hold daily bars of it and have "
            "signals.feature_row_every_s > 0"
        )
    order = sorted(reading.bars)
    table = np.array([reading.bars[ts_ns] for ts_ns in order])
    columns: dict[str, npt.NDArray[Any]] = {name: table[:, i] for i, name in enumerate(NAMES[1:])}
    columns["ts_ns"] = np.array(order, dtype=np.int64)
    dates = local_dates(columns["ts_ns"] - 1, reading.zone)  # a close at midnight belongs to the day before
    return Recorded(columns, dates, reading.rows, min(reading.rows), reading.params or SignalsParams())


def _take(reading: _Reading, envelope: Envelope, blocks: BlockStore) -> None:
    for event in envelope.events:
        if isinstance(event, FeatureRow):
            if event.symbol == reading.symbol and event.cadence == SESSION:
                reading.rows[envelope.ts_ns] = event.values
        elif isinstance(event, ParametersChanged):
            reading.params = parse(event.params) if reading.params is None else reading.params
        else:
            _take_bars(reading, event, envelope.ts_ns, blocks)


def _take_bars(reading: _Reading, event: Event, ts_ns: int, blocks: BlockStore) -> None:
    if isinstance(event, SessionTable):
        reading.zone = TIME_ZONE if event.calendar == "XNYS" else "UTC"
    if isinstance(event, Bars) and event.timeframe_s == DAY_S and reading.symbol in event.symbols:
        i = event.symbols.index(reading.symbol)
        volume = event.volume[i] if event.volume else None
        prices = (event.open[i], event.high[i], event.low[i], event.close[i])
        reading.bars[ts_ns] = (*prices, np.nan if volume is None else volume)
    if isinstance(event, BarHistory) and event.timeframe_s == DAY_S and event.symbol == reading.symbol:
        block = blocks[event.bars]
        volumes = block["volume"] if "volume" in block else np.full(event.rows, np.nan)
        parts = zip(*(block[name].tolist() for name in NAMES[:5]), np.asarray(volumes).tolist(), strict=True)
        for at, *rest in parts:
            reading.bars[int(at)] = tuple(rest)
