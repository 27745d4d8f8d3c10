"""Facts of the advisor: ``log.advice``. No fold reads them."""

from typing import ClassVar, Literal

from pydantic import Field

from contango_common.events.base import Event

Stance = Literal["favourable", "neutral", "unfavourable"]


class AdviceGiven(Event):
    """A language model's note on a proposal: read by people, scored later, decided upon by nobody."""

    FAMILY: ClassVar[str] = "advice"
    proposal_id: str
    advisor: str
    stance: Stance
    confidence: float = Field(ge=0.0, le=1.0)
    note: str
    prompt_sha: str
    latency_ms: float


class AdviceAbsent(Event):
    """No note on a proposal, and why."""

    FAMILY: ClassVar[str] = "advice"
    proposal_id: str
    advisor: str
    reason: str


class AdviceScored(Event):
    """What became of the trade that a note spoke about. ``score`` is the Brier score of its stance and confidence."""

    FAMILY: ClassVar[str] = "advice"
    proposal_id: str
    advisor: str
    stance: Stance
    confidence: float
    pnl_usd: float
    score: float
