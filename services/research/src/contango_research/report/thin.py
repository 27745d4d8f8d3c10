"""Fewer points for a drawing: per bucket the lowest and the highest of every column stay."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

MOST = 2000


def kept(columns: Sequence[Sequence[float | None]], most: int = MOST) -> list[int]:
    """Positions to keep, ascending; first and last always. All when there are not more than ``most``.

    >>> kept([[0.0, 5.0, 1.0, 2.0, 9.0, 3.0]], most=4)
    [0, 1, 3, 4, 5]
    """
    n = len(columns[0])
    if n <= most:
        return list(range(n))
    buckets = max(1, most // (2 * len(columns)))
    edges = np.linspace(0, n, buckets + 1).astype(int)
    keep = {0, n - 1}
    for column in columns:
        data = np.array([np.nan if value is None else value for value in column])
        for start, end in pairwise(edges.tolist()):
            part = data[start:end]
            if not np.isnan(part).all():
                keep |= {start + int(np.nanargmin(part)), start + int(np.nanargmax(part))}
    return sorted(keep)
