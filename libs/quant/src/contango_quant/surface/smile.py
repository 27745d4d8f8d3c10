"""The smile of one expiry: fitted to its quotes, free of butterflies, and what is asked of it.

The core is an eSSVI smile; the correction of `curve.py` brings it to the quotes. A fit takes well below a
millisecond. Beyond the outermost quotes the answer carries the status BEYOND_QUOTES.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import POSITIVE, Floats, booleans, floats
from contango_quant.pricing.black import black_price
from contango_quant.pricing.implied import OK as IMPLIED
from contango_quant.pricing.implied import implied_vol
from contango_quant.surface import curve as c
from contango_quant.surface.correction import fit_correction, lay_knots, shrink
from contango_quant.surface.curve import Smile, variance_at
from contango_quant.surface.essvi import essvi_to_raw, fit_essvi
from contango_quant.surface.quotes import otm_variances

MIN_QUOTES = 5
NODES = 80
NODE_LOW, NODE_HIGH = math.log(0.5), math.log(1.5)

INSIDE = 0
BEYOND_QUOTES = 1  # extrapolated in strike
NO_SMILE = 2  # no fitted smile, or a strike not above 0
STATUS_NAMES = ("INSIDE", "BEYOND_QUOTES", "NO_SMILE")


class Vols(NamedTuple):
    """vol: annual, nan where status is NO_SMILE; status: int8 codes of this module; both of the strikes' shape."""

    vol: Floats
    status: NDArray[np.int8]


class Richness(NamedTuple):
    """Quotes against the smile, + rich, − cheap: mid's vol less the smile's (nan where the mid has none), and mid's
    price less the smile's in half quoted spreads; both (n,), nan where there is no quote or no smile."""

    vol: Floats
    half_spreads: Floats


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
    if n < MIN_QUOTES or not k[:n].max() > k[:n].min():
        return n
    row[c.STATUS] = c.OK
    row[c.K_LOW], row[c.K_HIGH] = k[:n].min(), k[:n].max()
    row[c.SCALE] = math.sqrt(w[np.argmin(np.abs(k[:n]))])
    return n


@njit(cache=True, error_model="numpy")
def lay_nodes(row: Floats, nodes: Floats) -> None:
    """Points where the smile must be free: the knots, where w'' has its corners, and points even in asinh(k/scale)
    over strikes 0.5 to 1.5 of F and all quotes."""
    knots = c.BUMP_COUNT + 4
    for i in range(knots):
        nodes[i] = row[c.SCALE] * math.sinh(row[c.START] + row[c.STEP] * i)
    low = math.asinh(min(NODE_LOW, row[c.K_LOW]) / row[c.SCALE])
    high = math.asinh(max(NODE_HIGH, row[c.K_HIGH]) / row[c.SCALE])
    gap = (high - low) / (nodes.shape[0] - knots - 1)
    for i in range(knots, nodes.shape[0]):
        nodes[i] = row[c.SCALE] * math.sinh(low + gap * (i - knots))


@njit(cache=True, error_model="numpy")
def fit_bumps(k: Floats, w: Floats, weight: Floats, nodes: Floats, floor: Floats, ceiling: Floats, row: Floats) -> None:
    """Fit the correction of a `row` with core and knots to total variances w (n,) at k (n,)."""
    row[c.BUMPS : c.BUMPS + c.BUMP_COUNT] = 0.0
    rest = np.empty(k.shape[0])
    for i in range(k.shape[0]):
        rest[i] = w[i] - variance_at(k[i], row)
    fit_correction(row, k, rest, weight, nodes, floor, ceiling)
    total = norm = 0.0
    for i in range(k.shape[0]):
        share = weight[i] * weight[i] * w[i]  # 1/half-spread in vol, squared
        miss = math.sqrt(max(variance_at(k[i], row), 0.0)) - math.sqrt(w[i])
        total += share * miss * miss
        norm += share
    row[c.RMS_VOL] = math.sqrt(total / norm / row[c.T_YEARS])


@njit(cache=True, error_model="numpy")
def fit_row(
    strike: Floats,
    is_call: NDArray[np.bool_],
    bid: Floats,
    ask: Floats,
    t_years: float,
    forward: float,
    discount: float,
    row: Floats,
) -> None:
    """Fill `row` (26,) with the smile of one expiry from columns (n,) of its quotes; for compiled callers."""
    n = strike.shape[0]
    k, w, weight = np.empty(n), np.empty(n), np.empty(n)
    n = prepare(strike, is_call, bid, ask, t_years, forward, discount, k, w, weight, row)
    if row[c.STATUS] != c.OK:
        return
    k, w, weight = k[:n], w[:n], weight[:n]
    theta, rho, psi = fit_essvi(k, w, weight, row[c.SCALE] ** 2)
    row[c.SVI : c.SVI + 5] = np.array(essvi_to_raw(theta, rho, psi))
    lay_knots(row[c.K_LOW], row[c.K_HIGH], row)
    nodes, fine = np.empty(NODES), np.empty(8 * NODES)
    lay_nodes(row, nodes)
    lay_nodes(row, fine)
    fit_bumps(k, w, weight, nodes, np.zeros(NODES), np.full(NODES, np.inf), row)
    shrink(row, fine)


@njit(cache=True, error_model="numpy")
def smile_vol(strike: float, row: Floats) -> tuple[float, int]:
    """(vol, status) of the smile `row` at one strike; vol is nan where the status is NO_SMILE."""
    if not (0.0 < strike < math.inf) or row[c.STATUS] != c.OK:
        return math.nan, NO_SMILE
    k = math.log(strike / row[c.FORWARD])
    vol = math.sqrt(variance_at(k, row) / row[c.T_YEARS])
    return vol, INSIDE if row[c.K_LOW] <= k <= row[c.K_HIGH] else BEYOND_QUOTES


@njit(cache=True, error_model="numpy")
def _vol_loop(strike: Floats, row: Floats, vol: Floats, status: NDArray[np.int8]) -> None:
    for i in range(strike.shape[0]):
        vol[i], status[i] = smile_vol(strike[i], row)


@njit(cache=True, error_model="numpy")
def _rich_loop(
    strike: Floats, is_call: NDArray[np.bool_], bid: Floats, ask: Floats, row: Floats, vol: Floats, halves: Floats
) -> None:
    for i in range(strike.shape[0]):
        model, status = smile_vol(strike[i], row)
        mid = 0.5 * (bid[i] + ask[i])
        if status == NO_SMILE or not (bid[i] > 0.0 and ask[i] >= bid[i]):
            continue
        fair = black_price(row[c.FORWARD], strike[i], row[c.T_YEARS], model, row[c.DISCOUNT], is_call[i])
        if ask[i] > bid[i]:
            halves[i] = 2.0 * (mid - fair) / (ask[i] - bid[i])
        quoted, found = implied_vol(mid, row[c.FORWARD], strike[i], row[c.T_YEARS], row[c.DISCOUNT], is_call[i])
        if found == IMPLIED:
            vol[i] = quoted - model


def fit_smile(
    *,
    strike: ArrayLike,
    is_call: ArrayLike,
    bid: ArrayLike,
    ask: ArrayLike,
    t_years: float,
    forward: float,
    discount: float,
) -> Smile:
    """The smile of one expiry from columns (n,) of its quotes, in any order.

    strike, bid, ask, forward: currency (a missing bid or ask is nan or 0); t_years: years; discount: factor. Only
    out-of-the-money quotes with 0 < bid ≤ ask count, weighted by the inverse of their width in vol. The smile has no
    butterfly arbitrage on strikes from 0.5 to 1.5 of the forward and wherever there are quotes. What cannot be fitted
    has a status that says why. Raises ValueError for unequal columns or `is_call` that is not boolean.

    >>> strikes = np.arange(80.0, 125.0, 5.0)
    >>> vols = 0.2 - 0.3 * np.log(strikes / 100.0)
    >>> from contango_quant.pricing.black import price
    >>> mid = price(forward=100.0, strike=strikes, t_years=0.25, vol=vols, discount=0.99, is_call=strikes >= 100.0)
    >>> smile = fit_smile(strike=strikes, is_call=strikes >= 100.0, bid=mid - 0.02, ask=mid + 0.02, t_years=0.25,
    ...                   forward=100.0, discount=0.99)
    >>> c.STATUS_NAMES[int(smile.status)], int(smile.quotes)
    ('OK', 8)
    >>> vols_of(smile, [90.0, 100.0]).vol.round(3)
    array([0.232, 0.2  ])
    >>> Smile(*[float(x) for x in smile]) == smile
    True
    """
    columns = quote_columns(strike, is_call, bid, ask)
    row = np.empty(c.COLUMNS)
    fit_row(*columns, float(t_years), float(forward), float(discount), row)
    return Smile(*row.tolist())


def quote_columns(
    strike: ArrayLike, is_call: ArrayLike, bid: ArrayLike, ask: ArrayLike
) -> tuple[Floats, NDArray[np.bool_], Floats, Floats]:
    """The columns as equally long contiguous lines; ValueError that says what is wrong."""
    kinds = np.require(booleans("is_call", is_call), requirements=["C", "W"])
    strikes, bids, asks = (np.require(x, dtype=np.float64, requirements=["C", "W"]) for x in (strike, bid, ask))
    shapes = [x.shape for x in (strikes, kinds, bids, asks)]
    if kinds.ndim != 1 or any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"columns must be equally long lines, got shapes {shapes}")
    return strikes, kinds, bids, asks


def vols_of(smile: Smile, strike: ArrayLike) -> Vols:
    """Implied volatilities of a smile at strikes above 0, of any shape, and whether they lie within the quotes.

    Raises ValueError naming a bad strike.
    """
    strikes = floats("strike", strike, POSITIVE)
    vol, status = np.empty(strikes.shape), np.empty(strikes.shape, dtype=np.int8)
    line = np.require(strikes, requirements=["C", "W"]).reshape(-1)
    _vol_loop(line, np.array(smile), vol.reshape(-1), status.reshape(-1))
    return Vols(vol, status)


def richness(smile: Smile, *, strike: ArrayLike, is_call: ArrayLike, bid: ArrayLike, ask: ArrayLike) -> Richness:
    """How far each quote (n,) stands from the smile, in vol and in half quoted spreads; + rich, − cheap.

    Raises ValueError as `fit_smile` does.
    """
    columns = quote_columns(strike, is_call, bid, ask)
    vol, halves = np.full(columns[0].shape, math.nan), np.full(columns[0].shape, math.nan)
    _rich_loop(*columns, np.array(smile), vol, halves)
    return Richness(vol, halves)
