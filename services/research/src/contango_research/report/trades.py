"""The list of trades: one line each, sortable, with why it was opened and why it was left."""

from html import escape

from contango_common.domain.instrument import is_option_id, parse_option_id
from contango_common.domain.money import to_units
from contango_common.domain.sessions import DAY_NS
from contango_common.events.risk import TradeClosed
from contango_research.plain import iso, utc
from contango_research.report import html
from contango_research.report.colours import SHORT
from contango_research.report.numbers import MINUS, dollars, percent, short, words
from contango_research.summary import Analysis
from contango_research.tally import Stamped, Tally

MOST_DETAILED, MOST = 500, 5000
_COLUMNS = ("Opened", "Closed", "Days", "Legs", "Units", "Credit", "P&amp;L", "/ max loss", "Exit", "Regime", "")
_TEXT = (0, 1, 3, 8, 9, 10)


def render(a: Analysis) -> str:
    trades = a.tally.trades
    if not trades:
        return html.section("trades", "Trades", html.paragraph("No trade was closed in this run.", "none"))
    heads = "".join(_head(i, name) for i, name in enumerate(_COLUMNS))
    detailed = len(trades) <= MOST_DETAILED
    bodies = "".join(_trade(a.tally, trade, i, detailed) for i, trade in enumerate(trades[:MOST]))
    note = "Choose a heading to sort. Money in USD, P&amp;L after fees. All numbers of every trade are in trades.csv."
    if len(trades) > MOST:
        note += f" The first {MOST:,} of {len(trades):,} trades are shown."
    if not detailed:
        note += f" With more than {MOST_DETAILED} trades, why they were made is left to trades.csv."
    return html.section(
        "trades",
        "Trades",
        html.paragraph(note, "fine"),
        f'<div class="scroll"><table class="trades sortable"><thead><tr>{heads}</tr></thead>{bodies}</table></div>',
    )


def _head(i: int, name: str) -> str:
    cls = "" if i in _TEXT else html.NUMBER
    return f'<th scope="col"{cls}><button type="button">{name}</button></th>' if name else "<th></th>"


def _trade(tally: Tally, trade: Stamped[TradeClosed], i: int, detailed: bool) -> str:
    t = trade.event
    pnl, credit = to_units(t.pnl_micros), to_units(t.entry_net_micros)
    lost = t.pnl_micros / t.max_loss_micros if t.max_loss_micros > 0 else None
    regime = _regimes(t.regime_at_entry, t.regime_at_exit)
    cells = (
        (t.opened_ns, iso(tally.date_of(t.opened_ns))),
        (trade.ts_ns, iso(tally.date_of(trade.ts_ns))),
        (trade.ts_ns - t.opened_ns, f"{(trade.ts_ns - t.opened_ns) / DAY_NS:.1f}"),
        (t.instruments[0], legs(t)),
        (t.quantity, f"{t.quantity:,}"),
        (t.entry_net_micros, dollars(credit)),
        (t.pnl_micros, html.signed(dollars(pnl), pnl)),
        (lost if lost is not None else 0, percent(lost, 1)),
        (t.exit_reason, words(t.exit_reason)),
        (regime, regime),
    )
    row = "".join(
        f'<td{"" if c in _TEXT else html.NUMBER} data-s="{escape(str(key), quote=True)}">{content}</td>'
        for c, (key, content) in enumerate(cells)
    )
    more = '<td><button type="button" class="why" aria-expanded="false">why</button></td>' if detailed else "<td></td>"
    detail = f'<tr class="detail"><td colspan="{len(_COLUMNS)}">{_why(t, trade.ts_ns)}</td></tr>' if detailed else ""
    return f'<tbody id="t{i}" data-id="{escape(t.position_id, quote=True)}"><tr>{row}{more}</tr>{detail}</tbody>'


def legs(t: TradeClosed) -> str:
    """Strikes with signs and one expiry where all legs share it; other instruments by name."""
    if not all(is_option_id(name) for name in t.instruments):
        return " ".join(f"{_sign(r)}{escape(name)}" for r, name in zip(t.ratios, t.instruments, strict=True))
    parsed = [parse_option_id(name) for name in t.instruments]
    dates = {date for _, date, _, _ in parsed}
    parts = [
        f"{_sign(ratio)}{strike / 1000:g}{right}" + ("" if len(dates) == 1 else f" {iso(date)}")
        for ratio, (_, date, right, strike) in zip(t.ratios, parsed, strict=True)
    ]
    expiry = f' <span class="mute">{iso(parsed[0][1])}</span>' if len(dates) == 1 else ""
    return " ".join(parts) + expiry


def _sign(ratio: int) -> str:
    head = "+" if ratio > 0 else MINUS
    return head if abs(ratio) == 1 else f"{head}{abs(ratio)}×"


def _regimes(entry: str, leave: str | None) -> str:
    first = SHORT.get(entry, words(entry).lower())
    if leave is None or leave == entry:
        return first
    return f"{first} → {SHORT.get(leave, words(leave).lower())}"


def _why(t: TradeClosed, closed_ns: int) -> str:
    rules = ", ".join(words(name) for name in t.exit_all_true) or "none"
    head = (
        f"<p><code>{escape(t.position_id)}</code> · opened {utc(t.opened_ns)}, closed {utc(closed_ns)} · exit rules "
        f"that were true: {rules} · fees {dollars(to_units(t.fees_micros), 2)} · at mid "
        f"{dollars(to_units(t.mid_pnl_micros))}, at natural {dollars(to_units(t.natural_pnl_micros))} · maximum loss "
        f"{dollars(to_units(t.max_loss_micros))}</p>"
    )
    return head + _numbers("At entry", t.entry_why) + _numbers("At exit", t.exit_why)


def _numbers(title: str, values: dict[str, float | None]) -> str:
    if not values:
        return ""
    cells = "".join(f"<div><dt>{words(name)}</dt><dd>{short(value)}</dd></div>" for name, value in values.items())
    return f'<h4>{title}</h4><dl class="why">{cells}</dl>'
