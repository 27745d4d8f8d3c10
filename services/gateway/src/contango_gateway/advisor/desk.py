"""The advisor's desk: which questions are open, which notes await their trade, and which scores are due. Pure.

A function of the log: every fact in its order goes through ``take``, own answers like all others, live as after a
restart, so that what the log holds answered is never asked again. A question leaves the desk when it is answered, or is
``lost`` to the reason why it cannot be any more: its time is over, risk refused it, or its trade has been closed. A
note that stands on the log behind its trade's end is not scored: it was no forecast.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contango_common.domain.at import At
from contango_common.events.advice import AdviceAbsent, AdviceGiven, AdviceScored
from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.events.risk import Refused, TradeClosed
from contango_common.events.signal import FeatureRow, Proposal, RegimeReport, SurfaceFitted
from contango_gateway.advisor.context import Seen, context_of, on_report, on_row, on_surface
from contango_gateway.advisor.prompt import Prompt, prompt_of
from contango_gateway.advisor.score import brier

UNSCORED_KEPT = 10_000
EXPIRED = "the proposal's time was over before an answer came"
REFUSED = "risk refused the proposal before an answer came"
CLOSED = "the trade was closed before an answer came"
FULL = "newer proposals took its place in the queue"


class Question(NamedTuple):
    """A proposal to be asked about; ``seq`` and ``of`` are its place on the log."""

    proposal_id: str
    seq: int
    of: int
    valid_until_ns: int
    prompt: Prompt


class Lost(NamedTuple):
    question: Question
    reason: str


class Due(NamedTuple):
    """A score to be published; ``seq`` and ``of`` are the place of the trade's end."""

    fact: AdviceScored
    seq: int
    of: int


@dataclass(slots=True)
class Desk:
    """``waiting``, ``lost`` and ``due`` by proposal, oldest first; ``ts_ns`` is the latest event time seen."""

    ts_ns: int = 0
    seen: Seen = field(default_factory=Seen)
    waiting: dict[str, Question] = field(default_factory=dict)
    lost: dict[str, Lost] = field(default_factory=dict)
    given: dict[str, AdviceGiven] = field(default_factory=dict)
    due: dict[str, Due] = field(default_factory=dict)


def take(desk: Desk, seq: int, envelope: Envelope) -> None:
    """Take the next message of the log in."""
    desk.ts_ns = max(desk.ts_ns, envelope.ts_ns)
    at = At(envelope.ts_ns, seq, envelope.source)
    for index, event in enumerate(envelope.events):
        handler = HANDLERS.get(type(event))
        if handler is not None:
            handler(desk, event, at, index)
    for question in [each for each in desk.waiting.values() if each.valid_until_ns < desk.ts_ns]:
        lose(desk, question.proposal_id, EXPIRED)


def lose(desk: Desk, proposal_id: str, reason: str) -> None:
    """An open question cannot be answered any more."""
    question = desk.waiting.pop(proposal_id, None)
    if question is not None:
        desk.lost[proposal_id] = Lost(question, reason)


def trim(desk: Desk, places: int, asking: str | None) -> None:
    """Keep the newest ``places`` questions beside the one that is being asked; the others are lost."""
    queued = [key for key in desk.waiting if key != asking]
    for key in queued[: max(0, len(queued) - places)]:
        lose(desk, key, FULL)


def forget_past(desk: Desk) -> int:
    """Drop what was lost while nobody sat here, without a word on the log; returns how many those were."""
    count = len(desk.lost)
    desk.lost.clear()
    return count


def answered(desk: Desk, proposal_id: str) -> None:
    """Our answer is on the log."""
    desk.waiting.pop(proposal_id, None)
    desk.lost.pop(proposal_id, None)


def scored(desk: Desk, proposal_id: str) -> None:
    """The score is on the log."""
    desk.due.pop(proposal_id, None)


def _on_proposal(desk: Desk, event: Proposal, at: At, index: int) -> None:
    prompt = prompt_of(context_of(desk.seen, event, at.ts_ns))
    desk.waiting[event.proposal_id] = Question(event.proposal_id, at.seq, index, event.valid_until_ns, prompt)


def _on_given(desk: Desk, event: AdviceGiven, at: At, index: int) -> None:
    answered(desk, event.proposal_id)
    desk.given.setdefault(event.proposal_id, event)
    if len(desk.given) > UNSCORED_KEPT:
        del desk.given[next(iter(desk.given))]


def _on_absent(desk: Desk, event: AdviceAbsent, at: At, index: int) -> None:
    answered(desk, event.proposal_id)


def _on_scored(desk: Desk, event: AdviceScored, at: At, index: int) -> None:
    desk.given.pop(event.proposal_id, None)
    scored(desk, event.proposal_id)


def _on_refused(desk: Desk, event: Refused, at: At, index: int) -> None:
    lose(desk, event.proposal_id, REFUSED)
    desk.given.pop(event.proposal_id, None)


def _on_closed(desk: Desk, event: TradeClosed, at: At, index: int) -> None:
    lose(desk, event.proposal_id, CLOSED)
    note = desk.given.pop(event.proposal_id, None)
    if note is None:
        return
    pnl_usd = event.pnl_micros / 1e6
    fact = AdviceScored(
        proposal_id=note.proposal_id,
        advisor=note.advisor,
        stance=note.stance,
        confidence=note.confidence,
        pnl_usd=pnl_usd,
        score=brier(note.stance, note.confidence, pnl_usd),
    )
    desk.due[event.proposal_id] = Due(fact, at.seq, index)


def _on_report(desk: Desk, event: RegimeReport, at: At, index: int) -> None:
    on_report(desk.seen, event, at.ts_ns)


def _on_row(desk: Desk, event: FeatureRow, at: At, index: int) -> None:
    on_row(desk.seen, event, at.ts_ns)


def _on_surface(desk: Desk, event: SurfaceFitted, at: At, index: int) -> None:
    on_surface(desk.seen, event, at.ts_ns)


HANDLERS: Mapping[type[Event], Callable[[Desk, Any, At, int], None]] = {
    Proposal: _on_proposal,
    AdviceGiven: _on_given,
    AdviceAbsent: _on_absent,
    AdviceScored: _on_scored,
    Refused: _on_refused,
    TradeClosed: _on_closed,
    RegimeReport: _on_report,
    FeatureRow: _on_row,
    SurfaceFitted: _on_surface,
}
