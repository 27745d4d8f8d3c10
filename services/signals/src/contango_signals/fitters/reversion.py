"""Does a volatility index revert, and to what? An Ornstein-Uhlenbeck fit of its logarithm, and two tests."""

from collections.abc import Sequence

import numpy as np

from contango_common.events.fit import OuFitted
from contango_quant.stats import ou
from contango_quant.stats.stationarity import adf, kpss

SERIES = "log_vol_index"
LEAST = 60


def fit(symbol: str, closes: Sequence[float], trained_until_ns: int) -> OuFitted | None:
    """The fit of the closes (oldest first); None while they are too few to say anything."""
    if len(closes) < LEAST or min(closes) <= 0.0:
        return None
    x = np.log(np.asarray(closes, dtype=np.float64))
    found, unit_root, level = ou.fit(x), adf(x), kpss(x)
    return OuFitted(
        symbol=symbol,
        series=SERIES,
        rows=len(closes),
        identified=found.identified,
        mean=found.mean,
        sd=found.stationary_sd,
        half_life_days=found.half_life_days,
        half_life_low_days=found.half_life_low_days,
        half_life_high_days=found.half_life_high_days,
        adf_p=unit_root.p,
        kpss_p=level.p,
        reason=found.reason,
        trained_until_ns=trained_until_ns,
    )
