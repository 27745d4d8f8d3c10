"""A modelled crypto sample: two pairs in five-minute bars for four months. Deterministic; evidence about nothing.

Each day belongs to a stretch (rising, falling, ranging, wild) drawn from a chain that stays for days. Within it the log
price is a random walk with that stretch's drift and volatility, pulled to the stretch's start where it ranges;
volatility and volume follow the hour (Asia, Europe, US), volume follows the moves as well. The second pair shares most
of the first one's moves. One outage of 85 minutes has no bars at all.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from contango_common.domain.errors import UserError
from contango_common.domain.sessions import DAY_NS, MINUTE_NS
from contango_market_data.catalog.info import CatalogInfo
from contango_market_data.catalog.store import Catalog
from contango_market_data.sample.day import Bars
from contango_market_data.sample.market import Floats, Integers
from contango_market_data.sample.tables import bar_table

NAME = "sample-crypto"
FIRST = np.datetime64("2023-01-01")
DAYS = 120
BAR_NS = 5 * MINUTE_NS
PER_DAY = DAY_NS // BAR_NS
STEPS = 10  # of the walk in one bar
SEED = 20_230_101
# Price at the beginning, own share of moves, units traded in a bar.
PAIRS = {"BTCUSDT": (16_500.0, 0.0, 900.0), "ETHUSDT": (1_200.0, 0.62, 9_000.0)}
OUTAGE_DAY, OUTAGE_BAR, OUTAGE_BARS = 82, 152, 17
# Drift a day, volatility a day, pull to the stretch's start per bar.
STRETCHES = {
    "up": (0.016, 0.022, 0.0),
    "down": (-0.015, 0.026, 0.0),
    "range": (0.0, 0.013, 0.004),
    "wild": (0.0, 0.060, 0.0),
}
STAY = 0.86
SOURCES: tuple[str, ...] = (
    "MODELLED: everything. Two pairs called BTCUSDT and ETHUSDT, 5-minute and daily bars from 2023-01-01 for 120 days,"
    " 24 hours a day: a random walk whose drift and volatility change by stretches of days (rising, falling, ranging,"
    " wild), with more movement and volume in European and US hours. The second pair shares most moves of the first.",
    "MODELLED: one outage of 85 minutes without bars (day 83, 12:40 to 14:05 UTC).",
    "No verdict about a strategy may be drawn from it: it trends because it was made to.",
)


@dataclass(frozen=True, slots=True)
class CryptoReport:
    """What was built and how much of it."""

    path: Path
    bars: int
    days: int
    sources: tuple[str, ...] = SOURCES


def build_crypto_sample(path: Path) -> CryptoReport:
    """The catalog at ``path``, which must not exist or be empty. UserError otherwise."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is not empty: remove it or name another folder for the crypto sample")
    catalog = Catalog.create(path, CatalogInfo(name=NAME, calendar="24/7", time_zone="UTC", notes=SOURCES))
    common = _walk(np.random.default_rng(SEED), stretches())
    bars = 0
    with catalog.writing() as writer:
        for i, (name, (price, own, units)) in enumerate(PAIRS.items()):
            made = pair(np.random.default_rng(SEED + 1 + i), common, price, own, units)
            writer.bars(name, "5m", bar_table([made]))
            writer.bars(name, "1d", daily(made))
            bars += len(made.ts_ns)
    return CryptoReport(path, bars, DAYS)


def stretches() -> list[str]:
    """The stretch of each day."""
    rng, names = np.random.default_rng(SEED + 99), list(STRETCHES)
    found = ["up"]
    while len(found) < DAYS:
        found.append(found[-1] if rng.random() < STAY else names[int(rng.integers(len(names)))])
    return found


def hourly() -> Floats:
    """Relative activity of each bar of a day: calm in Asian hours, lively in European and US ones."""
    hour = np.arange(PER_DAY) * 24.0 / PER_DAY
    return 0.75 + 0.35 * np.exp(-0.5 * ((hour - 9.0) / 2.5) ** 2) + 0.65 * np.exp(-0.5 * ((hour - 15.5) / 3.0) ** 2)


def _walk(rng: np.random.Generator, days: list[str]) -> Floats:
    """Log moves of every step of the whole span."""
    moves = np.empty((len(days) * PER_DAY, STEPS))
    season, level, start = hourly() / hourly().mean(), 0.0, 0.0
    for d, name in enumerate(days):
        drift, vol, pull = STRETCHES[name]
        if d == 0 or name != days[d - 1]:
            start = level
        noise = rng.standard_t(5, size=(PER_DAY, STEPS)) / np.sqrt(5.0 / 3.0)
        for b in range(PER_DAY):
            step = noise[b] * vol * season[b] / np.sqrt(PER_DAY * STEPS) + drift / (PER_DAY * STEPS)
            step -= pull * (level - start) / STEPS
            moves[d * PER_DAY + b] = step
            level += float(step.sum())
    return moves


def pair(rng: np.random.Generator, common: Floats, price: float, own: float, units: float) -> Bars:
    """One pair's bars without those of the outage."""
    spread = common.std() * own
    moves = common + rng.normal(size=common.shape) * spread
    path = price * np.exp(np.concatenate([[0.0], np.cumsum(moves.ravel())]))
    n = len(moves)
    edges, steps = path[::STEPS], path[1:].reshape(n, STEPS)
    size = np.abs(np.log(edges[1:] / edges[:-1]))
    season = np.tile(hourly(), n // PER_DAY)
    volume = units * season * (0.4 + 0.6 * size / size.mean()) * np.exp(0.35 * rng.normal(size=n))
    first = int(FIRST.astype("M8[ns]").astype(np.int64))
    bars = Bars(
        first + BAR_NS * np.arange(1, n + 1, dtype=np.int64),
        edges[:-1],
        np.maximum(steps.max(axis=1), edges[:-1]),
        np.minimum(steps.min(axis=1), edges[:-1]),
        edges[1:],
        volume,
    )
    return _kept(bars, _outside_the_outage(n))


def _outside_the_outage(n: int) -> Integers:
    gone = OUTAGE_DAY * PER_DAY + OUTAGE_BAR + np.arange(OUTAGE_BARS)
    return np.setdiff1d(np.arange(n), gone)


def _kept(bars: Bars, rows: Integers) -> Bars:
    columns = {name: getattr(bars, name)[rows] for name in ("ts_ns", "open", "high", "low", "close", "volume")}
    return replace(bars, **columns)


def daily(bars: Bars) -> pa.Table:
    """Daily bars from midnight to midnight UTC."""
    day = (bars.ts_ns - 1) // DAY_NS
    starts = np.concatenate([[0], np.flatnonzero(np.diff(day)) + 1])
    ends = np.concatenate([starts[1:], [len(day)]]) - 1
    assert bars.volume is not None
    return bar_table(
        [
            Bars(
                (day[ends] + 1) * DAY_NS,
                bars.open[starts],
                np.maximum.reduceat(bars.high, starts),
                np.minimum.reduceat(bars.low, starts),
                bars.close[ends],
                np.add.reduceat(bars.volume, starts),
            )
        ]
    )
