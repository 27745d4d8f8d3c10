"""Parameters of the direction predictor: the part ``inference.direction``."""

from typing import Literal

from contango_common.domain.declare import Section, param


class DirectionParams(Section):
    """Whom it looks at, how it learns, and what takes its say away or gives it back.

    >>> DirectionParams().horizon_hours
    4
    """

    symbols: tuple[str, ...] = param((), "symbols whose direction is predicted; empty: none")
    horizon_hours: int = param(4, "ahead of which a rise is predicted", unit="hours", ge=1, le=24)
    window_days: int = param(90, "of feature rows that a fit looks back on", unit="days", ge=7, le=730)
    min_rows: int = param(600, "labelled rows before the first fit", unit="rows", ge=100, le=20_000)
    model: Literal["forest", "boosting"] = param("forest", "random forest, or gradient boosting")
    trees: int = param(60, "trees of the ensemble", unit="trees", ge=5, le=1000)
    depth: int = param(5, "levels of a tree, at most", unit="levels", ge=1, le=20)
    min_leaf: int = param(40, "rows in a leaf, at least", unit="rows", ge=1, le=1000)
    folds: int = param(4, "walk-forward folds that calibrate and score a fit", unit="folds", ge=2, le=20)
    rule: Literal["e_process", "source_s1"] = param(
        "e_process",
        "e_process: no say before the record shows skill, taken away when it shows harm; source_s1: a say from the "
        "start, taken away while the last 100 predictions are right less often than in 55 %",
    )
    alpha: float = param(
        0.05, "chance that a predictor without skill gets a say within each evidence_days, at most", ge=0.001, le=0.5
    )
    evidence_days: int = param(180, "of predictions, after which evidence begins anew", unit="days", ge=30, le=3650)
    source_window: int = param(100, "predictions that the published rule looks at", unit="predictions", ge=10, le=1000)
    source_accuracy: float = param(0.55, "right answers that the published rule asks for", unit="fraction", ge=0, le=1)
