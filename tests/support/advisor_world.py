"""An advisor over a memory log: facts to speak about, a scripted port, and ways to wait for what it writes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from contango_common.domain.at import At
from contango_common.edge.redact import Redactor
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, decode, encode
from contango_common.events.market import Tick
from contango_common.events.risk import Refused, TradeClosed
from contango_common.events.signal import Proposal
from contango_common.runtime.log import Message
from contango_common.runtime.memory import MemoryLog
from contango_gateway.advisor.port import Advisor, Said, Silent
from contango_gateway.advisor.prompt import Prompt
from contango_gateway.advisor.service import SUBJECT, AdvisorService
from support import gateway_world

HOUR_NS = 3_600_000_000_000
START_NS = gateway_world.OPEN_NS


def reply(stance: str = "favourable", confidence: float = 0.75, note: str = "IV rank is high.") -> str:
    return json.dumps({"stance": stance, "confidence": confidence, "note": note})


def proposal(name: str, *, valid_until_ns: int = START_NS + HOUR_NS, **values: Any) -> Proposal:
    made = gateway_world.proposal(At(START_NS, 1, "signals"))
    return made.model_copy(update={"proposal_id": name, "valid_until_ns": valid_until_ns, **values})


def refused(name: str) -> Refused:
    return Refused(proposal_id=name, strategy="condor", underlying="SPX", reasons=("heat",), limits={})


def closed(name: str, pnl_usd: float) -> TradeClosed:
    return TradeClosed(
        position_id=name,
        proposal_id=name,
        strategy="condor",
        underlying="SPX",
        instruments=gateway_world.IDS,
        ratios=gateway_world.RATIOS,
        quantity=1,
        opened_ns=START_NS,
        entry_net_micros=0,
        exit_net_micros=0,
        fees_micros=0,
        pnl_micros=round(pnl_usd * 1e6),
        mid_pnl_micros=0,
        natural_pnl_micros=0,
        max_loss_micros=1,
        exit_reason="profit",
        exit_all_true=("profit",),
        regime_at_entry="LOW_VOL_RANGE",
        regime_at_exit=None,
        entry_why={},
        exit_why={},
    )


def put(log: MemoryLog, source: str, *events: Event, ts_ns: int = START_NS) -> int:
    """Append one message of ``source``; returns its sequence."""
    return log.put(f"log.{source}", encode(Envelope(ts_ns, source, 0, events, (0,) * len(events), "test")))


def tick(log: MemoryLog, ts_ns: int) -> int:
    return put(log, "clock", Tick(), ts_ns=ts_ns)


class Port:
    """Answers by ``answer``, a function of the prompt or a coroutine; ``asked`` are the prompts it was shown."""

    name = "test-model"

    def __init__(self, answer: Callable[[Prompt], Any] = lambda prompt: Said(reply())) -> None:
        self._answer = answer
        self.asked: list[Prompt] = []
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def ask(self, prompt: Prompt) -> Said | Silent:
        self.asked.append(prompt)
        self.begun.set()
        try:
            given = self._answer(prompt)
            return await given if asyncio.iscoroutine(given) else given
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def never(prompt: Prompt) -> Said:
    """Hangs until it is cancelled."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def service(log: Any, port: Advisor, *, instance: str = "one", redactor: Redactor | None = None, **given: Any) -> Any:
    options = {"deadline_s": 60.0, **given}
    return AdvisorService(log, port, redactor=redactor or Redactor(), instance=instance, build="test", **options)


@asynccontextmanager
async def running(advisor: AdvisorService) -> AsyncIterator["asyncio.Task[None]"]:
    """The loop at work; ended without a word on leaving, its error raised when it ended by itself."""
    task = asyncio.ensure_future(advisor.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def advice(log: MemoryLog) -> list[Event]:
    """Every fact of the advisor on the log, in order."""
    return [event for message in said(log) for event in decode(message.data).events]


def said(log: MemoryLog) -> list[Message]:
    return [message for message in log.messages if message.subject == SUBJECT]


async def until(log: MemoryLog, count: int, task: "asyncio.Task[Any]") -> list[Event]:
    """Wait until the advisor has written ``count`` facts; its own end raises what ended it."""

    async def wait() -> None:
        found = 0
        async for _ in log.follow(1, frozenset({SUBJECT})):
            found += 1
            if found == count:
                return

    waiting = asyncio.ensure_future(wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        task.result()
        raise AssertionError("the advisor ended without an error")
    return advice(log)


async def settled(advisor: AdvisorService, log: MemoryLog) -> None:
    """Wait until the advisor has seen all that it reads of the log, asks nothing, and owes nothing."""
    desk = advisor.desk

    def behind() -> bool:
        wanted = [m.seq for m in log.messages if m.subject in {"log.signals", "log.risk", SUBJECT, "log.clock"}]
        return advisor.position < max(wanted, default=0)

    while behind() or desk.waiting or desk.lost or desk.due:
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
