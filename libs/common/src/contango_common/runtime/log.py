"""The log port: one ordered, append-only sequence of messages, and how to append to it safely.

Identity and fencing: every message carries an id and its writer's instance id, and is appended only if the writer
knows the last sequence of its subject. An append whose fate is unknown is tried again with the *same* id; the answer
"wrong last sequence" is settled by reading the last message: ours byte for byte means that it had succeeded, another
writer's means that we are the stale one and must stop.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from contango_common.domain.errors import LogError


class Message(NamedTuple):
    """A message of the log: ``seq`` from 1 without gaps; ``pending`` more were waiting when it was delivered."""

    seq: int
    subject: str
    data: bytes
    msg_id: str = ""
    writer: str = ""
    pending: int = 0


class WrongLastSequence(LogError):
    """The subject's last sequence is not the one that the writer expected."""


class AppendUnknown(LogError):
    """The answer to an append did not arrive: it may or may not be stored."""


class Log(Protocol):
    """What runtimes need of a log; the memory and the JetStream implementations pass one suite of tests."""

    async def epoch(self) -> str:
        """Identity of this very log; a log that was made anew has another one."""
        ...

    async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
        """Store a message and return its sequence.

        ``expected`` is the last sequence of ``subject`` (0: none). A known ``msg_id`` with a fulfilled expectation is
        not stored again. Raises WrongLastSequence, AppendUnknown.
        """
        ...

    async def last(self, subject: str | None = None) -> Message | None:
        """Last message of ``subject``, or of the whole log."""
        ...

    async def get(self, seq: int) -> Message | None:
        """The message at ``seq``, None when the log does not reach it."""
        ...

    def read(self, first: int, last: int, subjects: frozenset[str] | None = None) -> AsyncIterator[Message]:
        """Messages ``first`` … ``last`` (those that match ``subjects``), in order. Raises LogError on a gap."""
        ...

    def follow(self, first: int, subjects: frozenset[str] | None = None) -> AsyncIterator[Message]:
        """Messages from ``first`` on, for ever, in order; waits at the head."""
        ...


RETRIES = 5


class Writer:
    """Appends to one subject under one instance id, and knows when it has been replaced."""

    def __init__(self, log: Log, subject: str, instance: str, last_seq: int) -> None:
        self._log, self.subject, self.instance, self.last_seq = log, subject, instance, last_seq

    @classmethod
    async def open(cls, log: Log, subject: str, instance: str) -> "Writer":
        last = await log.last(subject)
        return cls(log, subject, instance, last.seq if last else 0)

    async def publish(self, data: bytes, msg_id: str) -> int:
        """Append exactly once under the listed faults, or raise LogError: then the process must stop and recover."""
        for _ in range(RETRIES):
            try:
                seq = await self._log.append(
                    self.subject, data, msg_id=msg_id, writer=self.instance, expected=self.last_seq
                )
                self.last_seq = max(self.last_seq, seq)  # an id that was known answers with its old sequence
                return seq
            except WrongLastSequence:
                self.last_seq = await self._settle(data, msg_id)
                return self.last_seq
            except AppendUnknown:
                continue
        raise LogError(f"{self.subject}: the fate of message {msg_id} stays unknown after {RETRIES} tries")

    async def _settle(self, data: bytes, msg_id: str) -> int:
        last = await self._log.last(self.subject)
        if last is not None and last.writer == self.instance and last.data == data and last.msg_id == msg_id:
            return last.seq
        who = last.writer if last else "nobody"
        raise LogError(f"{self.subject}: another writer ({who}) has taken over from {self.instance}; stopping")
