"""How good the notes were: a small table for people. Pure; the generator is the caller's.

Two yardsticks stand beside the mean score: the coin (1/4), and the score of somebody who always says the share of these
trades that made money, w (1 - w) [1]. Who sells options wins often: a note that knows nothing but that beats the coin,
and tells something only where it beats the second. Trades overlap, so the interval is a block bootstrap's.

References:
    [1] A. H. Murphy, "A new vector partition of the probability score", J. Applied Meteorology 12 (1973) 595-600
        (the uncertainty term).
"""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np

from contango_common.events.advice import AdviceScored, Stance
from contango_gateway.advisor.score import COIN, made_money
from contango_quant.stats.bootstrap import interval, stationary, usual_block

STANCES: tuple[Stance, ...] = get_args(Stance)
LEVEL = 0.9


class StanceRow(NamedTuple):
    """``hits``: favourable and it made money, unfavourable and it did not; None for neutral, which cannot hit."""

    stance: Stance
    notes: int
    hits: int | None
    hit_rate: float | None


class AdviceTable(NamedTuple):
    """Scores of ``notes`` notes; the interval is None where ``absent`` says why."""

    notes: int
    brier_mean: float | None
    brier_low: float | None
    brier_high: float | None
    level: float
    coin: float
    base_rate: float | None
    base_rate_brier: float | None
    stances: tuple[StanceRow, ...]
    absent: str | None


def summarise(
    scored: Sequence[AdviceScored], rng: np.random.Generator, *, resamples: int = 1000, level: float = LEVEL
) -> AdviceTable:
    """The table of ``scored``, in the order in which the trades ended.

    >>> note = AdviceScored(proposal_id="p", advisor="m", stance="favourable", confidence=0.8, pnl_usd=5.0, score=0.04)
    >>> table = summarise([note], np.random.default_rng(0))
    >>> table.notes, table.brier_mean, table.absent
    (1, 0.04, 'an interval needs at least two notes')
    """
    rows = tuple(_row(stance, scored) for stance in STANCES)
    if not scored:
        return AdviceTable(0, None, None, None, level, COIN, None, None, rows, "no note has been scored yet")
    scores = np.array([note.score for note in scored], dtype=np.float64)
    share = sum(made_money(note.pnl_usd) for note in scored) / len(scored)
    draw = stationary(float(usual_block(scores.size)))
    found = interval(lambda x: float(x.mean()), scores, draw=draw, rng=rng, resamples=resamples, level=level)
    return AdviceTable(
        notes=len(scored),
        brier_mean=float(scores.mean()),
        brier_low=None if found is None else found.low,
        brier_high=None if found is None else found.high,
        level=level,
        coin=COIN,
        base_rate=share,
        base_rate_brier=share * (1.0 - share),
        stances=rows,
        absent="an interval needs at least two notes" if found is None else None,
    )


def _row(stance: Stance, scored: Sequence[AdviceScored]) -> StanceRow:
    mine = [note for note in scored if note.stance == stance]
    if stance == "neutral":
        return StanceRow(stance, len(mine), None, None)
    hits = sum(made_money(note.pnl_usd) == (stance == "favourable") for note in mine)
    return StanceRow(stance, len(mine), hits, hits / len(mine) if mine else None)


def lines(table: AdviceTable) -> list[str]:
    """The table as lines of text, for a terminal or a report.

    >>> lines(summarise([], np.random.default_rng(0)))
    ['scored notes: 0 (no note has been scored yet)']
    """
    if table.brier_mean is None or table.base_rate is None or table.base_rate_brier is None:
        return [f"scored notes: 0 ({table.absent})"]
    spread = f"({table.absent})"
    if table.brier_low is not None and table.brier_high is not None:
        spread = f"[{table.brier_low:.3f}, {table.brier_high:.3f}] at {table.level:.0%}"
    said = [
        f"scored notes: {table.notes}",
        f"mean Brier score: {table.brier_mean:.3f} {spread}; coin {table.coin:.3f}, "
        f"base rate {table.base_rate_brier:.3f} ({table.base_rate:.0%} made money)",
    ]
    return said + [_line(row) for row in table.stances]


def _line(row: StanceRow) -> str:
    if row.hits is None:
        return f"{row.stance}: {row.notes}"
    rate = "no hit rate" if row.hit_rate is None else f"{row.hits} hits ({row.hit_rate:.0%})"
    return f"{row.stance}: {row.notes}, {rate}"
