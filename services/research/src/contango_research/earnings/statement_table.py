"""The figures of a statement as a table for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from contango_quant.stats.trade_intervals import Measured
from contango_research.earnings.statement import Figures
from contango_research.report.numbers import dollars, number, percent


def statement_table(found: Sequence[Figures]) -> Table:
    """One row a kind; the tail stands beside the win rate."""
    shown = Table(title="Closed trades (90 % block bootstrap intervals)", title_justify="left", header_style="bold")
    shown.add_column("kind")
    for name in ("trades", "total", "win rate", "profit factor", "Sharpe (annual)", "worst loss / average win"):
        shown.add_column(name, justify="right")
    for row in found:
        shown.add_row(
            row.kind,
            f"{row.trades:,}",
            _cell(row.total, dollars),
            _cell(row.win_rate, lambda x: percent(x, 1)),
            _cell(row.profit_factor, number, "no loss"),
            _cell(row.sharpe, number, "too few days"),
            _tail(row),
        )
    return shown


def _cell(found: Measured, form, why: str = "too few") -> str:  # type: ignore[no-untyped-def]
    if found.value is None:
        return f"none: {why}"
    if found.interval is None:
        return str(form(found.value))
    return f"{form(found.value)}\n{form(found.interval.low)} … {form(found.interval.high)}"


def _tail(row: Figures) -> str:
    if row.worst_loss is None:
        return "no loss yet"
    if row.average_win is None:
        return f"{dollars(row.worst_loss)} / no win"
    return f"{dollars(row.worst_loss)} / {dollars(row.average_win)} = {row.worst_loss / row.average_win:.1f}"
