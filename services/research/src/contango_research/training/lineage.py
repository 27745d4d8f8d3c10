"""What a model's manifest and its ``metrics.json`` say about how it came about."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from contango_common.domain.errors import UserError
from contango_inference.models.manifest import Lineage, Manifest
from contango_inference.models.weights import sha_of
from contango_inference.train.fitting import rows_of
from contango_inference.train.settings import TrainSettings
from contango_inference.train.verdict import verdicts_of
from contango_market_data.catalog.dates import to_date
from contango_research.house import BUILD
from contango_research.plain import iso, without_nan
from contango_research.training.checkpoints import data_sha
from contango_research.training.dataset import Source
from contango_research.training.found import Trained

SECOND_NS = 1_000_000_000


def check_earns_from(earns_from: int | None, last: int) -> None:
    """Raises UserError for a date on which the model has already learned."""
    if earns_from is not None and earns_from <= last:
        raise UserError(f"--earns-from {iso(earns_from)}: the model learns until {iso(last)}; choose a later date")


def midnight_ns(date: int) -> int:
    """Midnight UTC at which the day yyyymmdd begins.

    >>> midnight_ns(20160104)
    1451865600000000000
    """
    day = to_date(date)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_NS


def day_after(date: int) -> int:
    """The calendar day after yyyymmdd.

    >>> day_after(20151231)
    20160101
    """
    return int((np.datetime64(to_date(date)) + 1).item().strftime("%Y%m%d"))


def manifest_for(
    name: str, found: Trained, source: Source, s: TrainSettings, weights: bytes, earns_from: int | None
) -> Manifest:
    """The manifest of the model that ships; without ``earns_from`` it may earn from the day after its last session."""
    dates = found.data.sessions.dates
    train = rows_of(found.data, found.last.train)
    return Manifest(
        name=name,
        shape=s.shape,
        contract=s.contract(found.shipped.features, (source.symbol,)),
        calibration=found.shipped.calibration,
        verdicts=verdicts_of(found.judged),
        lineage=Lineage(
            code=BUILD,
            data=(source.words[0], f"SHA-256 of sessions, bars and features {data_sha(source.sessions, s)}"),
            trained_from=int(dates[train[0]]),
            trained_until=int(dates[-1]),
            earns_from_ns=midnight_ns(day_after(int(dates[-1])) if earns_from is None else earns_from),
            seed=s.seeds[0],
            rows=len(train),
            settings=_settings(found, s),
            metrics=_figures(found),
        ),
        weights_sha=sha_of(weights),
    )


def metrics_of(found: Trained) -> dict[str, Any]:
    """All figures as JSON: skills, losses, coverage, reliability, folds and loss curves."""
    return {
        target: {
            "better_baseline": judged.better,
            "best_pool_weight": judged.weight,
            "skills": {name: without_nan(asdict(skill)) for name, skill in judged.skills.items()},
            **without_nan(judged.figures),
        }
        for target, judged in found.judged.items()
    } | {"folds": [_fold(found, seed, number) for seed, number in sorted(found.models)]}


def _fold(found: Trained, seed: int, number: int) -> dict[str, Any]:
    fold = next(f for f in (*found.folds, found.last) if f.number == number)
    dates, model = found.data.sessions.dates, found.models[seed, number]
    parts = {"train": fold.train, "validation": fold.validation, "test": fold.test}
    spans = {
        name: [int(dates[part.start]), int(dates[part.stop - 1])] if len(part) else None for name, part in parts.items()
    }
    return {
        "seed": seed,
        "fold": number,
        **spans,
        "rows": model.rows,
        "best_pass": model.best + 1,
        "temperature": model.calibration.temperature,
        "curve": [list(pair) for pair in model.curve],
    }


def _settings(found: Trained, s: TrainSettings) -> dict[str, float | int | str | bool | None]:
    flat: dict[str, float | int | str | bool | None] = {
        "folds": len(found.folds),
        "purge_sessions": s.longest,
        "seeds_judged": len(s.seeds),
        "first_test": int(found.walk.dates[0]),
        "last_test": int(found.walk.dates[-1]),
        "estimator": s.inference.estimator,
        "best_pass": found.shipped.best + 1,
        "validation_rows": len(rows_of(found.data, found.last.validation)),
    }
    for section in (s.learning, s.walking, s.verdict):
        flat |= section.model_dump(mode="json")
    return flat


def _figures(found: Trained) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for target, judged in found.judged.items():
        figures |= {f"{target}_loss_{name}": loss for name, loss in judged.figures["loss"].items()}
        figures |= {f"{target}_skill_{name}": skill.skill for name, skill in judged.skills.items()}
        figures[f"{target}_best_pool_weight"] = judged.weight
    for row in judged_horizons(found):
        figures[f"variance_inside_{row['horizon']}"] = row["inside"]["network"]
    return figures


def judged_horizons(found: Trained) -> list[dict[str, Any]]:
    """The variance's figures by horizon, shortest first."""
    rows: list[dict[str, Any]] = found.judged["variance"].figures["by_horizon"]
    return rows
