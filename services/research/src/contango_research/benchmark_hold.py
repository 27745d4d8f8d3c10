"""Buy and hold: all of the starting equity in the underlying, on the same days as the book."""

from dataclasses import dataclass

import numpy as np

from contango_research.daily import Daily
from contango_research.figures import Figures, Floats, curve_figures


@dataclass(frozen=True, slots=True)
class Hold:
    """Value of the holding at each session's close, in the book's currency; prices only, no dividends."""

    equity_usd: Floats
    returns: Floats
    figures: Figures


def hold_of(daily: Daily, sessions_per_year: float) -> Hold | None:
    """None without a price on every session, or with fewer than two sessions.

    Where no price before the first session is known, the first close is the price paid.
    """
    prices = [price for price in daily.price if price is not None]
    if len(prices) < 2 or len(prices) != len(daily) or daily.before_usd is None:
        return None
    start = daily.price_before or prices[0]
    curve = np.array([start, *prices]) / start
    returns = curve[1:] / curve[:-1] - 1.0
    return Hold(curve[1:] * daily.before_usd, returns, curve_figures(returns, sessions_per_year, intervals=False))
