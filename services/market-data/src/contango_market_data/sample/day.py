"""One modelled session: paths of index and VIX, and the five-minute bars cut from them. Pure."""

import math
from dataclasses import dataclass

import numpy as np

from contango_common.domain.sessions import MINUTE_NS
from contango_market_data.sample.market import Floats, Integers, Market
from contango_market_data.sample.price_path import STEPS_PER_BAR, price_path, variance_clock
from contango_market_data.sample.seeds import Purpose, stream
from contango_market_data.sample.vix_path import vix_before, vix_path

BAR_NS = 5 * MINUTE_NS


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns of equal length; ``ts_ns`` is the instant (UTC) at which a bar closed."""

    ts_ns: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True, slots=True)
class Day:
    """The five-minute bars of index and VIX in one session."""

    spx: Bars
    vix: Bars


def build_day(market: Market, row: int) -> Day:
    """The session of ``row``: depends on that day's real bar and VIX close and the closes before, on nothing else."""
    date, opened, closed = int(market.date[row]), int(market.open_ns[row]), int(market.close_ns[row])
    bars = (closed - opened) // BAR_NS
    clock = variance_clock(bars * STEPS_PER_BAR)
    real = tuple(float(column[row]) for column in (market.open, market.high, market.low, market.close))
    last_close = float(market.close[row - 1])
    gap = math.log(real[0] / last_close)
    prices = price_path(stream(date, Purpose.PRICE_PATH), (real[0], real[1], real[2], real[3]), gap, clock)
    returns = np.log(prices / last_close)
    before = vix_before(market, row)
    vix = vix_path(stream(date, Purpose.VIX_PATH), before, float(market.vix[row]), returns, clock)
    ts_ns = opened + BAR_NS * np.arange(1, bars + 1, dtype=np.int64)
    return Day(cut_bars(ts_ns, prices), cut_bars(ts_ns, vix))


def cut_bars(ts_ns: Integers, path: Floats) -> Bars:
    """Bars of equal numbers of steps; a bar opens where the one before closed."""
    edges = path[::STEPS_PER_BAR]
    steps = path[1:].reshape(len(ts_ns), STEPS_PER_BAR)
    return Bars(
        ts_ns,
        edges[:-1],
        np.maximum(steps.max(axis=1), edges[:-1]),
        np.minimum(steps.min(axis=1), edges[:-1]),
        edges[1:],
    )
