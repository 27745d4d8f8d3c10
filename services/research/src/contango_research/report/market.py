"""The market as the book saw it: regimes over price, and forecasts against what came."""

import math
from collections import Counter
from html import escape

from contango_research.daily import UNKNOWN, Daily
from contango_research.forecast_check import Horizon, horizons_of
from contango_research.report import html, timechart
from contango_research.report.barchart import stacked
from contango_research.report.colours import REGIMES, regime_class
from contango_research.report.numbers import percent, words
from contango_research.report.timechart import Band, Line, Ribbon, TimeChart
from contango_research.summary import Analysis

WANTED_SESSIONS = 21


def render(a: Analysis) -> str:
    return html.section("regimes", "Regimes", _regimes(a)) + html.section("forecasts", "Forecasts", _forecasts(a))


def _regimes(a: Analysis) -> str:
    daily = a.daily
    if all(label == UNKNOWN for label in daily.regime):
        return html.paragraph("No regime was detected in this run.", "none")
    chart = TimeChart(
        f"{a.tally.underlying} at session closes, regime in force behind it",
        daily.close_ns,
        (Line(str(a.tally.underlying), daily.price, "ink"),),
        bands=bands_of(daily),
        legend=False,
    )
    counts = Counter(daily.regime)
    order = [name for name in (*REGIMES, UNKNOWN) if counts[name]]
    order += sorted(name for name in counts if name not in order)
    shares = [(words(name), counts[name] / len(daily), regime_class(name)) for name in order]
    changes = len([r for r in a.tally.regimes if r.event.symbol == a.tally.underlying])
    note = f"Share of {len(daily):,} sessions, by the label at the close; {changes:,} changes of label."
    return timechart.render(chart) + stacked(shares) + html.paragraph(note, "fine")


def bands_of(daily: Daily) -> list[Band]:
    """Stretches of equal label; each begins at the close before its first session."""
    bands: list[Band] = []
    for row, label in enumerate(daily.regime):
        start = daily.close_ns[max(0, row - 1)]
        cls = regime_class(label)
        if bands and bands[-1].cls == cls:
            bands[-1] = Band(bands[-1].start_ns, daily.close_ns[row], cls)
        else:
            bands.append(Band(start, daily.close_ns[row], cls))
    return bands


def _forecasts(a: Analysis) -> str:
    horizons = horizons_of(a.tally, a.daily, a.sessions_per_year)
    if not horizons:
        return html.paragraph("No forecast was made in this run.", "none")
    shown = min(horizons, key=lambda h: abs(h.sessions - WANTED_SESSIONS))
    model = a.tally.forecasts[0].event.model
    text = (
        f"Model <code>{escape(model)}</code>, {len(a.tally.forecasts):,} forecasts. Well calibrated means that a "
        "quantile of level <i>q</i> is not exceeded in a share <i>q</i> of the cases. Forecasts of neighbouring "
        "sessions share most of their future: the number of cases that do not overlap is what counts. What came is the "
        "sum of squared log returns between the closes of the intraday bars, overnight included, annualised."
    )
    return html.paragraph(text) + _fan(shown) + _coverage(horizons)


def _fan(h: Horizon) -> str:
    """Volatility (square roots of the variances), dated at the forecast."""
    columns = [[math.sqrt(case.quantiles[i]) for case in h.cases] for i in range(len(h.levels))]
    middle = min(range(len(h.levels)), key=lambda i: abs(h.levels[i] - 0.5))
    ribbons = [
        Ribbon(f"{percent(h.levels[i], 0)} to {percent(h.levels[-1 - i], 0)}", columns[i], columns[-1 - i], f"q{i}")
        for i in range(len(h.levels) // 2)
    ]
    came = [None if case.realised is None else math.sqrt(case.realised) for case in h.cases]
    lines = (Line(f"{percent(h.levels[middle], 0)} quantile", columns[middle], "s1"), Line("what came", came, "s3"))
    title = f"Volatility of the next {h.sessions} sessions, annualised: forecast and what came"
    return timechart.render(TimeChart(title, [c.ts_ns for c in h.cases], lines, "pct", zero=True, ribbons=ribbons))


def _coverage(horizons: list[Horizon]) -> str:
    levels = horizons[0].levels
    header = ["Horizon, sessions", "Cases", "Not overlapping", *(f"≤ q {percent(level, 0)}" for level in levels)]
    rows = []
    for h in horizons:
        shares = h.coverage
        cells = [percent(value, 1) for value in shares] if shares else ["–"] * len(levels)
        rows.append([str(h.sessions), f"{len(h.known):,}", f"{h.independent:,.0f}", *cells])
    return html.table(header, rows)
