"""What the same bus does bare on this machine: requests answered by another process, and acknowledged publishes."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nats.errors
from nats.aio.client import Client

from contango_common.edge.clock import monotonic_s
from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.edge.main import new_loop
from contango_common.runtime.log import Writer
from contango_common.runtime.nats import NatsLog, connect
from contango_research.bench.child_echo import SUBJECT

_CALLS = 3_000
_WORD = b"x" * 300  # about the size of a message of the demo


@dataclass(frozen=True, slots=True)
class BusRates:
    """Calls a second, one after another."""

    requests_per_s: float
    publishes_per_s: float


def bus_rates(folder: Path, calls: int = _CALLS) -> BusRates:
    """Measured on a server of its own with the same binary and settings as a replay's."""
    with EmbeddedNats(folder).start() as server, _echo(server.url), asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_measure(server.url, calls))


@contextmanager
def _echo(url: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "contango_research.bench.child_echo", url])
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def _measure(url: str, calls: int) -> BusRates:
    client = await connect(url, "bench")
    log = NatsLog(client)
    await log.create()
    await _answered(client)
    began_s = monotonic_s()
    for _ in range(calls):
        await client.request(SUBJECT, _WORD, timeout=5.0)
    asked_s = monotonic_s()
    writer = await Writer.open(log, "log.bench", uuid.uuid4().hex)
    for number in range(calls):
        await writer.publish(_WORD, f"bench:{number}")
    written_s = monotonic_s()
    await client.close()
    return BusRates(calls / (asked_s - began_s), calls / (written_s - asked_s))


async def _answered(client: Client) -> None:
    """Until the other process is there."""
    for _ in range(300):
        try:
            await client.request(SUBJECT, _WORD, timeout=1.0)
            return
        except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
            await asyncio.sleep(0.1)
    raise TimeoutError("the echo process did not come up")
