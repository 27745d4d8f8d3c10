"""Headline: what happened, how sure that is, and what may be concluded."""

from collections.abc import Callable
from html import escape
from typing import Any

from contango_research.plain import iso
from contango_research.report import html
from contango_research.report.numbers import DASH, count, dollars, number, percent
from contango_research.summary import Analysis

Show = Callable[[float | None], str]

_TILES: tuple[tuple[str, str, Show], ...] = (
    ("Return", "return", percent),
    ("Sharpe", "sharpe", number),
    ("Max drawdown", "max_drawdown", percent),
    ("Profit factor", "profit_factor", number),
    ("Win rate", "win_rate", lambda v: percent(v, 1)),
    ("Expectancy per trade", "expectancy_usd", dollars),
)
_CURVE: tuple[tuple[str, str, Show], ...] = (
    ("Return", "return", percent),
    ("Growth per year (CAGR)", "cagr", percent),
    ("Volatility per year", "volatility", percent),
    ("Sharpe ratio", "sharpe", number),
    ("Sortino ratio", "sortino", number),
    ("Max drawdown", "max_drawdown", percent),
    ("CVaR 95 of a session (mean of the worst 5 %)", "cvar_95", percent),
    ("Worst session", "worst_day", percent),
)


def render(a: Analysis, s: dict[str, Any]) -> str:
    return html.section(
        "headline", "Headline", _tiles(s), _evidence(a, s), _table(s), html.paragraph(_method(s), "fine"), _facts(a, s)
    )


def interval(ranges: dict[str, Any], key: str, show: Show) -> str:
    found = ranges.get(key)
    return f"{show(found['low'])} … {show(found['high'])}" if found else ""


def _tiles(s: dict[str, Any]) -> str:
    cells = []
    for label, key, show in _TILES:
        below = interval(s["intervals"], key, show) or escape(s["absent"].get(key, ""))
        cells.append(html.tile(label, show(s[key]), below))
    return f'<div class="tiles">{"".join(cells)}</div>'


def _evidence(a: Analysis, s: dict[str, Any]) -> str:
    """How far the trades go: the sentence that a headline number needs beside it."""
    trades, needed, worth = s["trades"], s["trades_needed_to_know"], s["trades_effective"]
    if not trades:
        return html.paragraph("No trade was closed in this run: there is nothing to conclude.", "call")
    text = f"<b>{trades:,} trades</b>, worth about {worth:,.0f} independent ones (those that overlap share a market). "
    if needed is None:
        return html.paragraph(text + "They do not vary enough to say how many would be needed.", "call")
    verdict = (
        f"With this mean and spread about <b>{needed:,}</b> independent trades would be needed to tell the mean from "
        "zero (95 % confidence, 80 % power). "
    )
    known = "This run has them." if worth >= needed else "This run does not have them: its sign is not established."
    return html.paragraph(text + verdict + known, "call")


def _table(s: dict[str, Any]) -> str:
    since, hold = s["since_first_tradable_day"], s["buy_and_hold"]
    header = ["", "Book", "90 % interval", "Since first tradable day", "Buy and hold", "Hold, since then"]
    later_hold = (since or {}).get("buy_and_hold")
    rows = [
        [
            label,
            show(s[key]),
            interval(s["intervals"], key, show),
            _of(since, key, show),
            _of(hold, key, show),
            _of(later_hold, key, show),
        ]
        for label, key, show in _CURVE
    ]
    return html.table(header, rows, "figures")


def _of(values: dict[str, Any] | None, key: str, show: Show) -> str:
    return DASH if values is None else show(values.get(key))


def _method(s: dict[str, Any]) -> str:
    reasons = "; ".join(f"{key.replace('_', ' ')}: {why}" for key, why in s["absent"].items())
    return (
        f"Intervals: {escape(s['interval_method'])}. Ratios are over a rate of zero; idle cash earns nothing here. "
        "Buy and hold is the price index without dividends, all of the starting equity, the same sessions."
        + (f" Not given: {escape(reasons)}." if reasons else "")
    )


def _facts(a: Analysis, s: dict[str, Any]) -> str:
    first = iso(s["first_tradable_day"]) if s["first_tradable_day"] else f"none ({escape(a.ready.reason)})"
    water = s["under_water_longest_sessions"]
    facts = (
        ("Equity at the end", dollars(s["final_equity_usd"])),
        ("Exposure (share of frames)", percent(s["exposure"], 1)),
        ("Capital at risk, mean / most", f"{percent(s['mean_heat'], 1)} / {percent(s['max_heat'], 1)}"),
        ("Longest time under water", f"{count(water)} sessions"),
        ("CVaR 95 of a trade", dollars(s["cvar_95_trade_usd"])),
        ("Fees", dollars(s["fees_usd"])),
        ("First tradable day", first),
        ("Sessions", count(s["sessions"])),
        ("Frames", count(s["frames"])),
        ("Trades closed", count(s["trades"])),
        ("Refusals", count(s["refused"])),
        ("Conservation of cash", escape(s["conservation"])),
    )
    return '<dl class="facts">' + "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts) + "</dl>"
