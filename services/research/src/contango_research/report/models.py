"""What served models said, what their word counted, and how it came: from their facts alone."""

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

from contango_common.events.forecast import BASELINE, DirectionForecast, ForecastAbsent
from contango_research.plain import iso
from contango_research.report import html
from contango_research.report.numbers import percent
from contango_research.summary import Analysis
from contango_research.tally import Tally

BINS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)


@dataclass(slots=True)
class Said:
    """One model about one symbol: its forecasts, the silences by reason, the largest weight by target."""

    versions: dict[str, None] = field(default_factory=dict)
    role: str = ""
    directions: int = 0
    variances: int = 0
    weights: dict[str, float] = field(default_factory=dict)
    absences: Counter[str] = field(default_factory=Counter)


def said_of(tally: Tally) -> dict[tuple[str, str], Said]:
    """By symbol and model, the baseline left out."""
    found: dict[tuple[str, str], Said] = {}
    for stamped in tally.directions:
        d = stamped.event
        said = _said(found, d.symbol, d.model, d.model_sha, d.role)
        said.directions += 1
        said.weights["direction"] = max(said.weights.get("direction", 0.0), d.weight)
    for of_variance in tally.forecasts:
        v = of_variance.event
        if v.model != BASELINE:
            said = _said(found, v.symbol, v.model, v.model_sha, v.role)
            said.variances += 1
            said.weights["variance"] = max(said.weights.get("variance", 0.0), v.weight)
    for silent in tally.absences:
        e: ForecastAbsent = silent.event
        if e.model != BASELINE:
            found.setdefault((e.symbol, e.model), Said()).absences[e.reason] += 1
    return found


def reliability(tally: Tally, symbol: str, model: str) -> list[tuple[float, float, int]]:
    """Mean probability of a rise, the share that rose, and how many, by bin; of one-session words by the next word's
    close, so that nothing but the log is asked."""
    closes = dict(tally.session_closes.get(symbol, ()))
    instants = sorted(closes)
    after = dict(pairwise(instants))
    bins: dict[int, list[tuple[float, bool]]] = {}
    for stamped in tally.directions:
        d = stamped.event
        now, then = stamped.ts_ns, after.get(stamped.ts_ns)
        if (d.symbol, d.model, d.horizon_s) != (symbol, model, 0) or then is None:
            continue
        bull = rises(d)
        at = sum(bull >= edge for edge in BINS[1:-1])
        bins.setdefault(at, []).append((bull, closes[then] > closes[now]))
    return [
        (sum(p for p, _ in rows) / len(rows), sum(up for _, up in rows) / len(rows), len(rows))
        for _, rows in sorted(bins.items())
    ]


def rises(d: DirectionForecast) -> float:
    """Of a rise or a fall beyond the band, the probability that it is a rise."""
    moves = d.prob_bull + d.prob_bear
    return d.prob_bull / moves if moves > 0.0 else 0.5


def render(a: Analysis) -> str:
    """The section; one sentence where no model spoke."""
    found = said_of(a.tally)
    if not found:
        return html.section("models", "Models", html.paragraph("No model was served in this run.", "none"))
    text = (
        "A model's word counts what it has earned on data it had not seen: weight 0 means that it was recorded, scored "
        "when it came due, and decided nothing. Scores are the newest that the log holds, against the baseline's word "
        "of the same instant; an e-value of 20 or more is strong evidence that the model is better."
    )
    rows = [_row(symbol, model, said) for (symbol, model), said in found.items()]
    head = ("Model", "Version", "Directions", "Variances", "Largest weight", "Silent")
    body = html.paragraph(text) + html.table(head, rows, left=2)
    body += _scores(a.tally) + _reliability(a.tally, found) + _alerts(a.tally) + _switches(a.tally)
    return html.section("models", "Models", body)


def _said(found: dict[tuple[str, str], Said], symbol: str, model: str, version: str, role: str) -> Said:
    said = found.setdefault((symbol, model), Said())
    said.versions[version], said.role = None, role
    return said


def _row(symbol: str, model: str, said: Said) -> tuple[str, ...]:
    weight = ", ".join(f"{target} {w:.2f}" for target, w in said.weights.items() if w > 0.0)
    silent = "; ".join(f"{escape(reason)} ({n:,})" for reason, n in said.absences.most_common(3))
    versions = ", ".join(f"<code>{escape(version[:12])}</code>" for version in list(said.versions)[-3:])
    versions += f" and {len(said.versions) - 3} before" if len(said.versions) > 3 else ""
    return (
        f"{escape(symbol)} {escape(model)} {escape(said.role)}",
        versions,
        f"{said.directions:,}",
        f"{said.variances:,}",
        weight or "0: decided nothing",
        silent or "never",
    )


def _scores(tally: Tally) -> str:
    newest = {(s.event.symbol, s.event.model, s.event.target): s.event for s in tally.scores}
    if not newest:
        return ""
    rows = [
        (
            f"{escape(symbol)} {escape(model)}: {target}",
            f"{e.resolved:,}",
            f"{e.loss:.4f}",
            f"{e.baseline_loss:.4f}",
            "–" if e.skill is None else percent(e.skill, 1),
            "–" if e.e_value is None else f"{e.e_value:.3g}",
            "–" if e.calibration_error is None else f"{e.calibration_error:.3f}",
        )
        for (symbol, model, target), e in newest.items()
    ]
    head = ("Scored", "Resolved", "Loss", "Baseline", "Skill", "e-value", "Calibration error")
    note = "The newest 600 of each; the loss is the Brier score of a direction, and pinball loss in ln(variance)."
    return html.table(head, rows) + html.paragraph(note, "fine")


def _reliability(tally: Tally, found: dict[tuple[str, str], Said]) -> str:
    parts = []
    for symbol, model in found:
        bins = reliability(tally, symbol, model)
        if bins:
            rows = [(percent(said, 1), percent(came, 1), f"{n:,}") for said, came, n in bins]
            caption = f"{escape(symbol)} {escape(model)}: a rise, where one side was said and one came"
            parts.append(html.paragraph(caption, "fine") + html.table(("Said", "Came", "Sessions"), rows, left=0))
    return "".join(parts)


def _alerts(tally: Tally) -> str:
    counts = Counter((d.event.symbol, d.event.model, d.event.subject, d.event.name, d.event.test) for d in tally.drifts)
    if not counts:
        return html.paragraph("No drift of inputs or losses was found.", "fine")
    rows = [
        (f"{escape(symbol)} {escape(model)}", f"{subject} {escape(name)}", test, f"{n:,}")
        for (symbol, model, subject, name, test), n in counts.most_common(12)
    ]
    return html.table(("Drift", "Of", "Test", "Alerts"), rows, left=3)


def _switches(tally: Tally) -> str:
    rows = [
        (
            iso(tally.date_of(s.ts_ns)),
            f"{escape(s.event.symbol)} {escape(s.event.model)}",
            "given a say" if s.event.on else "silenced",
            escape(s.event.reason),
        )
        for s in tally.switched
    ]
    return html.table(("When", "Predictor", "Was", "Why"), rows, left=4) if rows else ""
