"""A paper session's inputs: the replay of a catalog at the pace of a clock, and ticks of that same clock.

Event time runs ``speed`` times as fast as the wall. Nights and weekends are cut short to ``LONGEST_WAIT_S`` of wall
time. Where the session's clock stands is said by the log itself.
"""

import asyncio
import uuid
from collections.abc import Iterable
from typing import Any

from contango_common.edge.clock import monotonic_s
from contango_common.events.codec import encode
from contango_common.events.market import Tick
from contango_common.runtime.inputs import Input, with_control
from contango_common.runtime.log import Writer
from contango_research.house import BUILD
from contango_research.serve.context import Context

LONGEST_WAIT_S = 5.0
CLOSED_S = 3 * 3600.0  # a longer pause between two inputs is a night or a weekend
TICK_S = 5.0
REASON = "start of the session"
_BILLION = 1_000_000_000


async def run_paced(ctx: Context, inputs: Iterable[Input], params: dict[str, Any], start_ns: int) -> None:
    """Publish every input when its time has come; what the log already holds is skipped."""
    instance = uuid.uuid4().hex
    writers: dict[str, Writer] = {}
    done = {message.msg_id async for message in _own(ctx)}
    pace = _Pace(ctx.settings.speed)
    for item in with_control(inputs, params, start_ns, REASON):
        if item.key in done:
            continue
        if item.ts_ns >= start_ns:
            await pace.wait(item.ts_ns)
        if item.source not in writers:
            writers[item.source] = await Writer.open(ctx.log, item.subject, instance)
        await writers[item.source].publish(encode(item.envelope(BUILD)), item.key)
    await ctx.stop.wait()


async def _own(ctx: Context):  # type: ignore[no-untyped-def]
    last = await ctx.log.last()
    if last is not None:
        subjects = frozenset({"log.md", "log.reference", "log.control.research"})
        async for message in ctx.log.read(1, last.seq, subjects):
            yield message


class _Pace:
    """Waits the wall time that lies between two event times; of a closed market at most ``LONGEST_WAIT_S``."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._last: tuple[int, float] | None = None

    async def wait(self, ts_ns: int) -> None:
        if self._last is not None:
            last_ns, at_s = self._last
            apart_s = (ts_ns - last_ns) / _BILLION
            due_s = apart_s / self._speed
            if apart_s > CLOSED_S:
                due_s = min(due_s, LONGEST_WAIT_S)
            await asyncio.sleep(max(0.0, at_s + due_s - monotonic_s()))
        self._last = (ts_ns, monotonic_s())


async def run_clock(ctx: Context) -> None:
    """A Tick every ``TICK_S``: the session's time goes on when the feed is silent."""
    writer = await Writer.open(ctx.log, "log.clock", uuid.uuid4().hex)
    heard: tuple[int, float] | None = None
    while not ctx.stop.is_set():
        await asyncio.sleep(TICK_S)
        last = await ctx.log.last("log.md")
        if last is None:
            continue
        ts_ns = _ts_of(last.data)
        if heard is None or heard[0] != ts_ns:
            heard = (ts_ns, monotonic_s())
        now_ns = ts_ns + int((monotonic_s() - heard[1]) * ctx.settings.speed * _BILLION)
        tick = Input("clock", now_ns, f"tick:{uuid.uuid4().hex}", (Tick(),))
        await writer.publish(encode(tick.envelope(BUILD)), tick.key)


def _ts_of(data: bytes) -> int:
    start = data.index(b'"ts_ns":') + len(b'"ts_ns":')
    return int(data[start : data.index(b",", start)])
