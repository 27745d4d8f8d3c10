"""GET /v1/advice: the last notes, what became of their trades, and how good the notes were."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from contango_gateway.advisor.view import KEPT, AdviceView
from contango_gateway.answers import AsOf, Body

AsOfNow = Callable[[], dict[str, Any]]
Limit = Annotated[int, Query(ge=1, le=KEPT, description="rows at most")]


class AdviceRow(Body):
    """One proposal's note (``stance``, ``confidence``, ``note``), or the ``reason`` why it has none."""

    proposal_id: str
    advisor: str = Field(description="name of the model that was asked")
    seq: int
    ts_ns: int
    stance: str | None = Field(description="favourable, neutral or unfavourable; null where there is no note")
    confidence: float | None = Field(description="probability, 0 to 1, that the stance is right")
    note: str | None = Field(description="plain text from outside: show it as text, never as HTML")
    note_html: str | None = Field(description="the same, escaped: what may stand in a page")
    prompt_sha: str | None
    latency_ms: float | None
    reason: str | None = Field(description="why there is no note")
    pnl_usd: float | None = Field(description="of the trade, after fees; null until it is closed")
    score: float | None = Field(description="Brier score: 0 perfect, 0.25 a coin, 1 certain and wrong")
    scored_ts_ns: int | None


class StanceRow(Body):
    stance: str
    notes: int
    hits: int | None = Field(description="null for neutral, which cannot hit")
    hit_rate: float | None


class AdviceTable(Body):
    notes: int = Field(description="notes whose trades are closed")
    brier_mean: float | None
    brier_low: float | None
    brier_high: float | None
    level: float = Field(description="confidence level of the interval")
    coin: float = Field(description="score of always saying one half")
    base_rate: float | None = Field(description="share of these trades that made money")
    base_rate_brier: float | None = Field(description="score of always saying that share")
    stances: list[StanceRow]
    absent: str | None = Field(description="why there is no interval")


class Advice(AsOf):
    """Notes of the advisor. They are shown and scored; nothing is decided by them."""

    given: int = Field(description="notes on the log")
    absent: int = Field(description="proposals on the log that were asked about in vain")
    reasons: dict[str, int] = Field(description="why, and how often")
    table: AdviceTable
    advice: list[AdviceRow] = Field(description="newest first")


def advice_routes(view: AdviceView, as_of: AsOfNow) -> APIRouter:
    """The route over ``view``; ``as_of`` gives the head of every answer (``as_of_seq``, ``as_of_ts_ns``)."""
    router = APIRouter(prefix="/v1")

    @router.get("/advice", tags=["advice"], response_model=Advice, summary="The advisor's notes and their scores")
    async def advice(limit: Limit = 100) -> dict[str, Any]:
        table = view.table()
        return as_of() | {
            "given": view.given,
            "absent": view.absent,
            "reasons": dict(view.reasons),
            "table": table._asdict() | {"stances": [row._asdict() for row in table.stances]},
            "advice": view.select(limit),
        }

    return router
