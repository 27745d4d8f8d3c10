"""Scores of walk-forward forecasts as rows, as a table for the terminal, and for a manifest."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from contango_inference.earnings.evaluate import Evaluation
from contango_inference.earnings.scores import Limits
from contango_research.plain import iso
from contango_research.report.numbers import number, percent


def scores_table(e: Evaluation) -> Table:
    """Every model's scores, for the terminal."""
    shown = Table(
        title=f"Walk-forward, {e.events:,} announcements, {iso(e.first)} to {iso(e.last)}", title_justify="left"
    )
    for name in ("model", "pinball", "CRPS", "80 % holds", "skill", "90 % interval", "DM p"):
        shown.add_column(name, justify="left" if name == "model" else "right")
    for row in magnitude_rows(e):
        shown.add_row(*row)
    for d in e.direction:
        skill = d.against_base_rate.skill
        area = "–" if d.auc is None else f"AUC {d.auc.value:.3f}"
        shown.add_row(
            f"direction: {d.model}",
            f"Brier {d.brier:.4f}",
            "",
            area,
            percent(skill.value),
            between(skill),
            p_value(d.against_base_rate.p_two_sided),
        )
    return shown


def magnitude_rows(e: Evaluation) -> list[Sequence[str]]:
    """One row a model of the size, naive first."""
    return [
        (
            m.model,
            number(m.pinball, 5),
            number(m.crps, 5),
            percent(m.coverage.value, 1),
            percent(m.against_naive.skill.value, 1, True),
            between(m.against_naive.skill),
            p_value(m.against_naive.p_two_sided),
        )
        for m in e.magnitude
    ]


def between(limits: Limits, places: int | None = None) -> str:
    """An interval of shares, or of numbers with so many places."""
    if limits.low is None or limits.high is None or limits.low == limits.high:
        return "–"
    if places is not None:
        return f"{number(limits.low, places)} … {number(limits.high, places)}"
    return f"{percent(limits.low, 1, True)} … {percent(limits.high, 1, True)}"


def p_value(value: float | None) -> str:
    """A p-value, or that there is none."""
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def as_json(e: Evaluation) -> dict[str, Any]:
    """The scores for a manifest."""
    return {
        "events": e.events,
        "first": e.first,
        "last": e.last,
        "verdict": list(e.verdict),
        "magnitude": {
            m.model: {
                "pinball": m.pinball,
                "crps": m.crps,
                "coverage_80": m.coverage.value,
                "skill_over_naive": m.against_naive.skill._asdict(),
                "dm_p": m.against_naive.p_two_sided,
            }
            for m in e.magnitude
        },
        "direction": {
            d.model: {
                "brier": d.brier,
                "skill_over_base_rate": d.against_base_rate.skill._asdict(),
                "auc": None if d.auc is None else d.auc._asdict(),
            }
            for d in e.direction
        },
    }
