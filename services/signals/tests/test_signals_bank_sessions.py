"""The banks and sessions: a bar belongs to its own session, and what lies outside every session to none."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.sessions import Sessions
from contango_common.domain.timeframe import Bar
from contango_common.events.market import Bars, SessionTable
from contango_common.events.signal import ProfileBuilt, RegimeReport
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import step
from contango_signals import fold
from contango_signals.bank import BankParams, SymbolBank, new_bank, value, with_bar
from contango_signals.divergence import years_to_expiry

MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS
ALWAYS = Sessions("24/7", (20240101, 20240102), (0, DAY_NS), (DAY_NS, 2 * DAY_NS))
NINE_TO_FIVE = Sessions(
    "XNYS", (20240101, 20240102), (540 * MINUTE_NS, 1980 * MINUTE_NS), (1020 * MINUTE_NS, 2460 * MINUTE_NS)
)


def bank_after(bars: list[tuple[int, float, float]], sessions: Sessions) -> SymbolBank:
    """Bars of five minutes: (minute at which it closed, price, volume)."""
    bank = new_bank(BankParams(), 300, 252)
    for minute, price, volume in bars:
        bank = with_bar(bank, Bar(minute * MINUTE_NS, price, price, price, price, volume), 300, sessions)
    return bank


def test_a_bar_that_is_over_only_today_is_of_yesterday_for_the_vwap() -> None:
    """The bucket that the outage cut is closed by the first bar behind midnight; its volume is not of that day."""
    bars = [(1430, 100.0, 1000.0), (1445, 200.0, 10.0), (1450, 200.0, 10.0), (1455, 200.0, 10.0)]
    assert value(bank_after(bars, ALWAYS), "15m", "vwap") == 200.0


@settings(deadline=None)
@given(st.lists(st.integers(1, 530), max_size=4), st.lists(st.integers(1025, 1970), max_size=4))
def test_bars_outside_every_session_change_nothing(early: list[int], late: list[int]) -> None:
    inside = [(545 + 5 * i, 100.0 + i, 10.0) for i in range(30)]
    outside = [(minute, 500.0, 9e9) for minute in {*early, *late}]
    plain, mixed = bank_after(inside, NINE_TO_FIVE), bank_after(sorted(inside + outside), NINE_TO_FIVE)
    assert (plain.close, plain.bar_ns) == (mixed.close, mixed.bar_ns)
    for name, frame in plain.frames.items():
        np.testing.assert_array_equal(frame.values, mixed.frames[name].values)


def play(signals: dict[str, object], bars: int) -> list[object]:
    """Fifteen-minute bars of two sessions of eight hours."""
    state, facts = fold.initial(), []
    table = SessionTable(
        calendar="XNYS", date=NINE_TO_FIVE.date, open_ns=NINE_TO_FIVE.open_ns, close_ns=NINE_TO_FIVE.close_ns
    )
    ends = [opened + 15 * (i + 1) * MINUTE_NS for opened in table.open_ns for i in range(32)]
    step(fold, state, [ParametersChanged(params={"signals": signals}, reason="start"), table], At(0, 1, "md"))
    for seq, ts_ns in enumerate(ends[:bars], 2):
        one = (100.0 + seq % 7,)
        event = Bars(timeframe_s=900, symbols=("SPY",), open=one, high=one, low=one, close=one, volume=(10.0,))
        facts += step(fold, state, [event], At(ts_ns, seq, "md"))[0]
    return facts


def test_the_profile_says_from_which_session_on_it_counts() -> None:
    """A day and a half of sessions: 32 bars of yesterday, 16 of today; a market with sessions has fewer bars a day."""
    facts = play({"profile": {"days": 2}, "bank": {"session_s": 28_800}, "sessions_per_year": 366}, 48)
    built = [fact for fact in facts if isinstance(fact, ProfileBuilt)]
    assert {fact.from_ns for fact in built} == {NINE_TO_FIVE.open_ns[0]}
    assert max(fact.bars for fact in built) > 32
    short = play({"profile": {"days": 1}, "bank": {"session_s": 28_800}, "sessions_per_year": 366}, 64)
    last = [fact for fact in short if isinstance(fact, ProfileBuilt)][-1]
    assert (last.from_ns, last.bars) == (NINE_TO_FIVE.open_ns[last.bars <= 16], last.bars)
    assert last.bars <= 32


def test_a_detector_that_never_was_ready_says_so_once() -> None:
    told = [fact for fact in play({}, 10) if isinstance(fact, RegimeReport) and fact.detector == "s2"]
    assert [(fact.label, fact.previous) for fact in told] == [(None, None)]
    assert told[0].abstain is not None
    assert "vix" in told[0].abstain


@given(st.dates().filter(lambda day: 1990 <= day.year <= 2090), st.integers(0, 60))
def test_the_quarterly_expiry_is_a_third_friday_far_enough_away(day: object, roll_days: int) -> None:
    midday = np.datetime64(str(day), "ns") + np.timedelta64(12, "h")
    days = round(365 * years_to_expiry(int(midday.astype(np.int64)), roll_days))
    expiry = (np.datetime64(str(day), "D") + np.timedelta64(days, "D")).astype(object)
    assert (expiry.weekday(), expiry.month % 3) == (4, 0)
    assert 15 <= expiry.day <= 21
    assert roll_days <= days <= roll_days + 98
