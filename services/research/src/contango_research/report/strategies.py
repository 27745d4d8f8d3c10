"""Strategies: who was let look, who traded, what each brought; the factors of the confidence; alerts and failures."""

from collections import Counter
from html import escape

from contango_research.report import html
from contango_research.report.barchart import meter
from contango_research.report.numbers import DASH, dollars, number, percent, words
from contango_research.shares import Factor, Share, exclusions, factors, shares
from contango_research.summary import Analysis


def render(a: Analysis) -> str:
    return (
        html.section("strategies", "Strategies", _strategies(a))
        + html.section("factors", "Factors of the confidence", _factors(a))
        + html.section("alerts", "Alerts and failures", _alerts(a))
    )


def _strategies(a: Analysis) -> str:
    rows = shares(a.tally)
    if not rows:
        return html.paragraph("No strategy looked for an entry in this run.", "none")
    text = (
        "The selector lets a strategy look when the regime is one of its own; every candidate then stands before every "
        "gate. <b>Share</b> is of the sum of all strategies' profits and losses by size, so that gains and losses do "
        "not cancel."
    )
    header = [
        "Strategy",
        "Sessions",
        "Scans",
        "Candidates",
        "Proposed",
        "Approved",
        "Trades",
        "Won",
        "P&amp;L",
        "Fees",
        "Share",
        "",
    ]
    table = html.table(header, [_row(row) for row in rows], "figures")
    return html.paragraph(text) + table + _excluded(a) + _adjustments(a)


def _row(s: Share) -> list[str]:
    return [
        f"<code>{escape(s.strategy)}</code>",
        f"{s.selected:,}",
        f"{s.scans:,}",
        f"{s.candidates:,}",
        f"{s.proposals:,}",
        f"{s.approvals:,}",
        f"{s.trades:,}",
        percent(s.wins / s.trades, 0) if s.trades else DASH,
        dollars(s.pnl_usd) if s.trades else DASH,
        dollars(s.fees_usd) if s.trades else DASH,
        DASH if s.pnl_share is None else percent(s.pnl_share, 0),
        "" if s.pnl_share is None else meter(s.pnl_share),
    ]


def _adjustments(a: Analysis) -> str:
    """Changes wanted of open structures, by strategy and kind; in shadow none is proposed."""
    looks = Counter(s.event.strategy for s in a.tally.adjustments)
    proposed = Counter(s.event.strategy for s in a.tally.adjustments if s.event.proposed)
    if not looks:
        return ""
    rows = [[f"<code>{escape(name)}</code>", f"{n:,}", f"{proposed[name]:,}"] for name, n in looks.most_common()]
    return "<h4>Changes of open structures</h4>" + html.table(["Strategy and change", "Wanted", "Proposed"], rows)


def _excluded(a: Analysis) -> str:
    found = exclusions(a.tally.selections).most_common(12)
    if not found:
        return ""
    sessions = len(a.tally.selections)
    rows = [
        [f"<code>{escape(name)}</code>", escape(words(reason)), f"{count:,}", percent(count / sessions, 0)]
        for (name, reason), count in found
    ]
    head = f"<h4>Left out by the selector, of {sessions:,} sessions</h4>"
    return head + html.table(["Strategy", "Because", "Sessions", "Share"], rows)


def _factors(a: Analysis) -> str:
    rows = factors(a.tally)
    if not rows:
        return html.paragraph("Fuzzy confidence was not at work in this run.", "none")
    text = (
        "Mean contribution of each factor to the confidence (they add up to it), over all scans, and at the entry of "
        "trades that won and that lost. The difference describes these trades; it is no evidence that a factor helps, "
        "for the trades are few and share a market."
    )
    widest = max(f.mean for f in rows) or 1.0
    header = ["Factor", "", "Scans", "Mean", "Won", "Lost", "Difference"]
    return html.paragraph(text) + html.table(header, [_factor(f, widest) for f in rows], "figures")


def _factor(f: Factor, widest: float) -> list[str]:
    cells = [DASH if x is None else number(x) for x in (f.mean, f.won, f.lost, f.gap)]
    return [f"<code>{escape(f.name)}</code>", meter(f.mean / widest), f"{f.scans:,}", *cells]


def _alerts(a: Analysis) -> str:
    t = a.tally
    parts = []
    if t.alerts:
        rows = [
            [
                f"<code>{escape(e.strategy)}</code>",
                f"<code>{escape(e.gate)}</code>",
                percent(e.killed_share, 0),
                f"{e.sessions:,}",
                str(t.date_of(s.ts_ns)),
            ]
            for s in t.alerts[:40]
            for e in (s.event,)
        ]
        text = (
            "Gates that killed more than their limit of a strategy's candidates, scan after scan: a book that cannot "
            "trade says so."
        )
        header = ["Strategy", "Gate", "Killed", "Scans in a row", "Told on"]
        parts += [html.paragraph(text), html.table(header, rows)]
    if t.failures:
        rows = [
            [f"<code>{escape(s.event.feature)}</code>", escape(s.event.reason), str(t.date_of(s.ts_ns))]
            for s in t.failures
        ]
        parts += [html.table(["Feature switched off", "Because it raised", "On"], rows)]
    moved = f"{len(t.thresholds):,} changes of adaptive thresholds, {len(t.profiles):,} volume profiles."
    if not parts:
        parts = [html.paragraph("No gate killed nearly everything, and no feature failed.", "none")]
    return "".join(parts) + html.paragraph(moved, "fine")
