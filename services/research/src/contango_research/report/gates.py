"""The gate ledger: what stood between a scan and a trade."""

from html import escape

from contango_research.gate_ledger import GateRow
from contango_research.report import html
from contango_research.report.barchart import meter
from contango_research.report.numbers import percent, words
from contango_research.summary import Analysis
from contango_risk.limits import RULES
from contango_risk.sizing import SIZES
from contango_signals.gates import GATES
from contango_signals.purchases import BAR_GATES


def meanings() -> dict[str, str]:
    """What each gate and limit asks for, in its own words."""
    known = {**BAR_GATES, **{gate.name: gate.meaning for gate in GATES}}
    known |= {f"size_{name}": f"at least one unit fits: {meaning}" for name, meaning, _ in SIZES}
    return known | {name: meaning for name, meaning, _ in RULES}


def render(a: Analysis) -> str:
    total = len(a.tally.refusals)
    if not a.gates:
        return html.section("gates", "Gate ledger", html.paragraph("Nothing was scanned in this run.", "none"))
    early = a.tally.warm_up_scans
    scans = len(a.tally.scans) - early
    warm_up = f" Scans of the warm-up, when nothing may open, are not counted: {early:,}." if early else ""
    text = (
        f"{scans:,} scans, {total:,} refusals. Every gate is asked every time and a refusal lists all that said no, so "
        "the shares add up to more than 100 %. <b>Alone</b> counts the refusals in which the gate was the only one in "
        "the way: what would have become a proposal without "
        f"it.{warm_up}"
    )
    meaning = meanings()
    rows = [_row(row, _meaning(row.gate, meaning)) for row in a.gates if row.refused]
    header = ["Gate", "Lets pass when", "By", "", "Refused", "Share", "Alone", "Alone, of its own"]
    idle = "".join(f"<li>{_gate(row.gate)}</li>" for row in a.gates if not row.refused)
    never = f'<h4>Asked every time, never refused</h4><ul class="inline">{idle}</ul>' if idle else ""
    off = a.tally.scans[-1].event.why if a.tally.scans else {}
    switched_off = sorted(key.removeprefix("off.") for key in off if key.startswith("off."))
    note = f"Switched off in this book: {', '.join(map(words, switched_off))}." if switched_off else "No gate was off."
    return html.section(
        "gates",
        "Gate ledger",
        html.paragraph(text),
        html.table(header, rows, "gates", 4),
        never,
        html.paragraph(note, "fine"),
    )


def _gate(name: str) -> str:
    return f"<code>{escape(name)}</code>"


def _meaning(gate: str, known: dict[str, str]) -> str:
    """A multiplier has no row of its own: any feature may bring one."""
    factor = gate.removeprefix("size_multiplier_")
    return known.get(gate, "") if factor == gate else f"at least one unit is left by the multiplier {factor}"


def _row(row: GateRow, meaning: str) -> list[str]:
    return [
        _gate(row.gate),
        f'<span class="mute">{words(meaning)}</span>',
        row.by,
        meter(row.share, row.share * row.alone_share),
        f"{row.refused:,}",
        percent(row.share, 1),
        f"{row.alone:,}",
        percent(row.alone_share, 0),
    ]
