"""Resampling: stream = batch, later bars change nothing, what is forming is never shown, buckets match a slow twin."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_common.domain.sessions import MINUTE_NS, Sessions
from contango_common.edge.calendar import session_table
from contango_market_data.bars import longer
from contango_market_data.resample import TARGETS, Bar, Resampler, incomplete_flags, resample, to_columns

FIVE = 5 * MINUTE_NS
NYSE = session_table("XNYS", date(2018, 7, 2), date(2018, 7, 6))  # 3 July closes at 13:00, 4 July is shut
ROUND = session_table("24/7", date(2018, 7, 2), date(2018, 7, 4))
MINUTES = {"15m": 15, "1h": 60, "4h": 240, "1d": 1440}


def grid(sessions: Sessions) -> list[int]:
    return [
        end
        for opens, closes in zip(sessions.open_ns, sessions.close_ns, strict=True)
        for end in range(opens + FIVE, closes + 1, FIVE)
    ]


def make(ends: list[int], prices: list[float]) -> list[Bar]:
    return [Bar(end, p, p + 1, p - 1, p + 0.5, 10.0) for end, p in zip(ends, prices, strict=True)]


@st.composite
def series(draw):
    """A calendar and some of its 5-minute bars, with holes."""
    sessions = draw(st.sampled_from([NYSE, ROUND]))
    ends = grid(sessions)
    start = draw(st.integers(0, len(ends) - 1))
    length = draw(st.integers(1, 130))
    kept = [end for end in ends[start : start + length] if draw(st.integers(0, 9)) > 0]
    prices = [draw(st.floats(10, 20)) for _ in kept]
    return sessions, make(kept, prices), draw(st.sampled_from(TARGETS))


def stream(sessions, bars, timeframe):
    resampler = Resampler(timeframe, sessions)
    return [(bar.ts_ns, over) for bar in bars for over in resampler.push(bar)]


def columns(bars):
    import numpy as np

    names = ("open", "high", "low", "close", "volume")
    made = {name: np.array([getattr(bar, name) for bar in bars], dtype=float) for name in names}
    return {"ts_ns": np.array([bar.ts_ns for bar in bars], dtype=np.int64), **made}


@settings(max_examples=80, deadline=None)
@given(series())
def test_batch_is_stream(given_series):
    sessions, bars, timeframe = given_series
    assert resample(columns(bars), timeframe, sessions) == [over for _, over in stream(sessions, bars, timeframe)]


@settings(max_examples=80, deadline=None)
@given(series(), st.data())
def test_later_bars_change_no_earlier_output(given_series, data):
    sessions, bars, timeframe = given_series
    cut = data.draw(st.integers(0, len(bars)))
    whole, part = stream(sessions, bars, timeframe), stream(sessions, bars[:cut], timeframe)
    assert whole[: len(part)] == part


@settings(max_examples=80, deadline=None)
@given(series())
def test_nothing_is_shown_before_it_has_closed(given_series):
    sessions, bars, timeframe = given_series
    assert all(over.bar.ts_ns <= known_at for known_at, over in stream(sessions, bars, timeframe))


def twin(sessions, bars, minutes):
    """Slow and obvious: for each session and bucket, look at every bar."""
    found = []
    for opens, closes in zip(sessions.open_ns, sessions.close_ns, strict=True):
        start = opens
        while start < closes:
            end = min(start + minutes * MINUTE_NS, closes)
            inside = [bar for bar in bars if start < bar.ts_ns <= end]
            over = bars and (bars[-1].ts_ns > end or any(bar.ts_ns == end for bar in inside))
            if inside and over:
                due = len([e for e in range(start + FIVE, end + FIVE, FIVE) if e - FIVE < end])
                found.append(
                    (
                        end,
                        inside[0].open,
                        max(b.high for b in inside),
                        min(b.low for b in inside),
                        inside[-1].close,
                        sum(b.volume for b in inside),
                        len(inside),
                        due,
                    )
                )
            start = end
    return found


@settings(max_examples=80, deadline=None)
@given(series())
def test_buckets_are_those_of_the_twin(given_series):
    sessions, bars, timeframe = given_series
    got = [
        (o.bar.ts_ns, o.bar.open, o.bar.high, o.bar.low, o.bar.close, o.bar.volume, o.parts, o.parts_due)
        for _, o in stream(sessions, bars, timeframe)
    ]
    assert got == twin(sessions, bars, MINUTES[timeframe])


def test_a_full_week_gives_complete_bars_aligned_to_the_opening():
    ends = grid(NYSE)
    bars = make(ends, [15.0] * len(ends))
    counts = {tf: len(resample(columns(bars), tf, NYSE)) for tf in TARGETS}
    # Three whole sessions of 78 five-minute bars and a half-day of 42.
    assert counts == {"15m": 3 * 26 + 14, "1h": 3 * 7 + 4, "4h": 3 * 2 + 1, "1d": 4}
    hourly = resample(columns(bars), "1h", NYSE)
    assert all(over.complete for over in hourly)
    assert hourly[0].bar.ts_ns == NYSE.open_ns[0] + 60 * MINUTE_NS
    assert (hourly[6].bar.ts_ns, hourly[6].parts_due) == (NYSE.close_ns[0], 6)
    assert incomplete_flags(hourly, "SPX") == []


def test_a_hole_is_flagged_and_counted_never_filled():
    ends = grid(ROUND)[:48]
    bars = make([end for i, end in enumerate(ends) if not 10 <= i < 20], [15.0] * 38)
    out = resample(columns(bars), "4h", ROUND)
    assert [(o.parts, o.parts_due, o.complete) for o in out] == [(38, 48, False)]
    (flag,) = incomplete_flags(out, "BTCUSDT")
    assert (flag.reason, flag.count) == ("incomplete bar", 1)
    assert to_columns(out)["volume"].tolist() == [380.0]


def test_bars_outside_the_sessions_are_counted_and_left_out():
    resampler = Resampler("15m", NYSE)
    assert resampler.push(Bar(NYSE.open_ns[0], 1.0, 1.0, 1.0, 1.0, None)) == []
    assert resampler.outside == 1


def test_a_bar_that_does_not_ascend_is_refused():
    resampler = Resampler("15m", NYSE)
    resampler.push(Bar(NYSE.open_ns[0] + FIVE, 1.0, 1.0, 1.0, 1.0, None))
    with pytest.raises(UserError, match="bars must ascend"):
        resampler.push(Bar(NYSE.open_ns[0] + FIVE, 1.0, 1.0, 1.0, 1.0, None))
    with pytest.raises(UserError, match="cannot resample"):
        Resampler("7m", NYSE)


@settings(deadline=None)
@given(series())
def test_what_goes_on_the_log_ascends_and_loses_nothing(case):
    """Behind a gap two bars may be over at once: they are told as one."""
    sessions, bars, timeframe = case
    told = list(longer(bars, timeframe, sessions))
    assert all(a.ts_ns < b.ts_ns for a, b in pairwise(told))
    assert {bar.ts_ns for bar in told} <= {bar.ts_ns for bar in bars}
    over = resample(columns(bars), timeframe, sessions)
    assert sum(bar.volume for bar in told) == sum(closed.bar.volume for closed in over)
    if over:
        assert (told[0].open, told[-1].close) == (over[0].bar.open, over[-1].bar.close)
        assert max(bar.high for bar in told) == max(closed.bar.high for closed in over)


def test_a_cut_bar_and_the_next_that_end_together_are_one():
    ends = [ROUND.open_ns[0] + minute * MINUTE_NS for minute in (5, 10, 30)]
    (bar,) = longer(make(ends, [10.0, 12.0, 11.0]), "15m", ROUND)
    assert bar == Bar(ends[2], 10.0, 13.0, 9.0, 11.5, 30.0)
