"""Total variance of one expiry: an SVI smile and a smooth correction, as one row of floats.

    w(k) = SVI(k) + Σ c_j B_j(u),   u = asinh(k/scale)

Five parameters cannot follow the smile of a liquid index to within its quoted spreads. The correction is a sum of
ten cubic B-splines on knots evenly spaced in u: fine near the forward, coarse in the wings. It vanishes with its
first two derivatives at both ends, so w is twice continuously differentiable and its far wings are those of the SVI
smile. With all c_j = 0 the curve is SVI itself.

A row is all that is known of the smile: `Smile(*row)` names its columns.

References:
    [1] J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71.
    [2] C. de Boor, "A Practical Guide to Splines", rev. ed., 2001, ch. IX.
"""

import math
from typing import NamedTuple

from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.surface.svi import durrleman, svi_derivatives

FORWARD, DISCOUNT, T_YEARS = 0, 1, 2
SVI = 3  # a, b, rho, m, sigma
SCALE, START, STEP, BUMPS = 8, 9, 10, 11
BUMP_COUNT = 10
K_LOW, K_HIGH, RMS_VOL, QUOTES, STATUS = 21, 22, 23, 24, 25
COLUMNS = 26

OK = 0
FEW_QUOTES = 1  # fewer usable quotes than MIN_QUOTES
BAD_INPUT = 2  # forward, discount or t_years not finite and above 0
ARBITRAGE = 3  # fitted, but a butterfly or calendar arbitrage is left
STATUS_NAMES = ("OK", "FEW_QUOTES", "BAD_INPUT", "ARBITRAGE")


class Smile(NamedTuple):
    """The fitted smile of one expiry, floats only: `tuple(smile)` can be stored, `Smile(*row)` is the smile again.

    forward: currency; discount: factor; t_years: years; a … sigma: SVI core in total variance; scale, start, step:
    knots of the correction; c1 … c10: the correction in total variance; k_low, k_high: log moneyness of the outermost
    quotes; rms_vol: residual in vol, quotes weighted by 1/half-spread²; quotes: how many; status: a code of this
    module. Where status is FEW_QUOTES or BAD_INPUT the curve is nan.
    """

    forward: float
    discount: float
    t_years: float
    a: float
    b: float
    rho: float
    m: float
    sigma: float
    scale: float
    start: float
    step: float
    c1: float
    c2: float
    c3: float
    c4: float
    c5: float
    c6: float
    c7: float
    c8: float
    c9: float
    c10: float
    k_low: float
    k_high: float
    rms_vol: float
    quotes: float
    status: float


@njit(cache=True, error_model="numpy")
def spline_cell(u: float, start: float, step: float) -> tuple[int, float]:
    """(cell, place in it from 0 to 1) of u among the knots; the cell is −1 where the correction is 0."""
    x = (u - start) / step
    if not 0.0 <= x < BUMP_COUNT + 3.0:
        return -1, 0.0
    cell = int(x)
    return cell, x - cell


@njit(cache=True, error_model="numpy")
def spline_weights(f: float) -> tuple[float, float, float, float]:
    """Values of the four cubic B-splines that live in a cell, at place f; the leftmost spline first."""
    e = 1.0 - f
    return (
        e * e * e / 6.0,
        (f * f * (3.0 * f - 6.0) + 4.0) / 6.0,
        (e * e * (3.0 * e - 6.0) + 4.0) / 6.0,
        f * f * f / 6.0,
    )


@njit(cache=True, error_model="numpy")
def spline_slopes(f: float) -> tuple[float, float, float, float]:
    """First derivatives of `spline_weights` in f."""
    e = 1.0 - f
    return -0.5 * e * e, f * (1.5 * f - 2.0), e * (2.0 - 1.5 * e), 0.5 * f * f


@njit(cache=True, error_model="numpy")
def spline_bends(f: float) -> tuple[float, float, float, float]:
    """Second derivatives of `spline_weights` in f."""
    return 1.0 - f, 3.0 * f - 2.0, 1.0 - 3.0 * f, f


@njit(cache=True, error_model="numpy")
def curve(k: float, row: Floats) -> tuple[float, float, float]:
    """(w, w', w'') of the smile `row` at log moneyness k."""
    w, first, second = svi_derivatives(k, row[SVI], row[SVI + 1], row[SVI + 2], row[SVI + 3], row[SVI + 4])
    cell, f = spline_cell(math.asinh(k / row[SCALE]), row[START], row[STEP])
    if cell < 0:
        return w, first, second
    level = slope = bend = 0.0
    values, slopes, bends = spline_weights(f), spline_slopes(f), spline_bends(f)
    for i in range(4):
        j = cell - 3 + i
        if 0 <= j < BUMP_COUNT:
            c = row[BUMPS + j]
            level += c * values[i]
            slope += c * slopes[i]
            bend += c * bends[i]
    root = math.sqrt(row[SCALE] * row[SCALE] + k * k)
    turn = 1.0 / (root * row[STEP])  # of the cell's place, by k
    return (
        w + level,
        first + slope * turn,
        second + bend * turn * turn - slope * turn * k / (root * root),
    )


@njit(cache=True, error_model="numpy")
def variance_at(k: float, row: Floats) -> float:
    """Total variance of the smile `row` at log moneyness k."""
    z = k - row[SVI + 3]
    w = row[SVI] + row[SVI + 1] * (row[SVI + 2] * z + math.sqrt(z * z + row[SVI + 4] * row[SVI + 4]))
    cell, f = spline_cell(math.asinh(k / row[SCALE]), row[START], row[STEP])
    if cell < 0:
        return w
    values = spline_weights(f)
    for i in range(4):
        j = cell - 3 + i
        if 0 <= j < BUMP_COUNT:
            w += row[BUMPS + j] * values[i]
    return w


@njit(cache=True, error_model="numpy")
def curve_between(k: float, near: Floats, far: Floats, part: float) -> tuple[float, float, float]:
    """(w, w', w'') at log moneyness k, the share `part` of the way from one smile to a later one, linear in w."""
    if part == 0.0:
        return curve(k, near)
    one, two = curve(k, near), curve(k, far)
    return (
        one[0] + part * (two[0] - one[0]),
        one[1] + part * (two[1] - one[1]),
        one[2] + part * (two[2] - one[2]),
    )


@njit(cache=True, error_model="numpy")
def forward_between(near: Floats, far: Floats, part: float) -> float:
    """The forward there: ln F is linear in time."""
    return near[FORWARD] * (far[FORWARD] / near[FORWARD]) ** part


@njit(cache=True, error_model="numpy")
def butterfly(k: float, row: Floats) -> float:
    """Durrleman's g of the smile `row` at log moneyness k; below 0 a butterfly has a negative price."""
    w, first, second = curve(k, row)
    return durrleman(k, w, first, second)
