"""Where a lognormal price finishes: probabilities and quantiles.

With forward F = E[S_T] and total volatility s = vol √t_years, ln S_T is normal with mean ln F − s²/2 and standard
deviation s:

    P(S_T ≤ K) = N((ln(K/F) + s²/2)/s),   quantile(p) = F e^(s N⁻¹(p) − s²/2).

F is the risk-neutral forward for risk-neutral probabilities, or spot·e^(drift·t_years) for a view of one's own.
Expected option payoffs under this law are `black.price` with discount 1.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import NON_NEGATIVE, POSITIVE, Floats, common_shape, flat, floats
from contango_quant.pricing.black import log_moneyness
from contango_quant.pricing.normal import cdf, inverse_cdf


@njit(cache=True, error_model="numpy")
def finish_between(low: float, high: float, forward: float, s: float) -> float:
    """P(low < S_T < high) of a lognormal price; high may be inf; no checks.

    Both tails keep their relative accuracy: the difference is taken in the tail that holds the interval.

    >>> round(finish_between(90.0, 110.0, 100.0, 0.2), 10)
    0.3831169975
    """
    if not (low < high):
        return 0.0 if low >= high else math.nan
    if s <= 0.0 or forward <= 0.0:
        return 1.0 if low < forward < high else 0.0
    below = -math.inf if low <= 0.0 else log_moneyness(low, forward) / s + 0.5 * s
    above = math.inf if high == math.inf else log_moneyness(high, forward) / s + 0.5 * s
    if below > 0.0:
        return cdf(-below) - cdf(-above)
    return cdf(above) - cdf(below)


@njit(cache=True, error_model="numpy")
def lognormal_quantile(level: float, forward: float, s: float) -> float:
    """The price below which a lognormal price finishes with probability `level`; no checks.

    >>> round(lognormal_quantile(0.5, 100.0, 0.2), 10)
    98.0198673307
    """
    if s <= 0.0 or forward <= 0.0:
        return forward
    return forward * math.exp(s * inverse_cdf(level) - 0.5 * s * s)


@njit(cache=True)
def _between_loop(
    low: Floats, high: Floats, forward: Floats, t_years: Floats, vol: Floats, steps: tuple[int, ...], out: Floats
) -> None:
    for i in range(out.shape[0]):
        s = vol[i * steps[4]] * math.sqrt(t_years[i * steps[3]])
        out[i] = finish_between(low[i * steps[0]], high[i * steps[1]], forward[i * steps[2]], s)


def finish_probability(
    *, low: ArrayLike, high: ArrayLike, forward: ArrayLike, t_years: ArrayLike, vol: ArrayLike
) -> Floats:
    """Probability of finishing strictly between `low` and `high` under a lognormal; the arguments broadcast.

    low: currency, at least 0 (0: no lower end); high: currency, at least 0, inf for no upper end; forward: expected
    price, above 0; t_years, vol: at least 0. Without volatility the price finishes at the forward. Raises ValueError
    naming argument and value.

    >>> finish_probability(low=[0.0, 90.0, 110.0], high=[90.0, 110.0, float("inf")], forward=100.0, t_years=1.0,
    ...                    vol=0.2).round(6)
    array([0.334762, 0.383117, 0.282121])
    """
    ends = np.asarray(high, dtype=np.float64)
    floats("high", np.where(ends == math.inf, 0.0, ends), NON_NEGATIVE)
    columns = (
        floats("low", low, NON_NEGATIVE),
        ends,
        floats("forward", forward, POSITIVE),
        floats("t_years", t_years, NON_NEGATIVE),
        floats("vol", vol, NON_NEGATIVE),
    )
    shape = common_shape(("low", "high", "forward", "t_years", "vol"), columns)
    out = np.empty(shape)
    lines = [flat(column, shape) for column in columns]
    _between_loop(*(values for values, _ in lines), tuple(step for _, step in lines), out.reshape(-1))
    return out
