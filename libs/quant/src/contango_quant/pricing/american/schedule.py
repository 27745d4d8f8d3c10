"""Checking a schedule of cash dividends."""

from collections.abc import Sequence

import numpy as np

from contango_quant.broadcast import NON_NEGATIVE, Floats, floats

Dividends = Sequence[tuple[float, float]]


def schedule(dividends: Dividends) -> tuple[Floats, Floats]:
    """(t_years to the ex-date, amount) in the order of time; ValueError names a bad value.

    >>> schedule([(0.5, 1.0), (0.25, 0.9)])
    (array([0.25, 0.5 ]), array([0.9, 1. ]))
    """
    table = np.asarray(dividends, dtype=np.float64).reshape(-1, 2) if len(dividends) == 0 else np.asarray(dividends)
    if table.ndim != 2 or table.shape[1] != 2:
        raise ValueError(f"dividends must be pairs of t_years and amount, got {dividends!r}")
    times = floats("t_years of dividends", table[:, 0], NON_NEGATIVE)
    amounts = floats("amount of dividends", table[:, 1], NON_NEGATIVE)
    order = np.argsort(times, kind="stable")
    return np.ascontiguousarray(times[order]), np.ascontiguousarray(amounts[order])
