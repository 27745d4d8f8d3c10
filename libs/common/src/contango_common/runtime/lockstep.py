"""A participant under a conductor: it decides as soon as a message is there, and publishes when it is its turn."""

import asyncio
import logging
from collections.abc import Mapping

import nats.errors

from contango_common.domain.blocks import Block
from contango_common.domain.errors import LogError
from contango_common.events.codec import encode
from contango_common.runtime.direct import DirectClient, Headers
from contango_common.runtime.failpoints import failpoint
from contango_common.runtime.fold import Fold, hears, idle
from contango_common.runtime.log import Log
from contango_common.runtime.shell import Running, open_participant
from contango_common.runtime.snapshot import SnapshotStore
from contango_common.runtime.turns import FRAMES, HELLO, REPORT, tags_of, turn_subject
from contango_common.runtime.watch import Unwatched, Watch

logger = logging.getLogger(__name__)


class LockStep:
    """Follows the log, keeps what it decided until granted, reports both."""

    def __init__(self, running: Running, client: DirectClient, watch: Watch | None = None) -> None:
        self.running, self._client, self._watch = running, client, watch or Unwatched()
        self.name = running.participant.name
        self._pending: dict[int, tuple[bytes, str]] = {}
        self._published: dict[int, tuple[int, str]] = {}
        self._hears = hears(running.participant.fold)
        self._idle = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._publishing = asyncio.Lock()
        self._turning: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected

    async def run(self) -> None:
        """Until cancelled, or until the log says that this process must stop (LogError)."""
        turns = await self._client.subscribe_direct(turn_subject(self.name), self._on_turn)
        following = asyncio.create_task(self._follow())
        try:
            await asyncio.wait({following, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            await following
        finally:
            following.cancel()
            if self._client.is_connected:
                await turns.unsubscribe()

    async def _follow(self) -> None:
        participant, report, watch = self.running.participant, self._report, self._watch
        async for message in self.running.log.follow(participant.position + 1, participant.fold.READS):
            watch.deciding(message)
            envelope = participant.decode(message)
            answer = participant.handle(message, envelope)
            watch.decided(message, envelope, answer)
            failpoint("after-decide", self.name)
            if answer is not None:
                self._pending[message.seq] = (encode(answer), tags_of(answer.events))
            elif not self._pending:
                self.running.maybe_snapshot(message)
            if self._idle and message.subject == FRAMES:
                if answer is not None:
                    raise LogError(f"{self.name} answers frame {message.seq} after it said that it would not")
            elif answer is not None or envelope is None or any(e.TAG in self._hears for e in envelope.events):
                self._idle = answer is None and idle(participant.fold, participant.state)
                await report(message.seq)

    async def _report(self, seq: int) -> None:
        how = 1 if seq in self._pending else 2 if self._idle else 0
        await self._client.publish(REPORT, b"R %b %d %d" % (self.name.encode(), seq, how))

    def _on_turn(self, subject: str, reply: str, data: bytes, headers: Headers) -> None:
        task = asyncio.get_running_loop().create_task(self._turn(data))
        self._turning.add(task)
        task.add_done_callback(self._turning.discard)

    async def _turn(self, word: bytes) -> None:
        kind, _, number = word.partition(b" ")
        seq = int(number)
        try:
            if kind == b"G":
                await self._grant(seq)
            elif seq <= self.running.participant.position:
                self._idle = False
                await self._report(seq)
        except Exception as error:  # noqa: BLE001 - handed to run(), which raises it
            if not self._failed.done():
                self._failed.set_exception(error)

    async def _grant(self, cause: int) -> None:
        """Publish what was decided on ``cause``; a grant that comes twice is answered twice."""
        async with self._publishing:
            pending = self._pending.get(cause)
            if pending is not None:
                data, tags = pending
                self._watch.publishing()
                self._published = {cause: (await self.running.publish(data, cause), tags)}
                self._watch.published()
                failpoint("after-publish", self.name)
                del self._pending[cause]
            published = self._published.get(cause)
        if published is not None:
            seq, tags = published
            await self._client.publish(REPORT, b"P %b %d %d %b" % (self.name.encode(), cause, seq, tags.encode()))


async def join(
    fold: Fold,
    log: Log,
    client: DirectClient,
    blocks: Mapping[str, Block],
    snapshots: SnapshotStore,
    *,
    build: str,
    snapshot_every: int = 2000,
    watch: Watch | None = None,
) -> LockStep:
    """Ask the conductor where the run stands, recover up to there, and be ready for turns."""
    settled = await _hello(client, fold.NAME) - 1
    running = await open_participant(
        fold, log, blocks, snapshots, build=build, settled=settled, snapshot_every=snapshot_every
    )
    return LockStep(running, client, watch)


async def _hello(client: DirectClient, name: str) -> int:
    while True:
        try:
            answer = await client.request(HELLO, name.encode(), timeout=1.0)
            return int(answer.data)
        except (nats.errors.TimeoutError, nats.errors.NoRespondersError):
            logger.info("%s waits for the conductor", name)
            await asyncio.sleep(0.1)
