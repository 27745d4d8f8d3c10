"""A replay: the same run as a backtest, with every service as a process, over a real NATS, into a real PostgreSQL."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nats.errors
import nats.js.errors

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge.clock import monotonic_s, sleep_s
from contango_common.edge.main import new_loop
from contango_common.edge.store import Store, StoreUnavailable
from contango_common.events.codec import decode
from contango_common.runtime.log import Message
from contango_common.runtime.nats import NatsLog, connect
from contango_market_data.catalog.store import Catalog
from contango_research.backtest import Period, Progress
from contango_research.book import Book
from contango_research.fleet import Fleet, fleet
from contango_research.house import MODULES
from contango_research.kernels import compile_kernels

SERVICES = ("conductor", "market-data", *MODULES, "recorder")
Meddle = Callable[[Fleet], None]
_POLL_S = 0.1
_RECORDER_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """The whole log, and what the database holds of it (None without a database)."""

    messages: list[Message]
    drive_s: float
    recorded_seq: int | None


def run_replay(
    catalog: Catalog,
    book: Book,
    book_file: Path | None,
    period: Period,
    run_dir: Path,
    *,
    progress: Progress | None = None,
    said: Callable[[str], None] = lambda _: None,
    snapshot_every: int = 10_000,
    database: bool = True,
    service_env: dict[str, dict[str, str]] | None = None,
    meddle: Meddle | None = None,
    inspect: Meddle | None = None,
) -> Replayed:
    """Run to the end in ``run_dir`` (bus, database, blocks, snapshots and logs lie under it).

    ``service_env`` adds to the environment of single services, ``meddle`` is called at every look (tests kill
    there), ``inspect`` at the end, while bus and database still run.
    """
    env = {
        "CONTANGO_RUNTIME": "lockstep",
        "CONTANGO_CATALOG": str(catalog.path.absolute()),
        "CONTANGO_START": str(period.start),
        "CONTANGO_END": str(period.end),
        "CONTANGO_SNAPSHOT_EVERY": str(snapshot_every),
    }
    if book_file is not None:
        env["CONTANGO_BOOK"] = str(book_file.absolute())
    said("compiling the kernels (once a version)")
    compile_kernels()
    said("starting NATS" + (", PostgreSQL" if database else "") + " and the services")
    services = [name for name in SERVICES if database or name != "recorder"]
    with fleet(run_dir, services, env, database=database, service_env=service_env) as running:
        drive_s = drive(running, progress, meddle)
        messages = read_log(running)
        recorded = _wait_for_recorder(running, messages[-1].seq, said) if database else None
        if inspect is not None:
            inspect(running)
    return Replayed(messages, drive_s, recorded)


def drive(running: Fleet, progress: Progress | None, meddle: Meddle | None = None) -> float:
    """Wait until the conductor has finished; seconds from the first input to the last.

    Raises ContangoError when a service has given up: without it no turn would ever come.
    """
    began: float | None = None
    with asyncio.Runner(loop_factory=new_loop) as runner:
        look = _Look(running)
        while True:
            states = running.supervisor.status()
            if states["conductor"].state == "finished":
                break
            raise_if_given_up(running)
            ts_ns = runner.run(look.last_frame_ns())
            if ts_ns is not None:
                began = began or monotonic_s()
                if progress is not None:
                    progress(ts_ns)
            if meddle is not None:
                meddle(running)
            sleep_s(_POLL_S)
        runner.run(look.close())
    return monotonic_s() - (began or monotonic_s())


def raise_if_given_up(running: Fleet) -> None:
    """ContangoError with the last words of a service that will not be started again."""
    for name, status in running.supervisor.status().items():
        if status.state == "given_up":
            where = running.logs()[name]
            raise ContangoError(f"{name} gave up: {_last_line(where)} (whole log: {where})")


class _Look:
    """Asks the bus now and then how far the run has come."""

    def __init__(self, running: Fleet) -> None:
        self._running = running
        self._log: NatsLog | None = None

    async def last_frame_ns(self) -> int | None:
        try:
            if self._log is None:
                client = await connect(self._running.nats.url, "look", **self._running.nats.login())
                self._log = NatsLog(client, timeout_s=1.0)
            last = await self._log.last("log.md")
            return None if last is None else decode(last.data).ts_ns
        except (UserError, nats.errors.Error, nats.js.errors.Error):
            return None  # the bus is being started, or killed by a test; the next look will tell

    async def close(self) -> None:
        if self._log is not None:
            await self._log.client.close()


def read_log(running: Fleet) -> list[Message]:
    """Every message of the run's log."""

    async def read() -> list[Message]:
        client = await connect(running.nats.url, "reader", **running.nats.login())
        log = NatsLog(client)
        last = await log.last()
        messages = [] if last is None else [message async for message in log.read(1, last.seq)]
        await client.close()
        return messages

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(read())


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "it said nothing"


def _wait_for_recorder(running: Fleet, last_seq: int, said: Callable[[str], None]) -> int:
    """Until the tables hold the whole log."""
    assert running.postgres is not None
    said("waiting for the recorder to reach the end of the log")
    store = Store(running.postgres.dsn)
    limit_s = monotonic_s() + _RECORDER_LIMIT_S
    try:
        while True:
            try:
                mark = store.checkpoint("recorder")
                if mark is not None and mark.seq >= last_seq:
                    return mark.seq
            except (StoreUnavailable, ContangoError) as error:
                said(f"the database does not answer yet: {error}")
            if monotonic_s() > limit_s:
                raise ContangoError(f"the recorder did not reach message {last_seq} within {_RECORDER_LIMIT_S:g} s")
            sleep_s(0.1)
    finally:
        store.close()
