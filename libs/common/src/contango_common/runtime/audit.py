"""Re-deciding a recorded log: every fold is given what it was given then and must answer byte for byte the same.

Oracles are not asked again: their answers are facts. A fold is recovered beside the log: each message it reads is
decided anew and compared with what the log says it answered.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contango_common.domain.blocks import Block
from contango_common.events.codec import canonical, encode
from contango_common.runtime.fold import Fold
from contango_common.runtime.log import Message
from contango_common.runtime.participant import Participant

_CAUSE = re.compile(rb'"cause":\s*(\d{1,18})\s*[,}]')


@dataclass(frozen=True, slots=True)
class Difference:
    """First place where a fold answers differently now. ``seq`` is the message decided on."""

    fold: str
    seq: int
    recorded: bytes | None
    decided: bytes | None

    def __str__(self) -> str:
        at = _first_difference(self.recorded or b"", self.decided or b"")
        return (
            f"{self.fold} decides differently on message {self.seq}\n"
            f"  recorded: {_around(self.recorded, at)}\n  decided:  {_around(self.decided, at)}"
        )


def redecide(folds: Sequence[Fold], messages: Iterable[Message], blocks: Mapping[str, Block]) -> Difference | None:
    """First difference between the recorded and the re-decided log, None when there is none.

    Two passes: a decision stands later on the log than its cause, so recorded answers are indexed first.
    """
    log = list(messages)
    participants = [Participant(fold, blocks, "") for fold in folds]
    own_subjects = {p.subject: p.name for p in participants}
    recorded: dict[tuple[str, int], bytes] = {}
    for message in log:
        name = own_subjects.get(message.subject)
        if name is not None:
            cause = _cause(message.data)
            if cause is None:
                return Difference(name, message.seq, message.data, None)
            key = (name, cause)
            if key in recorded:
                return Difference(name, key[1], canonical(message.data), None)
            recorded[key] = canonical(message.data)
    for message in log:
        for participant in participants:
            if participant.reads(message.subject):
                difference = _compare(participant, message, recorded)
                if difference is not None:
                    return difference
    if recorded:
        (name, seq), data = next(iter(recorded.items()))
        return Difference(name, seq, data, None)
    return None


def _compare(participant: Participant, message: Message, recorded: dict[tuple[str, int], bytes]) -> Difference | None:
    answer = participant.handle(message)
    decided = None if answer is None else canonical(encode(answer))
    expected = recorded.pop((participant.name, message.seq), None)
    return None if decided == expected else Difference(participant.name, message.seq, expected, decided)


def _cause(data: bytes) -> int | None:
    """The cause that one of our own messages names, None when it is too damaged to name one."""
    found = _CAUSE.search(data)
    return None if found is None else int(found.group(1))


def _first_difference(left: bytes, right: bytes) -> int:
    """Position of the first byte that differs."""
    for position, (mine, theirs) in enumerate(zip(left, right, strict=False)):
        if mine != theirs:
            return position
    return min(len(left), len(right))


def _around(data: bytes | None, at: int) -> str:
    """The text around a position; whole when it is short."""
    if data is None:
        return "nothing"
    start, end = max(0, at - 120), at + 120
    text = data[start:end].decode(errors="replace")
    return ("… " if start else "") + text + (" …" if end < len(data) else "")
