"""Closed trades of a statement: the figures of the baseline anew, each with a block bootstrap interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contango_common.domain.errors import UserError
from contango_inference.earnings.events import Floats
from contango_quant.stats import performance
from contango_quant.stats.trade_intervals import Measured, measured
from contango_research.earnings.records import Record, records

COLUMNS = ("date", "strategy", "pnl")
ALL = "all"
KINDS = ("naked", "spread", "condor")
_DAYS_PER_YEAR = 252.0


@dataclass(frozen=True, slots=True)
class Closed:
    """One closed trade: date of the closing, kind (or the statement's own word), profit after fees in USD."""

    date: int
    kind: str
    pnl: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a kind's trades. ``sharpe``: daily profits over all weekdays from first to last trade, times √252."""

    kind: str
    trades: int
    total: Measured
    win_rate: Measured
    profit_factor: Measured
    sharpe: Measured
    worst_loss: float | None
    average_win: float | None


def read_trades(path: Path) -> list[Closed]:
    """Closed trades of a CSV with the columns date, strategy, pnl (and fees, taken off), in order of date.

    Raises UserError naming line and column.
    """
    found = [_closed(record) for record in records(path, COLUMNS)]
    if not found:
        raise UserError(f"{path}: there is no trade in it; one line a closed trade, columns {', '.join(COLUMNS)}")
    return sorted(found, key=lambda trade: trade.date)


def kind_of(strategy: str) -> str:
    """naked, spread or condor where the word says so, else the word itself.

    >>> kind_of("Iron Condor"), kind_of("put credit spread"), kind_of("Straddle")
    ('condor', 'spread', 'straddle')
    """
    word = strategy.strip().lower()
    return next((kind for kind in ("condor", "naked", "spread") if kind in word), word)


def figures(trades: Sequence[Closed], *, seed: int = 0) -> list[Figures]:
    """Of all trades, then of each kind, the known kinds first."""
    kinds = sorted({trade.kind for trade in trades}, key=lambda k: (KINDS.index(k) if k in KINDS else len(KINDS), k))
    groups = {ALL: list(trades)} | {kind: [t for t in trades if t.kind == kind] for kind in kinds}
    return [_figures(kind, held, seed) for kind, held in groups.items()]


def daily(trades: Sequence[Closed]) -> Floats:
    """Sum of profits of every weekday from the first to the last closing (n,); a day without a trade earned 0.

    >>> daily([Closed(20240105, "spread", 2.0), Closed(20240109, "spread", 1.0), Closed(20240109, "naked", 3.0)])
    array([2., 0., 4.])
    """
    days = np.array([_day(trade.date) for trade in trades], dtype="datetime64[D]")
    rows = np.busday_count(days.min(), np.busday_offset(days, 0, roll="backward"))
    sums = np.zeros(int(rows.max()) + 1)
    np.add.at(sums, np.maximum(rows, 0), [trade.pnl for trade in trades])
    return sums


def _figures(kind: str, trades: Sequence[Closed], seed: int) -> Figures:
    pnls = np.array([trade.pnl for trade in trades])
    wins = pnls[pnls > 0.0]

    def rng() -> np.random.Generator:
        return np.random.default_rng(seed)

    return Figures(
        kind=kind,
        trades=len(trades),
        total=measured(lambda x: float(x.sum()), pnls, rng=rng()),
        win_rate=measured(performance.win_rate, pnls, rng=rng()),
        profit_factor=measured(performance.profit_factor, pnls, rng=rng()),
        sharpe=measured(lambda x: performance.sharpe(x, periods_per_year=_DAYS_PER_YEAR), daily(trades), rng=rng()),
        worst_loss=float(-pnls.min()) if pnls.min() < 0.0 else None,
        average_win=float(wins.mean()) if wins.size else None,
    )


def _closed(record: Record) -> Closed:
    fees = record.number("fees") or 0.0
    return Closed(record.date("date"), kind_of(record.text("strategy")), record.need("pnl") - fees)


def _day(date: int) -> np.datetime64:
    return np.datetime64(f"{date // 10_000:04d}-{date // 100 % 100:02d}-{date % 100:02d}")
