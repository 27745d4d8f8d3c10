"""A participant on a real log: start is recover, and nothing is decided twice.

``open_participant`` checks the snapshot against the log (epoch, sequence, hash), folds the facts since, and takes over
the subject. ``run_free`` then handles messages as they come, each answer acknowledged before the next is looked at.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from contango_common.domain.blocks import Block
from contango_common.domain.errors import LogError
from contango_common.events.codec import encode
from contango_common.runtime.failpoints import failpoint
from contango_common.runtime.fold import Fold
from contango_common.runtime.log import Log, Message, Writer
from contango_common.runtime.participant import Participant, recover
from contango_common.runtime.snapshot import VERSION, Snapshot, SnapshotStore, StateCodec, message_hash
from contango_common.runtime.watch import Unwatched, Watch


@dataclass(slots=True)
class Running:
    """A recovered participant with its writer and snapshots. ``settled``: decided anew only after this sequence."""

    participant: Participant
    log: Log
    writer: Writer
    snapshots: SnapshotStore
    codec: StateCodec
    epoch: str
    snapshot_every: int
    since_snapshot: int = 0

    async def publish(self, data: bytes, cause: int) -> int:
        return await self.writer.publish(data, f"{self.participant.name}:{cause}")

    def maybe_snapshot(self, message: Message) -> None:
        """Take a snapshot now and then. Call only when everything decided is on the log."""
        self.since_snapshot += 1
        if self.since_snapshot >= self.snapshot_every:
            self.save_snapshot(message)

    def save_snapshot(self, message: Message) -> None:
        self.since_snapshot = 0
        participant = self.participant
        snapshot = Snapshot(
            version=VERSION,
            build=participant.build,
            stream_epoch=self.epoch,
            seq=message.seq,
            msg_hash=message_hash(message.data),
            last_ts_ns=participant.last_ts_ns,
            state=self.codec.dump(participant.state).decode(),
        )
        self.snapshots.save(participant.name, snapshot)


async def open_participant(
    fold: Fold,
    log: Log,
    blocks: Mapping[str, Block],
    snapshots: SnapshotStore,
    *,
    build: str,
    settled: int = 0,
    snapshot_every: int = 2000,
) -> Running:
    """Recover ``fold`` on ``log``. Messages up to ``settled`` count as handled even without an answer on the log."""
    participant = Participant(fold, blocks, build)
    codec = StateCodec(fold)
    epoch = await log.epoch()
    writer = await Writer.open(log, participant.subject, uuid.uuid4().hex)
    await _load_snapshot(participant, log, snapshots, codec, epoch)
    last = await log.last()
    if last is not None:
        wanted = frozenset({*fold.READS, participant.subject})
        messages = [message async for message in log.read(participant.position + 1, last.seq, wanted)]
        recover(participant, messages, settled)
    return Running(participant, log, writer, snapshots, codec, epoch, snapshot_every)


async def _load_snapshot(
    participant: Participant, log: Log, snapshots: SnapshotStore, codec: StateCodec, epoch: str
) -> None:
    snapshot = snapshots.load(participant.name)
    if snapshot is None or snapshot.build != participant.build:
        return
    where = f"{participant.name}: the snapshot of message {snapshot.seq}"
    if snapshot.stream_epoch != epoch:
        raise LogError(
            f"{where} belongs to another log (epoch {snapshot.stream_epoch}, not {epoch}); remove it to go on"
        )
    message = await log.get(snapshot.seq)
    if message is None or message_hash(message.data) != snapshot.msg_hash:
        raise LogError(f"{where} does not fit the log: the log lost or changed messages; do not trade on it")
    participant.state = codec.load(snapshot.state)
    participant.position = snapshot.seq
    participant.last_ts_ns = snapshot.last_ts_ns


async def run_free(running: Running, watch: Watch | None = None) -> None:
    """Handle messages for ever in the order of the log; a LogError ends it and the process must stop."""
    participant, watch = running.participant, watch or Unwatched()
    async for message in running.log.follow(participant.position + 1, participant.fold.READS):
        watch.deciding(message)
        envelope = participant.decode(message)
        answer = participant.handle(message, envelope)
        watch.decided(message, envelope, answer)
        failpoint("after-decide", participant.name)
        if answer is not None:
            watch.publishing()
            await running.publish(encode(answer), message.seq)
            watch.published()
            failpoint("after-publish", participant.name)
        running.maybe_snapshot(message)
