"""One suite for the log port, run on the memory log and on a real NATS JetStream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contango_common.domain.errors import LogError
from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.runtime.log import AppendUnknown, Log, Message, Writer, WrongLastSequence
from contango_common.runtime.memory import MemoryLog
from contango_common.runtime.nats import NatsLog, connect

LogFactory = Callable[[], "asyncio.Future[Log]"]


@asynccontextmanager
async def memory_log(tmp_path: Path) -> AsyncIterator[Log]:
    yield MemoryLog()


@asynccontextmanager
async def nats_log(tmp_path: Path) -> AsyncIterator[Log]:
    with EmbeddedNats(tmp_path).start() as server:
        client = await connect(server.url, "contract", token=None)
        log = NatsLog(client)
        await log.create()
        yield log
        await client.close()


KINDS = {"memory": memory_log, "nats": nats_log}


@pytest.fixture(params=sorted(KINDS))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[Log], Awaitable[None]]], None]:
    """Runs a coroutine function on a fresh log of each kind."""

    def runner(test: Callable[[Log], Awaitable[None]]) -> None:
        async def main() -> None:
            async with KINDS[request.param](tmp_path) as log:
                await asyncio.wait_for(test(log), 60)

        asyncio.run(main())

    return runner


async def _fill(log: Log, subject: str, count: int, writer: str = "w") -> Writer:
    out = await Writer.open(log, subject, writer)
    for i in range(count):
        await out.publish(f"{subject}-{i}".encode(), f"{subject}:{i}")
    return out


async def _all(log: Log, first: int, last: int, subjects: frozenset[str] | None = None) -> list[Message]:
    return [m async for m in log.read(first, last, subjects)]


def test_sequences_count_from_one_over_all_subjects(run):
    async def check(log: Log) -> None:
        await _fill(log, "log.a", 3)
        await _fill(log, "log.b", 2)
        messages = await _all(log, 1, 99)
        assert [m.seq for m in messages] == [1, 2, 3, 4, 5]
        assert [m.data for m in messages[:2]] == [b"log.a-0", b"log.a-1"]
        assert {m.writer for m in messages} == {"w"}
        assert messages[3].msg_id == "log.b:0"

    run(check)


def test_reading_a_range_of_some_subjects_keeps_order_and_ends(run):
    async def check(log: Log) -> None:
        for i in range(4):
            await _fill_one(log, f"log.{'abc'[i % 3]}", i)
        await _fill_one(log, "log.control.x", 9)
        picked = await _all(log, 2, 5, frozenset({"log.b", "log.control.*"}))
        assert [(m.seq, m.subject) for m in picked] == [(2, "log.b"), (5, "log.control.x")]
        assert await _all(log, 2, 4, frozenset({"log.nothing"})) == []
        assert [m.seq for m in await _all(log, 1, 1, frozenset({"log.a"}))] == [1]

    run(check)


async def _fill_one(log: Log, subject: str, i: int) -> None:
    out = await Writer.open(log, subject, "w")
    await out.publish(b"x%d" % i, f"id{i}")


def test_last_and_get(run):
    async def check(log: Log) -> None:
        assert await log.last() is None
        assert await log.last("log.a") is None
        await _fill(log, "log.a", 2)
        await _fill(log, "log.b", 1)
        last = await log.last()
        last_a = await log.last("log.a")
        assert last is not None
        assert last_a is not None
        assert (last.seq, last_a.seq, last_a.data) == (3, 2, b"log.a-1")
        second = await log.get(2)
        assert second is not None
        assert second.data == b"log.a-1"
        assert await log.get(4) is None

    run(check)


def test_an_append_that_expects_the_wrong_sequence_is_refused(run):
    async def check(log: Log) -> None:
        await _fill(log, "log.a", 2)
        with pytest.raises(WrongLastSequence):
            await log.append("log.a", b"late", msg_id="late", writer="w", expected=1)
        assert len(await _all(log, 1, 99)) == 2

    run(check)


def test_a_retry_after_an_unknown_fate_is_settled_by_bytes_and_writer(run):
    async def check(log: Log) -> None:
        stale = await Writer.open(log, "log.a", "me")
        retry = Writer(log, "log.a", "me", stale.last_seq)
        assert await stale.publish(b"fact", "a:1") == 1
        assert await retry.publish(b"fact", "a:1") == 1
        assert len(await _all(log, 1, 99)) == 1

    run(check)


@pytest.mark.parametrize(("writer", "data"), [("other", b"fact"), ("me", b"other fact")])
def test_a_second_writer_or_other_bytes_stop_the_stale_one(run, writer, data):
    async def check(log: Log) -> None:
        first = await Writer.open(log, "log.a", writer)
        second = Writer(log, "log.a", "me", 0)
        await first.publish(data, "a:1")
        with pytest.raises(LogError):
            await second.publish(b"fact", "a:1")
        assert len(await _all(log, 1, 99)) == 1

    run(check)


def test_an_id_that_is_known_already_does_not_set_the_writer_back(run):
    async def check(log: Log) -> None:
        out = await _fill(log, "log.a", 3)
        assert await out.publish(b"log.a-0", "log.a:0") == 1
        assert await out.publish(b"next", "log.a:3") == 4
        assert len(await _all(log, 1, 99)) == 4

    run(check)


def test_answers_that_do_not_arrive_are_asked_again_with_the_same_id(run):
    async def check(log: Log) -> None:
        class Deaf:
            """Stores, but the first two answers get lost."""

            lost = 2

            async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
                seq = await log.append(subject, data, msg_id=msg_id, writer=writer, expected=expected)
                if self.lost:
                    self.lost -= 1
                    raise AppendUnknown("lost")
                return seq

            async def last(self, subject: str | None = None) -> Message | None:
                return await log.last(subject)

        out = Writer(Deaf(), "log.a", "me", 0)  # type: ignore[arg-type]
        assert await out.publish(b"one", "a:1") == 1
        assert await out.publish(b"two", "a:2") == 2
        assert [m.data for m in await _all(log, 1, 99)] == [b"one", b"two"]

    run(check)


def test_following_waits_at_the_head_and_goes_on(run):
    async def check(log: Log) -> None:
        out = await _fill(log, "log.a", 2)
        seen: list[int] = []

        async def reader() -> None:
            async for message in log.follow(1, frozenset({"log.a"})):
                seen.append(message.seq)
                if len(seen) == 4:
                    return

        task = asyncio.create_task(reader())
        while len(seen) < 2:
            await asyncio.sleep(0.01)
        await out.publish(b"three", "a:3")
        await _fill(log, "log.b", 1)
        await out.publish(b"four", "a:4")
        await task
        assert seen == [1, 2, 3, 5]

    run(check)


def test_every_log_has_its_own_epoch(tmp_path):
    async def epochs() -> list[str]:
        found = []
        for kind in ("memory", "nats"):
            for i in range(2):
                folder = tmp_path / f"{kind}{i}"
                folder.mkdir()
                async with KINDS[kind](folder) as log:
                    found += [await log.epoch(), await log.epoch()]
        return found

    got = asyncio.run(epochs())
    assert got[0::2] == got[1::2]
    assert len(set(got)) == 4
