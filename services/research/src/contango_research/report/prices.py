"""P&L at mid, at the fills and at the natural price; how trades were distributed."""

from itertools import accumulate

import numpy as np

from contango_common.domain.money import to_units
from contango_common.events.risk import TradeClosed
from contango_research.report import html, timechart
from contango_research.report.barchart import histogram
from contango_research.report.numbers import dollars, number, percent
from contango_research.report.timechart import Line, TimeChart
from contango_research.summary import Analysis


def render(a: Analysis) -> str:
    return html.section("prices", "P&amp;L at mid, at the fills, at natural prices", _three_ways(a)) + html.section(
        "spread", "Distribution of trades", _distribution(a)
    )


def _three_ways(a: Analysis) -> str:
    trades = a.tally.trades
    if not trades:
        return html.paragraph("No trade was closed in this run.", "none")
    ways = (
        ("at mid", "s2", [to_units(t.event.mid_pnl_micros) for t in trades]),
        ("at the fills", "s1", [to_units(t.event.pnl_micros) for t in trades]),
        ("at natural prices", "s3", [to_units(t.event.natural_pnl_micros) for t in trades]),
    )
    rows = []
    for name, _, values in ways:
        total = sum(values)
        won = sum(value > 0 for value in values) / len(values)
        mean = total / len(values)
        rows.append([name, html.signed(dollars(total), total), html.signed(dollars(mean), mean), percent(won, 0)])
    lines = tuple(Line(name, list(accumulate(values)), cls, "step") for name, cls, values in ways)
    chart = TimeChart("P&L of closed trades, summed, USD", [t.ts_ns for t in trades], lines, unit="usd", zero=True)
    note = (
        "The same trades at the same instants and sizes, after the same fees. Natural: every leg bought at the ask and "
        "sold at the bid. An edge that is there at mid only is no edge."
    )
    return (
        html.table(["Price of every fill", "P&amp;L", "Mean per trade", "Won"], rows)
        + html.paragraph(_crossing(a))
        + timechart.render(chart)
        + html.paragraph(note, "fine")
    )


def _crossing(a: Analysis) -> str:
    """What the fills cost against mid, and as a share of the way from mid to natural."""
    fills = [f.event for f in a.tally.fills]
    paid = to_units(sum(f.mid_cash_micros - f.cash_micros for f in fills))
    way = to_units(sum(f.mid_cash_micros - f.natural_cash_micros for f in fills))
    share = f", {percent(paid / way, 0)} of the way from mid to natural" if way > 0 else ""
    return (
        f"{len(fills):,} fills paid {dollars(paid)} against mid{share}; fees {dollars(to_units(a.tally.fees_micros))}."
    )


def _distribution(a: Analysis) -> str:
    trades = [t.event for t in a.tally.trades]
    if not trades:
        return html.paragraph("No trade was closed in this run.", "none")
    values, axis, step = _scaled(trades)
    mean, worst = float(np.mean(values)), min(values)
    chart = histogram(
        values, title="Trades by P&L", axis=axis, step=step, rules=((0.0, ""), (mean, f"mean {number(mean)}"))
    )
    ordered = sorted(t.pnl_micros for t in trades)
    losses = [to_units(v) for v in ordered if v < 0]
    gains = [to_units(v) for v in ordered if v > 0]
    rows = [
        ["Mean gain / mean loss", f"{dollars(_mean(gains))} / {dollars(_mean(losses))}"],
        ["Largest gain / largest loss", f"{dollars(to_units(ordered[-1]))} / {dollars(to_units(ordered[0]))}"],
        ["Worst trade in units of the axis above", number(worst)],
        ["CVaR 95 of a trade", dollars(a.trades.values["cvar_95_trade_usd"])],
        ["Gains that the largest loss undoes", number(-to_units(ordered[0]) / m, 1) if (m := _mean(gains)) else "–"],
    ]
    note = "Sold premium wins often and loses rarely but more: the win rate alone says nothing."
    return chart + html.table(["", ""], rows) + html.paragraph(note, "fine")


def _scaled(trades: list[TradeClosed]) -> tuple[list[float], str, float]:
    """P&L in units of the credit where all trades took one, else of the maximum loss, else in USD."""
    if all(t.entry_net_micros > 0 for t in trades):
        return [t.pnl_micros / t.entry_net_micros for t in trades], "P&L / credit received (1 = all of it kept)", 0.25
    if all(t.max_loss_micros > 0 for t in trades):
        return [t.pnl_micros / t.max_loss_micros for t in trades], "P&L / maximum loss", 0.1
    values = [to_units(t.pnl_micros) for t in trades]
    wide = max(values) - min(values)
    return values, "P&L, USD", max(1.0, float(f"{wide / 30:.1g}")) if wide else 1.0


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
