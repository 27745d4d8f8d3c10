"""The option chains of one modelled session: every moment, every listed contract. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contango_common.domain.sessions import MINUTE_NS
from contango_market_data.sample.day import BAR_NS, Day
from contango_market_data.sample.expiries import listed
from contango_market_data.sample.jit import compiled
from contango_market_data.sample.level import solve_level
from contango_market_data.sample.listing import listed_strikes
from contango_market_data.sample.market import Cents, Floats, Integers, Market
from contango_market_data.sample.quotes import BID, CALL, moneyness, quote_expiry
from contango_market_data.sample.rates import DIVIDEND_YIELD, rate_on
from contango_market_data.sample.seeds import Purpose, stream
from contango_market_data.sample.spreads import mean_size
from contango_market_data.sample.surface import YEAR_NS, atm_total_variance

EVERY_NS = 30 * MINUTE_NS
QUANTILES = -np.log1p(-(np.arange(256) + 0.5) / 256.0)
"""Quantiles of the exponential distribution: one byte of randomness a size."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed in one session; ``starts`` has one entry more than there are expiries."""

    expiry_dates: tuple[int, ...]
    expiry_ns: Integers
    strikes: Floats
    starts: Integers


@dataclass(frozen=True, slots=True)
class SessionChains:
    """Quotes of one session: moments in rows, contracts (expiry, strike, call before put) in columns.

    ``cents`` and ``sizes`` have shape (moments, strikes, call|put, bid|ask); ``spot`` and ``level`` (moments,).
    """

    listing: Listing
    quote_ns: Integers
    spot: Floats
    level: Floats
    cents: Cents
    sizes: Cents


def session_listing(market: Market, row: int, expiry_close_ns: dict[int, int]) -> Listing:
    """Contracts listed in the session of ``row``; ``expiry_close_ns`` maps every expiry (yyyymmdd) to its instant."""
    dates = listed(tuple(expiry_close_ns), int(market.date[row]))
    strikes = [listed_strikes(market, row, date) for date in dates]
    starts = np.concatenate(([0], np.cumsum([len(line) for line in strikes]))).astype(np.int64)
    instants = np.array([expiry_close_ns[date] for date in dates], dtype=np.int64)
    return Listing(dates, instants, np.concatenate(strikes).astype(np.float64), starts)


def build_chains(market: Market, row: int, day: Day, expiry_close_ns: dict[int, int]) -> SessionChains:
    """Chains every 30 minutes, from half an hour after the opening to the close."""
    listing = session_listing(market, row, expiry_close_ns)
    date = int(market.date[row])
    stride = EVERY_NS // BAR_NS
    quote_ns = day.spx.ts_ns[stride - 1 :: stride]
    spot, vix = day.spx.close[stride - 1 :: stride], day.vix.close[stride - 1 :: stride]
    shape = (len(quote_ns), len(listing.strikes), 2, 2)
    cents, sizes = np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.int32)
    level = np.empty(len(quote_ns))
    scratch = np.empty(shape[1:], dtype=np.int32)
    for moment, ts_ns in enumerate(quote_ns.tolist()):
        t_years = (listing.expiry_ns - ts_ns) / YEAR_NS
        state = (float(spot[moment]), rate_on(date), DIVIDEND_YIELD, float(vix[moment]))
        level[moment] = solve_level(listing.strikes, listing.starts, t_years, state, scratch)
        _quote_all(listing.strikes, listing.starts, t_years, state, level[moment], cents[moment])
        dice = stream(date, Purpose.SIZES, moment).integers(0, 256, size=shape[1:], dtype=np.uint8)
        _size_all(listing.strikes, listing.starts, t_years, state, level[moment], dice, cents[moment], sizes[moment])
    return SessionChains(listing, quote_ns, spot, level, cents, sizes)


@compiled
def _quote_all(
    strikes: Floats,
    starts: Integers,
    t_years: Floats,
    market: tuple[float, float, float, float],
    level: float,
    out: Cents,
) -> None:
    spot, rate, div_yield, vix = market
    for e in range(t_years.shape[0]):
        low, high = starts[e], starts[e + 1]
        quote_expiry(strikes[low:high], spot, rate, div_yield, t_years[e], level, vix, out[low:high])


@compiled
def _size_all(
    strikes: Floats,
    starts: Integers,
    t_years: Floats,
    market: tuple[float, float, float, float],
    level: float,
    dice: npt.NDArray[np.uint8],
    cents: Cents,
    out: Cents,
) -> None:
    """Exponential sizes around the mean of each contract; nothing is shown where there is no bid."""
    spot, rate, div_yield, _ = market
    for e in range(t_years.shape[0]):
        forward = spot * np.exp((rate - div_yield) * t_years[e])
        variance = atm_total_variance(t_years[e], level)
        for i in range(starts[e], starts[e + 1]):
            z = moneyness(strikes[i], forward, variance)
            for right in range(2):
                mean = mean_size(z, (right == CALL) == (strikes[i] >= forward))
                for side in range(2):
                    out[i, right, side] = 1 + int(mean * QUANTILES[dice[i, right, side]])
                if cents[i, right, BID] == 0:
                    out[i, right, BID] = 0
