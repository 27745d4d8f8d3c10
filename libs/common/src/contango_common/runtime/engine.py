"""The memory runtime: the whole house in one process, driven by the scheduler."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, encode
from contango_common.runtime.inputs import Input
from contango_common.runtime.memory import MemoryLog
from contango_common.runtime.participant import Participant
from contango_common.runtime.schedule import Schedule


class Engine:
    """Takes inputs one by one; after each, the cursor has reached the head again."""

    def __init__(self, participants: Sequence[Participant], build: str, log: MemoryLog | None = None) -> None:
        self.participants = list(participants)
        self.log = log or MemoryLog()
        self.schedule = Schedule((p.name, p.fold.READS) for p in participants)
        self.build = build
        self._waiting: deque[tuple[str, At, Sequence[Event]]] = deque()

    def take(self, item: Input) -> None:
        """Publish one input and let everything it causes happen."""
        self._append(item.envelope(self.build), item.key)
        waiting, participants = self._waiting, self.participants
        while waiting:
            subject, at, events = waiting.popleft()
            for index in self.schedule.readers(subject):
                answer = participants[index].answer(at, events)
                if answer is not None:
                    self._append(answer, f"{answer.source}:{answer.cause}")

    def run(self, inputs: Iterable[Input]) -> Iterator[Input]:
        """Take all inputs, yielding each after it was handled (for progress bars)."""
        for item in inputs:
            self.take(item)
            yield item

    def _append(self, envelope: Envelope, msg_id: str) -> None:
        source, events, subject = envelope.source, envelope.events, f"log.{envelope.source}"
        seq = self.log.put(subject, encode(envelope), msg_id)
        self.schedule.appended(seq, envelope.cause)
        for event in events:
            if event.BY_REFERENCE:
                self.participants[0].attach(events)  # in one process all have the same blocks
                break
        self._waiting.append((subject, At(envelope.ts_ns, seq, source), events))
