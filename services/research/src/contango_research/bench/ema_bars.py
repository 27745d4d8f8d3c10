"""Synthetic five-minute bars in cents: seeded, and each bar opens where the one before closed.

An order that fills at the next bar's open and one that fills at this bar's close then trade at the same price, which
is what makes two engines with different fill rules comparable.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Cents = npt.NDArray[np.int64]

SYMBOL = "EMAX"
STEP_S = 300
STEP_NS = STEP_S * 1_000_000_000
FIRST_CLOSE_NS = 1_546_300_800_000_000_000 + STEP_NS  # the first bar opens at 2019-01-01 00:00 UTC
SEED = 20_190_101

_MEAN_CENTS = 10_000
_STEP_CENTS = 10.0  # standard deviation of one bar's change
_PULL = 5e-4  # back to the mean, so that prices stay positive and trades affordable


def synthetic_bars(count: int, seed: int = SEED) -> Cents:
    """Columns open, high, low, close in cents, shape (count, 4); equal arguments give equal bars."""
    rng: Any = np.random.default_rng(seed)
    noise = rng.normal(0.0, _STEP_CENTS, count)
    wicks = rng.integers(0, 6, (count, 2))
    bars = np.empty((count, 4), dtype=np.int64)
    close = _MEAN_CENTS
    for i in range(count):
        opened, close = close, close + round(float(noise[i]) + _PULL * (_MEAN_CENTS - close))
        high, low = max(opened, close) + int(wicks[i, 0]), min(opened, close) - int(wicks[i, 1])
        bars[i] = opened, high, low, close
    return bars
