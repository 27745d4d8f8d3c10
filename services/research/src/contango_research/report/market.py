"""The market as the book saw it: regimes over price, and forecasts against what came."""

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

from contango_common.events.signal import RegimeReport
from contango_research.daily import DECIDES, UNKNOWN
from contango_research.forecast_check import Horizon, horizons_of
from contango_research.report import html, timechart
from contango_research.report.barchart import stacked
from contango_research.report.colours import REGIMES, regime_class
from contango_research.report.numbers import percent, words
from contango_research.report.timechart import Band, Line, Ribbon, TimeChart
from contango_research.summary import Analysis

WANTED_SESSIONS = 21
DETECTORS = {
    "s0": "Gaussian mixture of daily features",
    "s1": "intraday rules, 15 minutes stable",
    "s2": "daily rules in five states",
}


def render(a: Analysis) -> str:
    return html.section("regimes", "Regimes", _regimes(a)) + html.section("forecasts", "Forecasts", _forecasts(a))


def _regimes(a: Analysis) -> str:
    """One picture a detector: the same price, another opinion behind it."""
    daily = a.daily
    if not any(set(labels) - {UNKNOWN} for labels in daily.regimes.values()):
        return html.paragraph("No regime was detected in this run.", "none")
    text = (
        "Every detector sees the same closed bars. "
        f"<b>{escape(a.tally.detector or DECIDES)}</b> decided here; the others were recorded beside it. "
        "A detector that knows too little, or is not sure enough, abstains and says why."
    )
    order = sorted(daily.regimes, key=lambda name: (name != (a.tally.detector or DECIDES), name))
    return html.paragraph(text) + "".join(_detector(a, name) for name in order)


def _detector(a: Analysis, name: str) -> str:
    daily, labels = a.daily, a.daily.regimes[name]
    meaning = DETECTORS.get(name, "")
    chart = TimeChart(
        f"{name}: {meaning}. {a.tally.underlying} at session closes, label in force behind it",
        daily.close_ns,
        (Line(str(a.tally.underlying), daily.price, "ink"),),
        height=200,
        bands=bands_of(daily.close_ns, labels),
        legend=False,
    )
    counts = Counter(labels)
    order = [label for label in REGIMES if counts[label]]
    order += sorted(label for label in counts if label not in order)
    shares = [(words(label), counts[label] / len(labels), regime_class(label)) for label in order]
    told = [r.event for r in a.tally.regimes if r.event.symbol == a.tally.underlying and r.event.detector == name]
    changes = sum(getattr(e, "previous", None) != e.label for e in told)
    why = next((e.abstain for e in reversed(told) if isinstance(e, RegimeReport) and e.abstain), None)
    note = f"Share of {len(labels):,} sessions, by the label at the close; {changes:,} changes of label."
    note += f" Last reason to abstain: {escape(why)}." if why else ""
    return timechart.render(chart) + stacked(shares) + html.paragraph(note, "fine")


def bands_of(close_ns: Sequence[int], labels: Sequence[str]) -> list[Band]:
    """Stretches of equal label; each begins at the close before its first session."""
    bands: list[Band] = []
    for row, label in enumerate(labels):
        start = close_ns[max(0, row - 1)]
        cls = regime_class(label)
        if bands and bands[-1].cls == cls:
            bands[-1] = Band(bands[-1].start_ns, close_ns[row], cls)
        else:
            bands.append(Band(start, close_ns[row], cls))
    return bands


def _forecasts(a: Analysis) -> str:
    horizons = horizons_of(a.tally, a.daily, a.sessions_per_year)
    if not horizons:
        return html.paragraph("No forecast was made in this run.", "none")
    shown = min(horizons, key=lambda h: abs(h.sessions - WANTED_SESSIONS))
    made = [f for f in a.tally.forecasts if f.event.role == "baseline"]
    text = (
        f"Model <code>{escape(made[0].event.model)}</code>, {len(made):,} forecasts. Well calibrated means that a "
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
