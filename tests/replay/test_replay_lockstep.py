"""Lock-step over a real NATS writes the same log, byte for byte, as the memory runtime."""

import asyncio
from pathlib import Path

from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.runtime.conductor import Conductor
from contango_common.runtime.engine import Engine
from contango_common.runtime.feed import FeedServer
from contango_common.runtime.inputs import with_control
from contango_common.runtime.lockstep import join
from contango_common.runtime.log import Message
from contango_common.runtime.nats import NatsLog, connect
from contango_common.runtime.participant import Participant
from contango_common.runtime.snapshot import SnapshotStore
from contango_common.runtime.turns import turn_of
from support import toy


def memory_messages(count: int) -> list[Message]:
    engine = Engine([Participant(fold, {}, "b") for fold in toy.FOLDS], "b")
    for _ in engine.run(with_control(toy.inputs(count), toy.PARAMS, toy.START_NS, "test")):
        pass
    return engine.log.messages


async def lockstep_messages(count: int, folder: Path) -> list[Message]:
    with EmbeddedNats(folder).start() as server:
        clients = [await connect(server.url, f"c{i}") for i in range(2 + len(toy.FOLDS))]
        log = NatsLog(clients[0])
        await log.create()
        tasks = [
            asyncio.create_task(FeedServer(NatsLog(clients[1]), clients[1], toy.inputs(count), ("md",), "b").run())
        ]
        conductor = Conductor(log, clients[0], [turn_of(f) for f in toy.FOLDS], "b")

        async def participant(index: int) -> None:
            client = clients[2 + index]
            snapshots = SnapshotStore(folder / "snapshots")
            lock = await join(toy.FOLDS[index], NatsLog(client), client, {}, snapshots, build="b", snapshot_every=5)
            await lock.run()

        tasks += [asyncio.create_task(participant(i)) for i in range(len(toy.FOLDS))]
        seen = [ts async for ts in conductor.run(toy.PARAMS, toy.START_NS, "test")]
        assert seen.count(toy.START_NS) == 2
        last = await log.last()
        assert last is not None
        messages = [m async for m in log.read(1, last.seq)]
        for task in tasks:
            task.cancel()
        for client in clients:
            await client.close()
        return messages


def test_lockstep_equals_memory(tmp_path):
    expected = memory_messages(60)
    got = asyncio.run(lockstep_messages(60, tmp_path))
    assert [(m.seq, m.subject, m.data) for m in got] == [(m.seq, m.subject, m.data) for m in expected]
    assert {m.subject for m in got} == {"log.md", "log.control.research", "log.signals", "log.risk"}
    assert list((tmp_path / "snapshots").iterdir())
