"""The canonical log: what a digest is taken of, and what ``log.jsonl.gz`` holds."""

import base64
import gzip
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from contango_common.events.codec import canonical
from contango_common.runtime.log import Message


def line(message: Message) -> bytes:
    """One line of the canonical log: the message without ``build``, led by its sequence.

    What is no envelope of the subject's writer (it was quarantined) stands there as ``raw``, in base64.
    """
    if not _is_plain(message):
        raw = base64.b64encode(message.data)
        return b'{"seq":%d,"subject":%b,"raw":"%b"}\n' % (message.seq, orjson.dumps(message.subject), raw)
    return b'{"seq":%d,' % message.seq + canonical(message.data)[1:] + b"\n"


def _is_plain(message: Message) -> bool:
    data = message.data
    if not data.startswith(b'{"v":') or b"\n" in data:
        return False
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and message.subject == f"log.{found.get('source')}"


class CanonWriter:
    """Writes canonical lines to a gzip file (same lines, same bytes) and keeps their SHA-256."""

    def __init__(self, path: Path) -> None:
        self._hash = hashlib.sha256()
        self._raw = path.open("wb")
        self._file = gzip.GzipFile(filename="", fileobj=self._raw, mode="wb", compresslevel=1, mtime=0)
        self._buffer: list[bytes] = []

    def write(self, message: Message) -> None:
        self._buffer.append(line(message))
        if len(self._buffer) >= 1024:
            self._drain()

    def close(self) -> str:
        """Finish the file and return the digest."""
        self._drain()
        self._file.close()
        self._raw.close()
        return self._hash.hexdigest()

    def _drain(self) -> None:
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._hash.update(data)
        self._file.write(data)


def digest(messages: Iterable[Message]) -> str:
    total = hashlib.sha256()
    for message in messages:
        total.update(line(message))
    return total.hexdigest()


def read_canonical(path: Path) -> Iterator[Message]:
    """Messages of a ``log.jsonl.gz``; their data is the canonical form. ValueError for a line that is none."""
    with gzip.open(path, "rb") as handle:
        for number, raw in enumerate(handle, 1):
            yield _message(raw.rstrip(b"\n"), number)


def _message(raw: bytes, number: int) -> Message:
    head, comma, rest = raw.partition(b",")
    if not head.startswith(b'{"seq":') or not comma:
        raise ValueError(f"line {number} does not begin with a sequence")
    seq = int(head[7:])
    if rest.startswith(b'"subject":'):
        kept = orjson.loads(raw)
        return Message(seq, kept["subject"], base64.b64decode(kept["raw"]))
    start = rest.index(b'"source":"') + len(b'"source":"')
    subject = "log." + rest[start : rest.index(b'"', start)].decode()
    return Message(seq, subject, b"{" + rest)
