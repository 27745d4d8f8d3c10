"""The volatilities that a quote leaves open: implied from bid, middle and ask of the same option.

    iv_bid ≤ iv_mid ≤ iv_ask, for the price rises with vol.

Without a bid nobody says what the option is worth at least, so bid and middle have no volatility (NO_TIME_VALUE),
where solving for a price of 0 or for half the ask would make one up; the ask keeps its own. A quote that is not finite,
below 0 or crossed (bid above ask) has none at all (NON_FINITE). An in-the-money bid is often below the intrinsic value:
its status says so, and the ask still bounds the volatility from above.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats, numbers
from contango_quant.pricing.implied import NO_TIME_VALUE, Implied, implied


class IvBand(NamedTuple):
    """Annual volatilities, nan unless the status beside is OK; statuses: int8 codes of `implied`."""

    iv_bid: Floats
    iv_mid: Floats
    iv_ask: Floats
    status_bid: NDArray[np.int8]
    status_mid: NDArray[np.int8]
    status_ask: NDArray[np.int8]


def iv_band(
    *,
    bid: ArrayLike,
    ask: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    t_years: ArrayLike,
    discount: ArrayLike,
    is_call: ArrayLike,
) -> IvBand:
    """Implied volatilities of bid, (bid + ask)/2 and ask, each of the broadcast shape.

    bid, ask: currency per unit; forward, strike: above 0; t_years: years, at least 0; discount: factor above 0;
    is_call: boolean. Raises ValueError for all but a bad quote.

    >>> band = iv_band(bid=[1.9, 0.0], ask=[2.1, 0.05], forward=100.0, strike=[105.0, 140.0], t_years=0.25,
    ...                discount=0.99, is_call=True)
    >>> band.iv_bid.round(4), band.iv_mid.round(4), band.iv_ask.round(4), band.status_bid
    (array([0.192,   nan]), array([0.1976,    nan]), array([0.2031, 0.2844]), array([0, 3], dtype=int8))
    """
    low, high = numbers("bid", bid), numbers("ask", ask)
    with np.errstate(invalid="ignore", over="ignore"):
        usable = (low >= 0.0) & (high >= low)
        middle = np.where(usable, 0.5 * low + 0.5 * high, np.nan)
        low, high = np.where(usable, low, np.nan), np.where(usable, high, np.nan)
    lower, mid, upper = (
        implied(price=price, forward=forward, strike=strike, t_years=t_years, discount=discount, is_call=is_call)
        for price in (low, middle, high)
    )
    lower, mid = _without_bid(lower, low), _without_bid(mid, low)
    return IvBand(lower.vol, mid.vol, upper.vol, lower.status, mid.status, upper.status)


def _without_bid(found: Implied, bid: Floats) -> Implied:
    missing = bid == 0.0
    return Implied(
        np.where(missing, np.nan, found.vol), np.where(missing, np.int8(NO_TIME_VALUE), found.status).astype(np.int8)
    )
