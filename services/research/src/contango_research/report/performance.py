"""Equity, drawdown, buy and hold, and returns by month."""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np

from contango_common.domain.money import to_units
from contango_research.figures import Floats
from contango_research.report import html, timechart
from contango_research.report.numbers import DASH, percent
from contango_research.report.timechart import Line, TimeChart
from contango_research.summary import Analysis

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def render(a: Analysis) -> str:
    return html.section("equity", "Equity and drawdown", _equity(a), _drawdown(a), _compared(a)) + html.section(
        "months", "Returns by month", _months(a)
    )


def _equity(a: Analysis) -> str:
    marks = a.tally.marks
    mid = [to_units(m.event.equity_micros) for m in marks]
    out = [to_units(m.event.cash_micros + m.event.achievable_micros) for m in marks]
    chart = TimeChart(
        "Equity of the book, USD",
        [m.ts_ns for m in marks],
        (Line("if closed now at achievable prices", out, "s3"), Line("marked at mid", mid, "s1")),
        unit="usd",
        marks=first_day_rule(a),
    )
    return timechart.render(chart)


def first_day_rule(a: Analysis) -> tuple[tuple[int, str], ...]:
    late = a.ready.ns is not None and len(a.daily) and a.ready.date != a.daily.date[0]
    return ((a.ready.ns, "first tradable day"),) if late and a.ready.ns is not None else ()


def _drawdown(a: Analysis) -> str:
    return timechart.render(
        TimeChart(
            "Drawdown from the highest mark",
            [m.ts_ns for m in a.tally.marks],
            (Line("drawdown", [-m.event.drawdown_fraction for m in a.tally.marks], "dd", "area"),),
            unit="pct",
            height=150,
            zero=True,
            legend=False,
        )
    )


def _compared(a: Analysis) -> str:
    """Both on one scale; without prices of the underlying there is nothing to compare with."""
    daily = a.daily
    if a.hold is None or daily.before_usd is None:
        return html.paragraph("The log does not price the underlying on every session: no buy and hold.", "none")
    book = [value / daily.before_usd - 1.0 for value in daily.equity_usd]
    hold = (a.hold.equity_usd / daily.before_usd - 1.0).tolist()
    lines = (Line(f"buy and hold {a.tally.underlying}", hold, "s2"), Line("book", book, "s1"))
    falls = (
        Line(f"buy and hold {a.tally.underlying}", _fall(daily.before_usd, a.hold.equity_usd), "s2"),
        Line("book", _fall(daily.before_usd, daily.equity_usd), "s1"),
    )
    total = TimeChart("Return since the start, book and buy and hold", daily.close_ns, lines, unit="pct", zero=True)
    below = TimeChart("Drawdown of both, session closes", daily.close_ns, falls, unit="pct", height=150, zero=True)
    return timechart.render(total) + timechart.render(below)


def _fall(before: float, equity: Floats | Sequence[float]) -> list[float]:
    curve = np.array([before, *equity])
    fall: list[float] = (curve / np.maximum.accumulate(curve) - 1.0)[1:].tolist()
    return fall


def _months(a: Analysis) -> str:
    """One row a year; the last columns are the year's total and that of buy and hold."""
    if not len(a.returns):
        return html.paragraph("No session in this run.", "none")
    by_month = _compounded(a, lambda date: date // 100, a.returns)
    by_year = _compounded(a, lambda date: date // 10_000, a.returns)
    hold = {} if a.hold is None else _compounded(a, lambda date: date // 10_000, a.hold.returns)
    largest = max((abs(value) for value in by_month.values()), default=0.0) or 1.0
    head = "".join(f'<th scope="col" class="n">{name}</th>' for name in (*MONTHS, "Year", "Hold"))
    rows = []
    for year, total in by_year.items():
        cells = "".join(_cell(by_month.get(year * 100 + month), largest) for month in range(1, 13))
        rows.append(
            f'<tr><th scope="row">{year}</th>{cells}<td class="n total">{percent(total)[:-2]}</td>'
            f'<td class="n">{percent(hold.get(year))[:-2] if year in hold else DASH}</td></tr>'
        )
    note = html.paragraph("Per cent, compounded from session closes at mid; blank where there was no session.", "fine")
    return (
        f'<div class="scroll"><table class="heat"><thead><tr><th scope="col">%</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _compounded(a: Analysis, key: Callable[[int], int], returns: Floats) -> dict[int, float]:
    pairs = zip(a.daily.date, returns.tolist(), strict=True)
    grouped = groupby(pairs, lambda pair: key(pair[0]))
    return {period: float(np.prod([1.0 + r for _, r in group])) - 1.0 for period, group in grouped}


def _cell(value: float | None, largest: float) -> str:
    if value is None:
        return "<td></td>"
    cls = "p" if value > 0 else "m" if value < 0 else "z"
    return f'<td class="n {cls}" style="--h:{min(1.0, abs(value) / largest):.2f}">{percent(value)[:-2]}</td>'
