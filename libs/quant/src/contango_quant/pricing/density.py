"""A distribution of the underlying's price at one date, as a table: what probabilities and expectations integrate over.

The distribution function is linear between neighbouring prices, so probability is spread evenly within a cell; the
table carries all of it (0 at the first price, 1 at the last). A smile gives such a table (risk-neutral), and so may a
forecast (real-world).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
    if levels[0] != 0.0 or levels[-1] != 1.0:
        raise ValueError(f"cdf must rise from 0 to 1, its ends are {float(levels[0])!r} and {float(levels[-1])!r}")
    return Density(prices, levels)
