"""A whole training: walk forward, judge, train the model that ships, and write it as one folder or not at all."""

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_inference.models.manifest import Manifest, Target
from contango_inference.models.weights import weights_bytes
from contango_inference.registry.store import FOLDER_LETTERS, Registry
from contango_inference.train.evaluate import Judged, judged_direction, judged_variance
from contango_inference.train.fitting import Model, fitted
from contango_inference.train.rows import Data, data_of
from contango_inference.train.settings import TrainSettings
from contango_inference.train.splits import Fold, fold_before, folds_of
from contango_inference.train.walk import walked
from contango_research.plain import json_pretty
from contango_research.training.checkpoints import Checkpoints, key_of
from contango_research.training.dataset import Source
from contango_research.training.found import Trained
from contango_research.training.lineage import check_earns_from, manifest_for, metrics_of
from contango_research.training.report import render

REPORT, METRICS = "report.html", "metrics.json"
NAME = re.compile(r"^[a-z][a-z0-9_]{0,63}$")
Tell = Callable[[int, int], None]


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UserError(f"--name {name!r}: a small letter, then at most 63 small letters, digits and _")


def need_torch() -> None:
    """Raises UserError where torch is not installed: nothing but training needs it."""
    if find_spec("torch") is None:
        raise UserError("training needs torch, which is not installed here: pip install 'contango-inference[torch]'")


def train(source: Source, s: TrainSettings, keep: Checkpoints, *, resume: bool, tell: Tell | None = None) -> Trained:
    """Every fold of every seed, then the model that ships; ``tell`` is told passes done and passes at most."""
    need_torch()
    data = data_of(source.sessions, s)
    folds = folds_of(data.first, len(data.sessions), s.longest, s.walking)
    last = fold_before(len(folds), data.first, len(data.sessions) - s.longest, s.longest, s.walking)
    if not folds:
        raise UserError("the history is too short for one fold: give more dates or a smaller walking.first_sessions")
    keep.open(resume=resume)
    jobs = [(seed, fold) for seed in s.seeds for fold in folds] + [(s.seeds[0], last)]
    models = {}
    for i, (seed, fold) in enumerate(jobs):
        models[seed, fold.number] = _one(data, fold, s, seed, keep, _within(tell, i, len(jobs), s.learning.epochs))
    walk = walked(data, folds, models, s)
    judged: dict[Target, Judged] = {"direction": judged_direction(walk, s), "variance": judged_variance(walk, s)}
    return Trained(data, folds, models, last, models[s.seeds[0], last.number], walk, judged)


def train_to(
    out: Path,
    name: str,
    source: Source,
    s: TrainSettings,
    *,
    earns_from: int | None,
    resume: bool,
    tell: Tell | None = None,
) -> tuple[Path, Manifest, Trained]:
    """Train and write ``<out>/<name>/<version16>/``; the folder, its manifest and what was found."""
    check_name(name)
    check_earns_from(earns_from, int(source.sessions.dates[-1]))
    keep = Checkpoints(out / f".{name}.folds", key_of(source.sessions, s))
    found = train(source, s, keep, resume=resume, tell=tell)
    weights = weights_bytes(found.shipped.weights)
    manifest = manifest_for(name, found, source, s, weights, earns_from)
    metrics = metrics_of(found)
    files = {METRICS: json_pretty(metrics), REPORT: render(manifest, found, metrics, source.words).encode()}
    path = _written(out, manifest, weights, files)
    keep.remove()
    return path, manifest, found


def _one(data: Data, fold: Fold, s: TrainSettings, seed: int, keep: Checkpoints, tell: Tell | None) -> Model:
    name = f"seed{seed}-fold{fold.number:02d}"
    model = keep.find(name)
    if model is None:
        model = fitted(data, fold, s, seed, tell)
        keep.keep(name, model)
    return model


def _within(tell: Tell | None, job: int, jobs: int, epochs: int) -> Tell | None:
    """Passes of one fold as passes of all."""
    return None if tell is None else lambda done, most: tell(job * epochs + done, jobs * epochs)


def _written(out: Path, manifest: Manifest, weights: bytes, files: Mapping[str, bytes]) -> Path:
    """All files beside, then one rename. A version that is there already stays as it is."""
    folder = out / manifest.name / manifest.version[:FOLDER_LETTERS]
    if folder.exists():
        return folder
    try:
        out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{manifest.name}-", dir=out))
    except OSError as error:
        raise UserError(f"{out}: {error.strerror}; name a folder that can be written with --out") from None
    try:
        made = Registry(work).add(manifest, weights)
        for name, data in files.items():
            (made / name).write_bytes(data)
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder
