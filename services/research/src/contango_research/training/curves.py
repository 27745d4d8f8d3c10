"""The drawings of a training's report."""

from typing import Any

from contango_inference.models.manifest import Manifest
from contango_research.report import html
from contango_research.training.xychart import Curve, xychart

COLOURS = ("s1", "s3", "dd", "pos", "s2", "ink")
FEWEST_IN_BIN = 20


def coverage(metrics: dict[str, Any], manifest: Manifest) -> str:
    """What came at or below each level, by horizon, and the same of HAR for the longest and the shortest."""
    levels = manifest.contract.levels
    rows = metrics["variance"]["by_horizon"]
    lines = [
        Curve(f"{row['horizon']} sessions", list(zip(levels, row["below"]["network"], strict=True)), COLOURS[i % 6])
        for i, row in enumerate(rows)
    ]
    note = html.paragraph(
        "On the dashed line quantiles hold exactly; above it they were too high, below too low.", "fine"
    )
    return xychart("Share of realised variance at or below each level", "level", "share", lines, diagonal=True) + note


def reliability(metrics: dict[str, Any]) -> str:
    """Stated probability against frequency, a curve a direction; bins of few sessions are left out."""
    lines = []
    for i, row in enumerate(metrics["direction"]["reliability"]):
        bins = [b for b in row["bins"] if b["rows"] >= FEWEST_IN_BIN]
        points = [(b["said"], b["came"]) for b in bins]
        lines.append(Curve(row["name"], points, COLOURS[i], bars=[(b["low"], b["high"]) for b in bins]))
    errors = ", ".join(f"{row['name']} {row['expected_error']:.3f}" for row in metrics["direction"]["reliability"])
    note = html.paragraph(
        f"Direction, first seed: stated probability and what came, with 95 % intervals (bins of at least "
        f"{FEWEST_IN_BIN} sessions). Expected calibration error: {errors}.",
        "fine",
    )
    return xychart("Reliability of the direction", "stated probability", "frequency", lines, diagonal=True) + note


def pooling(metrics: dict[str, Any]) -> str:
    """Loss of the pool over the network's weight, both targets."""
    return "".join(
        xychart(
            f"Loss of the pool, {target}",
            "weight of the network",
            "loss",
            [Curve(target, [(w, loss) for w, loss in metrics[target]["weights"]], "s1")],
        )
        for target in ("variance", "direction")
    )


def learning(metrics: dict[str, Any], manifest: Manifest) -> str:
    """Training and validation loss of the model that ships, and validation losses of all folds of its seed."""
    own = [fold for fold in metrics["folds"] if fold["seed"] == manifest.lineage.seed]
    ships = next(fold for fold in own if fold["test"] is None)
    first = xychart(
        "Loss of the model that ships",
        "pass",
        "loss",
        [
            Curve("training", [(i + 1.0, pair[0]) for i, pair in enumerate(ships["curve"])], "s2"),
            Curve("validation", [(i + 1.0, pair[1]) for i, pair in enumerate(ships["curve"])], "s1"),
        ],
    )
    second = xychart(
        "Validation loss of every fold of the first seed",
        "pass",
        "loss",
        [
            Curve(f"fold {fold['fold']}", [(i + 1.0, pair[1]) for i, pair in enumerate(fold["curve"])], COLOURS[n % 6])
            for n, fold in enumerate(f for f in own if f["test"])
        ],
    )
    return first + second
