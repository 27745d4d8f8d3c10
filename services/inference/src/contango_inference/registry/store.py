"""Models as folders: ``<root>/<name>/<first 16 of the version>/`` with manifest and weights, and who was promoted when.

The first root is the user's and is written; the others (what is shipped with the program) are only read. A model is
written beside and renamed, so that nobody meets half of one. ``history.jsonl`` of a name holds its promotions and
rollbacks as the facts they are; the champion is what they fold to, and without them the only version there is.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_common.events.system import ModelPromoted, ModelRolledBack
from contango_inference.models.loaded import Loaded, loaded
from contango_inference.models.manifest import MANIFEST, WEIGHTS, Manifest, manifest_of

HISTORY = "history.jsonl"
FOLDER_LETTERS = 16
Change = ModelPromoted | ModelRolledBack
_KINDS: dict[str, type[ModelPromoted] | type[ModelRolledBack]] = {
    "ModelPromoted": ModelPromoted,
    "ModelRolledBack": ModelRolledBack,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one model, its weights not read yet."""

    manifest: Manifest
    version: str
    path: Path


def shipped() -> Path:
    """The models that come with the program."""
    return Path(str(files("contango_inference"))) / "shipped"


class Registry:
    """Models under ``root``, then under the ``further`` roots.

    >>> Registry(Path("models")).names()
    []
    """

    def __init__(self, root: Path, *further: Path) -> None:
        self.root, self._roots = root, (root, *further)

    def names(self) -> list[str]:
        found = {path.parent.parent.name for root in self._roots for path in root.glob(f"*/*/{MANIFEST}")}
        return sorted(found)

    def entries(self, name: str) -> list[Entry]:
        """Every version of ``name``, by the session until which it was trained. UserError for a broken manifest."""
        found = [self._entry(path) for root in self._roots for path in sorted(root.glob(f"{name}/*/{MANIFEST}"))]
        once = {entry.version: entry for entry in reversed(found)}
        return sorted(once.values(), key=lambda entry: (entry.manifest.lineage.trained_until, entry.version))

    def find(self, ref: str) -> Entry:
        """``name`` (its champion) or ``name@version`` (any beginning of it). UserError says what there is instead."""
        name, _, prefix = ref.partition("@")
        entries = self.entries(name)
        if not entries:
            there = ", ".join(self.names()) or "none"
            raise UserError(f"no model is called {name!r} under {self.root}; there are: {there}")
        if not prefix:
            return self._champion(name, entries)
        matching = [entry for entry in entries if entry.version.startswith(prefix)]
        if len(matching) != 1:
            there = ", ".join(entry.version[:FOLDER_LETTERS] for entry in entries)
            raise UserError(f"{len(matching)} versions of {name} begin with {prefix!r}; there are: {there}")
        return matching[0]

    def load(self, ref: str) -> Loaded:
        """The model with its checked weights. UserError for anything that does not fit."""
        path = self.find(ref).path
        return loaded(_read(path / MANIFEST), _read(path / WEIGHTS), str(path))

    def add(self, manifest: Manifest, weights: bytes) -> Path:
        """Write one version, whole or not at all; the same again changes nothing. UserError where they do not fit."""
        where = f"{manifest.name}@{manifest.version[:FOLDER_LETTERS]}"
        loaded(manifest.canonical(), weights, where)
        folder = self.root / manifest.name / manifest.version[:FOLDER_LETTERS]
        if folder.exists():
            return folder
        beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
        beside.mkdir(parents=True)
        (beside / WEIGHTS).write_bytes(weights)
        (beside / MANIFEST).write_bytes(manifest.canonical())
        beside.rename(folder)
        return folder

    def history(self, name: str) -> list[Change]:
        """Promotions and rollbacks, oldest first."""
        path = self.root / name / HISTORY
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [_change(line, f"{path} line {i + 1}") for i, line in enumerate(lines)]

    def promote(self, ref: str, reason: str) -> ModelPromoted:
        """Make a version the champion of its name, with the figures of its verdicts as evidence.

        Its weights are checked first. Raises UserError; then nothing is promoted.
        """
        entry = self.find(ref)
        loaded(_read(entry.path / MANIFEST), _read(entry.path / WEIGHTS), str(entry.path))
        fact = ModelPromoted(
            model=entry.manifest.name,
            sha=entry.version,
            previous_sha=self.champion(entry.manifest.name),
            evidence=evidence_of(entry.manifest),
            reason=reason,
        )
        self._record(fact)
        return fact

    def roll_back(self, name: str, reason: str) -> ModelRolledBack:
        """Back to the champion before. UserError where there was no promotion."""
        standing = _promotions(self.history(name))
        if not standing:
            raise UserError(f"no version of {name} was promoted under {self.root}; there is nothing to roll back")
        fact = ModelRolledBack(
            model=name, sha=standing[-2] if len(standing) > 1 else None, previous_sha=standing[-1], reason=reason
        )
        self._record(fact)
        return fact

    def champion(self, name: str) -> str | None:
        """The version that was promoted last and not rolled back; None without one."""
        standing = _promotions(self.history(name))
        return standing[-1] if standing else None

    def _champion(self, name: str, entries: list[Entry]) -> Entry:
        version = self.champion(name)
        if version is None and len(entries) == 1:
            return entries[0]
        for entry in entries:
            if entry.version == version:
                return entry
        if version is None:
            raise UserError(f"{len(entries)} versions of {name} and none promoted: contango models promote {name}@…")
        raise UserError(f"the champion of {name}, {version[:FOLDER_LETTERS]}, is not under {self.root}: roll it back")

    def _record(self, fact: Change) -> None:
        folder = self.root / fact.model
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / HISTORY).open("a", encoding="utf-8") as file:
            file.write(f'{{"tag":"{fact.TAG}","fact":{fact.model_dump_json()}}}\n')

    def _entry(self, path: Path) -> Entry:
        manifest = manifest_of(_read(path), str(path))
        return Entry(manifest, manifest.version, path.parent)


def evidence_of(manifest: Manifest) -> dict[str, float | str | None]:
    """The figures of the verdicts, flat."""
    found: dict[str, float | str | None] = {}
    for v in manifest.verdicts:
        figures = {"weight": v.weight, "skill": v.skill, "low": v.low, "high": v.high, "p_value": v.p_value}
        found |= {f"{v.target}_{name}": number for name, number in figures.items()}
        found[f"{v.target}_reason"] = v.reason
    return found


def _promotions(history: list[Change]) -> list[str]:
    """The champions that stand, oldest first: a rollback takes the last one away."""
    standing: list[str] = []
    for fact in history:
        if isinstance(fact, ModelPromoted):
            standing.append(fact.sha)
        elif standing:
            standing.pop()
    return standing


def _change(line: str, where: str) -> Change:
    try:
        raw = json.loads(line)
        kind = _KINDS[raw["tag"]]
        return kind.model_validate(raw["fact"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{where}: no record of a promotion ({type(error).__name__}); restore the file") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; the model is not whole: add it again") from None


def versions(registry: Registry) -> Iterator[Entry]:
    """All versions of all models."""
    for name in registry.names():
        yield from registry.entries(name)
