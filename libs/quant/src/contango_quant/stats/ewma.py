"""Exponentially weighted variances, covariance, beta and correlation of two series.

Weights ½^(age/halflife), normalised over what was seen so far (no start-up bias towards the first value), and
divided by their sum: the figures that pandas gives with ewm(halflife, adjust=True) and bias=True. Means,
weighted alike, are taken out. The recursion adds squares of deviations only, so nothing cancels:

    w_t = λ w_(t−1) + 1,   S_t = λ S_(t−1) + (1 − 1/w_t)(x_t − m_(t−1))(y_t − n_(t−1)),   λ = ½^(1/halflife)
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import ANY, POSITIVE, Floats
from contango_quant.stats.lines import line, number, same_length, scaled


class EwmaMoments(NamedTuple):
    """Weighted (n,): variance of x and of y and their covariance up to each sample, means taken out."""

    var_x: Floats
    var_y: Floats
    cov: Floats


@njit(cache=True, error_model="numpy")
def _moments_loop(x, y, decay, out):  # type: ignore[no-untyped-def]
    weight, mean_x, mean_y, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(x.shape[0]):
        weight = decay * weight + 1.0
        dx, dy, kept = x[i] - mean_x, y[i] - mean_y, 1.0 - 1.0 / weight
        sxx = decay * sxx + kept * dx * dx
        syy = decay * syy + kept * dy * dy
        sxy = decay * sxy + kept * dx * dy
        mean_x += dx / weight
        mean_y += dy / weight
        out[0, i], out[1, i], out[2, i] = sxx / weight, syy / weight, sxy / weight


def moments(x: ArrayLike, y: ArrayLike, *, halflife: float) -> EwmaMoments:
    """Running moments of two columns (n,), oldest first; halflife: samples, above 0. ValueError for bad input.

    >>> moments([0.0, 2.0], [0.0, 4.0], halflife=1.0).cov.round(6)
    array([0.      , 1.777778])
    """
    xs, ys = line("x", x, ANY), line("y", y, ANY)
    same_length(x=xs, y=ys)
    decay = math.exp2(-1.0 / number("halflife", halflife, POSITIVE))
    out = np.empty((3, xs.size))
    _moments_loop(np.ascontiguousarray(xs), np.ascontiguousarray(ys), decay, out)
    return EwmaMoments(out[0], out[1], out[2])


def ewma_beta(asset_returns: ArrayLike, market_returns: ArrayLike, *, halflife: float) -> Floats:
    """Weighted covariance over the market's weighted variance (n,); nan where the market has not moved.

    >>> ewma_beta([0.0, 2.0, 1.0], [0.0, 1.0, 0.5], halflife=20.0)
    array([nan,  2.,  2.])
    """
    asset, asset_unit = scaled(line("asset_returns", asset_returns))
    market, market_unit = scaled(line("market_returns", market_returns))
    found = moments(asset, market, halflife=halflife)
    return quotient(found.cov, found.var_y) * (asset_unit / market_unit)


def ewma_correlation(x: ArrayLike, y: ArrayLike, *, halflife: float) -> Floats:
    """Weighted correlation (n,), in [−1, 1]; nan where one of the two has not moved.

    >>> ewma_correlation([0.0, 2.0, 4.0], [0.0, -1.0, -2.0], halflife=20.0)
    array([nan, -1., -1.])
    """
    found = moments(scaled(line("x", x))[0], scaled(line("y", y))[0], halflife=halflife)
    spread = np.sqrt(found.var_x) * np.sqrt(found.var_y)
    return np.clip(quotient(found.cov, spread), -1.0, 1.0)


def quotient(above: Floats, below: Floats) -> Floats:
    """Element by element, nan where `below` is 0."""
    out = np.full(above.shape, math.nan)
    return np.asarray(np.divide(above, below, out=out, where=below > 0.0))
