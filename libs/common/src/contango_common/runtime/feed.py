"""The input edge under a conductor: it publishes the next input when asked, exactly once each."""

import asyncio
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice

from contango_common.events.codec import decode, encode
from contango_common.runtime.ahead import Ahead
from contango_common.runtime.direct import DirectClient, Headers
from contango_common.runtime.failpoints import failpoint
from contango_common.runtime.inputs import Input
from contango_common.runtime.log import Log, Writer
from contango_common.runtime.turns import FEED, REPORT, tags_of

NAME = "market-data"
_AHEAD = 64  # inputs that lie ready: the first of a session takes twenty times as long to make as the others


class FeedServer:
    """Serves inputs number 1, 2, … of a deterministic sequence; the number is the message id.

    On start the log says which inputs are there already; they are skipped, never published again.
    """

    def __init__(
        self, log: Log, client: DirectClient, inputs: Iterable[Input], sources: Iterable[str], build: str
    ) -> None:
        self._log, self._client, self._build = log, client, build
        self._sources = tuple(sources)
        self._inputs = iter(inputs)
        self._writers: dict[str, Writer] = {}
        self._done = 0
        self._ahead = Ahead(self._prepared(), _AHEAD)
        self._last_seq = 0
        self._last_source, self._last_tags = "-", ""
        self._one_at_a_time = asyncio.Lock()
        self._serving: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve until cancelled; raises what made it stop."""
        await self._recover()
        await self._client.subscribe_direct(FEED, self._on_request)
        await self._failed

    async def _recover(self) -> None:
        instance = uuid.uuid4().hex
        for source in self._sources:
            subject = f"log.{source}"
            self._writers[source] = await Writer.open(self._log, subject, instance)
            last = await self._log.last(subject)
            if last is not None and last.seq > self._last_seq:
                self._last_seq, self._last_source = last.seq, source
                self._last_tags = tags_of(decode(last.data).events)
                self._done = int(last.msg_id.rpartition(":")[2])
        self._ahead.start()

    def _prepared(self) -> Iterator[tuple[Input, bytes]]:
        """In the thread that works ahead: what is on the log already is passed over."""
        for item in islice(self._inputs, self._done, None):
            yield item, encode(item.envelope(self._build))

    def _on_request(self, subject: str, reply: str, data: bytes, headers: Headers) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(data))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, word: bytes) -> None:
        async with self._one_at_a_time:
            await self._answer(word)

    async def _answer(self, word: bytes) -> None:
        try:
            wanted, coming = int(word) if word else self._done, await self._ahead.peek()
            if wanted == self._done + 1 and coming is not None:
                await self._publish(*coming)
                failpoint("after-publish", NAME)
                self._ahead.drop()
                coming = await self._ahead.peek()
            upcoming = b"-" if coming is None else b"%d" % coming[0].ts_ns
            stands = (self._done, self._last_seq, self._last_source.encode(), upcoming, self._last_tags.encode())
            await self._client.publish(REPORT, b"F %d %d %b %b %b" % stands)
        except Exception as error:  # noqa: BLE001 - handed to run(), which raises it
            if not self._failed.done():
                self._failed.set_exception(error)

    async def _publish(self, item: Input, data: bytes) -> None:
        number = self._done + 1
        self._last_seq = await self._writers[item.source].publish(data, f"in:{number}")
        self._last_source, self._last_tags, self._done = item.source, tags_of(item.events), number
