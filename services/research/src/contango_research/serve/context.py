"""What every service process has: settings, logs, metrics, health, the bus and the blocks."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from contango_common.edge.health import HealthServer
from contango_common.edge.metrics import Metrics
from contango_common.edge.redact import Redactor
from contango_common.edge.settings import Settings
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.direct import DirectClient
from contango_common.runtime.nats import NatsLog, connect
from contango_common.runtime.snapshot import SnapshotStore

DEFAULT_NATS = "nats://127.0.0.1:4222"


@dataclass(slots=True)
class Context:
    """One service's surroundings, alive between start and stop."""

    service: str
    settings: Settings
    metrics: Metrics
    health: HealthServer
    client: DirectClient
    log: NatsLog
    blocks: BlockStore
    snapshots: SnapshotStore
    stop: asyncio.Event

    async def until_stopped(self, work: Awaitable[None]) -> None:
        """Run ``work`` until it ends, raises, or the stop event is set."""
        task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self.stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=5)
            return
        await task


@asynccontextmanager
async def context(
    service: str, settings: Settings, stop: asyncio.Event, redactor: Redactor, *, own_http: bool = False
) -> AsyncIterator[Context]:
    """Connect to the bus and answer health checks; ``own_http``: the service has a web server of its own."""
    metrics = Metrics()
    health = HealthServer(metrics, host=settings.http_host, port=settings.http_port, redactor=redactor)
    if not own_http:
        await health.start()
        write_address(settings.run_dir, service, health.url)
    client = await connect(settings.nats_url or DEFAULT_NATS, service, **settings.nats_login())
    health.add_check("bus", lambda: None if client.is_connected else "not connected to NATS")
    up = metrics.gauge("contango_up", service=service)
    up.set(1)
    blocks = BlockStore(settings.blocks)
    try:
        yield Context(
            service=service,
            settings=settings,
            metrics=metrics,
            health=health,
            client=client,
            log=NatsLog(client),
            blocks=blocks,
            snapshots=SnapshotStore(settings.run_dir / "snapshots"),
            stop=stop,
        )
    finally:
        up.set(0)
        blocks.close()
        if not client.is_closed:
            await client.close()
        await health.stop()


def write_address(run_dir: Path, service: str, url: str) -> None:
    """Where a service answers, for the gateway and for tests: ``<run_dir>/services/<service>.json``."""
    folder = run_dir / "services"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{service}.json"
    temporary = folder / f".{service}.{os.getpid()}"
    temporary.write_text(json.dumps({"url": url, "pid": os.getpid()}))
    temporary.replace(path)


def addresses(run_dir: Path) -> dict[str, str]:
    """Service name to URL, as written by the services of this run directory."""
    folder = run_dir / "services"
    found = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        found[path.stem] = str(json.loads(path.read_text())["url"])
    return found
