"""The short way in and out of the bus: same messages, same order, and an error of a reader ends nothing."""

import asyncio
import doctest

import pytest

from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.runtime import direct
from contango_common.runtime.nats import connect

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with EmbeddedNats(tmp_path_factory.mktemp("bus")).start() as server:
        yield server.url


def test_examples():
    assert doctest.testmod(direct).failed == 0


def test_messages_arrive_in_order_with_their_headers_and_without_a_queue(url):
    async def scene():
        sender, reader = await connect(url, "sender"), await connect(url, "reader")
        seen, done = [], asyncio.Event()

        def take(subject, reply, data, headers):
            seen.append((subject, reply, data, headers))
            if len(seen) == 500:
                done.set()

        subscription = await reader.subscribe_direct("word.*", take)
        await reader.flush()
        for i in range(500):
            await sender.publish(f"word.{i % 3}", b"%d" % i, reply="back", headers={"N": str(i)})
        await asyncio.wait_for(done.wait(), 10)
        assert subscription.pending_msgs == 0, "nothing took the long way"
        assert seen == [(f"word.{i % 3}", "back", b"%d" % i, {"N": str(i)}) for i in range(500)]
        await subscription.unsubscribe()
        await sender.publish("word.1", b"late")
        await sender.flush()
        await reader.flush()
        assert len(seen) == 500
        await sender.close()
        await reader.close()

    asyncio.run(scene())


def test_an_error_of_a_reader_ends_neither_the_reading_nor_the_connection(url):
    async def scene():
        client = await connect(url, "clumsy")
        seen, done = [], asyncio.Event()

        def take(subject, reply, data, headers):
            if data == b"bad":
                raise ValueError("no word of ours")
            seen.append(data)
            done.set()

        await client.subscribe_direct("w", take)
        await client.publish("w", b"bad")
        await client.publish("w", b"good")
        await asyncio.wait_for(done.wait(), 10)
        assert seen == [b"good"]
        assert client.is_connected
        await client.close()

    asyncio.run(scene())


def test_requests_and_ordinary_subscriptions_still_work(url):
    async def scene():
        client = await connect(url, "plain")

        async def answer(msg):
            await msg.respond(msg.data[::-1])

        await client.subscribe("turn.round", cb=answer)
        assert (await client.request("turn.round", b"abc", timeout=5)).data == b"cba"
        await client.close()

    asyncio.run(scene())
