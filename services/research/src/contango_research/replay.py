"""A replay: the same run as a backtest, with every service as a process, over a real NATS, into a real PostgreSQL."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contango_common.domain.errors import ContangoError
from contango_common.edge.clock import monotonic_s, sleep_s
from contango_common.edge.main import new_loop
from contango_common.edge.store import Store, StoreUnavailable
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.conductor import Conductor
from contango_common.runtime.log import Message
from contango_common.runtime.nats import NatsLog, connect
from contango_market_data.catalog.store import Catalog
from contango_research.backtest import REASON, Period, Progress, open_feed, start_ns_of
from contango_research.book import Book
from contango_research.fleet import Fleet, fleet
from contango_research.house import BUILD, MODULES, turns

SERVICES = ("market-data", *MODULES, "recorder")
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
    snapshot_every: int = 2000,
    database: bool = True,
) -> Replayed:
    """Run to the end in ``run_dir`` (bus, database, blocks, snapshots and logs lie under it)."""
    env = {
        "CONTANGO_RUNTIME": "lockstep",
        "CONTANGO_CATALOG": str(catalog.path.absolute()),
        "CONTANGO_START": str(period.start),
        "CONTANGO_END": str(period.end),
        "CONTANGO_SNAPSHOT_EVERY": str(snapshot_every),
    }
    if book_file is not None:
        env["CONTANGO_BOOK"] = str(book_file.absolute())
    start_ns = start_ns_of(open_feed(catalog, book, period, BlockStore(run_dir / "unused")), period)
    said("starting NATS" + (", PostgreSQL" if database else "") + " and the services")
    services = [name for name in SERVICES if database or name != "recorder"]
    with fleet(run_dir, services, env, database=database) as running:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            messages, drive_s = runner.run(_drive(running, book, start_ns, progress))
        recorded = _wait_for_recorder(running, messages[-1].seq, said) if database else None
    return Replayed(messages, drive_s, recorded)


async def _drive(running: Fleet, book: Book, start_ns: int, progress: Progress | None) -> tuple[list[Message], float]:
    client = await connect(running.nats.url, "conductor", **running.nats.login())
    log = NatsLog(client)
    await log.create()
    conductor = Conductor(log, client, turns(), BUILD)
    watching = asyncio.ensure_future(_watch(running))
    began = None
    drive = conductor.run(book.params(), start_ns, REASON)
    while True:
        step = asyncio.ensure_future(anext(drive, None))
        await asyncio.wait({step, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            step.cancel()
            watching.result()
        ts_ns = await step
        if ts_ns is None:
            break
        began = began or monotonic_s()
        if progress is not None:
            progress(ts_ns)
    drive_s = monotonic_s() - (began or monotonic_s())
    watching.cancel()
    messages = [message async for message in log.read(1, conductor.head)]
    await client.close()
    return messages, drive_s


async def _watch(running: Fleet) -> None:
    """Raise when a service has given up: without it no turn would ever come."""
    while True:
        for name, status in running.supervisor.status().items():
            if status.state == "given_up":
                where = running.logs()[name]
                raise ContangoError(f"{name} gave up: {_last_line(where)} (whole log: {where})")
        await asyncio.sleep(0.5)


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
