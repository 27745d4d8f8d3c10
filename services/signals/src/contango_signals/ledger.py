"""All candidates of one scan as columns: the block behind a ``Scan``.

One row a candidate, best first: ``leg<i>_row`` (row in the frame's contracts, −1 the underlying, −2 no such leg) and
``leg<i>_ratio`` for i = 0 … 3; prices per unit in ticks ``mid_ticks``, ``natural_ticks``, ``limit_ticks``,
``max_loss_ticks`` (−1: not bounded), ``spread_ticks``, ``displayed`` (−1 unknown); ``score`` and its components
``score_iv``, ``score_delta``, ``score_credit``, ``score_ev``, ``entry_score`` (nan where unknown); ``expected_ticks``,
``breach_put``, ``breach_call``, ``vrp_ratio``; ``taken`` (1: proposed) and ``gate_<name>`` (1 passed, 0 refused, −1
off).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from contango_common.domain.blocks import Block
from contango_signals.case import Case
from contango_signals.chainview import Column
from contango_signals.gates import GATES, Judgement

LEGS = 4
NO_LEG = -2


def columns(judged: Sequence[tuple[Case, Judgement]], taken: Sequence[bool]) -> Block:
    """The columns, in the order above."""
    cases = [case for case, _ in judged]
    out: dict[str, Column] = {}
    for i in range(LEGS):
        out[f"leg{i}_row"] = _ints([c.candidate.rows[i] if i < len(c.candidate.rows) else NO_LEG for c in cases])
        out[f"leg{i}_ratio"] = _ints([c.candidate.ratios[i] if i < len(c.candidate.ratios) else 0 for c in cases])
    out["mid_ticks"] = _floats([c.net.mid_ticks for c in cases])
    for name in ("natural_ticks", "limit_ticks", "spread_ticks"):
        out[name] = _ints([getattr(c.net, name) for c in cases])
    out["max_loss_ticks"] = _ints([-1 if c.net.max_loss_ticks is None else c.net.max_loss_ticks for c in cases])
    out["displayed"] = _ints([-1 if c.net.displayed is None else c.net.displayed for c in cases])
    out["score"] = _floats([c.score for c in cases])
    for name in ("iv", "delta", "credit", "ev"):
        out[f"score_{name}"] = _floats([c.scores.parts.get(name) for c in cases])
    out["entry_score"] = _floats([c.entry_score for c in cases])
    out["expected_ticks"] = _floats([c.expected_profit_ticks for c in cases])
    out["breach_put"] = _floats([c.breach_put for c in cases])
    out["breach_call"] = _floats([c.breach_call for c in cases])
    out["vrp_ratio"] = _floats([c.vrp_ratio for c in cases])
    out["taken"] = np.array(taken, dtype="<i1")
    for gate in GATES:
        out[f"gate_{gate.name}"] = np.array([_verdict(j.gates, gate.name) for _, j in judged], dtype="<i1")
    return out


def _verdict(gates: Mapping[str, bool], name: str) -> int:
    return int(gates[name]) if name in gates else -1


def _ints(values: Sequence[int]) -> Column:
    return np.array(values, dtype="<i4")


def _floats(values: Sequence[float | None]) -> Column:
    return np.array([np.nan if x is None else x for x in values], dtype="<f8")
