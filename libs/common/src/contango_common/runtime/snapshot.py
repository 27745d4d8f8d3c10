"""Snapshots: a fold's state at one position, written so that it is whole or not there.

A snapshot shortens recovery and is never the truth: one of another format or build is not used, and the fold starts
from the first message; one that does not fit the log (epoch, sequence, hash) halts the process. Parameters are part of
the state: they came from the log.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter

from contango_common.runtime.failpoints import failpoint
from contango_common.runtime.fold import Fold

VERSION = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``seq`` is the last message handled, ``msg_hash`` the SHA-256 of its bytes, ``state`` the dumped state."""

    version: int
    build: str
    stream_epoch: str
    seq: int
    msg_hash: str
    last_ts_ns: int
    state: str


class StateCodec:
    """Dumps and loads the state dataclass that ``fold.initial`` returns."""

    def __init__(self, fold: Fold) -> None:
        # One-tuples, because only the outermost type may say how infinities are written, and a dataclass may not.
        state = get_type_hints(fold.initial)["return"]
        self._adapter: TypeAdapter[Any] = TypeAdapter(tuple[state], config=ConfigDict(ser_json_inf_nan="constants"))  # type: ignore[valid-type]

    def dump(self, state: Any) -> bytes:
        """Bytes of a state: equal states have equal bytes."""
        return self._adapter.dump_json((state,))

    def load(self, data: bytes | str) -> Any:
        return self._adapter.validate_json(data)[0]


def message_hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class SnapshotStore:
    """One file per participant in a folder; the newest replaces the one before atomically."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def save(self, name: str, snapshot: Snapshot) -> None:
        failpoint("before-snapshot", name)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.snapshot"
        body = json.dumps(asdict(snapshot), separators=(",", ":")).encode()
        with (self.folder / f"{name}.snapshot.new").open("wb") as handle:
            half = len(body) // 2
            handle.write(body[:half])
            handle.flush()
            failpoint("mid-snapshot", name)
            handle.write(body[half:])
            handle.write(b"\n" + hashlib.sha256(body).hexdigest().encode())
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(self.folder / f"{name}.snapshot.new", path)

    def load(self, name: str) -> Snapshot | None:
        """The last whole snapshot of this version, else None."""
        path = self.folder / f"{name}.snapshot"
        if not path.exists():
            return None
        body, _, digest = path.read_bytes().rpartition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        raw = json.loads(body)
        return Snapshot(**raw) if raw.get("version") == VERSION else None
