"""The book over time: Greeks, capital at risk, and why positions were left."""

from collections.abc import Callable

from contango_common.domain.money import to_units
from contango_common.events.risk import PortfolioMarked, TradeClosed
from contango_research.report import html, timechart
from contango_research.report.barchart import meter
from contango_research.report.numbers import dollars, percent, words
from contango_research.report.timechart import Line, TimeChart
from contango_research.summary import Analysis

_PANELS: tuple[tuple[str, str, Callable[[PortfolioMarked], float | None]], ...] = (
    ("Delta, shares of SPY equivalent", "s1", lambda m: m.delta_spy_shares),
    ("Gamma, shares of SPY per 1 USD of SPY", "s1", lambda m: m.gamma_spy_shares),
    ("Vega, USD per volatility point", "s1", lambda m: m.vega_usd_per_point),
    ("Theta, USD per calendar day", "s1", lambda m: m.theta_usd_per_day),
    ("Positions open", "s2", lambda m: float(m.open_positions)),
)


def render(a: Analysis) -> str:
    marks = a.tally.marks
    ts_ns = [m.ts_ns for m in marks]
    charts = []
    for title, cls, get in _PANELS:
        line = Line(title.split(",")[0], [get(m.event) for m in marks], cls, "step")
        charts.append(timechart.render(TimeChart(title, ts_ns, (line,), height=132, zero=True)))
    heat = [_heat(m.event) for m in marks]
    title = "Maximum loss of what is open, share of equity"
    at_risk = TimeChart(title, ts_ns, (Line("at risk", heat, "dd", "step area"),), "pct", 132, zero=True)
    unknown = sum(m.event.delta_spy_shares is None for m in marks)
    note = f"At every mark of the book ({len(marks):,}); a gap where a Greek was not known ({unknown:,} marks)."
    return html.section(
        "greeks", "Book over time", html.paragraph(note, "fine"), *charts, timechart.render(at_risk)
    ) + html.section("exits", "Exits", _exits(a))


def _heat(mark: PortfolioMarked) -> float | None:
    return mark.max_loss_micros / mark.equity_micros if mark.equity_micros > 0 else None


def _exits(a: Analysis) -> str:
    trades = [trade.event for trade in a.tally.trades]
    if not trades:
        return html.paragraph("No trade was closed in this run.", "none")
    by_reason: dict[str, list[TradeClosed]] = {}
    for trade in trades:
        by_reason.setdefault(trade.exit_reason, []).append(trade)
    rows = []
    for reason, group in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        pnl = to_units(sum(t.pnl_micros for t in group))
        wins = sum(t.pnl_micros > 0 for t in group) / len(group)
        share = len(group) / len(trades)
        rows.append(
            [
                words(reason),
                meter(share),
                f"{len(group):,}",
                percent(share, 0),
                html.signed(dollars(pnl), pnl),
                html.signed(dollars(pnl / len(group)), pnl),
                percent(wins, 0),
            ]
        )
    header = ["Reason", "", "Trades", "Share", "P&amp;L", "Mean", "Won"]
    note = "The first true rule of the exit table names the reason; every rule that was true is kept with the trade."
    return html.table(header, rows, left=2) + html.paragraph(note, "fine")
