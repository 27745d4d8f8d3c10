"""Features: history and stream are one code, bars count once, longer bars only when closed, the rank is of now."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.sessions import Sessions
from contango_common.domain.timeframe import Bar
from contango_common.events.market import BarHistory
from contango_common.runtime.fold import evolve
from contango_signals import bank, fold, volindex
from contango_signals.bank import BankParams, new_bank, value, values_of, with_bar, with_daily, with_daily_history
from contango_signals.volindex import iv_rank, new_vol_index

P = BankParams(sma_long=10, atr_rank_window=20)
MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS
ALWAYS_OPEN = Sessions(
    "24/7", tuple(range(1, 400)), tuple(i * DAY_NS for i in range(399)), tuple((i + 1) * DAY_NS for i in range(399))
)
closes = st.lists(st.floats(50.0, 150.0), min_size=1, max_size=60)


def block(values: list[float]) -> dict[str, np.ndarray]:
    close = np.array(values)
    ts_ns = np.arange(1, len(values) + 1, dtype=np.int64)
    return {"ts_ns": ts_ns, "open": close, "high": close + 1.0, "low": close - 1.0, "close": close}


def bar(i: int, x: float, volume: float | None = None, length_ns: int = 1) -> Bar:
    return Bar(i * length_ns, x, x + 1.0, x - 1.0, x, volume)


@settings(deadline=None)
@given(closes, st.integers(0, 60))
def test_daily_history_and_stream_agree_bit_for_bit(values: list[float], cut: int) -> None:
    empty = new_bank(P, 900, 252)
    whole, realised = with_daily_history(empty, block(values))
    head = block(values[:cut])
    parts, told = with_daily_history(empty, head)
    parts, again = with_daily_history(parts, head)
    assert again == {}, "what was taken in is not taken twice"
    for i, x in enumerate(values, 1):
        before, parts = parts, with_daily(parts, bar(i, x))
        if parts is not before and (vol := value(parts, "1d", "realised_vol")) is not None:
            told[parts.frames["1d"].bar_ns] = vol
    assert told == realised
    a, b = whole.frames["1d"], parts.frames["1d"]
    # vwap's session number differs between the two ways in; without volume it is never stepped
    assert a.values.tobytes() == b.values.tobytes()
    assert a.record.tobytes() == b.record.tobytes()
    assert a.bars == b.bars == len(values)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(50.0, 150.0), st.floats(0.0, 9.0)), min_size=1, max_size=80), st.integers(0, 80))
def test_a_step_leaves_the_old_bank_untouched_and_restart_changes_nothing(
    rows: list[tuple[float, float]], cut: int
) -> None:
    b = new_bank(P, 300, 252)
    for i, (x, volume) in enumerate(rows, 1):
        before = {name: (f.record.tobytes(), f.values.tobytes()) for name, f in b.frames.items()}
        after = with_bar(b, bar(i, x, volume, 5 * MINUTE_NS), 300, ALWAYS_OPEN)
        assert before == {name: (f.record.tobytes(), f.values.tobytes()) for name, f in b.frames.items()}
        if i == cut:  # from bytes
            frame = after.frames["5m"]
            frame.record = np.frombuffer(frame.record.tobytes(), dtype=frame.record.dtype).copy()
        b = after
    again = new_bank(P, 300, 252)
    for i, (x, volume) in enumerate(rows, 1):
        again = with_bar(again, bar(i, x, volume, 5 * MINUTE_NS), 300, ALWAYS_OPEN)
    for name in b.frames:
        assert b.frames[name].record.tobytes() == again.frames[name].record.tobytes()
        assert values_of(b, name) == values_of(again, name)


def test_longer_bars_are_seen_when_they_have_closed_and_a_gap_is_counted() -> None:
    b, seen = new_bank(P, 300, 252), []
    for i in [*range(1, 30), *range(31, 61)]:  # one five-minute bar is missing
        b = with_bar(b, bar(i, 100.0 + i, 1.0, 5 * MINUTE_NS), 300, ALWAYS_OPEN)
        seen.append((i, tuple(b.closed)))
    assert [i for i, closed in seen if "15m" in closed] == [*range(3, 30, 3), 31, *range(33, 61, 3)]
    assert [i for i, closed in seen if "1h" in closed] == [12, 24, 36, 48, 60]
    assert [i for i, closed in seen if "4h" in closed] == [48]
    assert b.frames["15m"].incomplete == 1
    assert b.frames["1h"].incomplete == 1
    assert b.frames["4h"].incomplete == 1
    assert b.frames["5m"].incomplete == 0
    assert values_of(b, "1h")["close"] == 160.0


def test_timeframes_below_the_books_bars_are_missing() -> None:
    assert list(new_bank(P, 900, 252).frames) == ["15m", "1h", "4h", "1d"]
    assert values_of(new_bank(P, 900, 252), "5m") == {}


def test_values_are_none_until_ready_and_never_nan() -> None:
    b = with_bar(new_bank(P, 900, 252), bar(1, 100.0), 900, None)
    values = values_of(b, "15m")
    assert values["close"] == 100.0
    assert values["ema_slow"] is None
    assert values["vwap"] is None, "there is no volume"
    assert not any(isinstance(x, float) and math.isnan(x) for x in values.values())


def rank_of(history: list[float], now: float) -> tuple[float, float]:
    """A slow twin: the last four closes and the current value."""
    window = [*history[-4:], now]
    low, high = min(window), max(window)
    return 100.0 * (now - low) / (high - low), 100.0 * sum(x < now for x in window[:-1]) / 4


@given(st.lists(st.floats(10.0, 60.0), min_size=4, max_size=12, unique=True), st.floats(61.0, 80.0))
def test_rank_of_the_current_value(history: list[float], now: float) -> None:
    vol = new_vol_index(5, None)
    volindex.take_history(vol, block(history))
    volindex.take_close(vol, now, 1000)
    place = iv_rank(vol)
    assert (place.rank, place.percentile) == pytest.approx(rank_of(history, now))
    volindex.take_daily(vol, now, 1000)  # the same value as the day's close: it does not count twice
    assert (iv_rank(vol).rank, iv_rank(vol).percentile) == pytest.approx(rank_of(history, now))
    assert iv_rank(vol) == iv_rank(vol)


def test_rank_is_none_while_the_history_is_short() -> None:
    vol = new_vol_index(5, None)
    for i in range(3):
        volindex.take_daily(vol, 15.0 + i, i + 1)
    assert iv_rank(vol).rank is None
    assert iv_rank(vol).count == 3


def test_the_window_of_the_rank_ends_at_its_parameter() -> None:
    vol = new_vol_index(5, None)
    for i, x in enumerate((90.0, 10.0, 20.0, 30.0, 40.0), 1):
        volindex.take_daily(vol, x, i)
    volindex.take_close(vol, 25.0, 99)
    assert iv_rank(vol).rank == pytest.approx(50.0)  # 90 has left: (25 - 10) / (40 - 10)


def test_read_only_blocks_are_taken_as_well() -> None:
    state = fold.initial()
    columns = block([100.0, 101.0, 102.0])
    for column in columns.values():
        column.flags.writeable = False
    event = BarHistory(symbol="SPX", timeframe_s=86_400, rows=3, bars="b")
    event.attach({"b": columns})
    evolve(fold, state, event, At(10, 1, "reference"))
    assert bank.value(state.symbols["SPX"].bank, "1d", "close") == 102.0
    assert state.symbols["SPX"].daily.closes == [100.0, 101.0, 102.0]
