"""The smile of one expiry from its quotes, free of butterflies."""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.surface import curve as c
from contango_quant.surface.correction import fit_correction, lay_knots, shrink
from contango_quant.surface.curve import Smile, variance_at
from contango_quant.surface.quotes import otm_variances
from contango_quant.surface.svi_fit import FORCE, fit_core, flatten

MIN_QUOTES = 5
NODES = 80
NODE_LOW, NODE_HIGH = math.log(0.5), math.log(1.5)
TOLERANCE, MAX_STEPS = 1e-3, 25


@njit(cache=True, error_model="numpy")
def prepare(
    strike: Floats,
    is_call: NDArray[np.bool_],
    bid: Floats,
    ask: Floats,
    t_years: float,
    forward: float,
    discount: float,
    k: Floats,
    w: Floats,
    weight: Floats,
    row: Floats,
) -> int:
    """Fill k, w, weight with the usable quotes (how many is returned) and what `row` can know before the fit."""
    row[:] = math.nan
    row[c.FORWARD], row[c.DISCOUNT], row[c.T_YEARS] = forward, discount, t_years
    row[c.QUOTES], row[c.STATUS] = 0.0, c.BAD_INPUT
    if not (0.0 < forward < math.inf and 0.0 < discount < math.inf and 0.0 < t_years < math.inf):
        return 0
    n = otm_variances(strike, is_call, bid, ask, t_years, forward, discount, k, w, weight)
    row[c.QUOTES], row[c.STATUS] = n, c.FEW_QUOTES
    if n < MIN_QUOTES or not k[n - 1] > k[0]:
        return n
    row[c.STATUS] = c.OK
    row[c.K_LOW], row[c.K_HIGH] = k[0], k[n - 1]
    row[c.SCALE] = math.sqrt(w[np.argmin(np.abs(k[:n]))])
    return n


@njit(cache=True, error_model="numpy")
def lay_nodes(row: Floats, nodes: Floats) -> None:
    """Points where the smile must be free: even in asinh(k/scale), strikes 0.5 to 1.5 of F and all quotes."""
    low = math.asinh(min(NODE_LOW, row[c.K_LOW]) / row[c.SCALE])
    high = math.asinh(max(NODE_HIGH, row[c.K_HIGH]) / row[c.SCALE])
    for i in range(NODES):
        nodes[i] = row[c.SCALE] * math.sinh(low + (high - low) * i / (NODES - 1))


@njit(cache=True, error_model="numpy")
def fit_bumps(
    k: Floats, w: Floats, weight: Floats, nodes: Floats, floor: Floats, ceiling: Floats, row: Floats
) -> None:
    """Fit the correction of a `row` with core and knots to total variances w (n,) at k (n,), ascending."""
    row[c.BUMPS : c.BUMPS + c.BUMP_COUNT] = 0.0
    rest = np.empty(k.shape[0])
    for i in range(k.shape[0]):
        rest[i] = w[i] - variance_at(k[i], row)
    fit_correction(row, k, rest, weight, nodes, floor, ceiling, FORCE)
    shrink(row, nodes)
    total = norm = 0.0
    for i in range(k.shape[0]):
        share = weight[i] * weight[i] * w[i]  # 1/half-spread in vol, squared
        miss = math.sqrt(max(variance_at(k[i], row), 0.0)) - math.sqrt(w[i])
        total += share * miss * miss
        norm += share
    row[c.RMS_VOL] = math.sqrt(total / norm / row[c.T_YEARS])
