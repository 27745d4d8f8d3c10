"""The detectors' labels, and how one detector's are read into another's: an explicit table, no likeness of names.

Every label says something of the trend (up, down, none, unknown) and of volatility (low, high, extreme, unknown). A
label is read into another set through that pair; the table below is total in both directions and is printed in the
guide.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from contango_common.domain.errors import UserError

Trend = Literal["up", "down", "none", "unknown"]
Volatility = Literal["low", "high", "extreme", "unknown"]


class Meaning(NamedTuple):
    """What a label says of trend and volatility."""

    trend: Trend
    volatility: Volatility


MEANINGS: Mapping[str, Mapping[str, Meaning]] = MappingProxyType(
    {
        "s0": MappingProxyType(
            {
                "bull_low_vol": Meaning("up", "low"),
                "bull_high_vol": Meaning("up", "high"),
                "bear_low_vol": Meaning("down", "low"),
                "bear_high_vol": Meaning("down", "high"),
            }
        ),
        "s1": MappingProxyType(
            {
                "TRENDING_BULLISH": Meaning("up", "unknown"),
                "TRENDING_BEARISH": Meaning("down", "unknown"),
                "RANGING": Meaning("none", "low"),
                "VOLATILE": Meaning("unknown", "high"),
                "UNCERTAIN": Meaning("unknown", "unknown"),
            }
        ),
        "s2": MappingProxyType(
            {
                "CRASH_MODE": Meaning("down", "extreme"),
                "BULL_TREND": Meaning("up", "unknown"),
                "BEAR_TREND": Meaning("down", "unknown"),
                "HIGH_VOL_RANGE": Meaning("none", "high"),
                "LOW_VOL_RANGE": Meaning("none", "low"),
            }
        ),
        "s4": MappingProxyType(
            {
                "bull": Meaning("up", "unknown"),
                "bear": Meaning("down", "unknown"),
                "neutral": Meaning("none", "unknown"),
            }
        ),
    }
)

# From a label (key) to that of every other set. Where a set has no word for what a label says, the nearest cautious
# one.
TABLE: Mapping[tuple[str, str], Mapping[str, str]] = MappingProxyType(
    {
        ("s0", "bull_low_vol"): {"s1": "TRENDING_BULLISH", "s2": "BULL_TREND", "s4": "bull"},
        ("s0", "bull_high_vol"): {"s1": "VOLATILE", "s2": "HIGH_VOL_RANGE", "s4": "bull"},
        ("s0", "bear_low_vol"): {"s1": "TRENDING_BEARISH", "s2": "BEAR_TREND", "s4": "bear"},
        ("s0", "bear_high_vol"): {"s1": "VOLATILE", "s2": "BEAR_TREND", "s4": "bear"},
        ("s1", "TRENDING_BULLISH"): {"s0": "bull_low_vol", "s2": "BULL_TREND", "s4": "bull"},
        ("s1", "TRENDING_BEARISH"): {"s0": "bear_low_vol", "s2": "BEAR_TREND", "s4": "bear"},
        ("s1", "RANGING"): {"s0": "bull_low_vol", "s2": "LOW_VOL_RANGE", "s4": "neutral"},
        ("s1", "VOLATILE"): {"s0": "bear_high_vol", "s2": "HIGH_VOL_RANGE", "s4": "neutral"},
        ("s1", "UNCERTAIN"): {"s0": "bear_high_vol", "s2": "HIGH_VOL_RANGE", "s4": "neutral"},
        ("s2", "CRASH_MODE"): {"s0": "bear_high_vol", "s1": "VOLATILE", "s4": "bear"},
        ("s2", "BULL_TREND"): {"s0": "bull_low_vol", "s1": "TRENDING_BULLISH", "s4": "bull"},
        ("s2", "BEAR_TREND"): {"s0": "bear_high_vol", "s1": "TRENDING_BEARISH", "s4": "bear"},
        ("s2", "HIGH_VOL_RANGE"): {"s0": "bull_high_vol", "s1": "VOLATILE", "s4": "neutral"},
        ("s2", "LOW_VOL_RANGE"): {"s0": "bull_low_vol", "s1": "RANGING", "s4": "neutral"},
        ("s4", "bull"): {"s0": "bull_low_vol", "s1": "TRENDING_BULLISH", "s2": "BULL_TREND"},
        ("s4", "bear"): {"s0": "bear_high_vol", "s1": "TRENDING_BEARISH", "s2": "BEAR_TREND"},
        ("s4", "neutral"): {"s0": "bull_low_vol", "s1": "RANGING", "s2": "LOW_VOL_RANGE"},
    }
)
SETS = tuple(MEANINGS)


def translated(source: str, label: str, target: str) -> str:
    """The label of ``target`` that ``label`` of ``source`` is read as. UserError for a label that is not in the table.

    >>> translated("s0", "bear_high_vol", "s2")
    'BEAR_TREND'
    """
    if label not in MEANINGS.get(source, {}) or target not in MEANINGS:
        raise UserError(f"no label {label!r} of {source!r} is read into {target!r}; the sets are {', '.join(SETS)}")
    return label if source == target else TABLE[source, label][target]


def mapping_rows() -> list[tuple[str, ...]]:
    """The table as text, a header first, for documentation."""
    rows: list[tuple[str, ...]] = [("set", "label", "trend", "volatility", *(f"as {name}" for name in SETS))]
    for source, labels in MEANINGS.items():
        for label, meaning in labels.items():
            others = tuple(translated(source, label, target) for target in SETS)
            rows.append((source, label, meaning.trend, meaning.volatility, *others))
    return rows
