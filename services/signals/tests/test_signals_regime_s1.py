"""The intraday rules: edges by hand, the wide-band option, and the fifteen minutes that a change has to stand."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contango_signals.regimes.s1 import (
    LABELS,
    MINUTE_NS,
    VOLATILE,
    S1Params,
    S1State,
    Verdict,
    classify,
    effects,
    five_label,
    step,
)

P = S1Params()
BAR = 15 * MINUTE_NS
verdicts = st.builds(Verdict, st.sampled_from(LABELS), st.sampled_from([(), (VOLATILE,)]))


def judged(
    adx: float, pctl: float, close: float = 101.0, momentum: float = 0.01, width: float | None = 1.0, p: S1Params = P
) -> Verdict:
    return classify(
        adx=adx, atr_pctl=pctl, close=close, vwap=100.0, momentum=momentum, width=width, width_mean=1.0, p=p
    )


@pytest.mark.parametrize(
    ("adx", "pctl", "close", "momentum", "label"),
    [
        (30.1, 50.0, 101.0, 0.01, "TRENDING_BULLISH"),
        (30.1, 50.0, 99.0, -0.01, "TRENDING_BEARISH"),
        (30.0, 50.0, 101.0, 0.01, "UNCERTAIN"),
        (30.1, 50.0, 101.0, -0.01, "UNCERTAIN"),
        (30.1, 50.0, 99.0, 0.01, "UNCERTAIN"),
        (30.1, 50.0, 100.0, 0.01, "UNCERTAIN"),
        (30.1, 50.0, 101.0, 0.0, "UNCERTAIN"),
        (19.9, 39.9, 101.0, 0.01, "RANGING"),
        (20.0, 39.9, 101.0, 0.01, "UNCERTAIN"),
        (19.9, 40.0, 101.0, 0.01, "UNCERTAIN"),
        (25.0, 10.0, 101.0, 0.01, "UNCERTAIN"),
    ],
)
def test_edges_of_the_rules(adx: float, pctl: float, close: float, momentum: float, label: str) -> None:
    assert judged(adx, pctl, close, momentum).label == label


def test_volatile_begins_above_eighty_and_stands_beside_any_label() -> None:
    assert [judged(25.0, x).overlay for x in (80.0, 80.1)] == [(), (VOLATILE,)]
    assert judged(35.0, 90.0) == Verdict("TRENDING_BULLISH", (VOLATILE,))


@pytest.mark.parametrize(("width", "overlay"), [(2.0, ()), (2.1, (VOLATILE,)), (None, ())])
def test_wide_bands_may_be_asked_for_as_well(width: float | None, overlay: tuple[str, ...]) -> None:
    """Without a width there is no overlay then; the label does not need one."""
    verdict = judged(25.0, 90.0, width=width, p=S1Params(require_wide_bands=True))
    assert verdict == Verdict("UNCERTAIN", overlay)


def test_every_missing_input_is_named() -> None:
    verdict = classify(adx=None, atr_pctl=1.0, close=1.0, vwap=None, momentum=1.0, width=None, width_mean=None, p=P)
    assert (verdict.label, verdict.overlay, verdict.abstain) == (None, (), "not ready: adx, vwap")


def test_the_first_label_counts_at_once_and_another_after_fifteen_minutes() -> None:
    state = step(S1State(), Verdict("RANGING"), 0, P)
    assert (state.label, state.stable_since_ns) == ("RANGING", 0)
    state = step(state, Verdict("UNCERTAIN"), BAR, P)
    assert (state.label, state.candidate, state.since_ns) == ("RANGING", "UNCERTAIN", BAR)
    assert step(state, Verdict("UNCERTAIN"), 2 * BAR - 1, P).label == "RANGING"
    state = step(state, Verdict("UNCERTAIN"), 2 * BAR, P)
    assert (state.label, state.candidate, state.stable_since_ns) == ("UNCERTAIN", None, 2 * BAR)


def test_a_change_that_does_not_stand_is_forgotten() -> None:
    state = step(S1State(), Verdict("RANGING"), 0, P)
    state = step(state, Verdict("UNCERTAIN"), BAR, P)
    state = step(state, Verdict("RANGING"), 2 * BAR, P)
    assert (state.label, state.candidate, state.stable_since_ns) == ("RANGING", None, 0)
    assert step(state, Verdict("UNCERTAIN"), 3 * BAR, P).label == "RANGING"


def test_another_candidate_begins_its_own_fifteen_minutes() -> None:
    state = step(S1State(), Verdict("RANGING"), 0, P)
    state = step(state, Verdict("UNCERTAIN"), BAR, P)
    state = step(state, Verdict("TRENDING_BULLISH"), 2 * BAR, P)
    assert (state.label, state.candidate, state.since_ns) == ("RANGING", "TRENDING_BULLISH", 2 * BAR)
    assert step(state, Verdict("TRENDING_BULLISH"), 3 * BAR, P).label == "TRENDING_BULLISH"


def test_without_a_wait_every_change_counts_at_once() -> None:
    state = step(S1State(), Verdict("RANGING"), 0, P)
    assert step(state, Verdict("UNCERTAIN"), 1, S1Params(stable_minutes=0)).label == "UNCERTAIN"


@given(st.lists(verdicts, min_size=1, max_size=20), verdicts)
def test_a_verdict_that_stands_is_in_force_at_last(path: list[Verdict], last: Verdict) -> None:
    """Whatever came before: after two more bars of one verdict it is the label and the overlay."""
    state = S1State()
    for i, verdict in enumerate([*path, last, last]):
        state = step(state, verdict, i * BAR, P)
    assert (state.label, tuple(state.overlay or ())) == (last.label, last.overlay)
    assert state.candidate is None


@given(st.lists(verdicts, min_size=1, max_size=20))
def test_what_is_in_force_was_seen_and_its_instant_never_goes_back(path: list[Verdict]) -> None:
    state, since = S1State(), 0
    for i, verdict in enumerate(path):
        before, copy = state, asdict(state)
        state = step(state, verdict, i * BAR, P)
        assert asdict(before) == copy
        assert state.label in [seen.label for seen in path[: i + 1]]
        assert tuple(state.overlay) in [(), *(seen.overlay for seen in path[: i + 1])]
        assert since <= state.stable_since_ns <= i * BAR
        since = state.stable_since_ns
    codec = TypeAdapter(S1State)
    assert codec.validate_json(codec.dump_json(state)) == state


SILENT = Verdict(None, (), "not ready: adx")


def test_an_abstention_says_why_and_ends_with_the_next_verdict() -> None:
    state = step(S1State(), Verdict("RANGING", (VOLATILE,)), 0, P)
    state = step(state, SILENT, BAR, P)
    assert state.abstain == "not ready: adx"
    state = step(state, Verdict("RANGING", (VOLATILE,)), 2 * BAR, P)
    assert (state.label, state.overlay, state.abstain, state.stable_since_ns) == ("RANGING", [VOLATILE], None, 0)


def test_a_silent_bar_is_no_way_round_the_fifteen_minutes() -> None:
    state = step(S1State(), Verdict("TRENDING_BULLISH"), 0, P)
    state = step(state, Verdict("RANGING"), BAR, P)
    state = step(state, SILENT, 2 * BAR, P)
    state = step(state, Verdict("RANGING"), 3 * BAR, P)
    assert (state.label, state.candidate) == ("TRENDING_BULLISH", "RANGING")
    assert step(state, Verdict("RANGING"), 4 * BAR, P).label == "RANGING"


@pytest.mark.parametrize("flicker", [0, 1])
def test_label_and_overlay_do_not_hold_each_other_up(flicker: int) -> None:
    label = step(S1State(), Verdict("RANGING"), 0, P)
    overlay = step(S1State(), Verdict("RANGING"), 0, P)
    for i in (1, 2):
        label = step(label, Verdict("UNCERTAIN", (VOLATILE,) if i % 2 == flicker else ()), i * BAR, P)
        overlay = step(overlay, Verdict("UNCERTAIN" if i % 2 == flicker else "RANGING", (VOLATILE,)), i * BAR, P)
    assert label.label == "UNCERTAIN"
    assert overlay.overlay == [VOLATILE]


@given(verdicts)
def test_effects_rest_on_the_overlay_alone(verdict: Verdict) -> None:
    assert effects(verdict.label, verdict.overlay) == ((0.5, 1.3) if verdict.overlay else (1.0, 1.0))
    assert effects(verdict.label, None) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("label", "overlay", "five"),
    [
        ("TRENDING_BULLISH", (VOLATILE,), "TRENDING_BULLISH"),
        ("RANGING", (), "RANGING"),
        ("RANGING", (VOLATILE,), "VOLATILE"),
        ("UNCERTAIN", (VOLATILE,), "VOLATILE"),
        ("UNCERTAIN", (), "UNCERTAIN"),
        (None, (), "UNCERTAIN"),
    ],
)
def test_the_one_label_out_of_five(label: str | None, overlay: tuple[str, ...], five: str) -> None:
    assert five_label(label, overlay) == five
