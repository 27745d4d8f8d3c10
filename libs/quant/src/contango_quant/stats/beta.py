"""Beta of an asset to a market: exponentially weighted, rolling, and a blend of the three with its error.

    beta = Σ w (x − x̄)(y − ȳ)/Σ w (x − x̄)²,   blend = 0.5 EWMA(halflife 20) + 0.3 rolling 20 + 0.2 rolling 60

with x the market's and y the asset's log return over the same time: the series are joined on their timestamps
first. Each of the three is linear in y, with coefficients c_i = w_i (x_i − x̄)/Σ w (x − x̄)², and so is the
blend; its error therefore needs no guess about how the three hang together:

    se² = Σ C_i² (e_i/(1 − h_i))²,   C = Σ_j λ_j c_j,   h_i = share of y_i in its own fitted value

e the residuals of the blended line: the jackknife-like covariance HC3 [1], which allows for quiet and wild
days. Serial dependence of the errors is not in it. No beta is made up: with fewer than 60 returns it is None,
and the table of usual betas is a separate, labelled answer.

References:
    [1] J. G. MacKinnon, H. White, "Some heteroskedasticity-consistent covariance matrix estimators with
        improved finite sample properties", J. Econometrics 29 (1985) 305-325.
"""

import math
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import POSITIVE, Floats
from contango_quant.stats import rolling
from contango_quant.stats.align import inner_join
from contango_quant.stats.ewma import quotient
from contango_quant.stats.lines import count, line, same_length, scaled

HALFLIFE, SHORT, LONG = 20.0, 20, 60
BLEND = (0.5, 0.3, 0.2)  # EWMA, short window, long window
MIN_RETURNS = 60
LEAST_LEFT = 1e-6  # of a return's weight in its own fitted value
TOO_FEW, MARKET_FLAT = "fewer than 60 common returns", "the market did not move"
# Usual betas to the S&P 500 (IWM: 1.20 to 1.25), for use only where there is no history, and then labelled so.
ASSET_BETAS = MappingProxyType({"SPY": 1.0, "QQQ": 1.15, "IWM": 1.2, "TLT": -0.3, "GLD": 0.05})


class Estimate(NamedTuple):
    """beta and its standard error; None where one return alone decides the line, which then shows no error."""

    beta: float
    se: float | None


class DynamicBeta(NamedTuple):
    """blend, ewma, rolling_20, rolling_60: beta with error; correlation: of the last 60 returns, None when the
    asset did not move; returns: how many common ones; reason: why all else is None.
    """

    blend: Estimate | None
    ewma: Estimate | None
    rolling_20: Estimate | None
    rolling_60: Estimate | None
    correlation: float | None
    returns: int
    reason: str | None


class FallbackBeta(NamedTuple):
    """A usual beta from the table, not an estimate; reason is always "fallback"."""

    name: str
    beta: float
    reason: str


def dynamic_beta(
    asset_ts: ArrayLike, asset_close: ArrayLike, market_ts: ArrayLike, market_close: ArrayLike
) -> DynamicBeta:
    """Blended beta at the last common timestamp, from closes (n,) and (m,) above 0.

    Timestamps as in `align.inner_join`; returns run from one common timestamp to the next. Raises ValueError
    for bad arguments.

    >>> rng = np.random.default_rng(1)
    >>> market = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 300)))
    >>> got = dynamic_beta(np.arange(300), market**1.5, np.arange(300), market)
    >>> round(got.blend.beta, 12), round(got.correlation, 12), got.returns
    (1.5, 1.0, 299)
    >>> dynamic_beta([1, 2], [1.0, 2.0], [1, 2], [1.0, 2.0]).reason
    'fewer than 60 common returns'
    """
    line("asset_close", asset_close, POSITIVE)
    line("market_close", market_close, POSITIVE)
    joined = inner_join(asset_ts, asset_close, market_ts, market_close)
    y, x = np.diff(np.log(joined.a)), np.diff(np.log(joined.b))
    n = int(x.size)
    if n < MIN_RETURNS:
        return DynamicBeta(None, None, None, None, None, n, TOO_FEW)
    weights = _weights(n)
    if not (weights @ (x - x[-1]) ** 2 > 0.0).all():
        return DynamicBeta(None, None, None, None, None, n, MARKET_FLAT)
    blend, ewma, short, long = (
        _estimate(x, y, weights, np.array(mix)) for mix in (BLEND, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    )
    return DynamicBeta(blend, ewma, short, long, correlation(x[-LONG:], y[-LONG:]), n, None)


def fallback_beta(name: str) -> FallbackBeta | None:
    """The usual beta of `name` to the S&P 500; None when the table has none.

    >>> fallback_beta("QQQ")
    FallbackBeta(name='QQQ', beta=1.15, reason='fallback')
    """
    beta = ASSET_BETAS.get(name)
    return None if beta is None else FallbackBeta(name, beta, "fallback")


def rolling_beta(asset_returns: ArrayLike, market_returns: ArrayLike, *, window: int) -> Floats:
    """Covariance over the market's variance of the last `window` ≥ 2 returns (n,); nan before, and where the
    market did not move.

    >>> rolling_beta([0.0, 2.0, 1.0, 1.0], [0.0, 1.0, 0.5, 0.5], window=2)
    array([nan,  2.,  2., nan])
    """
    y, x = line("asset_returns", asset_returns), line("market_returns", market_returns)
    same_length(asset_returns=y, market_returns=x)
    count("window", window, 2)
    small_y, unit_y = scaled(y)
    small_x, unit_x = scaled(x)
    found = rolling.moments(small_x, small_y, window=window)
    return quotient(found.xy, found.xx) * (unit_y / unit_x)


def correlation(x: Floats, y: Floats) -> float | None:
    """Pearson's, in [−1, 1]; None when one of the two does not move.

    >>> round(correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])), 12)
    0.5
    """
    if (x == x[0]).all() or (y == y[0]).all():
        return None
    dx, dy = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(dx @ dx)) * math.sqrt(float(dy @ dy))
    return min(max(float(dx @ dy) / scale, -1.0), 1.0) if scale > 0.0 else None


def _weights(n: int) -> Floats:
    """Rows (3, n) of weights, each with sum 1: EWMA, last 20, last 60."""
    age = np.arange(n - 1, -1, -1.0)
    rows = np.stack([np.exp2(-age / HALFLIFE), age < SHORT, age < LONG])
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def _estimate(x: Floats, y: Floats, weights: Floats, mix: Floats) -> Estimate:
    """The blend `mix` (3,) of the three weighted lines, and its HC3 error."""
    means = weights @ x  # (3,)
    deviations = x - means[:, None]  # (3, n)
    slopes = weights * deviations / np.sum(weights * deviations**2, axis=1, keepdims=True)  # (3, n)
    coefficients = mix @ slopes  # (n,): beta is their product with y
    levels = mix @ (weights - slopes * means[:, None])  # (n,): alpha is theirs
    residuals = y - (levels @ y + (coefficients @ y) * x)
    left = 1.0 - (levels + coefficients * x)
    beta = float(coefficients @ y)
    if (left < LEAST_LEFT).any():
        return Estimate(beta, None)
    return Estimate(beta, float(np.sqrt(np.sum((coefficients * residuals / left) ** 2))))
