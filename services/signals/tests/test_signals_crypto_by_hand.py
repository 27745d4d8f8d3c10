"""Crypto strategies by hand, the parts of the day at their minutes in UTC, and the life of each in the fold."""

from typing import Any

import pytest

from contango_common.events.base import Event
from contango_common.events.market import FeedState, SessionTable
from contango_common.events.signal import ExitSignal, Proposal, RegimeReport
from contango_signals.sessions24 import session_at
from contango_signals.strategies import crypto_momentum
from support.bar_assets import DAY_NS, MINUTE_NS, Run, asked, bar, begin, bought, context_is_whole, left, shown

DAY_0 = 19_723 * DAY_NS  # 2024-01-01, midnight UTC
QUARTER_NS = 15 * MINUTE_NS
ROUND_THE_CLOCK = SessionTable(
    calendar="24/7",
    date=tuple(range(20240101, 20240111)),
    open_ns=tuple(DAY_0 + i * DAY_NS for i in range(10)),
    close_ns=tuple(DAY_0 + (i + 1) * DAY_NS for i in range(10)),
)

# -- momentum ----------------------------------------------------------------------------------------------------------

MOVED = {
    "momentum_15m": 0.03,
    "atr_percent_15m": 0.8,
    "atr_15m": 0.4,
    "atr_pctl_1h": 30.0,
    "rvol_15m": 3.0,
}
WILD = {"adx": 25.0, "rvol": 2.0}


def test_momentum_by_hand() -> None:
    """Close 50, ATR 0.4, which is 0.8 % of it; 3 % in 20 bars; ATR at its 30th percentile; rvol 3 of a threshold of 2.

    momentum 0.03/(2·0.008·√20) = 0.419263, volatility 1 − 20/50 = 0.6, volume 3/4 = 0.75
    score 0.4·0.419263 + 0.3·0.6 + 0.3·0.75 = 0.572705; stop 50 − 2.5·0.4; target 50 + 5·0.4
    """
    found = bought("crypto_momentum", shown(MOVED, 50.0, thresholds=WILD))
    assert found.score == pytest.approx(0.572705, abs=1e-6)
    assert [found.stop, found.target] == pytest.approx([49.0, 52.0])
    assert found.why["momentum_score"] == pytest.approx(0.419263, abs=1e-6)
    assert found.why["volatility_score"] == pytest.approx(0.6)
    assert found.why["volume_score"] == pytest.approx(0.75)
    assert found.alternatives == {"threshold_asia": "would have triggered at 0.572705"}


def test_momentum_weights_are_shares_of_their_sum() -> None:
    half = {"weight_momentum": 0.2, "weight_volatility": 0.15, "weight_volume": 0.15}
    seen = shown(MOVED, 50.0, thresholds=WILD)
    found = bought("crypto_momentum", seen, **half)
    assert found.score == pytest.approx(bought("crypto_momentum", seen).score, rel=1e-12)
    assert [found.why[f"weight_{name}"] for name in ("momentum", "volatility", "volume")] == pytest.approx(
        [0.4, 0.3, 0.3]
    )
    nothing = {"weight_momentum": 0.0, "weight_volatility": 0.0, "weight_volume": 0.0}
    assert asked("crypto_momentum", seen, **nothing) is None


def test_momentum_scores_end_at_their_bounds() -> None:
    """A rise of six times its expected size counts 1, a fall 0; volume of three times the threshold counts 1."""
    strong = bought("crypto_momentum", shown({**MOVED, "momentum_15m": 0.2, "rvol_15m": 6.0}, 50.0, thresholds=WILD))
    assert (strong.why["momentum_score"], strong.why["volume_score"]) == (1.0, 1.0)
    falling = shown({**MOVED, "momentum_15m": -0.2, "rvol_15m": 6.0, "atr_pctl_1h": 50.0}, 50.0, thresholds=WILD)
    found = bought("crypto_momentum", falling)
    assert found.why["momentum_score"] == 0.0
    assert found.score == pytest.approx(0.6)  # 0.3·1 + 0.3·1


def test_momentum_wants_the_timeframes_to_agree_on_up() -> None:
    for direction, confidence, buys in (
        (1, 0.7, True),
        (1, 1.0, True),
        (1, 0.0, False),
        (0, 0.0, False),
        (-1, 1.0, False),
    ):
        seen = shown(MOVED, 50.0, thresholds=WILD, direction=direction, confidence=confidence)
        assert (asked("crypto_momentum", seen) is not None) == buys


# -- parts of the day --------------------------------------------------------------------------------------------------

# (threshold of the score, size of 1.6) by part, and the searched ranges of both.
PARTS = {
    "asia": (0.45, 1.2, [0.35, 0.55], [0.8, 1.6]),
    "europe": (0.50, 1.0, [0.40, 0.60], [0.8, 1.4]),
    "us": (0.40, 1.1, [0.30, 0.50], [0.8, 1.5]),
}


@pytest.mark.parametrize(
    ("hour", "minute", "part"),
    [
        (0, 0, "us"),  # the bar of 23:45 to midnight
        (0, 1, "asia"),
        (0, 15, "asia"),
        (7, 59, "asia"),
        (8, 0, "asia"),
        (8, 1, "europe"),
        (8, 15, "europe"),
        (15, 59, "europe"),
        (16, 0, "europe"),
        (16, 1, "us"),
        (23, 59, "us"),
    ],
)
def test_the_minutes_at_which_one_part_of_the_day_follows_another(hour: int, minute: int, part: str) -> None:
    """UTC throughout: the same in January and in July, on a leap day and at the turn of the year."""
    for day in (DAY_0, DAY_0 - DAY_NS, DAY_0 + 59 * DAY_NS, DAY_0 + 200 * DAY_NS):
        assert session_at(day + (60 * hour + minute) * MINUTE_NS) == part


@pytest.mark.parametrize("part", PARTS)
def test_thresholds_sizes_and_their_ranges_are_the_published_ones(part: str) -> None:
    threshold, multiplier, threshold_range, multiplier_range = PARTS[part]
    fields, p = crypto_momentum.Params.model_fields, crypto_momentum.Params()
    for name, value, bounds in (
        (f"threshold_{part}", threshold, threshold_range),
        (f"multiplier_{part}", multiplier, multiplier_range),
    ):
        extra: Any = fields[name].json_schema_extra
        assert getattr(p, name) == value
        assert list(extra["tune"]) == bounds


@pytest.mark.parametrize("part", PARTS)
def test_a_score_at_the_threshold_buys_and_one_below_does_not(part: str) -> None:
    """Volume alone counts: the score is rvol over 4."""
    threshold, multiplier, _, _ = PARTS[part]
    alone = {"weight_momentum": 0.0, "weight_volatility": 0.0, "weight_volume": 1.0}
    at = shown({**MOVED, "rvol_15m": 4.0 * threshold}, 50.0, thresholds=WILD, session=part)
    found = bought("crypto_momentum", at, **alone)
    assert found.score == threshold
    assert found.size_factor == pytest.approx(multiplier / 1.6)
    assert (found.why["threshold"], found.why["multiplier"]) == (threshold, multiplier)
    assert list(found.alternatives) == [f"threshold_{part}"]
    below = shown({**MOVED, "rvol_15m": 4.0 * threshold - 1e-6}, 50.0, thresholds=WILD, session=part)
    assert asked("crypto_momentum", below, **alone) is None


# -- trend -------------------------------------------------------------------------------------------------------------

TREND = {"adx_15m": 40.0, "vwap_15m": 199.0, "atr_15m": 2.0}
BULLISH: dict[str, Any] = {
    "labels": {"s1": "TRENDING_BULLISH"},
    "thresholds": {"adx": 35.0, "rvol": 1.5},
    "confidence": 0.7,
    "weighted_confidence": 0.9,
}


def test_trend_by_hand() -> None:
    """Stop 200 − 2.5·2 = 195, no target: it is held while the label lasts; score 40/100 + 0.9/2 = 0.85."""
    found = bought("crypto_trend", shown(TREND, 200.0, **BULLISH))
    assert (found.stop, found.target, found.size_factor) == (195.0, None, 1.0)
    assert found.score == pytest.approx(0.85)
    assert (found.why["adx"], found.why["adx_needed"], found.why["vwap"]) == (40.0, 35.0, 199.0)
    assert bought("crypto_trend", shown(TREND, 200.0, **BULLISH), target_atr=4.0).target == 208.0


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ({"adx_15m": 34.9}, {}),
        ({"vwap_15m": 200.0}, {}),
        ({"vwap_15m": 201.0}, {}),
        ({}, {"confidence": 0.0}),
        ({}, {"direction": -1}),
        ({}, {"direction": 0}),
        ({}, {"labels": {"s1": "UNCERTAIN"}}),
        ({}, {"labels": {"s1": "RANGING"}}),
        ({}, {"labels": {"s1": "TRENDING_BEARISH"}}),
        ({}, {"labels": {"s1": None}}),
        ({}, {"labels": {}}),
    ],
)
def test_trend_wants_all_of_it(values: Any, changes: Any) -> None:
    assert asked("crypto_trend", shown({**TREND, **values}, 200.0, **{**BULLISH, **changes})) is None


def test_trend_is_held_through_uncertainty_and_left_when_it_is_over() -> None:
    frozen = {**TREND, "stop": 195.0}
    for label, reason in (
        ("TRENDING_BULLISH", None),
        ("UNCERTAIN", None),
        ("RANGING", "trend_over"),
        ("TRENDING_BEARISH", "trend_over"),
    ):
        assert left("crypto_trend", shown(frozen, 196.0, **{**BULLISH, "labels": {"s1": label}})) == reason
    assert left("crypto_trend", shown(frozen, 195.0, **BULLISH)) == "stop"


# -- reversion ---------------------------------------------------------------------------------------------------------

RANGE = {"rsi_15m": 25.0, "bb_position_15m": 0.05, "bb_middle_15m": 10.3, "atr_15m": 0.2}
RANGING: dict[str, Any] = {"labels": {"s1": "RANGING"}}


def test_reversion_by_hand() -> None:
    """Stop 10 − 1·0.2, target the middle of the bands; score 0.5 + (35 − 25)/100 + (0.15 − 0.05) = 0.7."""
    found = bought("crypto_reversion", shown(RANGE, 10.0, **RANGING))
    assert (found.stop, found.target, found.size_factor) == (9.8, 10.3, 1.0)
    assert found.score == pytest.approx(0.7)
    assert set(found.alternatives) == {"max_rsi", "max_position"}


@pytest.mark.parametrize(
    ("values", "changes", "buys"),
    [
        ({"rsi_15m": 35.0}, {}, True),
        ({"rsi_15m": 35.1}, {}, False),
        ({"bb_position_15m": 0.15}, {}, True),
        ({"bb_position_15m": 0.16}, {}, False),
        ({"bb_position_15m": 0.16}, {"key_level": "value_low"}, True),
        ({"bb_position_15m": 0.21}, {"key_level": "poc"}, False),
        ({"bb_position_15m": -0.2}, {}, True),
        ({"bb_middle_15m": 10.0}, {}, False),
        ({}, {"labels": {"s1": "UNCERTAIN"}}, False),
        ({}, {"labels": {"s1": "TRENDING_BULLISH"}}, False),
        ({}, {"labels": {"s1": None}}, False),
    ],
)
def test_reversion_buys_low_in_a_range_alone(values: Any, changes: Any, buys: bool) -> None:
    assert (asked("crypto_reversion", shown({**RANGE, **values}, 10.0, **{**RANGING, **changes})) is not None) == buys


def test_reversion_leaves_at_the_middle_at_the_stop_and_when_the_range_breaks_downwards() -> None:
    frozen = {**RANGE, "stop": 9.8, "target": 10.3}
    for close, label, reason in (
        (10.0, "RANGING", None),
        (10.0, "UNCERTAIN", None),
        (10.3, "RANGING", "target"),
        (9.8, "RANGING", "stop"),
        (10.0, "TRENDING_BEARISH", "range_broken"),
    ):
        assert left("crypto_reversion", shown(frozen, close, labels={"s1": label})) == reason


# -- in the fold -------------------------------------------------------------------------------------------------------


def at(quarter: int) -> int:
    """Close of the n-th quarter of an hour."""
    return DAY_0 + quarter * QUARTER_NS


def close_of(quarter: int) -> float:
    return 100.0 + quarter


def climb(run: Run, first: int, last: int) -> list[tuple[int, Event]]:
    """One more each quarter of an hour, bars of half a point to either side; trades by quarter."""
    found = []
    for quarter in range(first, last + 1):
        found += [(quarter, x) for x in run.trades(at(quarter), bar(900, {"A": close_of(quarter)}))]
    return found


def test_a_trend_in_the_fold() -> None:
    """Bought when the third bar of four hours closes, at noon: the fourth timeframe, 5 m, is not there and 3 agree.

    The bars' true range is 1.5 (one up, half a point beyond): stop 148 − 2.5·1.5. The day's VWAP is the mean of
    101 … 148; the limit is 1 % above the close, in cents. A fall to 144 is at the stop before any label can change.
    """
    run = Run(begin({"crypto_trend": {}}, ("A",), ROUND_THE_CLOCK))
    assert climb(run, 1, 47) == []
    ((quarter, proposal),) = climb(run, 48, 60)
    assert isinstance(proposal, Proposal)
    assert quarter == 48
    assert (proposal.strategy, proposal.kind, proposal.instruments, proposal.ratios) == (
        "crypto_trend",
        "single",
        ("A",),
        (1,),
    )
    assert proposal.proposal_id.startswith("crypto_trend:A:")
    assert (proposal.mid_ticks, proposal.limit_ticks, proposal.max_loss_ticks) == (14_800.0, 14_948, 14_948)
    assert proposal.why["stop"] == pytest.approx(144.25)
    assert proposal.why["target"] is None
    assert proposal.why["vwap"] == pytest.approx(124.5)
    assert [proposal.why["confidence"], proposal.why["weighted_confidence"]] == pytest.approx([0.7, 0.9])
    assert proposal.regime == "TRENDING_BULLISH"
    assert proposal.valid_until_ns == at(48) + 75 * MINUTE_NS
    assert proposal.multipliers == {}
    assert all(proposal.gates.values())
    assert proposal.market_context["regime_s1"] == "TRENDING_BULLISH"
    assert proposal.market_context["close_4h"] == 148.0
    context_is_whole(proposal)
    (leaving,) = run.trades(at(61), bar(900, {"A": 144.0}))
    assert isinstance(leaving, ExitSignal)
    assert (leaving.underlying, leaving.strategy) == ("A", "crypto_trend")
    assert leaving.why["left.stop"] == 1.0
    assert [leaving.why["close"], leaving.why["stop"]] == pytest.approx([144.0, 144.25])


def test_a_trend_in_the_fold_is_left_when_the_label_says_so() -> None:
    """High above its stop the market turns; it is not left before the rules have told that the trend is over."""
    run = Run(begin({"crypto_trend": {}}, ("A",), ROUND_THE_CLOCK))
    climb(run, 1, 120)
    told: list[str | None] = []
    for quarter in range(121, 160):
        facts = run.take(at(quarter), bar(900, {"A": close_of(120) - 2.0 * (quarter - 120)}))
        exits = [x for x in facts if isinstance(x, ExitSignal)]
        if exits:
            assert exits[0].why["left.trend_over"] == 1.0
            assert told[-1] in ("RANGING", "TRENDING_BEARISH")
            break
        told += [x.label for x in facts if isinstance(x, RegimeReport) and x.detector == "s1"]
    else:
        pytest.fail("it was never left")


def test_momentum_in_the_fold_is_sized_and_asked_by_the_part_of_each_quarter() -> None:
    """Nobody fills: a rise proposes at each quarter of the second day, with that quarter's threshold and size."""
    run = Run(begin({"crypto_momentum": {}}, ("A",), ROUND_THE_CLOCK), fills=False)
    climb(run, 1, 96)
    proposals = climb(run, 97, 192)
    assert [quarter for quarter, _ in proposals] == list(range(97, 193))
    for quarter, proposal in proposals:
        assert isinstance(proposal, Proposal)
        part = "asia" if quarter <= 128 else "europe" if quarter <= 160 else "us"
        threshold, multiplier, _, _ = PARTS[part]
        own = proposal.module_specific_params
        assert (own["session"], own["threshold"], own["multiplier"]) == (part, threshold, multiplier)
        assert proposal.multipliers["strategy"] == pytest.approx(multiplier / 1.6)
        assert proposal.entry_parameters[f"threshold_{part}"] == threshold
        assert proposal.score >= threshold
        context_is_whole(proposal)


def test_momentum_in_the_fold_sells_at_its_target_and_buys_again() -> None:
    """Bought at 148 with an ATR of 1.5: the target 155.5 is passed at 156; at the next quarter it is bought anew."""
    run = Run(begin({"crypto_momentum": {}}, ("A",), ROUND_THE_CLOCK))
    first, leaving, second = climb(run, 1, 57)
    assert [quarter for quarter, _ in (first, leaving, second)] == [48, 56, 57]
    assert isinstance(first[1], Proposal)
    assert [first[1].why["stop"], first[1].why["target"]] == pytest.approx([144.25, 155.5])
    assert isinstance(leaving[1], ExitSignal)
    assert leaving[1].why["left.target"] == 1.0
    assert isinstance(second[1], Proposal)
    assert second[1].why["hours_since_opening"] == pytest.approx(2.25)


# A market that goes nowhere: every verdict of the rules is RANGING.
NO_TREND: dict[str, Any] = {
    "regimes": {"s1": {"adx_trend": 100.0, "adx_range": 100.0, "atr_pctl_range": 100.0, "atr_pctl_volatile": 100.0}}
}


def test_a_reversion_in_the_fold() -> None:
    """Closes of 100 and 101 in turn, then 97: bands of five bars over 101, 100, 101, 100, 97.

    Middle 99.8; variance 2.16, so that the lower band is 99.8 − 2·1.469694 = 96.860612 and the position of 97
    0.139388/5.878775 = 0.023710. The stop is one ATR below; at 99.9, above the middle, it is sold.
    """
    run = Run(begin({"crypto_reversion": {"max_rsi": 40.0}}, ("A",), ROUND_THE_CLOCK, **NO_TREND))
    for quarter in range(1, 60):
        assert run.trades(at(quarter), bar(900, {"A": 100.0 + quarter % 2})) == []
    run.trades(at(60), bar(900, {"A": 100.0}))
    (proposal,) = run.trades(at(61), bar(900, {"A": 97.0}))
    assert isinstance(proposal, Proposal)
    assert proposal.regime == "RANGING"
    assert proposal.why["bb_middle"] == pytest.approx(99.8)
    assert proposal.why["bb_position"] == pytest.approx(0.023710, abs=1e-6)
    assert proposal.why["target"] == pytest.approx(99.8)
    assert proposal.why["stop"] == pytest.approx(97.0 - (proposal.why["atr"] or 0.0))
    assert (proposal.mid_ticks, proposal.limit_ticks) == (9700.0, 9797)
    context_is_whole(proposal)
    assert run.trades(at(62), bar(900, {"A": 97.5})) == []
    (leaving,) = run.trades(at(63), bar(900, {"A": 99.9}))
    assert isinstance(leaving, ExitSignal)
    assert leaving.why["left.target"] == 1.0


@pytest.mark.parametrize("feed", ["stale", "halted", "refused"])
def test_nothing_is_bought_on_a_feed_that_is_not_live_and_what_is_held_is_still_sold(feed: Any) -> None:
    run = Run(begin({"crypto_trend": {}, "crypto_momentum": {}}, ("A",), ROUND_THE_CLOCK))
    run.take(at(1) - 1, FeedState(underlying="A", state=feed))
    assert climb(run, 1, 60) == []
    run.take(at(60) + 1, FeedState(underlying="A", state="live"))
    assert {x.strategy for _, x in climb(run, 61, 61) if isinstance(x, Proposal)} == {"crypto_trend", "crypto_momentum"}
    run.take(at(61) + 1, FeedState(underlying="A", state=feed))
    leaving = run.trades(at(62), bar(900, {"A": 120.0}))
    assert [type(x) for x in leaving] == [ExitSignal, ExitSignal]
