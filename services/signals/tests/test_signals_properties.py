"""Properties of the adaptive engine under their numbers: 1-2, 4-7, 10, 23-27 (3, 8 and 9 stand with the kernels)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_common.domain.sessions import MINUTE_NS
from contango_common.events.base import Event
from contango_common.events.signal import FeatureFailed, ThresholdsAdjusted
from contango_common.events.system import FeatureSwitched
from contango_common.runtime.snapshot import StateCodec
from contango_signals import bars, fold, reports, scan
from contango_signals.alignment import LENGTH_NS, TIMEFRAMES, AlignmentParams, Reading, align
from contango_signals.config import parse
from contango_signals.names import FEATURES
from contango_signals.profile import Levels, ProfileParams, in_low_volume, key_level, size_factor
from contango_signals.regimes.s1 import LABELS, VOLATILE, S1Params, S1State, classify, effects, five_label, step
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.thresholds import (
    HOUR_NS,
    ThresholdParams,
    ThresholdState,
    adapted,
    apply,
    band_of,
    changes,
)
from support.signals_world import Market, Message, book, messages_of, play

T, A, S1, PROFILE = ThresholdParams(), AlignmentParams(), S1Params(), ProfileParams()
percentiles = st.floats(0.0, 100.0)
standing = st.none() | st.integers(0, 4)


@given(percentiles, percentiles, standing, st.sampled_from(["adx", "rvol"]))
def test_property_1_rising_volatility_lowers_no_threshold(a: float, b: float, band: int | None, name: str) -> None:
    """Of the map, from the same standing band: percentiles of overlapping windows need not rise together."""
    low, high = sorted((a, b))
    thresholds = [adapted(name, T.multipliers[band_of(x, band, T)], T) for x in (low, high)]
    assert thresholds[0] <= thresholds[1]


@given(percentiles, standing, st.sampled_from(["adx", "rvol"]))
def test_property_2_thresholds_lie_inside_their_bounds(x: float, band: int | None, name: str) -> None:
    value = adapted(name, T.multipliers[band_of(x, band, T)], T)
    assert getattr(T, f"{name}_min") <= value <= getattr(T, f"{name}_max")


@given(st.lists(st.none() | percentiles, max_size=30))
def test_property_4_every_change_says_new_old_and_percentile(path: list[float | None]) -> None:
    """And nothing changes between two looks, without a percentile, or back and forth inside the hysteresis."""
    state = ThresholdState()
    for hour, x in enumerate(path, 1):
        for change in changes(state, x, hour * HOUR_NS, T):
            assert change.old == state.current.get(change.threshold, getattr(T, f"{change.threshold}_base"))
            assert change.new != change.old
            assert change.percentile == x
            assert f"{x:.1f}" in change.reason
            state = apply(state, change.threshold, change.new, change.percentile, hour * HOUR_NS, T)
        assert changes(state, x, hour * HOUR_NS + 1, T) == [] or state.changed_ns < hour * HOUR_NS


def test_hysteresis_keeps_a_threshold_from_fluttering() -> None:
    bands, band = [], None
    for x in (39.0, 41.0, 39.5, 41.9, 42.1, 40.5, 38.1, 37.9):
        band = band_of(x, band, T)
        bands.append(band)
    assert bands == [1, 1, 1, 1, 2, 2, 2, 1]


readings = st.fixed_dictionaries(
    {
        name: st.none() | st.builds(Reading, st.none() | st.sampled_from([-1, 0, 1]), st.integers(0, 10))
        for name in TIMEFRAMES
    }
)


@given(readings)
def test_property_5_every_timeframe_is_looked_at(found: dict[str, Reading | None]) -> None:
    seen = align(found, 10, A)
    assert seen.looked_at == TIMEFRAMES
    assert set(seen.directions) == set(TIMEFRAMES)
    assert set(seen.missing) == {n for n, r in found.items() if r is None or r.direction is None}


@given(readings)
def test_property_6_confidence_by_how_many_agree(found: dict[str, Reading | None]) -> None:
    seen = align(found, 10, A)
    up = sum(d == 1 for d in seen.directions.values())
    down = sum(d == -1 for d in seen.directions.values())
    assert seen.aligned == (max(up, down) if seen.direction else 0)
    assert seen.confidence == {4: 1.0, 3: 0.7}.get(seen.aligned, 0.0)
    assert 0.0 <= seen.weighted_confidence <= 1.0 + 1e-12
    if up != down:
        assert seen.direction == (1 if up > down else -1)


@given(readings)
def test_property_7_fewer_than_three_aligned_is_no_signal(found: dict[str, Reading | None]) -> None:
    seen = align(found, 10, A)
    assert seen.signal_allowed == (seen.aligned >= 3)


@given(st.sampled_from(TIMEFRAMES), st.integers(0, 10**15))
def test_a_stale_timeframe_counts_as_missing_and_the_rest_goes_on(name: str, now_ns: int) -> None:
    now_ns += 3 * LENGTH_NS["4h"]
    found = {n: Reading(1, now_ns) for n in TIMEFRAMES}
    found[name] = Reading(1, now_ns - 2 * LENGTH_NS[name])
    assert align(found, now_ns, A).confidence == 1.0
    found[name] = Reading(1, now_ns - 2 * LENGTH_NS[name] - 1)
    seen = align(found, now_ns, A)
    assert (seen.stale, seen.confidence, seen.direction) == ((name,), 0.7, 1)


areas = st.lists(st.tuples(st.floats(90.0, 110.0), st.floats(0.01, 2.0)), max_size=6)


@given(areas, st.floats(85.0, 115.0))
def test_property_10_a_low_volume_area_halves_the_size(low_areas: list[tuple[float, float]], price: float) -> None:
    levels = Levels(100.0, 95.0, 105.0, [[low, low + width] for low, width in low_areas])
    inside = any(low <= price < low + width for low, width in low_areas)
    assert in_low_volume(levels, price) == inside
    assert size_factor(levels, price, PROFILE) == (0.5 if inside else 1.0)
    level = key_level(levels, price, PROFILE)
    assert (level is not None) == any(abs(price / x - 1.0) <= 0.005 for x in (100.0, 95.0, 105.0))


rules = st.fixed_dictionaries(
    {
        "adx": st.floats(0.0, 100.0),
        "atr_pctl": percentiles,
        "close": st.floats(50.0, 150.0),
        "vwap": st.floats(50.0, 150.0),
        "momentum": st.floats(-0.2, 0.2),
        "width": st.floats(0.0, 0.2),
        "width_mean": st.floats(0.0, 0.2),
    }
)


@given(rules)
def test_property_23_exactly_one_of_the_five_labels(seen: dict[str, float]) -> None:
    verdict = classify(**seen, p=S1)
    assert verdict.label in LABELS
    assert five_label(verdict.label, verdict.overlay) in {*LABELS, VOLATILE}


@given(rules, st.booleans())
def test_property_24_a_strong_clear_trend_is_called_a_trend(seen: dict[str, float], up: bool) -> None:
    """Whatever the volatility: VOLATILE stands beside it."""
    sign = 1.0 if up else -1.0
    clear = {**seen, "adx": 30.1 + seen["adx"] * 0.6, "close": 100.0, "vwap": 100.0 - sign, "momentum": sign * 0.01}
    verdict = classify(**clear, p=S1)
    assert verdict.label == ("TRENDING_BULLISH" if up else "TRENDING_BEARISH")
    assert five_label(verdict.label, verdict.overlay) == verdict.label
    assert (VOLATILE in verdict.overlay) == (clear["atr_pctl"] > 80.0)


@given(rules)
def test_property_25_volatile_halves_sizes_and_raises_thresholds(seen: dict[str, float]) -> None:
    verdict = classify(**seen, p=S1)
    assert effects(verdict.label, verdict.overlay) == ((0.5, 1.3) if seen["atr_pctl"] > 80.0 else (1.0, 1.0))


@pytest.mark.parametrize("name", ["adx", "atr_pctl", "close", "vwap", "momentum"])
def test_a_missing_input_abstains_and_says_which(name: str) -> None:
    seen = dict.fromkeys(("adx", "atr_pctl", "close", "vwap", "momentum", "width", "width_mean"), 1.0)
    verdict = classify(**{**seen, name: None}, p=S1)
    assert verdict.label is None
    assert verdict.abstain == f"not ready: {name}"


@given(st.lists(st.sampled_from(["RANGING", "UNCERTAIN", "TRENDING_BULLISH"]), min_size=1, max_size=30))
def test_a_label_changes_only_after_it_has_stood_for_fifteen_minutes(path: list[str]) -> None:
    from contango_signals.regimes.s1 import Verdict

    state = S1State()
    for i, label in enumerate(path):
        before = state.label
        state = step(state, Verdict(label), i * 15 * MINUTE_NS, S1)
        if before is not None and state.label != before:
            assert path[i] == path[i - 1] == state.label
    assert state.label is not None


ON = {"fuzzy": "on", "selector": "on"}
WORLD = Market(spots=(2000.0, 2010.0), vix=(18.0, 17.0), every_minutes=120, params=book(switches=ON))
MESSAGES = messages_of(WORLD)
WHOLE = play(fold, fold.initial(), MESSAGES)


def kinds(facts: list[tuple[int, Event]]) -> set[str]:
    return {type(fact).__name__ for _, fact in facts}


class Planted(RuntimeError):
    """A fault in one feature."""


def raising(*args: Any, **kwargs: Any) -> Any:
    raise Planted("planted")


FAULTS = {
    "thresholds": (reports.thresholds, "changes"),
    "regime_s2": (reports.s2, "detect"),
    "volatility": (scan, "term_state"),
    "selector": (fold, "selected"),
    "bank": (bars, "with_bar"),
    "profile": (bars, "_profiled"),
    "regime_s1": (bars.s1, "step"),
    "regime_s0": (bars, "_posterior"),
    "fuzzy": (bars, "_pushed"),
    "scoring": (scan, "scores_of"),
}


@pytest.mark.parametrize("feature", sorted(FAULTS))
def test_property_26_a_feature_that_fails_stops_alone(feature: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, with its reason; nothing of it is half-changed; what does not rest on it is unchanged."""
    module, name = FAULTS[feature]
    monkeypatch.setattr(module, name, raising)
    state = fold.initial()
    facts = play(fold, state, MESSAGES)
    told = [fact for _, fact in facts if isinstance(fact, FeatureFailed)]
    assert [(fact.feature, fact.reason) for fact in told] == [(feature, "Planted: planted")]
    if feature in ("fuzzy", "regime_s2"):
        return  # these decide: without them nothing passes the gates of the confidence, or of the regime
    others = [pair for pair in facts if not isinstance(pair[1], FeatureFailed)]
    if feature != "bank":
        assert [p for p in others if p[1].TAG in ("Scan", "Proposal")] == [
            p for p in WHOLE if p[1].TAG in ("Scan", "Proposal")
        ] or feature in ("regime_s1", "volatility", "scoring")
    assert {"Scan", "SurfaceFitted"} <= kinds(others)
    assert StateCodec(fold).dump(state)


@pytest.mark.parametrize("name", ["iron_condor"])
def test_property_26_a_strategy_that_fails_stops_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace
    from types import MappingProxyType

    broken = MappingProxyType({**STRATEGIES, name: replace(STRATEGIES[name], propose=raising)})
    monkeypatch.setattr(fold, "STRATEGIES", broken)
    params = book(strategies={"put_credit_spread": {}})
    facts = play(fold, fold.initial(), messages_of(Market(params=params)))
    assert [fact.feature for _, fact in facts if isinstance(fact, FeatureFailed)] == [name]
    scans = [fact.strategy for _, fact in facts if fact.TAG == "Scan"]
    assert set(scans) == {"put_credit_spread"}


def test_a_failed_feature_runs_again_when_a_person_switches_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    state = fold.initial()
    with monkeypatch.context() as broken:
        broken.setattr(bars, "_profiled", raising)
        play(fold, state, MESSAGES[:10])
        assert "profile" in state.failed
    on = Message(MESSAGES[9].ts_ns, (FeatureSwitched(feature="profile", switch="on", reason="mended"),), "control.test")
    play(fold, state, [on], 11)
    assert state.failed == {}
    assert reports.failures(state) == []


@pytest.mark.parametrize(
    ("section", "parts"),
    [
        ({"regimes": {"s1": {"adx_trend": 200}}}, ["signals.regimes.s1.adx_trend", "200", "100"]),
        ({"thresholds": {"adx_base": 50.0}}, ["signals.thresholds", "adx_min <= adx_base <= adx_max"]),
        ({"thresholds": {"edges": [40, 20, 60, 80]}}, ["edges must ascend"]),
        ({"alignment": {"weights": {"4h": 1.0}}}, ["weights need one for each of 5m, 15m, 1h, 4h"]),
        ({"fuzzy": {"min_coverage": 1.5}}, ["signals.fuzzy.min_coverage", "1.5", "1"]),
        ({"strategies": {"calendar": {"far_after_min": 0}}}, ["calendar.far_after_min", "0", "1"]),
        ({"select": {"detector": "s9"}}, ["signals.select.detector", "s9"]),
        ({"nonsense": {}}, ["signals.nonsense"]),
        ({"strategies": {"iron_condor": {"regimes_allowed": ["TYPO"]}}}, ["iron_condor.regimes_allowed", "TYPO"]),
        ({"strategies": {"iron_condor": {"term_allowed": ["contnago"]}}}, ["term_allowed", "contnago", "flat"]),
        ({"strategies": {"momentum": {"top": 5, "keep": 1}}}, ["momentum", "top <= keep"]),
        ({"adjust": {"rolled": ["iron_condr"]}}, ["adjust", "iron_condr"]),
        ({"volatility": {"near_days": 60}}, ["signals.volatility", "near_days < far_days"]),
        ({"regimes": {"s0": {"min_rows": 3000}}}, ["signals.regimes.s0", "min_rows <= max_rows"]),
        ({"bank": {"ema_fast": 30}}, ["signals.bank", "ema_fast < ema_slow"]),
        ({"bar_timeframe_s": 7}, ["signals.bar_timeframe_s", "7", "divide the day"]),
        ({"assets": ["A", "A"]}, ["signals.assets", "A is named twice"]),
    ],
)
def test_property_27_a_bad_book_is_refused_by_key_value_and_range(section: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parse({"signals": section})
    for part in parts:
        assert part in str(caught.value)


@settings(max_examples=30)
@given(st.sampled_from([name for s in STRATEGIES.values() for name in s.params.model_fields]))
def test_every_parameter_of_every_strategy_says_what_it_is(name: str) -> None:
    for spec in STRATEGIES.values():
        field = spec.params.model_fields.get(name)
        if field is not None:
            assert field.description
            tune = (field.json_schema_extra or {}).get("tune")
            assert tune is None or tune[0] < tune[1]


def test_every_switch_has_a_meaning_and_no_feature_is_called_like_a_strategy() -> None:
    assert all(FEATURES.values())
    assert not set(FEATURES) & set(STRATEGIES)


def test_the_worlds_thresholds_are_facts() -> None:
    facts = [fact for _, fact in WHOLE if isinstance(fact, ThresholdsAdjusted)]
    assert all(0.0 <= fact.percentile <= 100.0 for fact in facts)
