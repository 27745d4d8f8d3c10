"""Intraday paths: the day's real prices bit for bit, and nothing about the rest of the day before it happens."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_market_data.sample.daily import load_market
from contango_market_data.sample.day import Day, build_day
from contango_market_data.sample.market import Floats, Market
from contango_market_data.sample.price_path import price_path, variance_clock
from contango_market_data.sample.vix_path import FLOOR, beta, vix_before, vix_path

FULL_SESSION_BARS = 78
BARS_AT = {"10:00": 6, "12:00": 30, "14:00": 54}


@pytest.fixture(scope="module")
def market() -> Market:
    return load_market()


@pytest.fixture(scope="module")
def days(market: Market) -> dict[int, Day]:
    return {row: build_day(market, row) for row in range(market.start, len(market.date))}


def test_real_data_are_complete(market: Market) -> None:
    assert (market.date[0], market.date[market.start], market.date[-1]) == (19990104, 20140103, 20181231)
    assert market.close[-1] == pytest.approx(2506.85, abs=1e-3)
    assert market.vix[market.rows(20180205, 20180205).start] == 37.32
    assert not np.isnan(market.vix[market.start :]).any()


def test_bars_reproduce_the_real_day_bit_for_bit(market: Market, days: dict[int, Day]) -> None:
    for row, day in days.items():
        bars = day.spx
        assert bars.open[0] == market.open[row]
        assert bars.high.max() == market.high[row]
        assert bars.low.min() == market.low[row]
        assert bars.close[-1] == market.close[row]
        assert day.vix.close[-1] == market.vix[row]


def test_bars_are_whole_and_continuous(market: Market, days: dict[int, Day]) -> None:
    lengths = set()
    for row, day in days.items():
        for bars in (day.spx, day.vix):
            assert np.array_equal(bars.open[1:], bars.close[:-1])
            assert np.all(bars.high >= np.maximum(bars.open, bars.close))
            assert np.all(bars.low <= np.minimum(bars.open, bars.close))
        assert day.vix.low.min() >= FLOOR
        assert day.spx.ts_ns[-1] == market.close_ns[row]
        assert day.spx.ts_ns[0] == market.open_ns[row] + 300_000_000_000
        lengths.add(len(day.spx.ts_ns))
    assert lengths == {FULL_SESSION_BARS, 42}


def test_high_and_low_fall_at_all_hours(days: dict[int, Day]) -> None:
    """Extremes come most often near the opening and the close (arcsine law) and at noon too."""
    at = np.array([int(np.argmax(d.spx.high)) for d in days.values() if len(d.spx.high) == FULL_SESSION_BARS])
    counts, _ = np.histogram(at, bins=6, range=(0, FULL_SESSION_BARS))
    assert counts.min() > 0.05 * len(at)
    assert counts[0] > counts[2]
    assert counts[-1] > counts[3]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(100.0, 5000.0),
    st.lists(st.floats(0.0, 0.05), min_size=3, max_size=3),
    st.booleans(),
)
def test_any_day_is_reproduced(seed: int, open_: float, parts: list[float], up: bool) -> None:
    move, above, below = (x + 1e-5 if k == 0 else x for k, x in enumerate(parts))
    close = open_ * (1 + move) if up else open_ * (1 - move)
    high, low = max(open_, close) * (1 + above), min(open_, close) * (1 - below)
    path = price_path(np.random.default_rng(seed), (open_, high, low, close), 0.0, variance_clock(78))
    assert (path[0], path.max(), path.min(), path[-1]) == (open_, high, low, close)


@settings(deadline=None)
@given(st.floats(9.0, 60.0), st.floats(9.0, 60.0), st.integers(0, 2**32 - 1))
def test_vix_path_ends_on_the_real_close_and_stays_above_its_floor(before: float, close: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    returns = 0.02 * rng.standard_normal(79)
    path = vix_path(rng, before, close, returns, variance_clock(78))
    assert path[-1] == close
    assert path.min() >= FLOOR


def test_vix_innovation_does_not_predict_the_rest_of_the_day(market: Market, days: dict[int, Day]) -> None:
    for name, bar in BARS_AT.items():
        facts = _facts(market, days, bar)
        rest, so_far, change = facts["rest"], facts["so_far"], facts["vix_change"]
        fitted = change - float(change @ so_far / (so_far @ so_far)) * so_far
        for innovation in (change - facts["beta"] * so_far, fitted):
            assert abs(_corr(innovation, rest)) < _two_errors(rest), name


def test_an_interpolated_vix_would_be_caught(market: Market, days: dict[int, Day]) -> None:
    """The same measure sees what the construction avoids: a straight line from close to close."""
    clock = variance_clock(FULL_SESSION_BARS)
    for bar in BARS_AT.values():
        facts = _facts(market, days, bar)
        straight = clock[bar] * facts["vix_day"] - facts["beta"] * facts["so_far"]
        assert abs(_corr(straight, facts["rest"])) > 2 * _two_errors(facts["rest"])


def test_return_so_far_does_not_predict_the_rest(market: Market, days: dict[int, Day]) -> None:
    for bar in (*BARS_AT.values(), 66):
        facts = _facts(market, days, bar)
        assert abs(_corr(facts["so_far"], facts["rest"])) < _two_errors(facts["rest"])


def test_vix_innovation_does_not_predict_itself(market: Market, days: dict[int, Day]) -> None:
    """In shares of the level, so that one February does not outweigh four years."""
    for bar in BARS_AT.values():
        facts = _facts(market, days, bar)
        so_far = facts["vix_change"] - facts["beta"] * facts["so_far"]
        whole = facts["vix_day"] - facts["beta"] * (facts["so_far"] + facts["rest"])
        assert abs(_corr(so_far / facts["before"], (whole - so_far) / facts["before"])) < 0.12


def test_a_day_does_not_know_the_next(market: Market) -> None:
    row = market.rows(20150824, 20150824).start
    changed = Market(**{name: getattr(market, name) for name in Market.__slots__})
    for name in ("open", "high", "low", "close", "vix"):
        column = getattr(market, name).copy()
        column[row + 1 :] *= 1.5
        object.__setattr__(changed, name, column)
    first, second = build_day(market, row), build_day(changed, row)
    assert first.spx.close.tobytes() == second.spx.close.tobytes()
    assert first.vix.close.tobytes() == second.vix.close.tobytes()


def _facts(market: Market, days: dict[int, Day], bar: int) -> dict[str, Floats]:
    """What is known of every full session after ``bar`` bars, and what follows."""
    rows = []
    for row, day in days.items():
        if len(day.spx.close) != FULL_SESSION_BARS:
            continue
        price, before = float(day.spx.close[bar - 1]), vix_before(market, row)
        so_far, rest = math.log(price / market.close[row - 1]), math.log(market.close[row] / price)
        change = float(day.vix.close[bar - 1]) - before
        rows.append((so_far, rest, change, float(market.vix[row]) - before, before, beta(before)))
    names = ("so_far", "rest", "vix_change", "vix_day", "before", "beta")
    return dict(zip(names, np.array(rows).T, strict=True))


def _corr(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _two_errors(sample: Floats) -> float:
    return float(2.0 / np.sqrt(len(sample)))
