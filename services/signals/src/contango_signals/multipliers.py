"""Position multipliers: by the mixture's label and by the volatility index. The smallest counts, never more than 1.

The ladder of the labels has not been shown to help; it is shipped in shadow and says with every trade what it would
have made of it.
"""

from collections.abc import Mapping

BY_LABEL: Mapping[str, float] = {
    "bull_low_vol": 1.0,
    "bull_high_vol": 0.5,
    "bear_low_vol": 0.5,
    "bear_high_vol": 0.25,
}
VIX_EXTREME, VIX_FACTOR = 40.0, 0.1


def by_label(label: str) -> float:
    """Multiplier of a label of the mixture.

    >>> by_label("bear_high_vol")
    0.25
    """
    return BY_LABEL[label]


def by_vix(index: float) -> float:
    """Multiplier of the volatility index in points.

    >>> by_vix(40.1), by_vix(40.0)
    (0.1, 1.0)
    """
    return VIX_FACTOR if index > VIX_EXTREME else 1.0


def combined(factors: Mapping[str, float]) -> float:
    """The smallest factor; 1 without any, and never above it.

    >>> combined({"regime": 0.5, "vix": 0.1}), combined({})
    (0.1, 1.0)
    """
    return min(1.0, *factors.values()) if factors else 1.0
