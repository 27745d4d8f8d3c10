"""What the numbers rest on: assumptions, data quality, conservation, parameters, and how to check all of it."""

from html import escape
from typing import Any

import yaml

from contango_execution.params import VenueParams, section_of
from contango_research.plain import iso
from contango_research.report import html
from contango_research.report.numbers import dollars
from contango_research.summary import Analysis


def render(a: Analysis, s: dict[str, Any], params: dict[str, Any], notes: list[str]) -> str:
    return "".join(
        (
            html.section(
                "assumptions",
                "Assumptions",
                _notes(list(dict.fromkeys([*notes, *_book_notes(params)]))),
                _fills(params),
            ),
            html.section("readiness", "First tradable day", _readiness(a)),
            html.section("quality", "Data quality", _quality(a)),
            html.section("conservation", "Conservation", _conservation(a, s)),
            html.section("parameters", "Parameters", _parameters(params)),
            html.section("audit", "How to check this report", _audit(a, s)),
        )
    )


def _book_notes(params: dict[str, Any]) -> list[str]:
    return [str(note) for note in params.get("notes") or ()]


def _notes(notes: list[str]) -> str:
    """``REAL: …`` and ``MODELLED: …`` get their word set apart."""
    if not notes:
        return html.paragraph("Neither the catalog nor the book states where its data come from.", "none")
    return '<ul class="notes">' + "".join(f"<li>{_note(note)}</li>" for note in notes) + "</ul>"


def _note(note: str) -> str:
    head, colon, rest = note.partition(": ")
    if colon and head.isupper():
        cls = "real" if head == "REAL" else "model"
        return f'<b class="tag {cls}">{escape(head.lower())}</b> {escape(rest)}'
    return escape(note)


def _fills(params: dict[str, Any]) -> str:
    """How the venue of this run filled, from its parameters."""
    venue = section_of(VenueParams, params, "venue")
    shares = ", ".join(f"{share:g} with {legs}" for legs, share in sorted(venue.fill_fractions.items()))
    model = {
        "default": f"a leg is bought at bid + f · (ask − bid), sold mirrored; f by number of legs: {shares}",
        "natural": "every leg is bought at the ask and sold at the bid",
        "stress": f"natural prices and {venue.stress_slippage_ticks} ticks more per leg",
    }[venue.fill_model]
    size = "never more than the displayed size" if venue.size_respected else "the displayed size is ignored"
    text = (
        f"Fills: {model}; on the frame after the order; {size}; nothing in the first {venue.no_fill_first_minutes} "
        f"minutes of a session. Commission {dollars(venue.commission_per_contract_usd, 2)} per contract. Options "
        "settle in cash on the print of their expiry, all legs at once, before any order of that instant. Orders move "
        "no market."
    )
    return html.paragraph(text)


def _readiness(a: Analysis) -> str:
    day = f"<b>{iso(a.ready.date)}</b>" if a.ready.date else "<b>None</b>"
    text = f"{day} ({escape(a.ready.reason)}). Before it the book could not open anything, whatever the market did."
    rows = [[f"<code>{escape(gate)}</code>", iso(date) if date else "never"] for gate, date in a.ready.ready.items()]
    return html.paragraph(text) + (html.table(["Gate that waits for history", "First ready"], rows) if rows else "")


def _quality(a: Analysis) -> str:
    tally, rows = a.tally, []
    for flag, total in sorted(tally.flags.items()):
        rows.append([escape(flag.replace("_", " ")), f"{total:,}", f"{tally.flagged_frames[flag]:,}" or "–"])
    stale = sum(mark.event.stale_marks > 0 for mark in tally.marks)
    lines = [
        f"{stale:,} of {len(tally.marks):,} marks had a leg without a usable quote",
        f"{a.daily.unmarked:,} of {len(a.daily):,} sessions had no mark and carry the one before",
    ]
    for name in ("FeatureFailed", "OrderUnknown", "Quarantined"):
        lines.append(f"{tally.counts[name]:,} facts {name}")
    table = (
        html.table(["Flag", "Count", "Frames"], rows) if rows else html.paragraph("No frame of this run was flagged.")
    )
    return table + html.paragraph("; ".join(lines) + ".", "fine")


def _conservation(a: Analysis, s: dict[str, Any]) -> str:
    text = (
        f"<b>{escape(s['conservation'].capitalize())}.</b> A second ledger that reads only the broker's facts was "
        f"compared with the book: cash and equity at {a.marks_checked:,} marks, P&amp;L and fees of "
        f"{a.trades_checked:,} closed trades, every settlement. Cash = {dollars(s['initial_cash_usd'])} + fills − fees "
        f"of {dollars(s['fees_usd'], 2)} + settlements of {dollars(s['settlements_usd'], 2)}, to the millionth of a "
        "dollar."
    )
    bad = "".join(f"<li>{escape(violation)}</li>" for violation in a.violations[:50])
    return html.paragraph(text) + (f'<ul class="bad">{bad}</ul>' if bad else "")


def _parameters(params: dict[str, Any]) -> str:
    text = yaml.safe_dump(params, sort_keys=False, allow_unicode=True)
    return f"<details><summary>Everything that decides, as in book.yaml</summary><pre>{escape(text)}</pre></details>"


def _audit(a: Analysis, s: dict[str, Any]) -> str:
    builds = ", ".join(sorted(b for b in a.tally.builds if b)) or "not stated"
    subjects = "".join(f"<li><code>{escape(k)}</code> {n:,}</li>" for k, n in s["messages_by_subject"].items())
    files = (
        ("summary.json", "the numbers of this page"),
        ("trades.csv, equity.csv", "every closed trade with all numbers at entry and exit; every mark"),
        ("decisions.jsonl", "every instant on which something was proposed, refused or done, with all reasons"),
        ("log.jsonl.gz", f"the canonical log, {s['messages']:,} messages"),
        ("book.yaml", "the parameters: the same run again with --config book.yaml"),
        ("manifest.json", "versions, processor, block store, SHA-256 of every file"),
    )
    rows = [[f"<code>{name}</code>", escape(what)] for name, what in files]
    digest = f"Digest of the canonical log: <code class='digest'>{escape(s['digest'])}</code>"
    how = (
        "<code>contango audit DIR</code> compares the bytes of every file with the manifest, then lets every service "
        "decide anew on the recorded log and reports the first decision that differs. The same data and parameters "
        f"give the same digest, in one process or through the message bus. Build: {escape(builds)}."
    )
    return (
        html.paragraph(digest)
        + html.paragraph(how)
        + html.table(["File", "Holds"], rows, left=2)
        + f'<p class="fine">Messages by subject:</p><ul class="inline">{subjects}</ul>'
    )
