"""Which strikes are listed: five points apart where one trades, 25 further out, and never delisted before expiry.

A session's listing depends on closes up to the session before. Every session adds to an expiry the 5-point strikes
within -15 % … +8 % of the last close, as far as 2.7 standard deviations down and 1.8 up (by the last VIX close), and
25-point strikes within -50 % … +25 %, as far as 4 down and 2.8 up; what was listed before stays, so that a held leg is
always quoted. Beyond lie strikes that are worth less than a tick.
"""

import numpy as np

from contango_common.domain.sessions import days_between
from contango_market_data.sample.expiries import HORIZON_DAYS
from contango_market_data.sample.market import Integers, Market
from contango_market_data.sample.vix_path import vix_before

FINE_STEP, COARSE_STEP = 5, 25
FINE_DOWN, FINE_UP, FINE_DEVIATIONS = 0.85, 1.08, (2.7, 1.8)
COARSE_DOWN, COARSE_UP, COARSE_DEVIATIONS = 0.50, 1.25, (4.0, 2.8)


def listed_strikes(market: Market, row: int, expiry: int) -> Integers:
    """Strikes (index points, ascending) of ``expiry`` (yyyymmdd) in the session of ``row``."""
    windows = [_window(market, r, expiry) for r in _listing_rows(market, row, expiry)]
    lowest, highest = np.min(windows, axis=0), np.max(windows, axis=0)
    fine = np.arange(lowest[0], highest[1] + 1, FINE_STEP)
    coarse = np.arange(lowest[2], highest[3] + 1, COARSE_STEP)
    return np.union1d(fine, coarse).astype(np.int64)


def _listing_rows(market: Market, row: int, expiry: int) -> range:
    """Sessions in which the expiry has been listed, up to ``row``."""
    first = row
    while first > market.start and days_between(int(market.date[first - 1]), expiry) <= HORIZON_DAYS:
        first -= 1
    return range(first, row + 1)


def _window(market: Market, row: int, expiry: int) -> tuple[int, int, int, int]:
    """Fine and coarse (lowest, highest) strikes that the session of ``row`` adds, on their grids."""
    spot = float(market.close[row - 1])
    days = max(days_between(int(market.date[row]), expiry), 0) + 1
    deviation = vix_before(market, row) / 100.0 * (days / 365.0) ** 0.5
    fine = _bounds(spot, deviation, FINE_DEVIATIONS, (FINE_DOWN, FINE_UP))
    coarse = _bounds(spot, deviation, COARSE_DEVIATIONS, (COARSE_DOWN, COARSE_UP))
    return (*_on_grid(fine, FINE_STEP), *_on_grid(coarse, COARSE_STEP))


def _bounds(
    spot: float, deviation: float, reach: tuple[float, float], limits: tuple[float, float]
) -> tuple[float, float]:
    down, up = float(np.exp(-reach[0] * deviation)), float(np.exp(reach[1] * deviation))
    return spot * max(limits[0], down), spot * min(limits[1], up)


def _on_grid(bounds: tuple[float, float], step: int) -> tuple[int, int]:
    return int(np.ceil(bounds[0] / step)) * step, int(np.floor(bounds[1] / step)) * step
