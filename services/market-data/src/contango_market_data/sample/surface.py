"""The implied variance surface of the modelled chains: one level per moment, stated skew and term structure.

At the forward, total variance comes from an instantaneous variance that reverts to its long-run level:

    w(T) = L² T + (v - L²) (1 - exp(-KAPPA T)) / KAPPA

v, the level, is solved for at each moment. Away from it the smile is SSVI [1] in k = ln(K/F),

    w(k, T) = w/2 (1 + RHO p k + sqrt((p k + RHO)² + 1 - RHO²)),   p = ETA / sqrt(w)

a fixed function of k/sqrt(w): put skew at every maturity, in equal standardised moneyness, with wings that flatten (the
volatility grows like sqrt|k|). Free of butterflies: ETA²(1 + |RHO|) ≤ 4 and ETA sqrt(w)(1 + |RHO|) ≤ 4; free of
calendars: w grows with T and ETA/(2 sqrt(w)) lies between 0 and p (1 + sqrt(1 - RHO²))/RHO² ([1], theorems 4.1, 4.2).

References:
    [1] J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014), 59-71.
"""

import math

from contango_market_data.sample.jit import compiled

LONG_RUN_VOL = 0.16
KAPPA = 3.0
RHO = -0.6
ETA = 0.7
YEAR_NS = 365 * 86_400_000_000_000
"""Maturities count calendar time, 365 days a year."""


@compiled
def atm_total_variance(t_years: float, level: float) -> float:
    """Total variance at the forward, of maturity ``t_years``, where the instantaneous variance is ``level``."""
    long_run = LONG_RUN_VOL * LONG_RUN_VOL
    return long_run * t_years - (level - long_run) * math.expm1(-KAPPA * t_years) / KAPPA


@compiled
def smile_factor(z: float) -> float:
    """Total variance over that at the forward, at ``z`` = ln(K/F)/sqrt(w); 1 at z = 0.

    >>> round(smile_factor(0.0), 12), smile_factor(-1.3) > 1.5 > 1.0 > smile_factor(1.0) > 0.65
    (1.0, True)
    """
    x = ETA * z
    return 0.5 * (1.0 + RHO * x + math.sqrt((x + RHO) * (x + RHO) + 1.0 - RHO * RHO))
