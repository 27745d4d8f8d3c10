"""The validation report: one self-contained page, and the same in a few lines for the terminal."""

from html import escape
from importlib.resources import files

from rich.table import Table

from contango_inference.earnings.evaluate import Evaluation
from contango_inference.earnings.walk import BASE_RATE, SHIPPED
from contango_research.earnings.scores import between, magnitude_rows
from contango_research.earnings.validation import Validation
from contango_research.plain import iso
from contango_research.report.barchart import meter
from contango_research.report.html import paragraph, section, table, tile
from contango_research.report.numbers import number, percent

SHOWN = 40
CONTENTS = (
    ("verdict", "Verdict"),
    ("skill", "Skill"),
    ("leakage", "Leakage"),
    ("importance", "Importance"),
    ("correlation", "Correlation"),
    ("coverage", "Coverage"),
)


def render(v: Validation) -> str:
    """The page; the same validation gives the same bytes."""
    links = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in CONTENTS)
    body = _verdict(v) + _skill(v.evaluation) + _leakage(v) + _importance(v) + _pairs(v) + _coverage(v)
    style = files("contango_research.report").joinpath("style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Earnings features: validation</title><style>{style}</style></head><body>"
        f"<header><h1>Earnings features <span>validation</span></h1><p>{escape(v.folder)} · {iso(v.first)} to "
        f"{iso(v.last)} · {v.events:,} announcements · {v.features} features</p></header>"
        f'<div class="page"><nav aria-label="Contents"><ol>{links}</ol></nav><main>{body}</main></div>'
        "</body></html>\n"
    )


def summary(v: Validation) -> Table:
    """What the page says, for the terminal."""
    shown = Table(title=f"Earnings features in {v.folder}", title_justify="left", header_style="bold", pad_edge=False)
    shown.add_column("check")
    shown.add_column("finding")
    shown.add_row("announcements", f"{v.events:,}, {v.labelled:,} with a known move, {iso(v.first)} to {iso(v.last)}")
    shown.add_row("leakage", "\n".join(v.problems) or "nothing found")
    shown.add_row("future corrupted", v.future)
    lacking = sum(each.share < 0.5 for each in v.coverage)
    shown.add_row("coverage", f"{v.features - lacking} of {v.features} features present in at least half of the rows")
    shown.add_row("pairs above 0.9", str(len(v.pairs)))
    if v.importance:
        top = "\n".join(f"{i.feature}  {i.rise_percent:+.2f} %" for i in v.importance[:5])
        shown.add_row("most important", top)
    for line in v.evaluation.verdict if v.evaluation else ():
        head, _, rest = line.partition(": ")
        shown.add_row(head, rest)
    return shown


def _verdict(v: Validation) -> str:
    lines = [*(v.evaluation.verdict if v.evaluation else ("Models were not evaluated.",))]
    leak = "; ".join(v.problems) if v.problems else "no leak was found"
    tiles = "".join(
        (
            tile("announcements", f"{v.events:,}", f"{v.labelled:,} with a known move"),
            tile("features", str(v.features), f"{len(v.pairs)} pairs above 0.9"),
            tile("problems", str(len(v.problems)), "dates, size, future, files"),
            *_score_tiles(v.evaluation),
        )
    )
    said = "".join(paragraph(escape(line), "call") for line in (f"leakage: {leak}", *lines))
    return section("verdict", "Verdict", f'<div class="tiles">{tiles}</div>', said)


def _score_tiles(e: Evaluation | None) -> tuple[str, ...]:
    if e is None:
        return ()
    size = next(m for m in e.magnitude if m.model == SHIPPED)
    way = max((d.against_base_rate.skill for d in e.direction if d.model != BASE_RATE), key=lambda skill: skill.value)
    skill = size.against_naive.skill
    return (
        tile("80 % interval holds", percent(size.coverage.value, 1), "out of sample"),
        tile("skill, size", percent(skill.value, 1, True), between(skill)),
        tile("skill, direction", percent(way.value, 1, True), between(way)),
    )


def _leakage(v: Validation) -> str:
    rows = [
        ("known after the last close before", str(sum(each.rows for each in v.late)) + " rows"),
        ("labels known before the announcement was over", f"{v.late_labels} rows"),
        ("implausibly good features", ", ".join(escape(s.feature) for s in v.suspects) or "none"),
        ("features that notice a corrupted future", escape(v.future)),
        ("files changed since they were built", ", ".join(map(escape, v.changed_files)) or "none"),
    ]
    detail = [(escape(s.feature), escape(s.figure), number(s.value, 3, True), f"{s.rows:,}") for s in v.suspects]
    more = table(("feature", "figure", "value", "rows"), detail, left=2) if detail else ""
    return section("leakage", "Leakage", table(("check", "finding"), rows, left=2), more)


def _coverage(v: Validation) -> str:
    rows = [
        (escape(c.group), escape(c.feature), meter(c.share), percent(c.share, 1), escape(c.reason)) for c in v.coverage
    ]
    note = "Where a feature is missing there is a null and a reason, never a number that stands in."
    return section(
        "coverage",
        "Coverage",
        paragraph(note, "fine"),
        table(("group", "feature", "share of rows", "", "most frequent reason where missing"), rows, left=5),
    )


def _pairs(v: Validation) -> str:
    if not v.pairs:
        return section("correlation", "Correlation", paragraph("No pair is correlated above 0.9.", "none"))
    rows = [(escape(a), escape(b), number(c, 3, True)) for a, b, c in v.pairs[:SHOWN]]
    note = f"{len(v.pairs)} pairs above 0.9, the largest {len(rows)} shown. A forest does not mind; a regression does."
    return section(
        "correlation",
        "Correlation",
        paragraph(note, "fine"),
        table(("feature", "feature", "correlation"), rows, left=2),
    )


def _importance(v: Validation) -> str:
    if not v.importance:
        return section("importance", "Importance", paragraph("Not computed.", "none"))
    most = max(v.importance[0].rise_percent, 1e-9)
    rows = [
        (
            escape(i.feature),
            meter(max(i.rise_percent, 0.0) / most),
            number(i.rise_percent, 3, True),
            number(i.spread, 3),
        )
        for i in v.importance[:SHOWN]
    ]
    note = (
        "Rise of the pinball loss in per cent when the feature alone is shuffled, on folds held out in time; the "
        "spread is that of the folds. Features that say the same share their importance."
    )
    return section(
        "importance", "Importance", paragraph(note, "fine"), table(("feature", "", "rise %", "spread"), rows, left=2)
    )


def _skill(e: Evaluation | None) -> str:
    if e is None:
        return section("skill", "Skill", paragraph("Not evaluated.", "none"))
    heads = ("model", "pinball", "CRPS", "80 % interval holds", "skill over naive", "90 % interval", "DM p")
    eras = [
        (
            f"{era.first}–{era.last}",
            f"{era.events:,}",
            percent(era.coverage.value, 1),
            percent(era.against_naive.skill.value, 1, True),
            between(era.against_naive.skill),
            percent(era.brier_skill, 1, True),
        )
        for era in e.eras
    ]
    direction = [
        (
            escape(d.model),
            number(d.brier, 4),
            percent(d.against_base_rate.skill.value, 1, True),
            between(d.against_base_rate.skill),
            "–" if d.auc is None else number(d.auc.value, 3),
            "–" if d.auc is None else between(d.auc, 3),
        )
        for d in e.direction
    ]
    note = (
        f"{e.events:,} announcements out of sample. Losses as fractions of price; intervals by block bootstrap with a "
        f"mean block of {e.block} announcements, a quarter of a year. The naive forecast is the mean move of the "
        "symbol's last eight announcements with the spread that training showed around it."
    )
    return section(
        "skill",
        "Skill",
        paragraph(note, "fine"),
        "<h4>Size of the move</h4>",
        table(heads, magnitude_rows(e)),
        "<h4>By era, the shipped model</h4>",
        table(("years", "events", "80 % holds", "skill", "90 % interval", "Brier skill"), eras),
        "<h4>Direction</h4>",
        table(("model", "Brier", "skill over base rate", "90 % interval", "AUC", "90 % interval"), direction),
    )
