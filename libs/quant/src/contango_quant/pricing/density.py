"""A distribution of the underlying's price at one date, as a table: what probabilities and expectations integrate over.

The distribution function G is linear between neighbouring prices, so probability is spread evenly within a cell; the
table carries all of it (0 at the first price, 1 at the last). A smile gives such a table (risk-neutral), and so may a
forecast (real-world).

Because G is piecewise linear, expected option payoffs are exact by the trapezium rule:

    E[(S − K)⁺] = ∫ from K of (1 − G) dS,   E[(K − S)⁺] = ∫ up to K of G dS.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import ANY, Floats, floats


class Density(NamedTuple):
    """`price`: ascending, currency, (n,); `cdf`: probability of at most that price, rising from 0 to 1, (n,)."""

    price: NDArray[np.float64]
    cdf: NDArray[np.float64]


def density(*, price: ArrayLike, cdf: ArrayLike) -> Density:
    """The checked table. Raises ValueError that names argument, value and position.

    >>> density(price=[90.0, 100.0, 110.0], cdf=[0.0, 0.5, 1.0]).price
    array([ 90., 100., 110.])
    >>> density(price=[90.0, 100.0], cdf=[0.0, 0.9])
    Traceback (most recent call last):
        ...
    ValueError: cdf must rise from 0 to 1, its ends are 0.0 and 0.9
    """
    prices, levels = np.asarray(price, dtype=np.float64), np.asarray(cdf, dtype=np.float64)
    if prices.ndim != 1 or prices.shape != levels.shape or prices.size < 2:
        raise ValueError(f"price and cdf must be lines of equal length, 2 or more, got {prices.shape} {levels.shape}")
    for name, line, strict in (("price", prices, True), ("cdf", levels, False)):
        steps = np.diff(line)
        bad = np.flatnonzero(~(steps > 0.0) if strict else ~(steps >= 0.0))
        if bad.size:
            i = int(bad[0]) + 1
            raise ValueError(f"{name} must ascend, got {float(line[i])!r} after {float(line[i - 1])!r} at position {i}")
    if prices[0] < 0.0:
        raise ValueError(f"price must be at least 0, got {float(prices[0])!r} at position 0")
    if not np.isfinite(prices[-1]):
        raise ValueError(f"price must be finite, got {float(prices[-1])!r} at position {prices.size - 1}")
    if levels[0] != 0.0 or levels[-1] != 1.0:
        raise ValueError(f"cdf must rise from 0 to 1, its ends are {float(levels[0])!r} and {float(levels[-1])!r}")
    return Density(prices, levels)


def probability_below(table: Density, price: ArrayLike) -> Floats:
    """Probability of finishing at or below `price` (any shape): G, linear between the table's prices.

    >>> table = density(price=[90.0, 100.0, 120.0], cdf=[0.0, 0.5, 1.0])
    >>> probability_below(table, [80.0, 95.0, 110.0, 130.0])
    array([0.  , 0.25, 0.75, 1.  ])
    """
    return np.asarray(np.interp(floats("price", price, ANY), table.price, table.cdf))


def quantile(table: Density, level: ArrayLike) -> Floats:
    """Lowest price with at least probability `level` (0 to 1, any shape) at or below it.

    Raises ValueError for a level outside [0, 1].

    >>> table = density(price=[90.0, 100.0, 120.0], cdf=[0.0, 0.5, 1.0])
    >>> quantile(table, [0.0, 0.25, 0.75, 1.0])
    array([ 90.,  95., 110., 120.])
    """
    levels = floats("level", level, ANY)
    bad = np.flatnonzero((levels < 0.0) | (levels > 1.0))
    if bad.size:
        raise ValueError(f"level must be within [0, 1], got {float(levels.flat[bad[0]])!r} at position {int(bad[0])}")
    high = np.clip(np.searchsorted(table.cdf, levels, side="left"), 1, table.cdf.size - 1)
    low = high - 1
    rise = table.cdf[high] - table.cdf[low]
    share = np.divide(levels - table.cdf[low], rise, out=np.zeros_like(levels), where=rise > 0.0)
    return np.asarray(table.price[low] + share * (table.price[high] - table.price[low]))


def mean(table: Density) -> float:
    """Expected price, currency.

    >>> mean(density(price=[90.0, 100.0, 120.0], cdf=[0.0, 0.5, 1.0]))
    102.5
    """
    return float(np.dot(np.diff(table.cdf), 0.5 * (table.price[1:] + table.price[:-1])))


def expected_call(table: Density, strike: ArrayLike) -> Floats:
    """E[(S − K)⁺] for every `strike` (any shape), undiscounted; exact for the table.

    >>> table = density(price=[90.0, 100.0, 120.0], cdf=[0.0, 0.5, 1.0])
    >>> expected_call(table, [80.0, 100.0, 110.0, 130.0])
    array([22.5 ,  5.  ,  1.25,  0.  ])
    """
    strikes = floats("strike", strike, ANY)
    price, above = table.price, 1.0 - table.cdf
    cells = 0.5 * (above[1:] + above[:-1]) * np.diff(price)
    at_price = np.append(np.cumsum(cells[::-1])[::-1], 0.0)  # E[(S − price)⁺]
    within = np.clip(strikes, price[0], price[-1])
    i = np.clip(np.searchsorted(price, within, side="left"), 1, price.size - 1)
    above_strike = 1.0 - np.interp(within, price, table.cdf)
    rest = at_price[i] + 0.5 * (above_strike + above[i]) * (price[i] - within)
    return np.asarray(rest + np.maximum(price[0] - strikes, 0.0))


def expected_put(table: Density, strike: ArrayLike) -> Floats:
    """E[(K − S)⁺] for every `strike` (any shape), undiscounted; exact for the table.

    >>> table = density(price=[90.0, 100.0, 120.0], cdf=[0.0, 0.5, 1.0])
    >>> expected_put(table, [80.0, 100.0, 110.0, 130.0])
    array([ 0.  ,  2.5 ,  8.75, 27.5 ])
    """
    strikes = floats("strike", strike, ANY)
    price, below = table.price, table.cdf
    cells = 0.5 * (below[1:] + below[:-1]) * np.diff(price)
    at_price = np.append(0.0, np.cumsum(cells))  # E[(price − S)⁺]
    within = np.clip(strikes, price[0], price[-1])
    i = np.clip(np.searchsorted(price, within, side="right") - 1, 0, price.size - 2)
    below_strike = np.interp(within, price, below)
    rest = at_price[i] + 0.5 * (below_strike + below[i]) * (within - price[i])
    return np.asarray(rest + np.maximum(strikes - price[-1], 0.0))
