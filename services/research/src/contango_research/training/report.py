"""The report of a training as one self-contained HTML page: the verdict first, then what it rests on."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from contango_inference.models.manifest import Manifest, Verdict
from contango_research.plain import iso, utc
from contango_research.report import html
from contango_research.report.numbers import number, percent, words
from contango_research.training import curves, sections
from contango_research.training.found import Trained

CONTENTS = (
    ("verdict", "Verdict"),
    ("skill", "Skill"),
    ("horizons", "By horizon"),
    ("regimes", "By regime and year"),
    ("calibration", "Calibration"),
    ("pool", "Pooling"),
    ("learning", "Learning"),
    ("model", "Model and data"),
    ("method", "Method"),
)


def render(manifest: Manifest, found: Trained, metrics: dict[str, Any], notes: Sequence[str]) -> str:
    """The page. The same training gives the same bytes: no clock and no machine is in it."""
    body = "".join(
        (
            _verdict(manifest, metrics),
            sections.skill(metrics),
            sections.horizons(metrics, manifest),
            sections.regimes(metrics),
            html.section("calibration", "Calibration", curves.coverage(metrics, manifest), curves.reliability(metrics)),
            html.section("pool", "Pooling", sections.pool_words(metrics), curves.pooling(metrics)),
            html.section("learning", "Learning", curves.learning(metrics, manifest), sections.folds(metrics)),
            _model(manifest, found, notes),
            _method(manifest),
        )
    )
    name = escape(f"{manifest.name} {manifest.version[:16]}")
    links = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in CONTENTS)
    tests = manifest.lineage.settings
    head = (
        f"tested {iso(int(tests['first_test'] or 0))} to {iso(int(tests['last_test'] or 0))} in {tests['folds']} "
        f"folds · ships with what it learned until {iso(manifest.lineage.trained_until)}"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{name}: training</title><style>{_asset('style.css')}</style></head><body>"
        f"<header><h1>{name} <span>training report</span></h1><p>{head}</p></header>"
        f'<div class="page"><nav aria-label="Contents"><ol>{links}</ol></nav><main>{body}</main></div>'
        f"<script>{_asset('page.js')}</script></body></html>\n"
    )


def _verdict(manifest: Manifest, metrics: dict[str, Any]) -> str:
    verdicts = sorted(manifest.verdicts, key=lambda v: v.target, reverse=True)
    tiles = "".join(_tile(v) for v in verdicts)
    told = "".join(html.paragraph(f"<b>{v.target}</b>: {escape(v.reason)}.", "call") for v in verdicts)
    begins = html.paragraph(
        f"Whatever the verdict, the model has weight 0 before {utc(manifest.lineage.earns_from_ns)}: until "
        f"{iso(manifest.lineage.trained_until)} it has learned."
    )
    sides = metrics["direction"]["sides"]
    aside = html.paragraph(
        "Bull against bear alone, on the sessions that were one of them: skill "
        f"{percent(sides['skill'], 1)} ({sections.interval(sides)}) against the base rate. What else the "
        "direction's figures hold is knowing how often a day stays inside the band."
    )
    return html.section(
        "verdict",
        "Verdict",
        f'<div class="tiles" style="grid-template-columns:repeat(4,minmax(0,1fr))">{tiles}</div>',
        told,
        aside,
        begins,
    )


def _tile(v: Verdict) -> str:
    earned = "earns its weight" if v.weight > 0.0 else "earns nothing"
    interval = f"{percent(v.low, 1)} to {percent(v.high, 1)}"
    return html.tile(f"{v.target}: weight", number(v.weight, 2), earned) + html.tile(
        f"{v.target}: skill", percent(v.skill, 1), f"{interval} · against {sections.TITLES[v.baseline]}"
    )


def _model(manifest: Manifest, found: Trained, notes: Sequence[str]) -> str:
    c, shape, line = manifest.contract, manifest.shape, manifest.lineage
    count = sum(weight.size for weight in found.shipped.weights.values())
    rows = [
        [escape(f.name), "yes" if f.log else "", number(f.mean, 4), number(f.scale, 4)]
        for f in manifest.contract.features
    ]
    facts = html.paragraph(
        f"Mamba-2, {shape.layers} layers of {shape.d_model}, state {shape.d_state}, {count:,} weights; a window of "
        f"{c.context} sessions; anchor {escape(c.anchor)}. Learned on {line.rows:,} rows from {iso(line.trained_from)}"
        f", stopped and calibrated on {line.settings['validation_rows']} later ones; no target reaches beyond "
        f"{iso(line.trained_until)}. Seed {line.seed}, program {escape(line.code)}."
    )
    table = html.table(("Feature", "Logarithm", "Mean", "Scale"), rows, "gates", left=2)
    data = "".join(f"<li>{escape(note)}</li>" for note in (*line.data, *notes[1:]))
    flat = [[words(name), escape(str(value))] for name, value in line.settings.items()]
    settings = html.table(("Setting", "Value"), flat, "gates")
    return html.section("model", "Model and data", facts, table, f'<ul class="fine">{data}</ul>', settings)


def _method(manifest: Manifest) -> str:
    s = manifest.lineage.settings
    return html.section(
        "method",
        "Method",
        html.paragraph(
            "Each fold learns on everything before its test, less a purge of the longest horizon "
            f"({s['purge_sessions']} sessions) and an embargo of {s['embargo_sessions']}; the newest part of the past "
            "stops the learning and calibrates. Normalisation, deciles and calibration come from the fold's own past. "
            "The settings stand before the walk begins; no test chooses any."
        ),
        html.paragraph(
            "Variance: the next h sessions' mean of range variance plus squared overnight return, on the scale of "
            "close-to-close returns by the factor known that day: what the HAR model forecasts. HAR is fitted again "
            "every 21 sessions on all that was known, which is more often than the network learns. Persistence keeps "
            "the anchor and spreads it by the quantiles of its own errors so far."
        ),
        html.paragraph(
            f"Direction: the next session's log return beyond ± {manifest.contract.neutral_band:g} daily standard "
            "deviations of the anchor. The base rate counts the sessions that were over by then; by "
            "volatility, those among them that HAR found about as quiet or wild: knowing how much a day will move is "
            "not knowing where to."
        ),
    )


def _asset(name: str) -> str:
    return files("contango_research.report").joinpath(name).read_text(encoding="utf-8")
