"""The one scheduler: who handles which message, and in which order.

A cursor walks the log. At sequence *s* each participant that reads its subject handles *s*, in one fixed order of
participants, publishing at most one envelope each; then *s* + 1. The next input is published when the cursor has
reached the head. The memory runtime and the conductor of lock-step NATS both ask this object, so both logs are equal.
"""

from collections.abc import Iterable

from contango_common.domain.errors import LogError

MAX_DEPTH = 32


def matches(pattern: str, subject: str) -> bool:
    """``log.fit.*`` matches ``log.fit.ou``; anything else must be equal."""
    return subject == pattern or (pattern.endswith(".*") and subject.startswith(pattern[:-1]))


class Schedule:
    """Fixed order of participants, and the depth of the running cascade."""

    def __init__(self, participants: Iterable[tuple[str, frozenset[str]]]) -> None:
        self._participants = tuple(participants)
        self._readers: dict[str, tuple[int, ...]] = {}
        self._depth: dict[int, int] = {}

    def readers(self, subject: str) -> tuple[int, ...]:
        """Positions, in order, of the participants that handle ``subject``."""
        known = self._readers.get(subject)
        if known is None:
            known = tuple(
                index
                for index, (_, reads) in enumerate(self._participants)
                if any(matches(pattern, subject) for pattern in reads)
            )
            self._readers[subject] = known
        return known

    def appended(self, seq: int, cause: int) -> None:
        """Note a message caused by ``cause`` (0: an input, which begins a new cascade)."""
        if cause == 0:
            self._depth.clear()
            return
        depth = self._depth.get(cause, 0) + 1
        if depth > MAX_DEPTH:
            raise LogError(f"cascade deeper than {MAX_DEPTH} messages at sequence {seq}: two folds answer each other")
        self._depth[seq] = depth
