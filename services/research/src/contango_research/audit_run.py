"""The audit of a run directory: (a) bytes that differ from the manifest, (b) the first decision that differs."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_common.events.base import ByReference
from contango_common.events.codec import decode
from contango_common.runtime.audit import Difference, redecide
from contango_common.runtime.blocks import BlockStore, Overlay
from contango_common.runtime.canon import digest, read_canonical
from contango_common.runtime.log import Message
from contango_research.house import judges


@dataclass(frozen=True, slots=True)
class Audit:
    """``bytes_differ`` names what does not fit the manifest; ``machine`` what differs here from where it was made."""

    bytes_differ: list[str]
    difference: Difference | None
    messages: int
    blocks: int
    machine: list[str]

    @property
    def clean(self) -> bool:
        return not self.bytes_differ and self.difference is None


def audit_run(folder: Path) -> Audit:
    """Check files and blocks against the manifest, then decide the whole log anew."""
    manifest = _manifest(folder)
    log = folder / "log.jsonl.gz"
    if not log.is_file():
        raise UserError(f"{log} is missing: an audit needs the log of the run")
    differ = _files(folder, manifest)
    try:
        messages = list(read_canonical(log))
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{log} cannot be read: {error}; restore it from where the run was made") from None
    if digest(messages) != manifest.get("digest"):
        differ.append(f"log.jsonl.gz: digest is {digest(messages)}, the manifest says {manifest.get('digest')}")
    store = _blocks(folder, manifest)
    bad, count = _verify_blocks(store, messages)
    difference = redecide(judges(), messages, Overlay(store))
    return Audit(differ + bad, difference, len(messages), count, _machine(manifest))


def _manifest(folder: Path) -> dict[str, object]:
    path = folder / "manifest.json"
    try:
        found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except OSError:
        raise UserError(f"{folder} is no run directory: manifest.json is missing") from None
    except ValueError as error:
        raise UserError(f"{path} is malformed: {error}") from None


def _files(folder: Path, manifest: dict[str, object]) -> list[str]:
    differ = []
    files = manifest.get("files")
    for name, expected in files.items() if isinstance(files, dict) else ():
        path = folder / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
        if found != expected:
            differ.append(f"{name}: {found}, the manifest says {expected}")
    return differ


def _blocks(folder: Path, manifest: dict[str, object]) -> BlockStore:
    named = Path(str(manifest.get("block_store", "blocks")))
    path = named if named.is_absolute() else folder / named
    if not path.is_dir():
        raise UserError(f"the block store {path} is missing: without it the frames of this log cannot be read")
    return BlockStore(path)


def _verify_blocks(store: BlockStore, messages: list[Message]) -> tuple[list[str], int]:
    wanted: dict[str, int] = {}
    for message in messages:
        if message.subject in ("log.md", "log.reference", "log.signals", "log.forecast"):
            for event in decode(message.data).events:
                if isinstance(event, ByReference):
                    for reference in event.references():
                        wanted.setdefault(reference, message.seq)
    bad = []
    for reference, seq in wanted.items():
        if reference not in store:
            bad.append(f"block {reference} of message {seq} is missing")
        elif not store.verify(reference):
            bad.append(f"block {reference} of message {seq} has other bytes than its address says")
    return bad, len(wanted)


def _machine(manifest: dict[str, object]) -> list[str]:
    """What differs between the machine of the run and this one: a digest is promised per machine class only."""
    from contango_research.rundir import environment

    here, there = environment(), manifest.get("environment")
    if not isinstance(there, dict):
        return []
    return [f"{key}: {there.get(key)} there, {value} here" for key, value in here.items() if there.get(key) != value]
