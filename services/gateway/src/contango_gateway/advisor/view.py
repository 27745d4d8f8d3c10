"""The last notes with their scores, and what all scores add up to: a view of ``log.advice`` like the others. Pure."""

from collections import Counter, deque
from typing import Any

import numpy as np

from contango_common.events.advice import AdviceAbsent, AdviceGiven, AdviceScored
from contango_gateway.advisor.reply import as_html
from contango_gateway.advisor.table import AdviceTable, summarise
from contango_gateway.seen import Handlers, Seen

KEPT = 500
SCORES_KEPT = 5_000
REASONS_KEPT = 50
OTHER = "other reasons"
SEED = 20_260_101  # the same scores show the same interval


class AdviceView:
    """``rows`` by proposal, oldest first, at most ``KEPT``; ``given``, ``absent`` and ``reasons`` count all of the log.

    >>> AdviceView().select(10)
    []
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.scores: deque[AdviceScored] = deque(maxlen=SCORES_KEPT)
        self.given = self.absent = self.scored = 0
        self.reasons: Counter[str] = Counter()
        self._table: tuple[int, AdviceTable] | None = None

    def on_given(self, event: AdviceGiven, seen: Seen) -> None:
        self.given += 1
        body = event.model_dump(mode="json")
        self._keep(body | {"note_html": as_html(event.note)}, seen)

    def on_absent(self, event: AdviceAbsent, seen: Seen) -> None:
        self.absent += 1
        known = event.reason in self.reasons or len(self.reasons) < REASONS_KEPT
        self.reasons[event.reason if known else OTHER] += 1
        self._keep(event.model_dump(mode="json"), seen)

    def on_scored(self, event: AdviceScored, seen: Seen) -> None:
        self.scored += 1
        self.scores.append(event)
        row = self.rows.get(event.proposal_id)
        if row is not None:
            row |= {"pnl_usd": event.pnl_usd, "score": event.score, "scored_ts_ns": seen.ts_ns}

    def select(self, limit: int) -> list[dict[str, Any]]:
        """Newest first."""
        return list(reversed(self.rows.values()))[:limit]

    def table(self) -> AdviceTable:
        """Of the newest ``SCORES_KEPT`` scores; made anew only when there is another one."""
        if self._table is None or self._table[0] != self.scored:
            self._table = (self.scored, summarise(list(self.scores), np.random.default_rng(SEED)))
        return self._table[1]

    def _keep(self, told: dict[str, Any], seen: Seen) -> None:
        self.rows[told["proposal_id"]] = {**_EMPTY, **told, "seq": seen.seq, "ts_ns": seen.ts_ns}
        if len(self.rows) > KEPT:
            del self.rows[next(iter(self.rows))]


_EMPTY: dict[str, Any] = dict.fromkeys(
    (
        "stance",
        "confidence",
        "note",
        "note_html",
        "prompt_sha",
        "latency_ms",
        "reason",
        "pnl_usd",
        "score",
        "scored_ts_ns",
    )
)

HANDLERS: Handlers = {
    AdviceGiven: AdviceView.on_given,
    AdviceAbsent: AdviceView.on_absent,
    AdviceScored: AdviceView.on_scored,
}
