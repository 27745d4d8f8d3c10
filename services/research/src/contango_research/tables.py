"""The run's tables as files: ``trades.csv``, ``equity.csv``, ``decisions.jsonl``."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from contango_common.events.risk import PortfolioMarked, TradeClosed
from contango_research.decisions import as_json
from contango_research.plain import iso, json_line, usd, utc
from contango_research.tally import Stamped, Tally

CONTEXT = ("entry_parameters", "module_specific_params", "market_context", "alternatives")
TRADE_COLUMNS = (
    "position_id",
    "strategy",
    "underlying",
    "opened",
    "closed",
    "session_opened",
    "session_closed",
    "quantity",
    "legs",
    "entry_net_usd",
    "exit_net_usd",
    "fees_usd",
    "pnl_usd",
    "pnl_mid_usd",
    "pnl_natural_usd",
    "max_loss_usd",
    "exit_reason",
    "exit_all_true",
    "regime_at_entry",
    "regime_at_exit",
    "adjusts",
    *CONTEXT,
)
MONEY = ("cash", "mid", "achievable", "natural", "equity", "high_water", "max_loss")
GREEKS = ("delta_spy_shares", "gamma_spy_shares", "vega_usd_per_point", "theta_usd_per_day")
EQUITY_COLUMNS = (
    "ts_ns",
    "time",
    "session",
    *(f"{name}_usd" for name in MONEY),
    "drawdown_fraction",
    "open_positions",
    *GREEKS,
    "stale_marks",
)


def write_trades(path: Path, tally: Tally) -> None:
    """One row per closed trade; every number known at entry and exit in columns ``entry.<name>``, ``exit.<name>``.

    The trade's context is JSON, one column each.
    """
    entry = sorted({key for trade in tally.trades for key in trade.event.entry_why})
    leave = sorted({key for trade in tally.trades for key in trade.event.exit_why})
    header = [*TRADE_COLUMNS, *(f"entry.{key}" for key in entry), *(f"exit.{key}" for key in leave)]
    _write(path, header, (_trade_row(tally, trade, entry, leave) for trade in tally.trades))


def _trade_row(tally: Tally, trade: Stamped[TradeClosed], entry: list[str], leave: list[str]) -> list[Any]:
    e = trade.event
    return [
        e.position_id,
        e.strategy,
        e.underlying,
        utc(e.opened_ns),
        utc(trade.ts_ns),
        iso(tally.date_of(e.opened_ns)),
        iso(tally.date_of(trade.ts_ns)),
        e.quantity,
        legs_text(e),
        usd(e.entry_net_micros),
        usd(e.exit_net_micros),
        usd(e.fees_micros),
        usd(e.pnl_micros),
        usd(e.mid_pnl_micros),
        usd(e.natural_pnl_micros),
        usd(e.max_loss_micros),
        e.exit_reason,
        " ".join(e.exit_all_true),
        e.regime_at_entry,
        e.regime_at_exit,
        e.adjusts,
        *(json_line(getattr(e, name)).decode().rstrip("\n") for name in CONTEXT),
        *(e.entry_why.get(key) for key in entry),
        *(e.exit_why.get(key) for key in leave),
    ]


def legs_text(trade: TradeClosed) -> str:
    """Signed ratios and contracts: ``+1 SPXW… -1 SPXW…``."""
    return " ".join(f"{ratio:+d} {name}" for ratio, name in zip(trade.ratios, trade.instruments, strict=True))


def write_equity(path: Path, tally: Tally) -> None:
    """One row per mark of the book."""
    _write(path, EQUITY_COLUMNS, (_mark_row(tally, mark) for mark in tally.marks))


def _mark_row(tally: Tally, mark: Stamped[PortfolioMarked]) -> list[Any]:
    e = mark.event
    return [
        mark.ts_ns,
        utc(mark.ts_ns),
        iso(tally.date_of(mark.ts_ns)),
        *(usd(getattr(e, f"{name}_micros")) for name in MONEY),
        e.drawdown_fraction,
        e.open_positions,
        *(getattr(e, name) for name in GREEKS),
        e.stale_marks,
    ]


def write_decisions(path: Path, tally: Tally) -> None:
    """One JSON object per instant on which something was proposed, refused or done."""
    with path.open("wb") as handle:
        handle.writelines(_decision_lines(tally))


def _decision_lines(tally: Tally) -> Iterator[bytes]:
    for decision in tally.decisions:
        yield json_line(as_json(decision, utc, tally.date_of(decision.ts_ns)))


def _write(path: Path, header: Iterable[str], rows: Iterable[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
