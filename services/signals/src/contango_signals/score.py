"""What a candidate is worth beside the others: four components in [0, 1], weighted by the regime.

    iv       IV percentile / 100
    delta    nearness of the sold delta to a quarter
    credit   credit over width, a half and more is full marks
    ev       expected profit over maximum loss under the forecast's density, or by the published formula

Weights belong to the four states of the mixture detector; another detector's label is read through the mapping table.
Missing parts are left out and the others carry their weight. The entry score is the published one of four parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import field_validator

from contango_common.domain.declare import Section, param
from contango_quant.pricing.expected import ev_delta_binary
from contango_quant.stats.candidate_score import WEIGHTS, credit_part, delta_part, ev_part, iv_part, weighted
from contango_quant.stats.entry_score import entry_score

DEFAULT_LABEL = "bull_low_vol"


class ScoreParams(Section):
    """How expected profit is found and what the components weigh."""

    ev_model: Literal["density", "delta_binary"] = param(
        "density", "expected profit under the forecast's density, or credit − width·|delta|"
    )
    cost_per_contract_usd: float = param(1.3, "of opening and closing one contract", unit="USD", ge=0, le=100)
    weights: dict[str, dict[str, float]] = param(
        {label: dict(parts) for label, parts in WEIGHTS.items()}, "weights of iv, delta, credit, ev by regime"
    )

    @field_validator("weights")
    @classmethod
    def _complete(cls, weights: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        if sorted(weights) != sorted(WEIGHTS):
            raise ValueError(f"weights are needed for {', '.join(WEIGHTS)} and nothing else")
        parts = sorted(WEIGHTS[DEFAULT_LABEL])
        for label, row in weights.items():
            if sorted(row) != parts or min(row.values()) < 0.0 or abs(sum(row.values()) - 1.0) > 0.01:
                raise ValueError(f"{label} needs weights of {', '.join(parts)}, none below 0, adding to 1")
        return weights


@dataclass(frozen=True, slots=True)
class Scores:
    """Components (None where unknown), the weights that counted, and the weighted sum in [0, 1] (None: no part)."""

    parts: dict[str, float | None]
    weights: dict[str, float]
    total: float | None


NO_SCORES = Scores({}, {}, None)


def scores(
    *,
    iv_percentile: float | None,
    delta: float | None,
    credit_to_width: float | None,
    ev: float | None,
    label: str | None,
    p: ScoreParams,
) -> Scores:
    """Weighted by the mixture's ``label``; without one by the first row of the table. ``ev`` is its component in
    [0, 1]."""
    parts = {
        "iv": iv_part(iv_percentile),
        "delta": delta_part(delta),
        "credit": credit_part(credit_to_width),
        "ev": ev,
    }
    weights = p.weights.get(label or DEFAULT_LABEL) or p.weights[DEFAULT_LABEL]
    return Scores(parts, dict(weights), weighted(parts, weights))


def ev_component(
    ev_to_loss: float | None, credit: float, width: float | None, delta: float | None, p: ScoreParams
) -> float | None:
    """Expected profit in [0, 1]: over the maximum loss under the forecast's density, or the published max(0, EV)/width.

    >>> round(ev_component(None, 1.5, 5.0, 0.2, ScoreParams(ev_model="delta_binary")), 3)
    0.1
    """
    if p.ev_model == "density":
        return ev_part(ev_to_loss)
    published = binary_ev(credit, width, delta)
    return None if published is None or not width else max(0.0, published) / width


def binary_ev(credit: float, width: float | None, delta: float | None) -> float | None:
    """The published expected profit in currency per unit; None without a width."""
    if width is None or delta is None or not 0.0 <= credit <= width:
        return None
    return ev_delta_binary(credit=credit, width=width, delta=delta)


def entry(confidence: float | None, win: float | None, gates: Mapping[str, bool], direction: float | None) -> float:
    """The published entry score in points of 100; ``rules`` is the share of gates passed, scaled to [−1, 1]."""
    rules = None if not gates else 2.0 * sum(gates.values()) / len(gates) - 1.0
    return float(entry_score(confidence=confidence, probability=win, rules=rules, direction=direction).total)
