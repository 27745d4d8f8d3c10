"""Exponentially weighted beta and correlation of two returns, one pair at a time.

    weights ½^(age/halflife) over all pairs so far, means taken out
    beta = cov/var(market),   correlation = cov/√(var(asset)·var(market))

The recursion of `stats.ewma`, with the same values (pandas: ewm(halflife, adjust=True), bias=True). A market that
has not moved leaves both undefined, an asset that has not moved the correlation (nan).
Returns must have squares that are numbers, 1e-150 to 1e150 in size: unlike `stats.ewma`, a stream cannot scale by
what is still to come.

References:
    [1] T. Finch, "Incremental calculation of weighted mean and variance", University of Cambridge, 2009.

>>> from contango_quant.stream import ew_beta, kernel
>>> stream = kernel.Stream(ew_beta, ew_beta.Params(min_count=3))
>>> [stream.update(*pair) for pair in ((0.0, 0.0), (2.0, 1.0), (1.0, 0.5))]
[(None, None), (None, None), (2.0, 1.0)]
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from contango_quant.stream import kernel

INPUTS = ("asset_return", "market_return")
OUTPUTS = ("beta", "correlation")


@dataclass(frozen=True, slots=True)
class Params:
    """halflife: samples, above 0; min_count: pairs needed, at least 2."""

    halflife: float = 20.0
    min_count: int = 60

    def __post_init__(self) -> None:
        if not 0.0 < self.halflife < math.inf:
            raise ValueError(f"halflife must be finite and above 0, got {self.halflife!r}")
        if isinstance(self.min_count, bool) or not isinstance(self.min_count, int) or self.min_count < 2:
            raise ValueError(f"min_count must be an integer of at least 2, got {self.min_count!r}")


def WARM_UP(params: Params) -> int:
    """`min_count` pairs."""
    return params.min_count


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Sum of weights, two means and three weighted sums of squares and products."""
    names = ("decay", "weight", "asset", "market", "asset_sq", "market_sq", "product")
    return np.dtype([*kernel.HEADER, ("min_count", "<i8"), *((name, "<f8") for name in names)])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    decay = math.exp2(-1.0 / params.halflife)
    return kernel.new_state(state_dtype(params), min_count=params.min_count, decay=decay)


@njit(cache=True)
def step(state, asset_return, market_return):  # type: ignore[no-untyped-def]
    """Take one pair; (beta, correlation), nan where not defined."""
    s = state[0]
    if not (math.isfinite(asset_return) and math.isfinite(market_return)):
        s.rejected += 1
        return math.nan, math.nan
    s.count += 1
    s.weight = s.decay * s.weight + 1.0
    asset, market, kept = asset_return - s.asset, market_return - s.market, 1.0 - 1.0 / s.weight
    s.asset_sq = s.decay * s.asset_sq + kept * asset * asset
    s.market_sq = s.decay * s.market_sq + kept * market * market
    s.product = s.decay * s.product + kept * asset * market
    s.asset += asset / s.weight
    s.market += market / s.weight
    if s.count < s.min_count or not s.market_sq > 0.0:
        return math.nan, math.nan
    spread = math.sqrt(s.asset_sq) * math.sqrt(s.market_sq)
    correlation = min(max(s.product / spread, -1.0), 1.0) if spread > 0.0 else math.nan
    return s.product / s.market_sq, correlation


@njit(cache=True)
def batch(state, asset_return, market_return, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n, 2)."""
    for i in range(market_return.shape[0]):
        out[i, 0], out[i, 1] = step(state, asset_return[i], market_return[i])
