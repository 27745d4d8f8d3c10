"""The recorder: follows the log from its checkpoint and keeps PostgreSQL equal to it. An edge; it decides nothing.

Nobody waits for it: it reads at its own pace, and while the database is away it tries again with growing pauses and
reads no further than its buffer. What is committed is marked in the same transaction, and rows are keyed by what they
are, so that stopping it anywhere and starting it again gives the same tables.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from contango_common.domain.errors import LogError
from contango_common.edge.clock import monotonic_s
from contango_common.edge.logs import fields, get_logger
from contango_common.edge.metrics import Metrics
from contango_common.edge.migrations import load_migrations
from contango_common.edge.store import Store, StoreUnavailable
from contango_common.runtime.log import Log, Message
from contango_recorder.batch import Batch, Tables, build

SERVICE = "recorder"
AGGREGATES = ("bars_daily", "marks_daily")  # what TimescaleDB keeps; elsewhere they are views
T = TypeVar("T")
log = get_logger(SERVICE)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is written at once, how long a message may wait for company, and how long to pause when refused."""

    batch_messages: int = 4_000
    buffer_messages: int = 16_000
    linger_s: float = 2.0
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0


class Recorder:
    """Projects ``bus`` into ``store``. One task at a time; blocking database work runs in a thread.

    ``position`` is the last sequence whose rows are committed, ``trouble`` why nothing is written just now (None when
    all is well), for readiness checks.
    """

    def __init__(self, bus: Log, store: Store, metrics: Metrics | None = None, pace: Pace | None = None) -> None:
        self._bus, self._store, self._pace = bus, store, pace or Pace()
        self._metrics = metrics or Metrics()
        self.position = 0
        self.trouble: str | None = "not started"
        self._tables: Tables | None = None
        self._writing: asyncio.Future[None] | None = None
        self._stop = asyncio.Event()

    async def open(self) -> int:
        """Migrate, check that the tables belong to this log, and return the position to go on from.

        Raises LogError when the log is not the one that the tables were made from.
        """
        migrations = load_migrations("contango_recorder")
        await self._patiently(lambda: self._store.migrate(migrations))
        epoch = await self._bus.epoch()
        mark = await self._patiently(lambda: self._store.checkpoint(SERVICE))
        last = await self._bus.last()
        end = last.seq if last is not None else 0
        if mark is not None and mark.epoch != epoch:
            raise LogError(
                f"recorder: the tables hold log {mark.epoch}, this is {epoch}; give it a database of its own"
            )
        if mark is not None and mark.seq > end:
            raise LogError(
                f"recorder: the tables reach message {mark.seq}, the log ends at {end}: it was cut or replaced"
            )
        self._tables = Tables(self._store, SERVICE, epoch)
        self._at(mark.seq if mark is not None else 0, end)
        log.info("started", extra=fields(position=self.position, log_end=end, tier=self._store.tier))
        return self.position

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log until ``stop``; then write up to its present end, unless the database is away, and return."""
        self._stop = stop
        with suppress(_Stopped):
            await self.open()
            await self._follow(stop)
            await self._finish()

    async def catch_up(self) -> int:
        """Write everything up to the log's present end and return that position."""
        await self.open()
        return await self._finish()

    async def _finish(self) -> int:
        last = await self._bus.last()
        end = last.seq if last is not None else 0
        pending: list[Message] = []
        async for message in self._bus.read(self.position + 1, end):
            pending.append(message)
            if len(pending) == self._pace.batch_messages:
                await self._record(pending)
                pending = []
        if pending:
            await self._record(pending)
        await self._written()
        await self._refresh()
        return self.position

    async def _refresh(self) -> None:
        """Aggregate anew at the log's end: a refresh amid old times takes a day for finished that is not."""
        if self._store.tier == "timescale":
            for name in AGGREGATES:
                statement = f"CALL refresh_continuous_aggregate('{name}', NULL, NULL)"
                await self._patiently(lambda text=statement: self._store.execute(text))  # type: ignore[misc]

    async def _follow(self, stop: asyncio.Event) -> None:
        buffer = _Buffer(self._pace.buffer_messages)
        reader = asyncio.ensure_future(buffer.fill(self._bus.follow(self.position + 1)))
        stopped = asyncio.ensure_future(stop.wait())
        up = self._metrics.gauge("contango_up", service=SERVICE)
        up.set(1)
        try:
            while not stop.is_set():
                await self._company(buffer, reader, stopped)
                if stop.is_set():
                    reader.cancel()
                while messages := buffer.take(self._pace.batch_messages):
                    await self._record(messages)
                await self._written()
                if reader.done() and not stop.is_set():
                    return reader.result()
        finally:
            up.set(0)
            for task in (reader, stopped):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _company(self, buffer: "_Buffer", *ends: "asyncio.Future[Any]") -> None:
        """Wait for a message, then a little longer for others; no longer than until one of ``ends``."""
        await _first(buffer.reach(1), None, ends)
        await _first(buffer.reach(self._pace.batch_messages), self._pace.linger_s, ends)

    async def _record(self, messages: list[Message]) -> None:
        """Make rows while the batch before is being written, then hand them over."""
        batch = await asyncio.to_thread(build, messages)
        await self._written()
        self._writing = asyncio.ensure_future(self._write(batch))

    async def _written(self) -> None:
        """Wait for the batch that is being written; its errors come out here."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    async def _write(self, batch: Batch) -> None:
        tables = self._tables
        assert tables is not None, "open() comes first"
        begun = monotonic_s()
        written = await self._patiently(lambda: tables.write(batch))
        self._metrics.histogram("contango_recorder_write_seconds").observe(monotonic_s() - begun)
        self._count(written)
        last = await self._bus.last()
        self._at(batch.last, last.seq if last is not None else batch.last)

    def _count(self, batch: Batch) -> None:
        for table, rows in batch.rows.items():
            self._metrics.counter("contango_recorder_rows_total", table=table).inc(len(rows))
        for subject, count in Counter(message.subject for message in batch.messages).items():
            self._metrics.counter("contango_messages_total", service=SERVICE, subject=subject).inc(count)
        if set_aside := batch.quarantined():
            self._metrics.counter("contango_quarantined_total", service=SERVICE).inc(set_aside)
            log.error("messages set aside", extra=fields(count=set_aside, up_to=batch.last))

    def _at(self, position: int, end: int) -> None:
        self.position = position
        self._metrics.gauge("contango_recorder_checkpoint_seq").set(position)
        self._metrics.gauge("contango_cursor_seq", service=SERVICE).set(position)
        self._metrics.gauge("contango_log_last_seq", service=SERVICE).set(end)
        self._metrics.gauge("contango_bus_lag_messages", service=SERVICE).set(max(0, end - position))

    async def _patiently(self, call: Callable[[], T]) -> T:
        """Make a database call in a thread until it succeeds; only the database's absence is waited for."""
        pause_s = self._pace.first_pause_s
        while True:
            try:
                answer = await asyncio.to_thread(call)
            except StoreUnavailable as error:
                self.trouble = str(error)
                log.warning("database away, trying again", extra=fields(reason=self.trouble, pause_s=pause_s))
            else:
                self.trouble = None
                return answer
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)
            if self._stop.is_set():
                raise _Stopped from None
            pause_s = min(2 * pause_s, self._pace.longest_pause_s)


class _Stopped(Exception):
    """Asked to stop while the database was away: the rows come at the next start."""


async def _first(
    wait: Coroutine[Any, Any, None], limit_s: float | None, ends: tuple["asyncio.Future[Any]", ...]
) -> None:
    """Wait until ``wait`` is over, or one of ``ends``, or ``limit_s`` seconds."""
    waiting = asyncio.ensure_future(wait)
    await asyncio.wait({waiting, *ends}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


class _Buffer:
    """Messages between the log and the database, at most ``limit``: the reader waits when it is full."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._messages: list[Message] = []
        self._changed = asyncio.Event()

    async def fill(self, source: AsyncIterator[Message]) -> None:
        async for message in source:
            while len(self._messages) >= self._limit:
                self._changed.clear()
                await self._changed.wait()
            self._messages.append(message)
            self._changed.set()

    def take(self, count: int) -> list[Message]:
        taken, self._messages = self._messages[:count], self._messages[count:]
        self._changed.set()
        return taken

    async def reach(self, count: int) -> None:
        while len(self._messages) < count:
            self._changed.clear()
            await self._changed.wait()
