"""The canonical log: what a digest is taken of, and what ``log.jsonl.gz`` holds."""

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from contango_common.events.codec import canonical
from contango_common.runtime.log import Message


def line(message: Message) -> bytes:
    """One line of the canonical log: the message without ``build``, led by its sequence."""
    return b'{"seq":%d,' % message.seq + canonical(message.data)[1:] + b"\n"


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
    """Messages of a ``log.jsonl.gz``; their data is the canonical form."""
    with gzip.open(path, "rb") as handle:
        for raw in handle:
            head, _, rest = raw.rstrip(b"\n").partition(b",")
            seq = int(head.partition(b":")[2])
            data = b"{" + rest
            yield Message(seq, _subject(data), data)


def _subject(data: bytes) -> str:
    start = data.index(b'"source":"') + len(b'"source":"')
    return "log." + data[start : data.index(b'"', start)].decode()
