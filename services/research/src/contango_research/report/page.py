"""The report as one self-contained HTML page: nothing is fetched from anywhere."""

from html import escape
from importlib.resources import files
from typing import Any

from contango_research.plain import iso
from contango_research.report import (
    gates,
    market,
    method,
    models,
    overview,
    performance,
    portfolio,
    prices,
    strategies,
    trades,
)
from contango_research.summary import Analysis

CONTENTS = (
    ("headline", "Headline"),
    ("equity", "Equity and drawdown"),
    ("months", "Returns by month"),
    ("prices", "P&amp;L at three prices"),
    ("spread", "Distribution of trades"),
    ("greeks", "Book over time"),
    ("exits", "Exits"),
    ("gates", "Gate ledger"),
    ("strategies", "Strategies"),
    ("factors", "Factors"),
    ("alerts", "Alerts and failures"),
    ("regimes", "Regimes"),
    ("forecasts", "Forecasts"),
    ("models", "Models"),
    ("trades", "Trades"),
    ("assumptions", "Assumptions"),
    ("readiness", "First tradable day"),
    ("quality", "Data quality"),
    ("conservation", "Conservation"),
    ("parameters", "Parameters"),
    ("audit", "How to check"),
)


def render(a: Analysis, summary: dict[str, Any], params: dict[str, Any], notes: list[str]) -> str:
    """The page. The same log, parameters and notes give the same bytes: no clock and no machine is in it."""
    body = "".join(
        (
            overview.render(a, summary),
            performance.render(a),
            prices.render(a),
            portfolio.render(a),
            gates.render(a),
            strategies.render(a),
            market.render(a),
            models.render(a),
            trades.render(a),
            method.render(a, summary, params, notes),
        )
    )
    name = escape(str(summary["name"]))
    links = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in CONTENTS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{name}: report</title><style>{asset('style.css')}</style></head><body>"
        f"<header><h1>{name} <span>run report</span></h1><p>{_period(summary)}</p></header>"
        f'<div class="page"><nav aria-label="Contents"><ol>{links}</ol></nav><main>{body}</main></div>'
        f"<script>{asset('page.js')}</script></body></html>\n"
    )


def _period(s: dict[str, Any]) -> str:
    span = f"{iso(s['first_session'])} to {iso(s['last_session'])}" if s["sessions"] else "no session"
    parts = [span, f"{s['sessions']:,} sessions", f"underlying {escape(str(s['underlying']))}"]
    return " · ".join(parts) + f" · digest <code>{escape(s['digest'][:12])}</code>"


def asset(name: str) -> str:
    """A file of this folder as text."""
    return files("contango_research.report").joinpath(name).read_text(encoding="utf-8")
