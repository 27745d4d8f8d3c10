"""The conductor: hands out turns over NATS in the order of the one scheduler.

It holds no truth: a restarted conductor finds the running turn from the log alone. For message *s* it waits until each
reader, in order, says that it has handled *s*, and lets those that want to publish do so one after another. When the
cursor reaches the head, it asks for the next input.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import nats.errors
from nats.aio.msg import Msg

from contango_common.domain.errors import LogError, Undecodable
from contango_common.events.codec import decode, encode
from contango_common.runtime.direct import DirectClient, Headers
from contango_common.runtime.failpoints import failpoint
from contango_common.runtime.inputs import CONTROL, Input, with_control
from contango_common.runtime.log import Log, Writer
from contango_common.runtime.schedule import Schedule
from contango_common.runtime.turns import ASK_AGAIN_S, FEED, FRAMES, HELLO, REPORT, Turn, tags_of, turn_subject

logger = logging.getLogger(__name__)
NAME = "conductor"


@dataclass(frozen=True, slots=True)
class RemoteInput:
    """The feed's input number ``number``, which the feed itself publishes."""

    number: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class FeedAt:
    """The feed has published ``done`` inputs, the last as ``seq``; the next is of ``upcoming_ns`` (None: no more)."""

    done: int
    seq: int
    source: str
    upcoming_ns: int | None
    tags: str


class Conductor:
    """Runs one lock-step replay on a log."""

    def __init__(self, log: Log, client: DirectClient, turns: Iterable[Turn], build: str) -> None:
        known = list(turns)
        self._names = [turn.name for turn in known]
        self._hears = [turn.hears for turn in known]
        self._schedule = Schedule((turn.name, turn.reads) for turn in known)
        self._log, self._client, self._build = log, client, build
        self.cursor = 0
        self.head = 0
        self._messages: dict[int, tuple[str, str]] = {}  # of those not yet handled: subject and tags
        self._old = 0
        self._reports: dict[str, dict[int, str]] = {name: {} for name in self._names}
        self._idle: set[str] = set()  # who will not answer frames before its next report
        self._published: dict[tuple[str, int], tuple[int, str]] = {}
        self._feed_at: FeedAt | None = None
        self._awaited: tuple[str, str, int] | None = None
        self._news: asyncio.Future[bool] | None = None

    async def run(self, params: dict[str, Any], start_ns: int, reason: str) -> AsyncIterator[int]:
        """Drive the run to its end; yields the event time of each input when all it caused has happened."""
        await self._client.subscribe_direct(REPORT, self._on_report)
        await self._ask_feed(None)
        await self._find_turn()
        await self._client.subscribe(HELLO, cb=self._on_hello)
        control = await Writer.open(self._log, f"log.{CONTROL}", uuid.uuid4().hex)
        said = {m.msg_id async for m in self._log.read(1, self.head, frozenset({control.subject}))}
        await self._settle()
        for item in with_control(self._remote(), params, start_ns, reason):
            if isinstance(item, Input):
                if item.key not in said:
                    seq = await control.publish(encode(item.envelope(self._build)), item.key)
                    self._appended(seq, control.subject, 0, tags_of(item.events))
            else:
                at = await self._ask_feed(item.number)
                self._appended(at.seq, f"log.{at.source}", 0, at.tags)
            failpoint("after-publish", NAME)
            await self._settle()
            yield item.ts_ns

    def _remote(self) -> Iterable[RemoteInput]:
        while self._feed_at is not None and self._feed_at.upcoming_ns is not None:
            yield RemoteInput(self._feed_at.done + 1, self._feed_at.upcoming_ns)

    async def _find_turn(self) -> None:
        """The running turn is the last message that anybody answered, or the first message of all."""
        last = await self._log.last()
        self.head = self._old = last.seq if last else 0
        for name in self._names:
            own = await self._log.last(f"log.{name}")
            if own is not None:
                self.cursor = max(self.cursor, decode(own.data).cause - 1)

    async def _settle(self) -> None:
        while self.cursor < self.head:
            await self._turn(self.cursor + 1)
            self.cursor += 1

    async def _turn(self, seq: int) -> None:
        known = seq in self._messages
        subject, tags = self._messages.pop(seq) if known else await self._look_up(seq)
        for index in self._schedule.readers(subject):
            name = self._names[index]
            if (tags and self._hears[index].isdisjoint(tags.split(","))) or (subject == FRAMES and name in self._idle):
                continue
            if await self._handled(name, seq):
                published, of = await self._grant(name, seq)
                self._appended(published, f"log.{name}", seq, of)
            elif seq <= self._old:
                answered = await self._answered(name, seq)
                if answered is not None:
                    self._appended(answered[0], f"log.{name}", seq, answered[1])

    async def _look_up(self, seq: int) -> tuple[str, str]:
        """Subject and tags from the log; no tags of what cannot be decoded: everybody who reads it will say so."""
        message = await self._log.get(seq)
        if message is None:
            raise LogError(f"message {seq} is missing from the log")
        try:
            return message.subject, tags_of(decode(message.data).events)
        except Undecodable:
            return message.subject, ""

    def _appended(self, seq: int, subject: str, cause: int, tags: str) -> None:
        """Note a new message; one that was on the log when we started is known already."""
        if seq <= self._old:
            return
        if seq != self.head + 1:
            raise LogError(f"message {seq} came after {self.head}: somebody else writes to this log")
        self.head = seq
        self._messages[seq] = (subject, tags)
        self._schedule.appended(seq, cause)

    async def _handled(self, name: str, seq: int) -> bool:
        """Wait until ``name`` has handled ``seq``; whether it wants to publish."""
        failpoint("after-decide", NAME)
        reports = self._reports[name]
        if seq <= self._old and seq not in reports:
            await self._say(turn_subject(name), b"A %d" % seq)
        while seq not in reports:
            if not await self._hear("R", name, seq):
                await self._say(turn_subject(name), b"A %d" % seq)
        how = reports.pop(seq)
        (self._idle.add if how == "2" else self._idle.discard)(name)
        return how == "1"

    async def _grant(self, name: str, cause: int) -> tuple[int, str]:
        while True:
            await self._say(turn_subject(name), b"G %d" % cause)
            if (name, cause) not in self._published:
                await self._hear("P", name, cause)
            published = self._published.pop((name, cause), None)
            if published is not None:
                return published
            answered = await self._answered(name, cause)
            if answered is not None:
                return answered

    async def _answered(self, name: str, cause: int) -> tuple[int, str] | None:
        """A participant that died after publishing cannot say so any more; the log can."""
        own = await self._log.last(f"log.{name}")
        if own is None:
            return None
        envelope = decode(own.data)
        return (own.seq, tags_of(envelope.events)) if envelope.cause == cause else None

    async def _say(self, subject: str, word: bytes) -> None:
        try:
            await self._client.publish(subject, word)
        except nats.errors.Error as error:
            logger.warning("to %s: %s", subject, error)

    async def _hear(self, kind: str, name: str, seq: int) -> bool:
        """Wait for this very word; False when it did not come for a while. Other words only leave their notes."""
        loop = asyncio.get_running_loop()
        news: asyncio.Future[bool] = loop.create_future()
        self._awaited, self._news = (kind, name, seq), news
        timer = loop.call_later(ASK_AGAIN_S, _settle_with, news, False)
        try:
            return await news
        finally:
            timer.cancel()
            self._awaited = self._news = None

    def _on_report(self, subject: str, reply: str, data: bytes, headers: Headers) -> None:
        kind, name, first, *rest = data.decode().split(" ")
        if kind == "F":
            self._feed_at, name = _feed_at(name, first, *rest), ""
            seq = 0
        else:
            seq = int(first)
            self._note(kind, name, seq, rest)
        if self._news is not None and self._awaited == (kind, name, seq):
            _settle_with(self._news, True)

    def _note(self, kind: str, name: str, seq: int, rest: list[str]) -> None:
        if seq <= self.cursor:
            return
        if kind == "P":
            self._published[name, seq] = (int(rest[0]), rest[1])
        elif name in self._reports:
            self._reports[name][seq] = rest[0]

    async def _on_hello(self, msg: Msg) -> None:
        """A participant (re)starts: what it reported before is void, and it decides from the current turn on."""
        reports = self._reports.get(msg.data.decode())
        if reports is not None:
            reports.clear()
            self._idle.discard(msg.data.decode())
        await msg.respond(b"%d" % (self.cursor + 1))

    async def _ask_feed(self, number: int | None) -> FeedAt:
        """Let the feed publish input ``number`` (None: only say where it stands)."""
        self._feed_at = None if number is None else self._feed_at
        word = b"" if number is None else b"%d" % number
        while True:
            await self._say(FEED, word)
            if not await self._hear("F", "", 0):
                logger.info("waiting for the feed")
            at = self._feed_at
            if at is not None and (number is None or at.done == number):
                return at
            if at is not None and number is not None and at.done > number:
                raise LogError(f"the feed stands at input {at.done}, not at {number}")


def _feed_at(done: str, seq: str, source: str, upcoming: str, tags: str) -> FeedAt:
    return FeedAt(int(done), int(seq), source, None if upcoming == "-" else int(upcoming), tags)


def _settle_with(future: asyncio.Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)
