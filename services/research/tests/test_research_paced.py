"""The pace of a paper session: the clock's own inside a session, cut short where the market is shut."""

import asyncio

import pytest

from contango_research.serve import paced

MINUTE_NS = 60_000_000_000


@pytest.mark.parametrize(
    ("apart_ns", "speed", "slept_s"),
    [(15 * MINUTE_NS, 1.0, 900.0), (15 * MINUTE_NS, 60.0, 15.0), (17 * 60 * MINUTE_NS, 1.0, paced.LONGEST_WAIT_S)],
)
def test_waits_are_event_time_over_speed_and_nights_are_short(monkeypatch, apart_ns, speed, slept_s):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(paced.asyncio, "sleep", sleep)
    monkeypatch.setattr(paced, "monotonic_s", lambda: 100.0)

    async def two() -> None:
        pace = paced._Pace(speed)
        await pace.wait(1_000 * MINUTE_NS)
        await pace.wait(1_000 * MINUTE_NS + apart_ns)

    asyncio.run(two())
    assert slept == [slept_s]
