"""The input edge under a conductor: it publishes the next input when asked, exactly once each."""

import asyncio
import uuid
from collections import deque
from collections.abc import Iterable, Iterator

from nats.aio.msg import Msg

from contango_common.events.codec import decode, encode
from contango_common.runtime.direct import DirectClient
from contango_common.runtime.failpoints import failpoint
from contango_common.runtime.inputs import Input
from contango_common.runtime.log import Log, Writer
from contango_common.runtime.turns import FEED, REPORT, tags_of

NAME = "market-data"
_AHEAD = 2  # inputs that lie ready: the next one, whose time the conductor wants to know, and the one after
_LET_OUT_S = 0.0002  # lets the answer leave before the processor is kept busy


class FeedServer:
    """Serves inputs number 1, 2, … of a deterministic sequence; the number is the message id.

    On start the log says which inputs are there already; they are skipped, never published again.
    """

    def __init__(
        self, log: Log, client: DirectClient, inputs: Iterable[Input], sources: Iterable[str], build: str
    ) -> None:
        self._log, self._client, self._build = log, client, build
        self._sources = tuple(sources)
        self._inputs: Iterator[Input] = iter(inputs)
        self._writers: dict[str, Writer] = {}
        self._done = 0
        self._ahead: deque[tuple[Input, bytes]] = deque()
        self._last_seq = 0
        self._last_source, self._last_tags = "-", ""
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
                self._last_tags = tags_of(decode(last.data).events)
                self._done = int(last.msg_id.rpartition(":")[2])
        for _ in range(self._done):
            next(self._inputs, None)
        for _ in range(_AHEAD):
            self._prepare()

    def _prepare(self) -> None:
        item = next(self._inputs, None)
        if item is not None:
            self._ahead.append((item, encode(item.envelope(self._build))))

    async def _on_request(self, msg: Msg) -> None:
        try:
            wanted = int(msg.data) if msg.data else self._done
            published = wanted == self._done + 1 and len(self._ahead) > 0
            if published:
                await self._publish(*self._ahead[0])
                failpoint("after-publish", NAME)
                self._ahead.popleft()
            upcoming = b"%d" % self._ahead[0][0].ts_ns if self._ahead else b"-"
            stands = (self._done, self._last_seq, self._last_source.encode(), upcoming, self._last_tags.encode())
            word = b"F %d %d %b %b %b" % stands
            await self._client.publish(REPORT, word)
            if published:
                await asyncio.sleep(_LET_OUT_S)
                self._prepare()  # while the others are at work on what was just published
        except Exception as error:  # noqa: BLE001 - handed to run(), which raises it
            if not self._failed.done():
                self._failed.set_exception(error)

    async def _publish(self, item: Input, data: bytes) -> None:
        number = self._done + 1
        self._last_seq = await self._writers[item.source].publish(data, f"in:{number}")
        self._last_source, self._last_tags, self._done = item.source, tags_of(item.events), number
