"""Messages made into rows, and rows written: the two blocking halves of the recorder's work. No waiting, no loop."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from contango_common.domain.errors import ContangoError, Undecodable, UserError
from contango_common.edge.store import Checkpoint, Store, StoreUnavailable
from contango_common.runtime.log import Message
from contango_recorder.project import Batches, project_message, quarantine
from contango_recorder.schema import QUARANTINE


@dataclass(slots=True)
class Batch:
    """Consecutive messages and their rows by table; ``last`` is the sequence that they reach."""

    messages: Sequence[Message]
    rows: Batches = field(default_factory=dict)

    @property
    def last(self) -> int:
        return self.messages[-1].seq

    def quarantined(self) -> int:
        return len(self.rows.get(QUARANTINE, ()))


def build(messages: Sequence[Message]) -> Batch:
    """Rows of ``messages`` (at least one); what cannot be decoded becomes a row of its own and stops nothing."""
    batch = Batch(messages)
    for message in messages:
        try:
            project_message(message, batch.rows)
        except Undecodable as error:
            quarantine(message, str(error), batch.rows)
    return batch


class Tables:
    """The store with this recorder's mark: writes batches and moves the checkpoint with them."""

    def __init__(self, store: Store, name: str, epoch: str) -> None:
        self._store, self._name, self._epoch = store, name, epoch
        self._prepared: tuple[str, str] | None = None

    def write(self, batch: Batch) -> Batch:
        """Write the rows and the position, all or nothing; returns what was written.

        Rows that the database refuses (text with a zero byte, a number out of range) put their message into
        quarantine. Raises StoreUnavailable when the same call may be made again, UserError and ContangoError when
        trying again is useless.
        """
        self._prepare(batch)
        try:
            self._write(batch)
            return batch
        except (UserError, StoreUnavailable):
            raise
        except ContangoError as error:
            if not isinstance(error.__cause__, psycopg.DataError):
                raise
            return self._isolate(batch, str(error))

    def _isolate(self, batch: Batch, reason: str) -> Batch:
        """Halve until the refused message stands alone. The halves are written in order, each with its mark."""
        if len(batch.messages) == 1:
            refused = Batch(batch.messages)
            quarantine(batch.messages[0], reason, refused.rows)
            self._write(refused)
            return refused
        middle = len(batch.messages) // 2
        first, second = self.write(build(batch.messages[:middle])), self.write(build(batch.messages[middle:]))
        both = Batch(batch.messages, first.rows)
        for table, rows in second.rows.items():
            both.rows.setdefault(table, []).extend(rows)
        return both

    def _write(self, batch: Batch) -> None:
        self._store.write(batch.rows, Checkpoint(self._name, self._epoch, batch.last))

    def _prepare(self, batch: Batch) -> None:
        """Have the time partitions ready that these rows need (a matter of plain PostgreSQL alone)."""
        times = [row[2] for row in batch.rows.get("events", ())]
        if not times:
            return
        first, last = min(times)[:4], max(times)[:4]
        if self._prepared is not None and self._prepared[0] <= first and last <= self._prepared[1]:
            return
        self._store.query("SELECT contango_prepare(%s, %s)::text", (min(times), max(times)))
        low, high = self._prepared or (first, last)
        self._prepared = (min(low, first), max(high, last))
