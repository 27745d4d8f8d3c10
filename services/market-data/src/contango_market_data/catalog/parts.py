"""Atomic, streaming writes of grouped Parquet files.

A file of the catalog holds *groups*, one row group each, ascending (a chain file: one group per session). Rows may
arrive in any order and in batches of any size: they are staged as parts beside the catalog, merged group by group with
what the file already holds, and renamed into place only when every file is complete. Of two rows with the same key the
one that came last stays. Memory: one group and the groups it is merged with.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contango_market_data.catalog.schema import order_rows

GroupOf = Callable[[pa.Table], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one kind of file is written: its schema, the key of its rows, and the group of a (one-group) table."""

    schema: pa.Schema
    key: tuple[str, ...]
    group_of: GroupOf
    dictionary_columns: tuple[str, ...]


@dataclass(slots=True)
class Written:
    """Rows that were handed in, rows with a key that was handed in before, rows that replaced stored ones."""

    rows: int = 0
    duplicates: int = 0
    replaced: int = 0


@dataclass(slots=True)
class _Target:
    layout: Layout
    parts: list[Path] = field(default_factory=list)
    writer: pq.ParquetWriter | None = None
    last_group: int = -1


class Staging:
    """Parts of files that are being written; ``commit`` makes them visible, ``discard`` leaves nothing behind."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=root))
        self._targets: dict[Path, _Target] = {}
        self._open: Path | None = None
        self._count = 0
        self.written = Written()

    def add(self, path: Path, layout: Layout, group: int, table: pa.Table) -> None:
        """Stage the rows of one group of the file at ``path``."""
        target = self._targets.setdefault(path, _Target(layout))
        ordered, dropped = order_rows(table, layout.key)
        self.written.rows += table.num_rows
        self.written.duplicates += dropped
        self._part(path, target, group).write_table(ordered, row_group_size=max(ordered.num_rows, 1))

    def commit(self) -> None:
        """Merge every part and rename all files into place; the folder of parts disappears."""
        try:
            self._close()
            ready = [(path, self._merge(path, target)) for path, target in self._targets.items()]
            for path, made in ready:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.replace(path)
        finally:
            self.discard()

    def discard(self) -> None:
        self._close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _part(self, path: Path, target: _Target, group: int) -> pq.ParquetWriter:
        """The open part of ``path``, or a new one when the group is not after the part's last."""
        if self._open != path or group <= target.last_group or target.writer is None:
            self._close()
            part = self._new_file()
            target.writer = open_writer(part, target.layout)
            target.parts.append(part)
            self._open = path
        target.last_group = group
        return target.writer

    def _close(self) -> None:
        if self._open is None:
            return
        target = self._targets[self._open]
        if target.writer is not None:
            target.writer.close()
        target.writer, target.last_group, self._open = None, -1, None

    def _new_file(self) -> Path:
        self._count += 1
        return self._folder / f"{self._count:06d}.parquet"

    def _merge(self, path: Path, target: _Target) -> Path:
        """One file out of the parts and what ``path`` holds already."""
        stored = [path] if path.exists() else []
        if not stored and len(target.parts) == 1:
            return target.parts[0]
        made = self._new_file()
        sources = [*stored, *target.parts]
        with open_writer(made, target.layout) as writer:
            for pieces in _groups_in_step(sources, target.layout):
                merged = self._merge_group(pieces, target.layout, stored=bool(stored))
                writer.write_table(merged, row_group_size=max(merged.num_rows, 1))
        return made

    def _merge_group(self, pieces: list[tuple[int, pa.Table]], layout: Layout, *, stored: bool) -> pa.Table:
        """Rows of one group; ``pieces`` carry the index of the source they come from, in the order they came."""
        new = [table for source, table in pieces if not stored or source > 0]
        old = [table for source, table in pieces if stored and source == 0]
        fresh, again = order_rows(pa.concat_tables(new), layout.key) if new else (None, 0)
        self.written.duplicates += again
        if fresh is None:
            return old[0]
        if not old:
            return fresh
        merged, replaced = order_rows(pa.concat_tables([*old, fresh]), layout.key)
        self.written.replaced += replaced
        return merged


def open_writer(path: Path, layout: Layout) -> pq.ParquetWriter:
    """A writer with the house's settings: fast to read, small where values repeat."""
    return pq.ParquetWriter(
        path,
        layout.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=list(layout.dictionary_columns),
        write_statistics=[layout.key[0]],
        store_decimal_as_integer=False,
    )


def _groups_in_step(paths: list[Path], layout: Layout) -> Iterator[list[tuple[int, pa.Table]]]:
    """Walk several files by ascending group: all pieces of the lowest group at a time."""
    files = [pq.ParquetFile(path, memory_map=True) for path in paths]
    walks = [_walk(file, layout) for file in files]
    heads = [next(walk, None) for walk in walks]
    while any(head is not None for head in heads):
        lowest = min(head[0] for head in heads if head is not None)
        pieces = []
        for source, head in enumerate(heads):
            if head is not None and head[0] == lowest:
                pieces.append((source, head[1]))
                heads[source] = next(walks[source], None)
        yield pieces
    for file in files:
        file.close()


def _walk(file: pq.ParquetFile, layout: Layout) -> Iterator[tuple[int, pa.Table]]:
    for index in range(file.num_row_groups):
        table = file.read_row_group(index).cast(layout.schema)
        if table.num_rows:
            yield layout.group_of(table), table
