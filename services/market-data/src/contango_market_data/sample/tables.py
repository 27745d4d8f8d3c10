"""Arrow tables of the catalog's columns from modelled sessions. Pure."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contango_common.domain.instrument import Right
from contango_market_data.catalog.dates import to_date
from contango_market_data.sample.chain import Listing, SessionChains
from contango_market_data.sample.day import Bars
from contango_market_data.sample.market import Market
from contango_market_data.sample.quotes import ASK, BID
from contango_market_data.sample.rates import TENORS_DAYS, rate_on

UNDERLYING, ROOT, VIX = "SPX", "SPXW", "VIX"
_RIGHTS: list[Right] = ["C", "P"]
_INSTANT = pa.timestamp("ns", tz="UTC")


def chain_table(chains: SessionChains) -> pa.Table:
    """Quotes of one session, sorted by moment, expiry, strike and right; greeks and last trades stay absent."""
    moments, contracts = len(chains.quote_ns), 2 * len(chains.listing.strikes)
    rows = moments * contracts
    prices = chains.cents.reshape(rows, 2) / 100.0
    sizes = chains.sizes.reshape(rows, 2).astype(np.int64)
    return pa.table(
        {
            "quote_ts": pa.array(np.repeat(chains.quote_ns, contracts), _INSTANT),
            "underlying": _names(np.zeros(rows, np.int32), [UNDERLYING]),
            "root": _names(np.zeros(rows, np.int32), [ROOT]),
            "spot": np.repeat(chains.spot, contracts),
            "expiry": pa.array(np.tile(_expiry_days(chains.listing), moments), pa.date32()),
            "strike": np.tile(np.repeat(chains.listing.strikes, 2), moments),
            "right": _names(np.tile(np.array([0, 1], np.int32), rows // 2), list(_RIGHTS)),
            "bid": np.ascontiguousarray(prices[:, BID]),
            "ask": np.ascontiguousarray(prices[:, ASK]),
            "bid_size": np.ascontiguousarray(sizes[:, BID]),
            "ask_size": np.ascontiguousarray(sizes[:, ASK]),
        }
    )


def bar_table(days: Sequence[Bars]) -> pa.Table:
    """Five-minute bars of consecutive sessions; without volume where the sessions have none."""
    columns = {"ts": pa.array(np.concatenate([day.ts_ns for day in days]), _INSTANT)}
    for name in ("open", "high", "low", "close"):
        columns[name] = pa.array(np.concatenate([getattr(day, name) for day in days]))
    volumes = [day.volume for day in days if day.volume is not None]
    if len(volumes) == len(days):
        columns["volume"] = pa.array(np.concatenate(volumes))
    return pa.table(columns)


def daily_index_table(market: Market, last: int) -> pa.Table:
    """Real daily bars from 1999 to ``last`` (yyyymmdd); volume is that of the index's stocks, in shares."""
    rows = slice(0, market.rows(0, last).stop)
    return pa.table(
        {
            "ts": pa.array(market.close_ns[rows], _INSTANT),
            "open": market.open[rows],
            "high": market.high[rows],
            "low": market.low[rows],
            "close": market.close[rows],
            "volume": market.volume[rows],
        }
    )


def daily_vix_table(market: Market, last: int) -> pa.Table:
    """Real VIX closes from 2014 to ``last``; open, high and low are not in the data and repeat the close."""
    rows = slice(market.start, market.rows(0, last).stop)
    closes = dict.fromkeys(("open", "high", "low", "close"), market.vix[rows])
    return pa.table({"ts": pa.array(market.close_ns[rows], _INSTANT), **closes})


def rates_table(dates: Sequence[int]) -> pa.Table:
    """The flat curve at its tenors on every session."""
    days = [to_date(date) for date in dates for _ in TENORS_DAYS]
    return pa.table(
        {
            "date": pa.array(days, pa.date32()),
            "tenor_days": pa.array(list(TENORS_DAYS) * len(dates), pa.int32()),
            "rate_annual": [rate_on(date) for date in dates for _ in TENORS_DAYS],
        }
    )


def settlements_table(market: Market, rows: range, expiries: Sequence[int]) -> pa.Table:
    """The real close of the index at every expiry among the sessions of ``rows``."""
    settled = [row for row in rows if int(market.date[row]) in set(expiries)]
    return pa.table(
        {
            "underlying": pa.array([UNDERLYING] * len(settled), pa.string()),
            "root": pa.array([ROOT] * len(settled), pa.string()),
            "expiry": pa.array([to_date(int(market.date[row])) for row in settled], pa.date32()),
            "ts": pa.array(market.close_ns[settled], _INSTANT),
            "price": market.close[settled],
        }
    )


def _names(codes: npt.NDArray[np.int32], words: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(words))


def _expiry_days(listing: Listing) -> npt.NDArray[np.int32]:
    """Days since 1970 of the expiry of every contract."""
    days = [(to_date(date) - to_date(19700101)).days for date in listing.expiry_dates]
    return np.repeat(np.array(days, dtype=np.int32), 2 * np.diff(listing.starts))
