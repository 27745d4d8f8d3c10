"""The log on NATS JetStream: one stream ``LOG`` with the subjects ``log.>``, never trimmed.

The reader is ours (a framework that dispatches a fetched batch concurrently reorders it): an ephemeral push consumer
without acknowledgements, whose own sequence must have no gap; on a gap or a missed heartbeat it is made anew from the
last message seen. The writer asks for the last sequence of its subject on every append.
"""

import asyncio
import contextlib
import logging
import uuid
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import nats.errors
import nats.js.errors
import orjson
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from contango_common.domain.errors import ContangoError, LogError, UserError
from contango_common.runtime.direct import DirectClient, Headers
from contango_common.runtime.log import AppendUnknown, Message, WrongLastSequence

STREAM = "LOG"
SUBJECTS = "log.>"
EPOCH = "contango_epoch"
_WRITER = "Writer"
_WRONG_LAST_SEQUENCE = 10071
_UNAVAILABLE = 503
_PAUSE_S = 0.2  # after a publish whose fate is unknown
_HEARTBEAT_S = 5.0
_FIRST_CONNECTION_S = 5.0
_DUPLICATE_WINDOW_S = 3600.0

logger = logging.getLogger(__name__)


class BusUnavailable(ContangoError):
    """No NATS server answered at the start; whoever supervises us may try again."""


async def connect(
    url: str,
    name: str,
    *,
    token: str | None = None,
    user: str | None = None,
    password: str | None = None,
) -> DirectClient:
    """A client that, once connected, reconnects for ever.

    Raises BusUnavailable when no server has answered for five seconds, UserError when it refuses the credentials.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _FIRST_CONNECTION_S
    while True:
        client = DirectClient()
        try:
            await _first_connection(client, url, name, token, user, password)
            client.options["allow_reconnect"] = True
            client.options["max_reconnect_attempts"] = -1
            return client
        except (TimeoutError, nats.errors.Error, OSError) as error:
            with contextlib.suppress(Exception):
                await client.close()
            reason = " ".join(str(error).split()) or type(error).__name__
            if "authorization" in reason.lower():
                raise UserError(
                    f"NATS at {url} refuses the credentials ({reason}): check token, user, password"
                ) from None
            if loop.time() > give_up:
                raise BusUnavailable(f"no NATS server answers at {url}: start one or set CONTANGO_NATS_URL") from None
            await asyncio.sleep(0.2)


async def _first_connection(
    client: DirectClient, url: str, name: str, token: str | None, user: str | None, password: str | None
) -> None:
    """One attempt; what goes wrong before it succeeds is raised, what goes wrong afterwards is logged."""

    async def on_error(error: Exception) -> None:
        if client.options["allow_reconnect"]:
            logger.warning("nats: %s", error)

    await client.connect(
        url,
        name=name,
        token=token,
        user=user,
        password=password,
        allow_reconnect=False,
        max_reconnect_attempts=1,
        reconnect_time_wait=0.2,  # type: ignore[arg-type]  # annotated int, but slept as it is
        connect_timeout=5,
        ping_interval=5,
        max_outstanding_pings=2,
        error_cb=on_error,
        inbox_prefix=f"_INBOX_{name.replace('.', '_')}".encode(),
        pending_size=64 * 1024 * 1024,
        skip_subject_validation=True,  # all subjects are our own
    )


class NatsLog:
    """The log port over a connected client."""

    def __init__(self, client: DirectClient, *, timeout_s: float = 5.0) -> None:
        self.client = client
        self._js = client.jetstream(timeout=timeout_s)
        self._timeout_s = timeout_s
        self._epoch: str | None = None
        self._inbox, self._asks = "", 0
        self._answers: dict[str, asyncio.Future[tuple[str, bytes]]] = {}

    async def exists(self) -> bool:
        try:
            await self._js.stream_info(STREAM)
            return True
        except nats.js.errors.NotFoundError:
            return False

    async def wait(self) -> None:
        """Until the one who makes the stream (conductor or supervisor) has made it."""
        while not await self.exists():
            await asyncio.sleep(0.1)

    async def create(self) -> None:
        """Make the stream if it is not there; its epoch is born with it."""
        if await self.exists():
            return
        with contextlib.suppress(nats.js.errors.BadRequestError):  # somebody else was quicker
            await self._js.add_stream(
                StreamConfig(
                    name=STREAM,
                    subjects=[SUBJECTS],
                    retention=RetentionPolicy.LIMITS,
                    storage=StorageType.FILE,
                    discard=DiscardPolicy.NEW,
                    duplicate_window=_DUPLICATE_WINDOW_S,
                    allow_direct=True,
                    metadata={EPOCH: uuid.uuid4().hex},
                )
            )

    async def epoch(self) -> str:
        if self._epoch is None:
            info = await self._js.stream_info(STREAM)
            self._epoch = (info.config.metadata or {}).get(EPOCH, "")
            if not self._epoch:
                raise LogError(f"stream {STREAM} carries no epoch: it was not made by this program")
        return self._epoch

    async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
        headers = {
            "Nats-Msg-Id": msg_id,
            "Nats-Expected-Last-Subject-Sequence": str(expected),
            _WRITER: writer,
        }
        try:
            status, answer = await self._asked(subject, data, headers)
        except (
            TimeoutError,
            nats.errors.ConnectionClosedError,
            nats.errors.ConnectionDrainingError,
            nats.errors.OutboundBufferLimitError,
        ) as error:
            await asyncio.sleep(_PAUSE_S)
            raise AppendUnknown(f"{subject}: {type(error).__name__}") from error
        if not answer:  # nobody listens: no stream, or no server that has it
            await asyncio.sleep(_PAUSE_S)
            raise AppendUnknown(f"{subject}: nobody answers ({status})")
        return _sequence(subject, orjson.loads(answer))

    async def _asked(self, subject: str, data: bytes, headers: Headers) -> tuple[str, bytes]:
        """Publish and wait for the server's word on it: status line (empty: none) and body."""
        if not self._inbox:
            inbox = self.client.new_inbox()
            await self.client.subscribe_direct(f"{inbox}.*", self._on_answer)
            self._inbox = inbox
        self._asks += 1
        reply, loop = f"{self._inbox}.{self._asks}", asyncio.get_running_loop()
        answer: asyncio.Future[tuple[str, bytes]] = loop.create_future()
        self._answers[reply] = answer
        timer = loop.call_later(self._timeout_s, _give_up, answer)
        try:
            await self.client.publish(subject, data, reply=reply, headers=headers)
            return await answer
        finally:
            timer.cancel()
            del self._answers[reply]

    def _on_answer(self, subject: str, reply: str, data: bytes, headers: Headers) -> None:
        answer = self._answers.get(subject)
        if answer is not None and not answer.done():
            answer.set_result((headers.get("Status", ""), data))

    async def last(self, subject: str | None = None) -> Message | None:
        if subject is None:
            info = await self._js.stream_info(STREAM)
            return await self.get(info.state.last_seq) if info.state.last_seq else None
        with contextlib.suppress(nats.js.errors.NotFoundError):
            raw = await self._js.get_last_msg(STREAM, subject)
            return _message(raw.seq or 0, raw.subject or "", raw.data or b"", raw.headers)
        return None

    async def get(self, seq: int) -> Message | None:
        with contextlib.suppress(nats.js.errors.NotFoundError):
            raw = await self._js.get_msg(STREAM, seq)
            return _message(raw.seq or seq, raw.subject or "", raw.data or b"", raw.headers)
        return None

    async def read(self, first: int, last: int, subjects: frozenset[str] | None = None) -> AsyncIterator[Message]:
        end = await self._last_wanted(last, subjects)
        if end < first:
            return
        async for message in self.follow(first, subjects):
            if message.seq > last:
                return
            yield message
            if message.seq >= end:
                return

    async def follow(self, first: int, subjects: frozenset[str] | None = None) -> AsyncIterator[Message]:
        """Messages from ``first`` on. A lost delivery is noticed and asked for again; order is never broken."""
        position = first
        while True:
            async with _Subscription(self, position, subjects) as subscription:
                async for message in subscription:
                    if message.seq < position or (subjects is None and message.seq > position):
                        raise LogError(f"the log has a gap: message {message.seq} came after {position - 1}")
                    position = message.seq + 1
                    yield message
            await asyncio.sleep(0.2)
            await self._same_epoch()

    async def _same_epoch(self) -> None:
        """A stream that was made anew under our feet is another log."""
        known = await self.epoch()
        self._epoch = None
        while True:
            try:
                if await self.epoch() != known:
                    raise LogError(f"stream {STREAM} has another epoch than when this process started")
                return
            except (nats.errors.Error, nats.js.errors.ServiceUnavailableError) as error:
                logger.warning("waiting for the log: %s", error)
                await asyncio.sleep(0.5)

    async def _last_wanted(self, last: int, subjects: frozenset[str] | None) -> int:
        """Sequence of the last message not after ``last`` that matches; 0 when there is none."""
        info = await self._js.stream_info(STREAM)
        last = min(last, info.state.last_seq)
        if subjects is None:
            return last
        best = 0
        for subject in subjects:
            with contextlib.suppress(nats.js.errors.NotFoundError):
                raw = await self._js.get_last_msg(STREAM, subject)
                best = max(best, raw.seq or 0)
        return min(best, last) if best <= last else last


class _Subscription:
    """One ephemeral push consumer; ends (StopAsyncIteration) when it can no longer be trusted to be complete."""

    def __init__(self, log: NatsLog, first: int, subjects: frozenset[str] | None) -> None:
        self._log, self._first, self._subjects = log, first, subjects
        self._arrived: deque[Message | None] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._delivered = 0
        self._alive = False

    async def __aenter__(self) -> "_Subscription":
        client = self._log.client
        inbox = client.new_inbox()
        self._core = await client.subscribe_direct(inbox, self._on_message)
        config = ConsumerConfig(
            deliver_subject=inbox,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=max(self._first, 1),
            ack_policy=AckPolicy.NONE,
            filter_subjects=sorted(self._subjects) if self._subjects else None,
            idle_heartbeat=_HEARTBEAT_S,
            inactive_threshold=60.0,
            mem_storage=True,
            num_replicas=1,
        )
        self._name = await self._create(config)
        self._watch_silence()
        return self

    async def _create(self, config: ConsumerConfig) -> str | None:
        try:
            info = await self._log._js.add_consumer(STREAM, config)
        except (nats.errors.Error, nats.js.errors.ServiceUnavailableError) as error:
            logger.warning("no consumer yet: %s", error)
            self._put(None)
            return None
        wanted = set(config.filter_subjects or [])
        if wanted and set(info.config.filter_subjects or []) != wanted:
            raise LogError("the NATS server ignored filter_subjects: version 2.11 or newer is needed")
        return info.name

    async def __aexit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
        with contextlib.suppress(Exception):
            await self._core.unsubscribe()
        if self._name and self._log.client.is_connected:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._log._js.delete_consumer(STREAM, self._name), 1.0)

    def __aiter__(self) -> "_Subscription":
        return self

    async def __anext__(self) -> Message:
        while not self._arrived:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        message = self._arrived.popleft()
        if message is None:
            raise StopAsyncIteration
        return message

    def _put(self, message: Message | None) -> None:
        self._arrived.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch_silence(self) -> None:
        """End the subscription when neither message nor heartbeat came for three heartbeats."""
        self._alive = False

        def look() -> None:
            if self._alive:
                self._watch_silence()
            else:
                logger.warning("the consumer is silent: making it anew")
                self._put(None)

        self._watch = asyncio.get_running_loop().call_later(3 * _HEARTBEAT_S, look)

    def _on_message(self, subject: str, reply: str, data: bytes, headers: Headers) -> None:
        self._alive = True
        if not reply:
            self._on_heartbeat(headers)
            return
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<timestamp>.<pending>
        tokens = reply.split(".")
        stream_seq, consumer_seq = int(tokens[-4]), int(tokens[-3])
        if consumer_seq != self._delivered + 1:
            self._put(None)
            return
        self._delivered = consumer_seq
        self._put(_message(stream_seq, subject, data, headers, int(tokens[-1])))

    def _on_heartbeat(self, headers: Headers) -> None:
        """A heartbeat names the last delivered consumer sequence: more than we saw means something was lost."""
        sent = headers.get("Nats-Last-Consumer")
        if sent is not None and int(sent) > self._delivered:
            self._put(None)


def _give_up(answer: "asyncio.Future[tuple[str, bytes]]") -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())


def _sequence(subject: str, answer: dict[str, Any]) -> int:
    """The sequence in the server's word on a publish; else the error that it is."""
    error = answer.get("error")
    if error is None:
        return int(answer["seq"])
    why = error.get("description", "no reason given")
    if error.get("err_code") == _WRONG_LAST_SEQUENCE:
        raise WrongLastSequence(f"{subject}: {why}")
    if error.get("code") == _UNAVAILABLE:
        raise AppendUnknown(f"{subject}: {why}")
    raise LogError(f"{subject}: the server refused the message: {why}")


def _message(seq: int, subject: str, data: bytes, headers: dict[str, str] | None, pending: int = 0) -> Message:
    known = headers or {}
    return Message(seq, subject, data, known.get("Nats-Msg-Id", ""), known.get(_WRITER, ""), pending)
