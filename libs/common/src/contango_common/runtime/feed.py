"""The input edge under a conductor: it publishes the next input when asked, exactly once each."""

import asyncio
import uuid
from collections.abc import Iterable, Iterator

from nats.aio.client import Client
from nats.aio.msg import Msg

from contango_common.events.codec import encode
from contango_common.runtime.failpoints import failpoint
from contango_common.runtime.inputs import Input
from contango_common.runtime.log import Log, Writer
from contango_common.runtime.turns import FEED

NAME = "market-data"


class FeedServer:
    """Serves inputs number 1, 2, … of a deterministic sequence; the number is the message id.

    On start the log says which inputs are there already; they are skipped, never published again.
    """

    def __init__(self, log: Log, client: Client, inputs: Iterable[Input], sources: Iterable[str], build: str) -> None:
        self._log, self._client, self._build = log, client, build
        self._sources = tuple(sources)
        self._inputs: Iterator[Input] = iter(inputs)
        self._writers: dict[str, Writer] = {}
        self._done = 0
        self._answer = b""
        self._next: tuple[Input, bytes] | None = None
        self._last_seq = 0
        self._last_source = "-"
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve until cancelled; raises what made it stop."""
        await self._recover()
        await self._client.subscribe(FEED, cb=self._on_request)
        await self._failed

    async def _recover(self) -> None:
        instance = uuid.uuid4().hex
        for source in self._sources:
            subject = f"log.{source}"
            self._writers[source] = await Writer.open(self._log, subject, instance)
            last = await self._log.last(subject)
            if last is not None and last.seq > self._last_seq:
                self._last_seq, self._last_source = last.seq, source
                self._done = int(last.msg_id.rpartition(":")[2])
        for _ in range(self._done):
            next(self._inputs, None)
        self._prepare()

    def _prepare(self) -> None:
        item = next(self._inputs, None)
        self._next = None if item is None else (item, encode(item.envelope(self._build)))

    async def _on_request(self, msg: Msg) -> None:
        try:
            wanted = int(msg.data) if msg.data else self._done
            if wanted == self._done + 1 and self._next is not None:
                await self._publish(*self._next)
                failpoint("after-publish", NAME)
                self._prepare()
            upcoming = b"-" if self._next is None else b"%d" % self._next[0].ts_ns
            answer = b"%d %d %b %b" % (self._done, self._last_seq, self._last_source.encode(), upcoming)
            await msg.respond(answer)
        except Exception as error:  # noqa: BLE001 - handed to run(), which raises it
            if not self._failed.done():
                self._failed.set_exception(error)

    async def _publish(self, item: Input, data: bytes) -> None:
        number = self._done + 1
        self._last_seq = await self._writers[item.source].publish(data, f"in:{number}")
        self._last_source, self._done = item.source, number
