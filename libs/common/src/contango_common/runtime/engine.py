"""The memory runtime: the whole house in one process, driven by the scheduler."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

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
        self._waiting: deque[tuple[int, Envelope]] = deque()

    def take(self, item: Input) -> None:
        """Publish one input and let everything it causes happen."""
        self._append(item.envelope(self.build), item.key)
        log, readers, waiting, participants = self.log.messages, self.schedule.readers, self._waiting, self.participants
        while waiting:
            seq, envelope = waiting.popleft()
            message = log[seq - 1]
            for index in readers(message.subject):
                answer = participants[index].handle(message, envelope)
                if answer is not None:
                    self._append(answer, f"{answer.source}:{answer.cause}")

    def run(self, inputs: Iterable[Input]) -> Iterator[Input]:
        """Take all inputs, yielding each after it was handled (for progress bars)."""
        for item in inputs:
            self.take(item)
            yield item

    def _append(self, envelope: Envelope, msg_id: str) -> None:
        seq = self.log.put(f"log.{envelope.source}", encode(envelope), msg_id)
        self.schedule.appended(seq, envelope.cause)
        self._waiting.append((seq, envelope))
