"""The block store: one append-only file per writer and trading session, found by content address.

File: records of ``b"BLK1"``, length (u64), address (32 ASCII), padding to 64 bytes, the encoded block, padding to 16.
A torn tail (the writer was killed) is cut off when the writer opens the file again. Readers memory-map; an address
that is not known makes them look at files that have grown. A block is verified against its address when it is written
and by the audit.
"""

import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from contango_common.domain.blocks import Block, address, decode_block, encode_block, named
from contango_common.domain.errors import LogError

_HEAD = struct.Struct("<4sQ32s20x")
_MAGIC = b"BLK1"
_ALIGN = 16


class BlockStore(Mapping[str, dict[str, npt.NDArray[Any]]]):
    """Mapping from address to columns. Each writer has files of its own, so that several may write into one folder.

    The market-data edge writes ``<session>.blk``; a fold whose facts name blocks of its own ``<fold>-<session>.blk``.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._where: dict[str, tuple[str, int, int]] = {}
        self._scanned: dict[str, int] = {}
        self._maps: dict[str, mmap.mmap] = {}
        self._decoded: dict[str, dict[str, npt.NDArray[Any]]] = {}
        self._writing: dict[str, tuple[str, Any]] = {}
        self._newest: dict[str, str] = {}

    def put(self, session: str, columns: Mapping[str, npt.NDArray[Any]], writer: str = "") -> str:
        """Store a block in ``writer``'s file of ``session`` and return its address; a known one is not stored again."""
        data = encode_block(columns)
        digest = address(data)
        name, handle = self._open_for_writing(session, writer)
        if digest in self._where:
            return digest
        start = handle.tell()
        handle.write(b"".join((_HEAD.pack(_MAGIC, len(data), digest.encode()), data, bytes(-len(data) % _ALIGN))))
        handle.flush()
        self._where[digest] = (name, start + _HEAD.size, len(data))
        self._scanned[name] = handle.tell()
        return digest

    def close(self) -> None:
        for _, handle in self._writing.values():
            handle.close()
        self._writing.clear()
        self._decoded.clear()
        self._maps.clear()

    def __getitem__(self, digest: str) -> dict[str, npt.NDArray[Any]]:
        found = self._decoded.get(digest)
        if found is None:
            found = decode_block(self.raw(digest))
            if len(self._decoded) >= 64:
                self._decoded.pop(next(iter(self._decoded)))
            self._decoded[digest] = found
        return found

    def raw(self, digest: str) -> memoryview:
        """The encoded block; LogError when no file holds it."""
        for newest in self._newest.values() if digest not in self._where else ():
            self._scan(newest)  # where a writer is now; looking at every session's file takes long
        if digest not in self._where:
            self._scan_all()
        if digest not in self._where:
            raise LogError(f"block {digest} is not in {self.folder}: the log needs the block store it was made with")
        name, offset, length = self._where[digest]
        return memoryview(self._map(name, offset + length))[offset : offset + length]

    def verify(self, digest: str) -> bool:
        """Whether the stored bytes still have this address."""
        return address(self.raw(digest)) == digest

    def __contains__(self, digest: object) -> bool:
        if digest not in self._where:
            self._scan_all()
        return digest in self._where

    def __iter__(self) -> Iterator[str]:
        self._scan_all()
        return iter(self._where)

    def __len__(self) -> int:
        self._scan_all()
        return len(self._where)

    def _map(self, name: str, end: int) -> mmap.mmap:
        mapped = self._maps.get(name)
        if mapped is None or len(mapped) < end:
            with (self.folder / name).open("rb") as handle:
                mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
            if len(self._maps) >= 8:
                self._maps.pop(next(iter(self._maps)))
            self._maps[name] = mapped
        return mapped

    def _open_for_writing(self, session: str, writer: str) -> tuple[str, Any]:
        name = f"{writer}-{session}.blk" if writer else f"{session}.blk"
        known = self._writing.get(writer)
        if known is not None and known[0] == name:
            return known
        if known is not None:
            known[1].close()
        else:
            self._scan_all()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        end = _whole_end(path) if path.exists() else 0
        handle = path.open("r+b" if path.exists() else "w+b")
        handle.seek(end)
        handle.truncate()
        self._writing[writer] = (name, handle)
        return name, handle

    def _scan_all(self) -> None:
        if self.folder.is_dir():
            for entry in sorted(os.scandir(self.folder), key=lambda e: e.name):
                if entry.name.endswith(".blk") and entry.stat().st_size > self._scanned.get(entry.name, 0):
                    self._scan(entry.name)
                    self._newest[_writer_of(entry.name)] = entry.name

    def _scan(self, name: str) -> int:
        """Index the records of a file from where we stopped; return the end of the last whole record."""
        path = self.folder / name
        size = path.stat().st_size
        position = self._scanned.get(name, 0)
        with path.open("rb") as handle:
            while position + _HEAD.size <= size:
                handle.seek(position)
                record = _head(handle.read(_HEAD.size))
                if record is None or position + _HEAD.size + record[0] + (-record[0] % _ALIGN) > size:
                    break
                length, digest = record
                self._where[digest] = (name, position + _HEAD.size, length)
                position += _HEAD.size + length + (-length % _ALIGN)
        self._scanned[name] = position
        return position


def _writer_of(name: str) -> str:
    """The writer in a file's name, empty for the market-data edge."""
    return name.rpartition("-")[0]


class Overlay(Mapping[str, Block]):
    """A store that is read, with new blocks kept in memory: for deciding anew what was decided before."""

    def __init__(self, below: Mapping[str, Block]) -> None:
        self._below = below
        self._own: dict[str, Block] = {}

    def put(self, session: str, columns: Block, writer: str = "") -> str:
        digest, block = named(columns)
        self._own[digest] = block
        return digest

    def __getitem__(self, digest: str) -> Block:
        return self._own[digest] if digest in self._own else self._below[digest]

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._below), **self._own})

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _head(data: bytes) -> tuple[int, str] | None:
    """(length, address) of a record, None when this is no head of one."""
    magic, length, digest = _HEAD.unpack(data)
    return (length, digest.decode(errors="replace")) if magic == _MAGIC else None


def _whole_end(path: Path) -> int:
    """End of the whole records of a file; what stands behind it is a torn tail and may be cut off.

    A record that is all there but does not fit its address, or whole records behind a broken one, mean that something
    else than a killed writer broke the file: LogError, nothing is cut.
    """
    data = path.read_bytes()
    position = 0
    while position + _HEAD.size <= len(data):
        head = _head(data[position : position + _HEAD.size])
        if head is None or position + _HEAD.size + head[0] > len(data):
            break
        end = position + _HEAD.size + head[0]
        if address(data[position + _HEAD.size : end]) != head[1]:
            raise _damaged(path, position)
        position = min(end + (-head[0] % _ALIGN), len(data))
    if _whole_record_behind(data, position):
        raise _damaged(path, position)
    return position


def _whole_record_behind(data: bytes, position: int) -> bool:
    start = data.find(_MAGIC, position + 1)
    while 0 <= start <= len(data) - _HEAD.size:
        head = _head(data[start : start + _HEAD.size])
        end = start + _HEAD.size + (head[0] if head is not None else 0)
        if head is not None and end <= len(data) and address(data[start + _HEAD.size : end]) == head[1]:
            return True
        start = data.find(_MAGIC, start + 1)
    return False


def _damaged(path: Path, position: int) -> LogError:
    return LogError(f"{path} is damaged at byte {position}: restore it from a copy, or make the run again")
