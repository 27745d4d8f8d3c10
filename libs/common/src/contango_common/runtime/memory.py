"""The log in memory: for backtests, sweeps and tests. Same rules as JetStream, no waiting."""

import asyncio
import uuid
from collections.abc import AsyncIterator

from contango_common.runtime.log import Message, WrongLastSequence
from contango_common.runtime.schedule import matches


class MemoryLog:
    """Messages in a list; ``seq`` is the position from 1."""

    def __init__(self, epoch: str | None = None) -> None:
        self.messages: list[Message] = []
        self._last: dict[str, int] = {}
        self._ids: dict[str, int] = {}
        self._epoch = epoch or uuid.uuid4().hex
        self._grown: asyncio.Event | None = None

    def put(self, subject: str, data: bytes, msg_id: str = "", writer: str = "") -> int:
        """Append without asking: the single-process runtime is its own only writer."""
        seq = len(self.messages) + 1
        self.messages.append(Message(seq, subject, data, msg_id, writer))
        self._last[subject] = self._ids[msg_id] = seq
        if self._grown is not None:
            self._grown.set()
            self._grown = None
        return seq

    async def epoch(self) -> str:
        return self._epoch

    async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
        last = self._last.get(subject, 0)
        if last != expected:
            raise WrongLastSequence(f"{subject}: last sequence is {last}, not {expected}")
        known = self._ids.get(msg_id)
        if known is not None:
            return known
        return self.put(subject, data, msg_id, writer)

    async def last(self, subject: str | None = None) -> Message | None:
        for message in reversed(self.messages):
            if subject is None or message.subject == subject:
                return message
        return None

    async def get(self, seq: int) -> Message | None:
        return self.messages[seq - 1] if 1 <= seq <= len(self.messages) else None

    async def read(self, first: int, last: int, subjects: frozenset[str] | None = None) -> AsyncIterator[Message]:
        for message in self.messages[first - 1 : last]:
            if _wanted(message.subject, subjects):
                yield message

    async def follow(self, first: int, subjects: frozenset[str] | None = None) -> AsyncIterator[Message]:
        seq = first
        while True:
            while seq <= len(self.messages):
                message = self.messages[seq - 1]
                seq += 1
                if _wanted(message.subject, subjects):
                    yield message
            if self._grown is None:
                self._grown = asyncio.Event()
            await self._grown.wait()


def _wanted(subject: str, subjects: frozenset[str] | None) -> bool:
    return subjects is None or any(matches(pattern, subject) for pattern in subjects)
