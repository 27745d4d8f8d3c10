"""A fold at work: its state, its position, and what it publishes. The same object serves every runtime."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from contango_common.domain.at import At
from contango_common.domain.blocks import Block
from contango_common.domain.errors import LogError, Undecodable
from contango_common.events.base import ByReference, Event
from contango_common.events.codec import Envelope, decode
from contango_common.events.system import Quarantined
from contango_common.runtime.fold import Fold, evolve, step
from contango_common.runtime.log import Message
from contango_common.runtime.schedule import matches


class Participant:
    """Handles messages one by one in the order of the log.

    ``position`` is the last sequence handled. ``blocks`` resolves what facts carry by reference.
    """

    def __init__(self, fold: Fold, blocks: Mapping[str, Block], build: str) -> None:
        self.fold, self.name, self.build = fold, fold.NAME, build
        self.subject = f"log.{fold.NAME}"
        self.state: Any = fold.initial()
        self.position = 0
        self.last_ts_ns = 0
        self._blocks = blocks

    def reads(self, subject: str) -> bool:
        return any(matches(pattern, subject) for pattern in self.fold.READS)

    def decode(self, message: Message) -> Envelope | None:
        """The message's envelope, None when it is not one of ours (``handle`` will quarantine it)."""
        try:
            return decode(message.data)
        except Undecodable:
            return None

    def handle(self, message: Message, envelope: Envelope | None = None) -> Envelope | None:
        """Decide on one message: the envelope to publish, or None. ``envelope`` saves decoding it again."""
        try:
            read = envelope or decode(message.data)
        except Undecodable as error:
            self._advance(message.seq)
            return self._quarantine(message.seq, str(error))
        self.attach(read.events)
        return self.answer(At(read.ts_ns, message.seq, read.source), read.events)

    def answer(self, at: At, events: Sequence[Event]) -> Envelope | None:
        """Decide on the events of one message, whose blocks are attached: the envelope to publish, or None."""
        ts_ns, seq, _ = at
        if seq <= self.position:
            self._advance(seq)  # raises
        self.position, self.last_ts_ns = seq, ts_ns
        facts, of = step(self.fold, self.state, events, at)
        if not facts:
            return None
        self._keep(facts, ts_ns)
        return Envelope(ts_ns, self.name, seq, tuple(facts), tuple(of), self.build)

    def _keep(self, facts: Sequence[Event], ts_ns: int) -> None:
        """Store the blocks that these facts bring, before anybody is told of them. A crash leaves them orphans."""
        for fact in facts:
            if not fact.BY_REFERENCE:
                continue
            made = cast(ByReference, fact)
            for digest in made.references():
                block = made.attached(digest)
                if block is None:
                    continue
                stored = cast(Any, self._blocks).put(_utc_date(ts_ns), block, self.name)
                if stored != digest:
                    raise LogError(f"{type(fact).__name__} names the block {digest}, and brings {stored}")

    def refold(self, message: Message, own: Envelope | None) -> None:
        """Take a message and what was decided on it (``own``) from the log; decide nothing."""
        self._advance(message.seq)
        try:
            envelope = decode(message.data)
        except Undecodable:
            return
        self.attach(envelope.events)
        self.last_ts_ns = envelope.ts_ns
        at = At(envelope.ts_ns, message.seq, envelope.source)
        for index, event in enumerate(envelope.events):
            evolve(self.fold, self.state, event, at)
            if own is not None:
                for fact, of in zip(own.events, own.of, strict=True):
                    if of == index:
                        evolve(self.fold, self.state, fact, at)

    def _advance(self, seq: int) -> None:
        if seq <= self.position:
            raise LogError(f"{self.name} was given message {seq} after {self.position}")
        self.position = seq

    def attach(self, events: Sequence[Event]) -> None:
        """Give the events that carry blocks by reference their blocks."""
        for event in events:
            if event.BY_REFERENCE:
                cast(ByReference, event).attach(self._blocks)

    def _quarantine(self, seq: int, reason: str) -> Envelope:
        fact = Quarantined(seq=seq, reason=reason)
        return Envelope(self.last_ts_ns, self.name, seq, (fact,), (0,), self.build)


def _utc_date(ts_ns: int) -> str:
    """yyyymmdd of an instant: a day's blocks lie in one file."""
    return str(np.datetime64(ts_ns, "ns").astype("M8[D]")).replace("-", "")


def recover(participant: Participant, messages: Iterable[Message], settled: int = 0) -> None:
    """Fold ``messages`` (those that the participant reads and its own, in order, after its position) without deciding.

    Stops before the first message that is not known to be handled. A message counts as handled when an own message was
    caused by it or by a later one, or when it is not after ``settled`` (a conductor knows).
    """
    inputs: list[Message] = []
    own: dict[int, Envelope] = {}
    for message in messages:
        if message.subject == participant.subject:
            envelope = _own(message)
            own[envelope.cause] = envelope
        elif participant.reads(message.subject):
            inputs.append(message)
    handled = max(own, default=0)
    for message in inputs:
        if message.seq <= max(handled, settled):
            participant.refold(message, own.get(message.seq))


def _own(message: Message) -> Envelope:
    try:
        return decode(message.data)
    except Undecodable as error:
        raise LogError(f"message {message.seq} on {message.subject} is damaged: {error}") from error
