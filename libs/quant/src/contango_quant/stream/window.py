"""Figures of the first `n` entries of a buffer, taken afresh each time: O(n), no drift, nothing left behind."""

import math

from numba import njit


@njit(cache=True)
def mean(values, n):  # type: ignore[no-untyped-def]
    """Plain mean; nan when one of them is.

    >>> import numpy as np
    >>> mean(np.array([1.0, 3.0, 9.0]), 2)
    2.0
    """
    total = 0.0
    for i in range(n):
        total += values[i]
    return total / n


@njit(cache=True)
def lowest_highest(values, n):  # type: ignore[no-untyped-def]
    """(lowest, highest); both nan when one of the values is.

    >>> import numpy as np
    >>> lowest_highest(np.array([2.0, 1.0, 3.0]), 3)
    (1.0, 3.0)
    """
    lowest, highest = values[0], values[0]
    for i in range(n):
        if values[i] != values[i]:
            return math.nan, math.nan
        lowest = min(lowest, values[i])
        highest = max(highest, values[i])
    return lowest, highest
