"""Features: history and stream are one code, bars count once, the rank's newest value is the current one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.market import BarHistory
from contango_common.runtime.fold import evolve
from contango_signals import fold
from contango_signals.features import (
    feature_values,
    iv_rank,
    new_symbol,
    new_vol_index,
    take_bar,
    take_daily,
    take_history,
    take_vol_close,
    take_vol_daily,
    take_vol_history,
)
from contango_signals.params import SignalsParams

P = SignalsParams(daily_sma=10, iv_rank_window_sessions=5)
closes = st.lists(st.floats(50.0, 150.0), min_size=1, max_size=60)


def block(values: list[float]) -> dict[str, np.ndarray]:
    close = np.array(values)
    ts_ns = np.arange(1, len(values) + 1, dtype=np.int64)
    return {"ts_ns": ts_ns, "open": close, "high": close + 1.0, "low": close - 1.0, "close": close}


@settings(deadline=None)
@given(closes, st.integers(0, 60), st.booleans())
def test_history_and_stream_agree_bit_for_bit(values: list[float], cut: int, daily: bool) -> None:
    whole, parts = new_symbol(P), new_symbol(P)
    take_history(whole, block(values), daily)
    head = block(values[:cut])
    take_history(parts, head, daily)
    take_history(parts, head, daily)  # what was taken in already is not taken twice
    step = take_daily if daily else take_bar
    for i, x in enumerate(values, 1):
        step(parts, x + 1.0, x - 1.0, x, i)
    bank = (lambda f: f.daily) if daily else (lambda f: f.intraday)
    assert bank(whole).values.tobytes() == bank(parts).values.tobytes()
    assert (whole.daily_close, whole.daily_adx) == (parts.daily_close, parts.daily_adx)


def test_values_are_none_until_ready() -> None:
    features, vol = new_symbol(P), new_vol_index(P)
    take_bar(features, 101.0, 99.0, 100.0, 1)
    values = feature_values(features, vol, P)
    assert values["close"] == 100.0
    assert values["ema_slow"] is None
    assert values["iv_rank_5"] is None
    assert values["iv_rank_count"] == 0.0


def rank_of(history: list[float], now: float) -> tuple[float, float]:
    """A slow twin: the last four closes and the current value."""
    window = [*history[-4:], now]
    low, high = min(window), max(window)
    return 100.0 * (now - low) / (high - low), 100.0 * sum(x < now for x in window[:-1]) / 4


@given(st.lists(st.floats(10.0, 60.0), min_size=4, max_size=12, unique=True), st.floats(61.0, 80.0))
def test_rank_of_the_current_value(history: list[float], now: float) -> None:
    vol = new_vol_index(P)
    take_vol_history(vol, block(history))
    take_vol_close(vol, now, 1000)
    place = iv_rank(vol)
    assert (place.rank, place.percentile) == pytest.approx(rank_of(history, now))
    take_vol_daily(vol, now, 1000)  # the same value as the day's close: it does not count twice
    assert (iv_rank(vol).rank, iv_rank(vol).percentile) == pytest.approx(rank_of(history, now))
    assert iv_rank(vol) == iv_rank(vol)


def test_rank_is_none_while_the_history_is_short() -> None:
    vol = new_vol_index(P)
    for i in range(3):
        take_vol_daily(vol, 15.0 + i, i + 1)
    assert iv_rank(vol).rank is None
    assert iv_rank(vol).count == 3


def test_the_window_of_the_rank_ends_at_its_parameter() -> None:
    vol = new_vol_index(P)
    for i, x in enumerate((90.0, 10.0, 20.0, 30.0, 40.0), 1):
        take_vol_daily(vol, x, i)
    take_vol_close(vol, 25.0, 99)
    assert iv_rank(vol).rank == pytest.approx(50.0)  # 90 has left: (25 - 10) / (40 - 10)


def test_read_only_blocks_are_taken_as_well() -> None:
    state = fold.initial()
    columns = block([100.0, 101.0, 102.0])
    for column in columns.values():
        column.flags.writeable = False
    event = BarHistory(symbol="SPX", timeframe_s=86_400, rows=3, bars="b")
    event.attach({"b": columns})
    evolve(fold, state, event, At(10, 1, "reference"))
    assert state.features["SPX"].daily_close == 102.0
