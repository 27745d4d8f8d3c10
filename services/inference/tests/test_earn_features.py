"""Features of announcements: what they may look at, and the numbers by hand."""

from dataclasses import replace
from datetime import date as Date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_inference.earnings import calendar, fundamental, historical, market, volatility
from contango_inference.earnings.build import Inputs, build, distinct
from contango_inference.earnings.checks import notices_future
from contango_inference.earnings.events import (
    DAY_NS,
    DailyBars,
    Event,
    Reaction,
    Window,
    close_ns,
    cutoff_ns,
    instants,
    reaction,
)
from contango_inference.earnings.group import joined
from support.earn_world import bars_of, weekdays, world


def event(date: int, timing="amc", **more) -> Event:
    return Event("X", date, timing, *instants(date, timing), **more)


def bars(dates: list[int], closes: list[float]) -> DailyBars:
    prices = np.array(closes)
    return DailyBars(np.array([close_ns(d) for d in dates]), prices, prices, prices, prices)


# -- laws ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(120, 380))
@settings(max_examples=15)
def test_no_feature_notices_a_corrupted_future(seed: int, session: int):
    events, inputs = world(symbols=3, sessions=400, seed=seed)
    assert notices_future(events, inputs, [int(inputs.market.close_ns[session])]) == []


@given(st.integers(0, 10_000), st.integers(120, 380))
@settings(max_examples=15)
def test_no_feature_notices_a_missing_future(seed: int, session: int):
    """The tables that could have been built then are the first rows of those built later."""
    events, inputs = world(symbols=3, sessions=400, seed=seed)
    at = int(inputs.market.close_ns[session])

    def until(held: DailyBars) -> DailyBars:
        rows = held.rows_until(at)
        return DailyBars(*(c[:rows] for c in (held.close_ns, held.open, held.high, held.low, held.close)))

    then = Inputs(
        {name: until(held) for name, held in inputs.bars.items()},
        until(inputs.vix),
        until(inputs.market),
        {name: until(held) for name, held in inputs.sectors.items()},
    )
    early = [e for e in events if e.earliest_ns <= at]
    _, now_values = joined(build(events, inputs).groups)
    _, then_values = joined(build(early, then).groups)
    np.testing.assert_array_equal(now_values[: len(early)], then_values)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_every_row_was_known_at_the_last_close_before_and_every_label_after(seed: int):
    events, inputs = world(symbols=3, sessions=400, seed=seed)
    tables = build(events, inputs)
    latest = np.array([e.latest_ns for e in tables.events])
    for group in tables.groups:
        assert (group.known_at_ns <= tables.cutoffs_ns).all(), group.name
    assert (tables.cutoffs_ns <= [e.earliest_ns for e in tables.events]).all()
    known = np.isfinite(tables.labels.move)
    assert known.any()
    assert (tables.labels.known_at_ns[known] > latest[known]).all()


def test_the_future_check_catches_a_builder_that_looks_ahead():
    events, inputs = world(symbols=2, sessions=400)

    def cheating(asked, given_inputs):
        tables = build(asked, given_inputs)
        first = tables.groups[0]
        values = first.values.copy()
        values[:, 3] = tables.labels.move
        return replace(tables, groups=(replace(first, values=values), *tables.groups[1:]))

    at = sorted(e.earliest_ns for e in events)[4]
    assert notices_future(events, inputs, [at], rebuild=cheating) == [historical.NAMES[3]]


# -- when ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timing", "before", "after"),
    [("bmo", 101.0, 102.0), ("amc", 102.0, 103.0), ("unknown", 101.0, 103.0)],
)
def test_before_and_after_depend_on_the_time_of_day(timing, before, after):
    """Announced on Wednesday: before the open the last close is Tuesday's; after the close it is Wednesday's."""
    days = weekdays(Date(2024, 1, 29), 5)
    found = reaction(event(days[2], timing), bars(days, [100.0, 101.0, 102.0, 103.0, 104.0]))
    assert (found.before_close, found.after_close) == (before, after)


def test_instants_follow_daylight_saving():
    """16:00 in New York is 21:00 UTC in winter and 20:00 in summer."""
    winter, summer = instants(20240102, "amc")[0], instants(20240702, "amc")[0]
    assert winter % DAY_NS == 21 * 3_600_000_000_000
    assert summer % DAY_NS == 20 * 3_600_000_000_000


def test_a_reaction_that_is_not_known_has_its_reason():
    days = weekdays(Date(2024, 1, 29), 5)
    held = bars(days, [100.0] * 5)
    assert "end before" in reaction(event(days[-1]), held)
    assert "begin after" in reaction(event(20230103), held)
    assert "within 7 days" in reaction(event(20240301), held) or "end before" in reaction(event(20240301), held)
    assert "no bars" in reaction(event(days[0]), None)
    inside = Window(close_ns(days[1]), 1.0, close_ns(days[2]), 1.0)
    assert "do not stand around" in reaction(event(days[3], window=inside), None)


def test_the_last_close_before_is_the_newest_of_all_that_is_known():
    days = weekdays(Date(2024, 1, 29), 5)
    held, index = bars(days[:2], [1.0, 1.0]), bars(days, [1.0] * 5)
    assert cutoff_ns(event(days[2]), held, index) == close_ns(days[2])
    assert cutoff_ns(event(days[2]), held) == close_ns(days[1])
    assert cutoff_ns(event(days[2]), None) == event(days[2]).earliest_ns


# -- numbers by hand -----------------------------------------------------------------------------------------------


def moves(*values: float) -> list[Reaction]:
    return [Reaction(2 * i, 100.0, 2 * i + 1, 100.0 * (1.0 + v)) for i, v in enumerate(values)]


def test_historical_by_hand():
    found = historical.row(moves(0.01, -0.02, 0.03, -0.10, 0.05), 100).values
    assert found["abs_move_mean_1q"] == pytest.approx(0.05)
    assert found["abs_move_std_1q"] is None  # not 0
    assert found["abs_move_mean_2q"] == pytest.approx(0.075)
    assert found["abs_move_std_2q"] == pytest.approx(np.std([0.10, 0.05], ddof=1))
    assert found["abs_move_max_4q"] == pytest.approx(0.10)
    assert found["abs_move_median_4q"] == pytest.approx(0.04)
    assert found["abs_move_count_8q"] == 5.0
    assert (found["has_4q"], found["has_8q"]) == (1.0, 0.0)
    assert found["move_mean_8q"] == pytest.approx(-0.006)
    assert found["up_share_8q"] == pytest.approx(0.6)
    assert found["abs_move_trend"] == pytest.approx(np.polyfit(range(5), [0.01, 0.02, 0.03, 0.10, 0.05], 1)[0])
    assert found["trr"] == pytest.approx(0.10 / 0.042)


@pytest.mark.parametrize(("n", "quality"), [(0, 0.0), (1, 0.1), (2, 0.3), (3, 0.3), (4, 0.6), (8, 1.0), (20, 1.0)])
def test_quality_adds_up(n, quality):
    assert historical.row(moves(*[0.01] * n), 1000).values["quality"] == pytest.approx(quality)


def test_a_move_that_is_not_yet_known_is_no_history():
    assert historical.row(moves(0.01, 0.02), 1).values["abs_move_count_8q"] == 1.0
    assert historical.row(moves(0.01), 0).values["abs_move_mean_8q"] is None


def test_volatility_by_hand():
    rng = np.random.default_rng(3)
    days = weekdays(Date(2020, 1, 1), 400)
    held = bars_of(days, 0.02 * rng.standard_normal(400), np.full(400, 0.01))
    row = volatility.row(event(days[300]), held)
    close = held.close[:301]
    returns = np.diff(np.log(close))
    ranges = [
        max(h - l, abs(h - c), abs(l - c))
        for h, l, c in zip(held.high[1:301], held.low[1:301], close[:-1], strict=True)
    ]
    assert row.values["hv_20"] == pytest.approx(returns[-20:].std(ddof=1) * 252**0.5)
    assert row.values["atr_pct_10"] == pytest.approx(np.mean(ranges[-10:]) / close[-1])
    assert row.values["bb_width_50"] == pytest.approx(4 * close[-50:].std() / close[-50:].mean())
    rolled = [returns[i - 10 : i].std(ddof=1) for i in range(len(returns) - 251, len(returns) + 1)]
    assert row.values["hv_percentile_10"] == pytest.approx(np.mean(np.array(rolled) <= rolled[-1]))
    assert row.newest_ns == close_ns(days[300])
    assert volatility.row(event(days[300], "bmo"), held).newest_ns == close_ns(days[299])
    assert row.reasons == ()


def test_atr_does_not_depend_on_the_price_of_a_share():
    rng = np.random.default_rng(3)
    held = bars_of(weekdays(Date(2020, 1, 1), 100), 0.02 * rng.standard_normal(100), np.full(100, 0.01))
    one = volatility.features(held.high, held.low, held.close)
    other = volatility.features(50 * held.high, 50 * held.low, 50 * held.close)
    assert one == pytest.approx(other)


def test_what_only_a_window_knows():
    """Without bars: hv_10 from the window, everything else missing, with the reason."""
    days = weekdays(Date(2024, 1, 29), 5)
    seen = Window(close_ns(days[1]), 100.0, close_ns(days[2]), 110.0, 0.35)
    row = volatility.row(event(days[1], window=seen), None)
    assert row.values["hv_10"] == 0.35
    assert sum(value is not None for value in row.values.values()) == 1
    assert row.reasons == ("no daily bars of X: hv_10 alone",)
    tables = build([event(days[1], window=seen)], Inputs())
    assert tables.labels.move[0] == pytest.approx(0.10)
    assert all(reason for group in tables.groups[1:3] for reason in group.reasons)


def test_bars_that_do_not_reach_leave_it_to_the_window():
    days = weekdays(Date(2024, 1, 1), 30)
    seen = Window(close_ns(days[25]), 100.0, close_ns(days[26]), 90.0, 0.5)
    short = bars(days[:20], [100.0] * 20)
    assert reaction(event(days[25], window=seen), short).move == pytest.approx(-0.10)
    assert isinstance(reaction(event(days[25]), short), str)
    late_start = bars(days[24:], [100.0] * 6)
    row = volatility.row(event(days[25], window=seen), late_start)
    assert row.values["hv_10"] == 0.5
    assert row.reasons == ("2 bars of X before the announcement: hv_10 alone",)


def test_market_by_hand():
    events, inputs = world(symbols=1, sessions=400)
    asked = events[-1]
    rows = inputs.market.rows_until(asked.earliest_ns)
    given_all = {"vix": inputs.vix, "market": inputs.market, "sectors": inputs.sectors}
    found = market.row(asked, inputs.bars["S0"], **given_all).values
    close = inputs.market.close[:rows]
    assert found["vix"] == inputs.vix.close[rows - 1]
    assert found["market_return_20"] == pytest.approx(close[-1] / close[-21] - 1)
    own, index = (np.diff(np.log(c[rows - 61 : rows])) for c in (inputs.bars["S0"].close, inputs.market.close))
    assert found["market_correlation_60"] == pytest.approx(np.corrcoef(own, index)[0, 1])
    nothing = market.row(asked, None, vix=None, market=None, sectors={})
    assert set(nothing.values.values()) == {None}
    assert len(nothing.reasons) == 5


def test_an_index_that_ended_long_ago_says_nothing():
    days = weekdays(Date(2024, 1, 1), 300)
    index = bars(days[:250], [100.0] * 250)
    row = market.row(event(days[290]), None, vix=None, market=index, sectors={})
    assert row.values["market_return_5"] is None


def test_calendar_by_hand():
    days = weekdays(Date(2020, 1, 1), 300)
    index = bars(days, list(np.linspace(100.0, 200.0, 300)))
    asked, before = event(days[260]), event(days[200])
    found = calendar.row(asked, [before], index, asked.earliest_ns).values
    assert found["market_phase"] == 1.0
    assert found["season_sin"] ** 2 + found["season_cos"] ** 2 == pytest.approx(1.0)
    assert found["after_close"] == 1.0
    assert calendar.row(event(days[260], "unknown"), [], None, asked.earliest_ns).values["after_close"] is None
    falling = bars(days, list(np.linspace(200.0, 100.0, 300)))
    assert calendar.row(asked, [], falling, asked.earliest_ns).values["market_phase"] == -1.0


def test_surprises_are_of_the_past_alone():
    days = weekdays(Date(2024, 1, 1), 60)
    old = event(days[0], eps_estimate=1.0, eps=1.5)
    pairs = [(old, Reaction(0, 50.0, 10, 51.0))]
    assert fundamental.row(pairs, 10).values["surprise_last"] == pytest.approx(0.01)
    assert fundamental.row(pairs, 9).values["surprise_last"] is None


def test_an_event_stands_once():
    one = event(20240102)
    kept, left_out = distinct([one, event(20240102, "bmo"), event(20240101)])
    assert [e.date for e in kept] == [20240101, 20240102]
    assert left_out == 1
    assert kept[1].timing == "amc"
    with pytest.raises(ValueError, match="twice"):
        build([one, one], Inputs())
