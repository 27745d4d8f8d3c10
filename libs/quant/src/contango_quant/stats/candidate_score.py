"""Components of a candidate's score, each in [0, 1], and their weighted sum by regime.

    iv       percentile/100
    delta    1 − 4·||δ| − 0.25|, at least 0
    credit   2·min(credit/width, 0.5)
    ev       (ev/maximum loss + 0.25)/0.5, cut to [0, 1]: an expected loss of a quarter of what can be lost is 0, as
    much
             of a profit is 1. A scale of our own: the published one is 0 for every fairly priced spread.

Weights of the published regimes add up to 1; what is missing is left out and the rest renormalised.
"""

from collections.abc import Mapping
from types import MappingProxyType

WEIGHTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "bull_low_vol": MappingProxyType({"iv": 0.20, "delta": 0.20, "credit": 0.25, "ev": 0.35}),
        "bull_high_vol": MappingProxyType({"iv": 0.25, "delta": 0.35, "credit": 0.20, "ev": 0.20}),
        "bear_low_vol": MappingProxyType({"iv": 0.20, "delta": 0.25, "credit": 0.35, "ev": 0.20}),
        "bear_high_vol": MappingProxyType({"iv": 0.35, "delta": 0.30, "credit": 0.20, "ev": 0.15}),
    }
)
EV_REACH = 0.25


def iv_part(percentile: float | None) -> float | None:
    """From the IV percentile in points of 100.

    >>> iv_part(60.0)
    0.6
    """
    return None if percentile is None else _unit(percentile / 100.0)


def delta_part(delta: float | None) -> float | None:
    """From the spot delta of the sold leg.

    >>> delta_part(-0.20)
    0.8
    """
    return None if delta is None else _unit(1.0 - 4.0 * abs(abs(delta) - 0.25))


def credit_part(credit_to_width: float | None) -> float | None:
    """From credit over width.

    >>> credit_part(0.25)
    0.5
    """
    return None if credit_to_width is None else _unit(2.0 * min(credit_to_width, 0.5))


def ev_part(ev_to_loss: float | None) -> float | None:
    """From expected profit over maximum loss.

    >>> ev_part(0.0), ev_part(0.25)
    (0.5, 1.0)
    """
    return None if ev_to_loss is None else _unit((ev_to_loss + EV_REACH) / (2.0 * EV_REACH))


def weighted(parts: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    """The weighted mean of the parts present; None when none is. ValueError when the weights do not add up to 1 ± 0.01.

    >>> weighted({"iv": 1.0, "ev": None}, {"iv": 0.4, "ev": 0.6})
    1.0
    """
    if any(w < 0.0 for w in weights.values()) or abs(sum(weights.values()) - 1.0) > 0.01:
        raise ValueError(f"weights must not be below 0 and add up to 1 ± 0.01, got {dict(weights)}")
    present = [(w, x) for name, w in weights.items() if (x := parts.get(name)) is not None]
    total = sum(w for w, _ in present)
    return sum(w * x for w, x in present) / total if total > 0.0 else None


def _unit(x: float) -> float:
    return min(max(x, 0.0), 1.0)
