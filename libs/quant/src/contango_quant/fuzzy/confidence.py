"""Fuzzy confidence that premium may be sold: ten factors, each with a membership in [0, 1], weighted.

    mtf      1 − 100·|d|                 mean distance of the timeframes from their averages, as a fraction
    iv       min(1, rank/60)             IV rank in points of 100
    regime   1 at VIX 12, 0 at 30        volatility index in points
    rsi      1 in 40…60, 0 outside 30…70
    adx      1 up to 25, 0 from 40       no trend
    bb       Gaussian around the middle  position in the Bollinger bands, 0 to 1
    stoch    1 in 30…70, 0 outside 10…90
    vol      falls through a half at 1.5 relative volume: quiet markets stay where they are
    sma      1 at 0, 0 at 2 %            distance from the average as a fraction
    psar     0 at 0.5 %, 1 at 2 %        distance from the parabolic stop as a fraction

Factors that are missing are left out and the weights of the others renormalised, as long as these are at least
``min_coverage`` of the whole; below that there is no score. ``confidence_source`` is the published rule, in which what
is missing counts a half: it hides outages and is kept to reproduce published numbers only.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from contango_quant.fuzzy.membership import crossover, gaussian, linear, linear_decay, trapezoid

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "mtf": 0.18,
        "iv": 0.14,
        "regime": 0.11,
        "rsi": 0.10,
        "adx": 0.10,
        "bb": 0.09,
        "stoch": 0.08,
        "vol": 0.07,
        "sma": 0.06,
        "psar": 0.07,
    }
)
FACTORS = tuple(WEIGHTS)
HALF = 0.5


class Confidence(NamedTuple):
    """score: in [0, 1], None when too little is known, and then `reason` says so; coverage: weight present over all.

    memberships: of each factor, None where missing; contributions: weight times membership over the weight present,
    adding up to the score; missing: names.
    """

    score: float | None
    coverage: float
    memberships: dict[str, float | None]
    contributions: dict[str, float]
    missing: tuple[str, ...]
    reason: str | None


def memberships(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Membership of each factor, in the order of FACTORS.

    >>> memberships({"rsi": 50.0, "iv": 30.0})["iv"]
    0.5
    """
    v = values.get
    return {
        "mtf": linear_decay(_size(v("mtf")), 0.0, 0.01),
        "iv": linear(v("iv"), 0.0, 60.0),
        "regime": linear_decay(v("regime"), 12.0, 30.0),
        "rsi": trapezoid(v("rsi"), 30.0, 40.0, 60.0, 70.0),
        "adx": linear_decay(v("adx"), 25.0, 40.0),
        "bb": gaussian(v("bb"), 0.5, 0.25),
        "stoch": trapezoid(v("stoch"), 10.0, 30.0, 70.0, 90.0),
        "vol": crossover(v("vol"), 1.5, 4.0),
        "sma": linear_decay(_size(v("sma")), 0.0, 0.02),
        "psar": linear(_size(v("psar")), 0.005, 0.02),
    }


def confidence(
    values: Mapping[str, float | None], *, weights: Mapping[str, float] = WEIGHTS, min_coverage: float = 0.7
) -> Confidence:
    """The score from the factors present. ValueError for a weight below 0 or an unknown factor.

    >>> found = confidence({"mtf": 0.0, "iv": 60.0, "regime": 12.0, "rsi": 50.0, "adx": 20.0, "bb": 0.5, "stoch": 50.0})
    >>> round(found.score, 3), round(found.coverage, 2), found.missing
    (1.0, 0.8, ('vol', 'sma', 'psar'))
    """
    unknown = [name for name in weights if name not in WEIGHTS]
    if unknown or any(w < 0.0 for w in weights.values()) or not sum(weights.values()) > 0.0:
        raise ValueError(f"weights must be above 0 in sum, none below 0, of {', '.join(FACTORS)}; got {dict(weights)}")
    degrees = memberships(values)
    total = sum(weights.values())
    present = {name: w for name, w in weights.items() if degrees[name] is not None}
    held, missing = sum(present.values()), tuple(name for name in weights if name not in present)
    coverage = held / total
    if not held > 0.0 or coverage < min_coverage:
        reason = f"{coverage:.0%} of the weight is present, {min_coverage:.0%} is needed: {', '.join(missing)} missing"
        return Confidence(None, coverage, degrees, {}, missing, reason)
    parts = {name: w * (degrees[name] or 0.0) / held for name, w in present.items()}
    return Confidence(min(sum(parts.values()), 1.0), coverage, degrees, parts, missing, None)


def confidence_source(values: Mapping[str, float | None], *, weights: Mapping[str, float] = WEIGHTS) -> float:
    """The published score: what is missing counts a half.

    >>> round(confidence_source({}), 10)
    0.5
    """
    degrees = memberships(values)
    total = sum(weights.values())
    return sum(w * (HALF if (m := degrees[name]) is None else m) for name, w in weights.items()) / total


def _size(x: float | None) -> float | None:
    return None if x is None else abs(x)
