"""Position multipliers: by the mixture's label and by the volatility index. Risk takes the smallest, never above 1.

The ladder of the labels has not been shown to help; it is shipped in shadow and says with every trade what it would
have made of it.
"""

from contango_common.domain.declare import Section, param


class MultiplierParams(Section):
    """Size by label, and above an index that is extreme.

    >>> MultiplierParams().bear_high_vol
    0.25
    """

    bull_low_vol: float = param(1.0, "size while the mixture says bull_low_vol", unit="ratio", ge=0, le=1)
    bull_high_vol: float = param(0.5, "size while it says bull_high_vol", unit="ratio", ge=0, le=1)
    bear_low_vol: float = param(0.5, "size while it says bear_low_vol", unit="ratio", ge=0, le=1)
    bear_high_vol: float = param(0.25, "size while it says bear_high_vol", unit="ratio", ge=0, le=1)
    vix_extreme: float = param(40.0, "volatility index that is extreme", unit="vol points", gt=0, le=1000)
    vix_factor: float = param(0.1, "size above it", unit="ratio", ge=0, le=1)


def by_label(label: str, p: MultiplierParams) -> float:
    """Multiplier of a label of the mixture.

    >>> by_label("bear_high_vol", MultiplierParams())
    0.25
    """
    return float(getattr(p, label))


def by_vix(index: float, p: MultiplierParams) -> float:
    """Multiplier of the volatility index in points.

    >>> by_vix(40.1, MultiplierParams()), by_vix(40.0, MultiplierParams())
    (0.1, 1.0)
    """
    return p.vix_factor if index > p.vix_extreme else 1.0
