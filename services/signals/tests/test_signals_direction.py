"""What the direction predictor's word does to purchases on bars, once its record has earned it a say, and only then."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionForecast
from contango_common.events.market import SessionTable
from contango_common.events.signal import ExitSignal, Proposal
from contango_common.runtime.fold import evolve
from contango_signals import fold
from contango_signals.direction import Word, boosted, turned, word_of
from contango_signals.sizes import factors_in_force
from contango_signals.state import State, new_state
from support.bar_assets import DAY_NS, MINUTE_NS, Run, bar, begin

ROUND_THE_CLOCK = SessionTable(
    calendar="24/7",
    date=(19700101, 19700102, 19700103),
    open_ns=(0, DAY_NS, 2 * DAY_NS),
    close_ns=(DAY_NS, 2 * DAY_NS, 3 * DAY_NS),
)


def word(bull: float, weight: float = 1.0) -> Event:
    return DirectionForecast(
        symbol="A",
        model="direction_s1",
        model_sha="a",
        input_hash="b",
        horizon_s=14_400,
        prob_bull=bull,
        prob_bear=1.0 - bull,
        prob_neutral=0.0,
        confidence=max(bull, 1.0 - bull),
        weight=weight,
        backend="trees",
    )


def told(bull: float, weight: float = 1.0, **switches: Any) -> State:
    state = new_state()
    state.switches = switches
    evolve(fold, state, word(bull, weight), At(0, 1, "forecast"))
    return state


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_property_12_above_seven_tenths_confidence_is_not_lowered(bull: float, confidence: float) -> None:
    seen = word_of(told(bull), "A", 0)
    assert seen is not None
    assert confidence <= boosted(seen, confidence) <= 1.0
    assert seen.confidence == (1.25 if bull > 0.7 else 1.0)


@given(st.floats(0.0, 1.0))
def test_property_13_below_three_tenths_size_is_cut(bull: float) -> None:
    inforce, shadow = factors_in_force(told(bull), "A", 100.0, 0)
    assert (inforce, shadow) == (({"direction": 0.5} if bull < 0.3 else {}), {})


@pytest.mark.parametrize(
    ("weight", "switches"), [(0.0, {}), (1.0, {"direction": "shadow"}), (0.0, {"direction": "shadow"})]
)
def test_a_word_that_does_not_count_says_what_it_would_have_done(weight: float, switches: dict[str, str]) -> None:
    state = told(0.1, weight, **switches)
    assert factors_in_force(state, "A", 100.0, 0) == ({}, {"direction": 0.5})
    assert not turned(state, word_of(state, "A", 0))
    assert boosted(word_of(told(0.9, weight, **switches), "A", 0), 0.7) == 0.7


def test_switched_off_or_too_old_it_is_not_even_heard() -> None:
    assert word_of(told(0.1, direction="off"), "A", 0) is None
    assert word_of(told(0.1), "A", 4 * 60 * MINUTE_NS) is not None
    assert word_of(told(0.1), "A", 4 * 60 * MINUTE_NS + 1) is None


@given(st.floats(0.0, 1.0))
def test_a_reversal_above_eight_tenths_closes_a_long_position(bull: float) -> None:
    state = told(bull)
    assert turned(state, word_of(state, "A", 0)) == (1.0 - bull > 0.8)


# -- through the fold --------------------------------------------------------------------------------------------------


def at(quarter: int) -> int:
    return quarter * 15 * MINUTE_NS


def climb(run: Run, first: int, last: int) -> list[tuple[int, Event]]:
    found: list[tuple[int, Event]] = []
    for quarter in range(first, last + 1):
        found += [(quarter, x) for x in run.trades(at(quarter), bar(900, {"A": 100.0 + quarter}))]
    return found


def bought(weight: float, bull: float) -> tuple[Run, Proposal]:
    """A trend bought at noon, a quarter after the predictor spoke."""
    run = Run(begin({"crypto_trend": {}}, ("A",), ROUND_THE_CLOCK))
    assert climb(run, 1, 47) == []
    run.seq += 1
    evolve(fold, run.state, word(bull, weight), At(at(47), run.seq, "forecast"))
    ((_, proposal),) = climb(run, 48, 48)
    assert isinstance(proposal, Proposal)
    return run, proposal


def test_a_purchase_carries_the_word_and_what_it_did() -> None:
    _, raised = bought(1.0, 0.75)
    _, cut = bought(1.0, 0.25)
    _, shadow = bought(0.0, 0.25)
    assert [p.why["direction_bull"] for p in (raised, cut, shadow)] == [0.75, 0.25, 0.25]
    assert raised.why["confidence"] == pytest.approx(0.7 * 1.25)
    assert (raised.multipliers, raised.shadow_multipliers) == ({}, {})
    assert (cut.multipliers, cut.shadow_multipliers) == ({"direction": 0.5}, {})
    assert (shadow.multipliers, shadow.shadow_multipliers) == ({}, {"direction": 0.5})


@pytest.mark.parametrize(("weight", "leaves"), [(1.0, True), (0.0, False)])
def test_a_likely_reversal_closes_early_once_it_has_a_say(weight: float, leaves: bool) -> None:
    run, _ = bought(weight, 0.5)
    run.seq += 1
    evolve(fold, run.state, word(0.15, weight), At(at(48), run.seq, "forecast"))
    leaving = [x for _, x in climb(run, 49, 49)]
    assert [type(x) for x in leaving] == ([ExitSignal] if leaves else [])
    if leaves:
        assert isinstance(leaving[0], ExitSignal)
        assert leaving[0].why["left.direction_reversal"] == 1.0
        assert leaving[0].why["direction_bull"] == 0.15


def test_silence_is_no_word() -> None:
    assert boosted(None, 0.7) == 0.7
    assert not turned(new_state(), None)
    assert Word(0.5, True, 1.0, 1.0).bull == 0.5
