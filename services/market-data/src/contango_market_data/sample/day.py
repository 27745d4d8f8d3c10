"""One modelled session: paths of index and VIX, and the five-minute bars cut from them. Pure."""

import math
from dataclasses import dataclass, replace

import numpy as np

from contango_common.domain.sessions import MINUTE_NS
from contango_market_data.sample.market import Floats, Integers, Market
from contango_market_data.sample.price_path import STEPS_PER_BAR, price_path, variance_clock
from contango_market_data.sample.seeds import Purpose, stream
from contango_market_data.sample.vix_path import vix_before, vix_path

BAR_NS = 5 * MINUTE_NS
VOLUME_NOISE = 0.25


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns of equal length; ``ts_ns`` is the instant (UTC) at which a bar closed, ``volume`` None where
    there is none."""

    ts_ns: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats | None = None


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
    spx = cut_bars(ts_ns, prices)
    volume = day_volume(stream(date, Purpose.VOLUME), float(market.volume[row]), spx)
    return Day(replace(spx, volume=volume), cut_bars(ts_ns, vix))


def day_volume(rng: np.random.Generator, total: float, bars: Bars) -> Floats:
    """The day's real volume spread over its bars: more at both ends, more where the price moves, with noise."""
    n = len(bars.ts_ns)
    place = np.linspace(-1.0, 1.0, n)
    moves = np.abs(np.log(bars.close / bars.open))
    moved = 0.5 + 0.5 * moves / moves.mean() if moves.mean() > 0.0 else np.ones(n)
    weights = (0.6 + 0.9 * place**2) * moved * np.exp(VOLUME_NOISE * rng.normal(size=n))
    return np.asarray(total * weights / weights.sum())


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
