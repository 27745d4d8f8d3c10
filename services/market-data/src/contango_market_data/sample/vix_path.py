"""A path of the VIX within one day that ends on the day's real close and tells nothing about the rest of the day.

    V(t) = V0 + beta(V0) r(t) + B(t),     beta(V) = BETA (V/16)^(1/4)

r is the log return since the close before and B a Brownian bridge from 0 to the part of the day's change that the
return does not explain, R = V1 - V0 - beta r(1). B must not predict r(1) - r(t). Its drift reveals R, so R has to be
uncorrelated with the day's return: BETA is the regression slope of 2014–2018 for which it is (-146 points per unit log
return; slopes of -100…-120 leave a correlation of about -0.35, which the path would trade away in the morning). B must
not predict itself either: Cov(B(t), R - B(t)) = t(1-t)(Var R - s²) vanishes when the bridge's own scale s is the
residual's standard deviation, RESIDUAL_SHARE V0. A straight line to the close (s = 0) fails both.
"""

import math

import numpy as np

from contango_market_data.sample.market import Floats, Market

BETA = -146.0
BETA_LEVEL, BETA_POWER = 16.0, 0.25
RESIDUAL_SHARE = 0.055
OVERNIGHT_SHARE = 0.2
"""Share of the residual's variance that falls between the close before and the opening."""
FLOOR = 5.0


def beta(vix: float) -> float:
    """Volatility points per unit log return of the index when the VIX stood at ``vix``.

    >>> beta(16.0)
    -146.0
    """
    return BETA * math.pow(vix / BETA_LEVEL, BETA_POWER)


def vix_before(market: Market, row: int) -> float:
    """VIX close before the session of ``row``.

    The data begin with the close of the first session; the one before it is taken to be what leaves no residual.
    """
    if row > market.start:
        return float(market.vix[row - 1])
    close = float(market.vix[row])
    return close - beta(close) * market.day_return(row)


def vix_path(rng: np.random.Generator, before: float, close: float, returns: Floats, clock: Floats) -> Floats:
    """VIX at the steps of ``clock``: shape (steps + 1,), rounded to 0.01, never below FLOOR, at last ``close``.

    ``before``: the VIX close before; ``returns``: log return of the index since its close before, at each step.
    """
    passed = np.concatenate(([0.0], OVERNIGHT_SHARE + (1.0 - OVERNIGHT_SHARE) * clock))
    motion = np.concatenate(([0.0], np.cumsum(np.sqrt(np.diff(passed)) * rng.standard_normal(len(clock)))))
    slope = beta(before)
    residual = close - before - slope * returns[-1]
    bridge = passed * residual + RESIDUAL_SHARE * before * (motion - passed * motion[-1])
    path = np.maximum(np.round(before + slope * returns + bridge[1:], 2), FLOOR)
    path[-1] = close
    return np.asarray(path)
