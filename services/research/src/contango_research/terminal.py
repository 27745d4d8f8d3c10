"""The summary as a table for the terminal."""

from typing import Any

from rich.table import Table
from rich.text import Text

from contango_research.plain import iso


def summary_table(summary: dict[str, Any]) -> Table:
    """Figure, value, 90 % interval; what is absent shows its reason."""
    table = Table(title=_title(summary), title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("90 % interval", justify="right", style="dim")
    for label, key, form in _ROWS:
        if key in summary:
            table.add_row(label, _value(summary, key, form), _interval(summary, key, form))
    hold = summary.get("buy_and_hold")
    if hold:
        table.add_row("buy and hold, return", _PERCENT.format(hold["return"]), "")
        table.add_row("buy and hold, max drawdown", _PERCENT.format(hold["max_drawdown"]), "")
    table.add_row("exits", _counts(summary["exit_reasons"]), "")
    table.add_row("refused by (most often)", _counts(summary["refusals_by_gate"], 5), "")
    conservation = summary["conservation"]
    table.add_row("conservation", Text(conservation, style="green" if conservation == "holds" else "bold red"), "")
    return table


_PERCENT, _NUMBER, _USD, _COUNT, _DATE = "{:.2%}", "{:.2f}", "{:,.0f} USD", "{:,}", "date"
_ROWS = (
    ("return", "return", _PERCENT),
    ("CAGR", "cagr", _PERCENT),
    ("Sharpe", "sharpe", _NUMBER),
    ("Sortino", "sortino", _NUMBER),
    ("max drawdown", "max_drawdown", _PERCENT),
    ("CVaR 95 of a day", "cvar_95", _PERCENT),
    ("worst day", "worst_day", _PERCENT),
    ("trades closed", "trades", _COUNT),
    ("win rate", "win_rate", "{:.1%}"),
    ("profit factor", "profit_factor", _NUMBER),
    ("expectancy of a trade", "expectancy_usd", _USD),
    ("trades needed to know", "trades_needed_to_know", _COUNT),
    ("P&L at mid", "pnl_mid_usd", _USD),
    ("P&L at the fills", "pnl_fill_usd", _USD),
    ("P&L at natural prices", "pnl_natural_usd", _USD),
    ("fees", "fees_usd", _USD),
    ("exposure (share of frames)", "exposure", "{:.1%}"),
    ("refused", "refused", _COUNT),
    ("first tradable day", "first_tradable_day", _DATE),
    ("frames", "frames", _COUNT),
    ("frames/s", "frames_per_s", "{:,.0f}"),
    ("wall time", "wall_s", "{:.1f} s"),
)


def _title(summary: dict[str, Any]) -> str:
    if not summary["sessions"]:
        return f"{summary['name']}: no session"
    return f"{summary['name']}: {iso(summary['first_session'])} to {iso(summary['last_session'])}"


def _value(summary: dict[str, Any], key: str, form: str) -> Text:
    value = summary[key]
    if value is None:
        return Text(f"none: {summary['absent'].get(key, 'not defined')}", style="dim")
    return Text(iso(value) if form == _DATE else form.format(value))


def _interval(summary: dict[str, Any], key: str, form: str) -> str:
    found = summary["intervals"].get(key)
    return f"{form.format(found['low'])} … {form.format(found['high'])}" if found else ""


def _counts(counts: dict[str, int], most: int = 10) -> str:
    return "\n".join(f"{name} {count:,}" for name, count in list(counts.items())[:most]) or "none"
