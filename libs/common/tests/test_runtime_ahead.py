"""Working ahead in a thread: the order and the error of the sequence, and no more than asked for."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.runtime.ahead import Ahead


async def drained(ahead):
    found = []
    while (item := await ahead.peek()) is not None:
        assert await ahead.peek() is item, "a look takes nothing"
        ahead.drop()
        found.append(item)
    return found


@given(st.lists(st.integers(), max_size=200), st.integers(1, 5))
def test_items_come_in_order_and_end(items, limit):
    async def scene():
        ahead = Ahead(items, limit)
        ahead.start()
        return await drained(ahead)

    assert asyncio.run(scene()) == items


def test_an_error_comes_out_at_its_place():
    def broken():
        yield 1
        yield 2
        raise OSError("disk")

    async def scene():
        ahead = Ahead(broken(), 10)
        ahead.start()
        for wanted in (1, 2):
            assert await ahead.peek() == wanted
            ahead.drop()
        with pytest.raises(OSError, match="disk"):
            await ahead.peek()

    asyncio.run(scene())


def test_no_more_than_the_limit_lies_ready():
    made, third = [], threading.Event()

    def counting():
        for i in range(100):
            made.append(i)
            if i == 3:
                third.set()
            yield i

    async def scene():
        ahead = Ahead(counting(), 3)
        ahead.start()
        assert await ahead.peek() == 0
        await asyncio.sleep(0.05)
        assert len(made) <= 3
        ahead.drop()
        assert await asyncio.to_thread(third.wait, 10)
        assert len(made) <= 4

    asyncio.run(scene())
