"""Implied volatility of all expiries of one underlying, free of butterfly and calendar arbitrage.

Each expiry has its curve (`curve.py`). Calendar spreads have no negative price where total variance at equal
k = ln(K/F) does not fall with time; `expiries.py` fits them so that it does not.

Between two expiries total variance is linear in time at equal k, and ln F linear in time. Outside the first and last
expiry there is no volatility: nan with a status.

References:
    [1] J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import POSITIVE, Floats, common_shape, flat, floats
from contango_quant.surface import curve as c
from contango_quant.surface.curve import Smile, forward_between, variance_at
from contango_quant.surface.expiries import fit_rows
from contango_quant.surface.smile import BEYOND_QUOTES, INSIDE, NO_SMILE, Vols, quote_columns

OUTSIDE_EXPIRIES = 3  # before the first or after the last fitted expiry
STATUS_NAMES = ("INSIDE", "BEYOND_QUOTES", "NO_SMILE", "OUTSIDE_EXPIRIES")


class Surface(NamedTuple):
    """rows: one fitted smile a row, `Smile(*row)`, ascending in time, (E, 26); left_out: those that have none."""

    rows: Floats
    left_out: tuple[Smile, ...]


@njit(cache=True, error_model="numpy")
def place_of(t_years: float, rows: Floats) -> tuple[int, int, float]:
    """(near, far, part): the rows around a time and the share of the way between them; near is −1 outside."""
    last = rows.shape[0] - 1
    if last < 0 or not rows[0, c.T_YEARS] <= t_years <= rows[last, c.T_YEARS]:
        return -1, -1, 0.0
    e = 0
    while e < last and rows[e + 1, c.T_YEARS] <= t_years:
        e += 1
    if rows[e, c.T_YEARS] == t_years:
        return e, e, 0.0
    return e, e + 1, (t_years - rows[e, c.T_YEARS]) / (rows[e + 1, c.T_YEARS] - rows[e, c.T_YEARS])


@njit(cache=True, error_model="numpy")
def _surface_vol(strike: float, t_years: float, rows: Floats) -> tuple[float, int]:
    """(vol, status) at one strike and time."""
    if not rows.shape[0]:
        return math.nan, NO_SMILE
    e, f, part = place_of(t_years, rows)
    if e < 0:
        return math.nan, OUTSIDE_EXPIRIES
    near, far = rows[e], rows[f]
    k = math.log(strike / forward_between(near, far, part))
    w = variance_at(k, near)
    if part > 0.0:
        w += part * (variance_at(k, far) - w)
    low = near[c.K_LOW] + part * (far[c.K_LOW] - near[c.K_LOW])
    high = near[c.K_HIGH] + part * (far[c.K_HIGH] - near[c.K_HIGH])
    return math.sqrt(w / t_years), INSIDE if low <= k <= high else BEYOND_QUOTES


@njit(cache=True, error_model="numpy")
def _surface_loop(
    strike: Floats, t_years: Floats, steps: tuple[int, ...], rows: Floats, vol: Floats, status: NDArray[np.int8]
) -> None:
    for i in range(vol.shape[0]):
        vol[i], status[i] = _surface_vol(strike[i * steps[0]], t_years[i * steps[1]], rows)


def fit_surface(
    *,
    expiry: ArrayLike,
    strike: ArrayLike,
    is_call: ArrayLike,
    bid: ArrayLike,
    ask: ArrayLike,
    t_years: ArrayLike,
    forward: ArrayLike,
    discount: ArrayLike,
) -> Surface:
    """The surface of one underlying from columns (n,) of quotes and columns (E,) of its expiries.

    expiry: 0 … E − 1, the expiry of each quote, not falling; strike, bid, ask: currency (missing: nan or 0);
    t_years: years, strictly ascending; forward: currency; discount: factor (nan where unknown: that expiry is left
    out, as is one with fewer than 5 usable quotes, with a status that says so). No fitted expiry, and nothing between
    two, has total variance falling in time at equal k; none has a butterfly on strikes 0.5 to 1.5 of its forward.
    Raises ValueError for unequal columns, expiries not in order, times not ascending.

    >>> from contango_quant.pricing.black import price
    >>> strikes = np.tile(np.arange(80.0, 125.0, 5.0), 2)
    >>> t = np.repeat([0.25, 0.5], 9)
    >>> mid = price(forward=100.0, strike=strikes, t_years=t, vol=0.2, discount=1.0, is_call=strikes >= 100.0)
    >>> surface = fit_surface(expiry=np.repeat([0, 1], 9), strike=strikes, is_call=strikes >= 100.0, bid=mid - 0.02,
    ...                       ask=mid + 0.02, t_years=[0.25, 0.5], forward=[100.0, 100.0], discount=[1.0, 1.0])
    >>> found = vol_on(surface, strike=[90.0, 100.0, 300.0, 100.0], t_years=[0.3, 0.3, 0.3, 0.6])
    >>> found.vol.round(3)[:2], [STATUS_NAMES[s] for s in found.status]
    (array([0.2, 0.2]), ['INSIDE', 'INSIDE', 'BEYOND_QUOTES', 'OUTSIDE_EXPIRIES'])
    """
    columns = quote_columns(strike, is_call, bid, ask)
    times, forwards, discounts = (
        np.require(x, dtype=np.float64, requirements=["C", "W"]) for x in (t_years, forward, discount)
    )
    if times.ndim != 1 or times.shape != forwards.shape or times.shape != discounts.shape:
        shapes = [times.shape, forwards.shape, discounts.shape]
        raise ValueError(f"t_years, forward and discount must be equally long lines, got shapes {shapes}")
    if not bool(np.all(np.diff(times) > 0.0)):
        raise ValueError("t_years must ascend without repeats")
    belongs = np.asarray(expiry)
    if belongs.shape != columns[0].shape or belongs.dtype.kind not in "iu":
        raise ValueError(f"expiry must be a whole number for each quote, got {belongs.dtype} {belongs.shape}")
    if belongs.size and (np.any(np.diff(belongs) < 0) or belongs[0] < 0 or belongs[-1] >= times.size):
        raise ValueError(f"expiry must not fall and stay from 0 to {times.size - 1}")
    first = np.searchsorted(belongs, np.arange(times.size + 1)).astype(np.int64)
    rows = np.empty((times.size, c.COLUMNS))
    if times.size:
        fit_rows(*columns, first, times, forwards, discounts, rows)
    good = rows[:, c.STATUS] == c.OK
    return Surface(np.ascontiguousarray(rows[good]), tuple(Smile(*row.tolist()) for row in rows[~good]))


def vol_on(surface: Surface, *, strike: ArrayLike, t_years: ArrayLike) -> Vols:
    """Implied volatilities at strikes and times above 0 that broadcast; nan with a status outside the expiries.

    Raises ValueError naming argument and value.
    """
    columns = floats("strike", strike, POSITIVE), floats("t_years", t_years, POSITIVE)
    shape = common_shape(("strike", "t_years"), columns)
    lines = [flat(column, shape) for column in columns]
    vol, status = np.empty(shape), np.empty(shape, dtype=np.int8)
    steps = tuple(step for _, step in lines)
    _surface_loop(lines[0][0], lines[1][0], steps, surface.rows, vol.reshape(-1), status.reshape(-1))
    return Vols(vol, status)


def smile_of(surface: Surface, index: int) -> Smile:
    """The smile of the index-th fitted expiry, in time order. Raises IndexError when there is none."""
    return Smile(*surface.rows[index].tolist())
