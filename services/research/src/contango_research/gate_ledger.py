"""The gate ledger: which gate refused how often, and how often it alone stood in the way."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from contango_research.decisions import Refusal


@dataclass(frozen=True, slots=True)
class GateRow:
    """``refused`` refusals name the gate; on ``alone`` of them it is the only reason."""

    gate: str
    by: str
    refused: int
    alone: int
    share: float
    alone_share: float


def gate_ledger(refusals: Iterable[Refusal], gates: Iterable[str]) -> list[GateRow]:
    """One row per gate, most refusals first; gates that never refused stand at the end with zeros.

    ``share`` is of all refusals (shares add up to more than 1: a refusal lists all its reasons), ``alone_share`` of
    the gate's own.
    """
    refused: Counter[tuple[str, str]] = Counter()
    alone: Counter[tuple[str, str]] = Counter()
    total = 0
    for refusal in refusals:
        total += 1
        for reason in refusal.reasons:
            refused[reason, refusal.by] += 1
        if len(refusal.reasons) == 1:
            alone[refusal.reasons[0], refusal.by] += 1
    rows = [
        GateRow(gate, by, count, alone[gate, by], count / total, alone[gate, by] / count)
        for (gate, by), count in refused.items()
    ]
    rows.sort(key=lambda row: (-row.refused, row.gate))
    named = {row.gate for row in rows}
    return rows + [GateRow(gate, "signals", 0, 0, 0.0, 0.0) for gate in gates if gate not in named]
