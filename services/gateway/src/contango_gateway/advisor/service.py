"""The advisor's loop: follows the log, asks one question at a time and writes ``log.advice``. An edge.

Nobody waits for it, and it writes to no other subject. It starts by folding the log from its first message, with its
writer already taken over: an answer of another advisor that it did not read makes its own next write fail, so that a
proposal has at most one answer on the log. A crash between reply and publish leaves the question open: it is asked once
more. What nobody asked about while the advisor was away, and what has expired since, stays without a word.
"""

import asyncio
from typing import Any

from contango_common.domain.errors import LogError, Undecodable
from contango_common.edge.clock import monotonic_s
from contango_common.edge.logs import fields, get_logger
from contango_common.edge.metrics import Metrics
from contango_common.edge.redact import Redactor
from contango_common.events.advice import AdviceAbsent, AdviceGiven
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, decode, encode
from contango_common.runtime.log import Log, Message, Writer
from contango_gateway.advisor import desk as desks
from contango_gateway.advisor.desk import Desk, Question
from contango_gateway.advisor.port import Advisor, Said, Silent
from contango_gateway.advisor.reply import Unusable, cut, parse

SERVICE = "advisor"
NAME = "advice"
SUBJECT = f"log.{NAME}"
# The clock's ticks tell that a proposal's time is over when nothing else happens.
READS = frozenset({"log.signals", "log.risk", SUBJECT, "log.clock"})
PLACES = 32
BREATH_MESSAGES = 64  # health checks are answered between so many messages while the log is read

log = get_logger(SERVICE)


class AdvisorService:
    """Asks ``port`` about the proposals of ``bus``. ``instance`` names this process; ``redactor`` knows its secrets.

    At most ``places`` questions wait; a question may take ``deadline_s`` seconds, and never outlives its proposal.
    """

    def __init__(
        self,
        bus: Log,
        port: Advisor,
        *,
        deadline_s: float,
        redactor: Redactor,
        instance: str,
        build: str,
        metrics: Metrics | None = None,
        places: int = PLACES,
    ) -> None:
        self._bus, self._port, self._deadline_s, self._redactor = bus, port, deadline_s, redactor
        self._instance, self._build, self._places = instance, build, places
        self._metrics = metrics or Metrics()
        self._writer: Writer | None = None
        self._question: Question | None = None
        self._asking: asyncio.Task[Event] | None = None
        self.desk = Desk()
        self.position = 0

    async def run(self) -> None:
        """For ever. Raises LogError when the log cannot be followed or another advisor has taken over."""
        await self._recover()
        incoming = self._bus.follow(self.position + 1, READS)
        arriving = asyncio.ensure_future(anext(incoming))
        try:
            while True:
                await self._settle()
                self._ask_next()
                await asyncio.wait({arriving, *self._tasks()}, return_when=asyncio.FIRST_COMPLETED)
                if arriving.done():
                    self._check_alone(arriving.result())
                    self._take(arriving.result())
                    arriving = asyncio.ensure_future(anext(incoming))
                if self._asking is not None and self._asking.done():
                    await self._answer(self._asking.result())
        finally:
            await _end(arriving, *self._tasks())

    async def _recover(self) -> None:
        """Take the subject over, then read the log up to its present end."""
        self._writer = await Writer.open(self._bus, SUBJECT, self._instance)
        last = await self._bus.last()
        count = 0
        async for message in self._bus.read(1, last.seq if last is not None else 0, READS):
            self._take(message)
            count += 1
            if count % BREATH_MESSAGES == 0:
                await asyncio.sleep(0)
        self.position = last.seq if last is not None else 0
        past = desks.forget_past(self.desk)
        told = fields(position=self.position, open=len(self.desk.waiting), past=past, advisor=self._port.name)
        log.info("started", extra=told)

    def _check_alone(self, message: Message) -> None:
        """Whoever writes here now took the subject over, and our next write would fail: stop before it."""
        if message.subject == SUBJECT and message.writer and message.writer != self._instance:
            raise LogError(f"{SUBJECT}: another advisor ({message.writer}) has taken over; stopping")

    def _take(self, message: Message) -> None:
        self.position = message.seq
        self._metrics.gauge("contango_cursor_seq", service=SERVICE).set(message.seq)
        self._metrics.counter("contango_messages_total", service=SERVICE, subject=message.subject).inc()
        try:
            desks.take(self.desk, message.seq, decode(message.data))
        except Undecodable as error:
            log.warning("message %d cannot be decoded: %s", message.seq, error, extra=fields(seq=message.seq))

    async def _settle(self) -> None:
        """Publish the scores that are due and the absences of what is lost; stop asking about what is."""
        desks.trim(self.desk, self._places, self._question.proposal_id if self._question is not None else None)
        if self._question is not None and self._question.proposal_id not in self.desk.waiting:
            await self._stop_asking()
        for due in list(self.desk.due.values()):
            await self._publish(due.fact, f"{SERVICE}:score:{due.fact.proposal_id}", due.seq, due.of)
            desks.scored(self.desk, due.fact.proposal_id)
        for lost in list(self.desk.lost.values()):
            await self._say(lost.question, self._absent(lost.question, lost.reason))

    def _ask_next(self) -> None:
        if self._asking is None and self.desk.waiting:
            self._question = next(iter(self.desk.waiting.values()))
            self._asking = asyncio.ensure_future(self._asked(self._question))

    def _tasks(self) -> list["asyncio.Task[Event]"]:
        return [] if self._asking is None else [self._asking]

    async def _stop_asking(self) -> None:
        await _end(*self._tasks())
        self._asking = self._question = None

    async def _answer(self, fact: Event) -> None:
        question = self._question
        assert question is not None, "an answer has a question"
        await self._say(question, fact)
        self._asking = self._question = None

    async def _asked(self, question: Question) -> Event:
        """The fact that answers ``question``; whatever the advisor does, there is one."""
        begun = monotonic_s()
        try:
            async with asyncio.timeout(self._deadline_s):
                reply = await self._port.ask(question.prompt)
        except TimeoutError:
            reply = Silent(f"no answer within the deadline of {self._deadline_s:g} s")
        except Exception as error:  # advice must never stop the loop; the log has the trace
            log.error("the advisor's port failed", exc_info=error)
            reply = Silent(f"the advisor's port failed: {type(error).__name__}")
        return self._fact(question, reply, 1e3 * (monotonic_s() - begun))

    def _fact(self, question: Question, reply: Said | Silent, latency_ms: float) -> Event:
        if isinstance(reply, Silent):
            return self._absent(question, reply.reason)
        advice = parse(reply.text)
        if isinstance(advice, Unusable):
            return self._absent(question, advice.reason)
        return AdviceGiven(
            proposal_id=question.proposal_id,
            advisor=self._port.name,
            stance=advice.stance,
            confidence=advice.confidence,
            note=cut(self._redactor.text(advice.note)),  # masked before it is cut: half a secret is known to nobody
            prompt_sha=question.prompt.sha,
            latency_ms=round(latency_ms, 1),
        )

    def _absent(self, question: Question, reason: str) -> AdviceAbsent:
        shown = self._redactor.text(reason)
        return AdviceAbsent(proposal_id=question.proposal_id, advisor=self._port.name, reason=shown)

    async def _say(self, question: Question, fact: Event) -> None:
        await self._publish(fact, f"{SERVICE}:{question.proposal_id}", question.seq, question.of)
        desks.answered(self.desk, question.proposal_id)

    async def _publish(self, fact: Event, msg_id: str, cause: int, of: int) -> None:
        writer = self._writer
        assert writer is not None, "recovery comes first"
        await writer.publish(encode(Envelope(self.desk.ts_ns, NAME, cause, (fact,), (of,), self._build)), msg_id)
        self._metrics.counter("contango_decisions_total", service=SERVICE, kind=fact.TAG).inc()


async def _end(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel and wait, without taking a cancellation of our own for theirs."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
