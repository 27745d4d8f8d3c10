"""The tables of a training's report: skill, horizons, regimes and years, folds."""

from html import escape
from typing import Any

from contango_inference.models.manifest import Manifest
from contango_research.plain import iso
from contango_research.report import html
from contango_research.report.numbers import number, percent

TITLES = {
    "network": "network",
    "har": "HAR",
    "persistence": "persistence",
    "base_rate": "base rate",
    "base_rate_by_volatility": "base rate by volatility",
    "pool": "pool",
}


def skill(metrics: dict[str, Any]) -> str:
    """Every comparison that was made, out of fold."""
    rows = []
    for target in ("variance", "direction"):
        m = metrics[target]
        for name, skill in m["skills"].items():
            who, against = ("network", name) if name != "pool" else ("pool", _beside(target, m))
            rows.append([f"{target}: {TITLES[who]} against {TITLES[against]}", *_cells(skill)])
    head = ("Forecasts", "Loss", "Baseline's", "Skill", "95 % interval", "p", "Sessions")
    note = html.paragraph(
        "Loss of the variance: pinball loss of ln(variance), the mean of all horizons and levels. Loss of the "
        "direction: log loss, nats. Skill: the share of the baseline's loss that is saved. p: one-sided Diebold-Mariano"
        " test, variances by Bartlett weights over overlapping futures; the interval is a stationary bootstrap's. The "
        "pool gives each fold the weight that was best on the folds before it.",
        "fine",
    )
    return html.section("skill", "Skill, out of fold", html.table(head, rows, "gates"), _other_scores(metrics), note)


def _beside(target: str, m: dict[str, Any]) -> str:
    """What the pool stands beside."""
    return "base_rate" if target == "direction" else str(m["better_baseline"])


def _cells(skill: dict[str, Any]) -> list[str]:
    return [
        number(skill["loss"], 4),
        number(skill["baseline_loss"], 4),
        html.signed(percent(skill["skill"], 1), skill["skill"]),
        f"{percent(skill['low'], 1)} to {percent(skill['high'], 1)}" if skill["low"] is not None else "–",
        "–" if skill["p_value"] is None else f"{skill['p_value']:.2g}",
        f"{skill['n']:,}",
    ]


def _other_scores(metrics: dict[str, Any]) -> str:
    crps = ", ".join(f"{TITLES[name]} {loss:.4f}" for name, loss in metrics["variance"]["crps"].items())
    brier = ", ".join(f"{TITLES[name]} {loss:.4f}" for name, loss in metrics["direction"]["brier"].items())
    seeds = ", ".join(f"{loss:.4f}" for loss in metrics["variance"]["by_seed"])
    return html.paragraph(
        f"CRPS of ln(variance) from its quantiles: {crps}. Brier score of the direction: {brier} (skill "
        f"{percent(metrics['direction']['brier_skill']['skill'], 2)}). Variance loss of each seed's networks: {seeds}."
    )


def horizons(metrics: dict[str, Any], manifest: Manifest) -> str:
    """Losses, skill and coverage of each horizon."""
    rows = metrics["variance"]["by_horizon"]
    names = ("network", "har", "persistence")
    losses = [
        [
            f"{row['horizon']}",
            *(number(row["loss"][name], 4) for name in names),
            *(cell for name in ("har", "persistence") for cell in _against(row["skill"][name])),
        ]
        for row in rows
    ]
    head = ("Sessions", "network", "HAR", "persistence", "against HAR", "95 %", "against persistence", "95 %")
    inside = [[f"{row['horizon']}", *(percent(row["inside"][name], 1) for name in names)] for row in rows]
    lowest, highest = (manifest.contract.levels[i] for i in (0, -1))
    share = html.table(("Sessions", "network", "HAR", "persistence"), inside)
    note = html.paragraph(
        "Pinball loss of ln(variance) by horizon and skill against both baselines. Neighbouring sessions share most of "
        "a long horizon: over 42 sessions only one in 42 is independent.",
        "fine",
    )
    held = html.paragraph(f"What came between the levels {lowest:g} and {highest:g}, {highest - lowest:.0%} of it due:")
    return html.section("horizons", "Variance by horizon", html.table(head, losses, "gates"), note, held, share)


def _against(skill: dict[str, Any]) -> tuple[str, str]:
    return html.signed(percent(skill["skill"], 1), skill["skill"]), interval(skill)


def interval(skill: dict[str, Any]) -> str:
    """The 95 % interval of a skill."""
    return "–" if skill["low"] is None else f"{percent(skill['low'], 1)} to {percent(skill['high'], 1)}"


def regimes(metrics: dict[str, Any]) -> str:
    """Thirds by volatility, both targets, and years."""
    m = metrics["variance"]
    head = ("Volatility then", "Sessions", "network", "HAR", "persistence", "pool", "Skill", "95 % interval")
    rows = [
        [
            escape(row["name"]),
            f"{row['rows']:,}",
            *(number(row["loss"][name], 4) for name in ("network", "har", "persistence", "pool")),
            html.signed(percent(row["skill"]["skill"], 1), row["skill"]["skill"]),
            interval(row["skill"]),
        ]
        for row in m["by_regime"]
    ]
    thirds = html.table(head, rows, "gates")
    sides = [
        [
            escape(row["name"]),
            f"{row['rows']:,}",
            *(number(row["loss"][name], 4) for name in ("network", "base_rate", "base_rate_by_volatility", "pool")),
            html.signed(percent(row["skill"]["skill"], 1), row["skill"]["skill"]),
            interval(row["skill"]),
        ]
        for row in metrics["direction"]["by_regime"]
    ]
    second = html.table(
        ("Direction", "Sessions", "network", "base rate", "by volatility", "pool", "Skill", "95 % interval"),
        sides,
        "gates",
    )
    years = [
        [
            row["name"],
            f"{row['rows']}",
            *(number(row["loss"][name], 4) for name in ("network", "har", "persistence", "pool")),
        ]
        for row in m["by_year"]
    ]
    third = html.table(("Year", "Sessions", "network", "HAR", "persistence", "pool"), years, "gates")
    note = html.paragraph(
        "Thirds of the tested sessions by their anchor. Few independent stretches lie in each: they describe, "
        "they do not prove.",
        "fine",
    )
    return html.section("regimes", "By regime and year", thirds, second, third, note)


def pool_words(metrics: dict[str, Any]) -> str:
    """Where the pool loses least, and what that is worth."""
    v, d = metrics["variance"], metrics["direction"]
    return html.paragraph(
        f"Least loss of the pool: variance at weight {v['best_pool_weight']:.2f} beside {TITLES[v['better_baseline']]}"
        f", direction at {d['best_pool_weight']:.2f} beside the base rate. A target that earns is given this weight, "
        "at most 0.50 for the variance and 0.20 for the direction; one that does not earn is given none."
    )


def folds(metrics: dict[str, Any]) -> str:
    """When each fold learned, stopped and was tested."""
    rows = [
        [
            f"{fold['fold']}" if fold["test"] else "ships",
            f"{fold['seed']}",
            *(_span(fold[part]) for part in ("train", "validation", "test")),
            f"{fold['rows']:,}",
            f"{fold['best_pass']} of {len(fold['curve'])}",
            number(fold["temperature"], 2),
        ]
        for fold in metrics["folds"]
    ]
    head = ("Fold", "Seed", "Learned on", "Stopped and calibrated on", "Tested on", "Rows", "Best pass", "Temperature")
    return html.table(head, rows, "gates")


def _span(dates: list[int] | None) -> str:
    return "–" if dates is None else f"{iso(dates[0])} … {iso(dates[1])}"
