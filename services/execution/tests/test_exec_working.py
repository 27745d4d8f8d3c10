"""Limits: rounding, the opening walk, the closing ladder."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_execution.params import ExecutionParams, VenueParams, fraction_millionths, section_of
from contango_execution.quotes import LegQuote, net_price_micros
from contango_execution.working import (
    Rung,
    ceil_to,
    exit_limit,
    exit_rung,
    floor_to,
    increment_of,
    open_deadline_ns,
    open_limit,
    open_step,
)

MINUTE_NS = 60_000_000_000
TICKS = st.integers(-100_000, 100_000)
INCREMENTS = st.sampled_from([1, 5, 10])


@st.composite
def leg_quotes(draw: st.DrawFn) -> list[LegQuote]:
    legs = []
    for _ in range(draw(st.integers(1, 4))):
        bid = draw(st.integers(0, 5_000))
        legs.append(LegQuote(bid, bid + draw(st.integers(0 if bid else 1, 300)), -1, -1, 0, 0))
    return legs


@given(TICKS, INCREMENTS)
def test_rounding_goes_to_the_acceptable_side(ticks: int, increment: int) -> None:
    low, high = floor_to(ticks, increment), ceil_to(ticks, increment)
    assert low <= ticks <= high
    assert low % increment == high % increment == 0
    assert high - low in (0, increment)


@given(TICKS, INCREMENTS, st.integers(0, 600))
def test_an_opening_walk_rises_to_the_bound_and_never_beyond(bound: int, increment: int, minutes: int) -> None:
    params = ExecutionParams(open_walk_minutes=(0, 5, 13, 21, 29, 37), open_walk_ticks=(24, 20, 15, 10, 5, 0))
    step = open_step(params, minutes * MINUTE_NS)
    limit = open_limit(params, bound, increment, step)
    later = open_limit(params, bound, increment, open_step(params, (minutes + 1) * MINUTE_NS))
    assert limit <= later <= bound
    assert open_limit(params, bound, increment, open_step(params, 37 * MINUTE_NS)) == floor_to(bound, increment)


def test_the_deadline_is_the_earlier_of_both() -> None:
    params = ExecutionParams(open_deadline_minutes=60)
    assert open_deadline_ns(params, 0, 30 * MINUTE_NS) == 30 * MINUTE_NS
    assert open_deadline_ns(params, 0, 90 * MINUTE_NS) == 60 * MINUTE_NS


def test_the_ladder_climbs_to_market_and_stays() -> None:
    params = ExecutionParams(exit_achievable_frames=1, exit_natural_frames=2)
    rungs = [exit_rung(params, frames) for frames in range(6)]
    assert rungs == [Rung.ACHIEVABLE, Rung.NATURAL, Rung.NATURAL, Rung.MARKET, Rung.MARKET, Rung.MARKET]


@given(leg_quotes(), st.lists(st.sampled_from([-2, -1, 1, 2]), min_size=4, max_size=4), TICKS, INCREMENTS)
def test_a_closing_limit_is_marketable_at_its_rung_and_never_falls(
    quotes: list[LegQuote], ratios: list[int], last: int, increment: int
) -> None:
    params, ratios = ExecutionParams(), ratios[: len(quotes)]
    achievable = exit_limit(params, Rung.ACHIEVABLE, quotes, ratios, 10_000, increment, last)
    natural = exit_limit(params, Rung.NATURAL, quotes, ratios, 10_000, increment, last)
    assert achievable is not None
    assert natural is not None
    assert last <= achievable <= natural
    assert achievable % increment == 0 or achievable == last
    share = fraction_millionths(params.fill_fractions, len(ratios))
    assert achievable * 10_000 >= net_price_micros(quotes, ratios, 10_000, share)
    assert natural * 10_000 >= net_price_micros(quotes, ratios, 10_000, 1_000_000)
    assert exit_limit(params, Rung.MARKET, quotes, ratios, 10_000, increment, last) is None


def test_without_quotes_the_last_limit_is_widened() -> None:
    params = ExecutionParams(exit_widen_ticks=12)
    assert exit_limit(params, Rung.NATURAL, None, [1, -1], 10_000, 5, 100) == 115
    assert exit_limit(params, Rung.ACHIEVABLE, None, [1, -1], 10_000, 5, None) is None, "no price known: market"


@given(leg_quotes(), st.integers(0, 1_000_000))
def test_buying_and_selling_the_same_thing_cost_the_spread(quotes: list[LegQuote], share: int) -> None:
    """Bought and sold prices mirror each other about mid, up to a rounding of one millionth a leg."""
    ones = [1] * len(quotes)
    bought = net_price_micros(quotes, ones, 10_000, share)
    sold = -net_price_micros(quotes, [-1] * len(quotes), 10_000, share)
    mids = sum(quote.bid_ticks + quote.ask_ticks for quote in quotes) * 10_000
    assert math.isclose(bought + sold, mids, abs_tol=0), "both are rounded by the same amount, in opposite directions"


def test_fractions_of_a_millionth_are_rounded_against_the_account() -> None:
    quote = LegQuote(10, 11, -1, -1, 0, 0)
    assert net_price_micros([quote], [1], 1, 530_000) == 11
    assert net_price_micros([quote], [-1], 1, 530_000) == -10


def test_the_coarsest_root_sets_the_increment() -> None:
    increments = {"SPXW": 5, "XSP": 1}
    assert increment_of(increments, ["SPXW180316P02500000", "XSP180316P00250000"]) == 5
    assert increment_of(increments, ["SPY"]) == 1


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"open_deadline_minutes": 0}, "execution.open_deadline_minutes"),
        ({"surprise": 1}, "execution.surprise"),
        ({"open_walk_ticks": [5, 1]}, "fall to 0"),
        ({"open_walk_minutes": [0]}, "same number"),
        ({"fill_fractions": {"2": 0.5}}, "1 leg"),
        ({"fill_fractions": {"1": 1.5}}, "share between 0 and 1"),
    ],
)
def test_bad_parameters_are_named_in_one_line(section: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        section_of(ExecutionParams, {"execution": section}, "execution")
    assert "\n" not in str(caught.value)


def test_fractions_come_back_from_json_keys() -> None:
    params = section_of(VenueParams, {"venue": {"fill_fractions": {"1": 0.7, "4": 0.5}}}, "venue")
    assert [fraction_millionths(params.fill_fractions, legs) for legs in (1, 2, 4, 6)] == [
        700_000,
        700_000,
        500_000,
        500_000,
    ]
