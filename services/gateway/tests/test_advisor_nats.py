"""The advisor on a real log: one answer and one score, also when it is started again."""

import asyncio
from pathlib import Path

import pytest

from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.edge.redact import Redactor
from contango_common.events.advice import AdviceGiven, AdviceScored
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, decode, encode
from contango_common.runtime.log import Writer
from contango_common.runtime.nats import NatsLog, connect
from contango_gateway.advisor.service import SUBJECT, AdvisorService
from support.advisor_world import START_NS, Port, closed, proposal, running

pytestmark = pytest.mark.heavy
LIMIT_S = 120.0


async def say(log: NatsLog, source: str, key: str, *events: Event) -> None:
    writer = await Writer.open(log, f"log.{source}", "test")
    await writer.publish(encode(Envelope(START_NS, source, 0, events, (0,) * len(events))), key)


async def facts(log: NatsLog, count: int) -> list[Event]:
    found: list[Event] = []
    async for message in log.follow(1, frozenset({SUBJECT})):
        found += decode(message.data).events
        if len(found) == count:
            break
    return found


def test_a_note_and_its_score_across_a_restart(tmp_path: Path):
    async def session(log: NatsLog, instance: str, port: Port, count: int) -> list[Event]:
        advisor = AdvisorService(log, port, deadline_s=60.0, redactor=Redactor(), instance=instance, build="test")
        async with running(advisor) as task:
            waiting = asyncio.ensure_future(facts(log, count))
            await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting.done() else task.result()  # type: ignore[return-value]

    async def main(url: str) -> None:
        client = await connect(url, "advisor")
        log = NatsLog(client)
        await log.create()
        first, second = Port(), Port()
        await say(log, "signals", "s1", proposal("p"))
        assert [type(fact) for fact in await session(log, "one", first, 1)] == [AdviceGiven]
        await say(log, "risk", "r1", closed("p", 10.0))
        await say(log, "signals", "s2", proposal("q"))
        found = await session(log, "two", second, 3)
        assert sorted(type(fact).__name__ for fact in found[1:]) == ["AdviceGiven", "AdviceScored"]
        [score] = [fact for fact in found if isinstance(fact, AdviceScored)]
        assert score.score == pytest.approx(0.0625)
        assert (len(first.asked), len(second.asked)) == (1, 1)
        await client.close()

    with EmbeddedNats(tmp_path).start() as server:
        asyncio.run(asyncio.wait_for(main(server.url), LIMIT_S))
