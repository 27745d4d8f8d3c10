"""Interest rate and dividend yield of an option's life, from what the log gave or from a forward."""

import math

from contango_risk.state import Asset


def known_carry(asset: Asset) -> tuple[float, float] | None:
    """(rate, yield), continuous per year, as the log gave them; None when one of them is not known."""
    rate, div_yield = asset.rate_annual, asset.div_yield_annual
    return None if rate is None or div_yield is None else (rate, div_yield)


def carry_to(forward: float | None, spot: float, asset: Asset, t_years: float) -> tuple[float, float] | None:
    """(rate, yield) that give this forward; None without one. A missing rate counts as 0: it moves the discount by a
    percent or so, not the forward."""
    if forward is None or forward <= 0.0 or t_years <= 0.0:
        return None
    rate = asset.rate_annual or 0.0
    return rate, rate - math.log(forward / spot) / t_years
