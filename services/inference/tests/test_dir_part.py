"""The direction predictor through the oracle: weekly fits, labels that are known, outages, restarts, failures."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionFitted, DirectionForecast, ForecastAbsent, PredictorSwitched
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import evolve, step
from contango_common.runtime.snapshot import StateCodec
from contango_inference.direction import fit as fitting
from contango_inference.direction.features import HOUR_NS
from contango_inference.direction.part import MODEL, labels
from contango_inference.models.port import NoModels
from contango_inference.oracle import Oracle, State

KEYS: dict[str, Any] = {
    "symbols": ["BTC"],
    "min_rows": 100,
    "window_days": 14,
    "trees": 5,
    "depth": 3,
    "min_leaf": 5,
    "folds": 2,
}
START = 3 * 24 + 1  # 1970-01-04 01:00, a Sunday: the first week is soon over
HOURS = 24 * 21
NAMES = (
    *("rvol_1h", "atr_percent_1h", "atr_pctl_1h", "bb_width_1h", "bb_position_1h", "rsi_1h", "macd_hist_1h"),
    *("squeeze_on_1h", "adx_1h", "plus_di_1h", "minus_di_1h", "sma_distance_4h"),
)


def params(**changes: Any) -> ParametersChanged:
    return ParametersChanged(params={"inference": {"direction": {**KEYS, **changes}}}, reason="test")


def market(hours: int = HOURS, seed: int = 1, planted: bool = True) -> list[tuple[int, FeatureRow]]:
    """Hourly rows; ``planted``: the RSI tells which way the next hours drift."""
    rng = np.random.default_rng(seed)
    rsi = rng.uniform(0.0, 100.0, hours)
    drift = np.where(rsi > 50.0, 0.01, -0.01) if planted else np.zeros(hours)
    closes = 100.0 * np.exp(np.cumsum(np.concatenate([[0.0], drift[:-1]]) + rng.normal(0.0, 0.002, hours)))
    found = []
    for i in range(hours):
        values: dict[str, float | None] = {name: float(rng.normal()) for name in NAMES}
        values |= {"rsi_1h": float(rsi[i]), "close": float(closes[i]), "vwap_1h": float(closes[i]), "volume": 5.0}
        found.append(((START + i) * HOUR_NS, FeatureRow(symbol="BTC", values=values)))
    return found


def steps(rows: Sequence[tuple[int, Event]], **changes: Any) -> Iterator[tuple[At, Event, list[Event], Oracle, State]]:
    oracle = Oracle(NoModels())
    state = oracle.initial()
    step(oracle, state, (params(**changes),), At(1, 1, "control.test"))
    for seq, (ts_ns, event) in enumerate(rows, start=2):
        at = At(ts_ns, seq, "signals")
        facts, _ = step(oracle, state, (event,), at)
        yield at, event, facts, oracle, state


def played(rows: Sequence[tuple[int, Event]], **changes: Any) -> list[tuple[int, Event]]:
    return [(at.ts_ns, fact) for at, _, facts, _, _ in steps(rows, **changes) for fact in facts]


def of(kind: type, facts: Sequence[tuple[int, Event]]) -> list[Any]:
    return [fact for _, fact in facts if isinstance(fact, kind)]


@pytest.fixture(scope="module")
def facts() -> list[tuple[int, Event]]:
    return played(market())


def test_it_is_fitted_once_a_week_and_speaks_every_hour_after(facts: list[tuple[int, Event]]) -> None:
    fits = [(ts, fact) for ts, fact in facts if isinstance(fact, DirectionFitted)]
    weeks = [(ts // (24 * HOUR_NS) + 3) // 7 for ts, _ in fits]
    assert len(fits) >= 3
    assert weeks == sorted(set(weeks))
    words = [(ts, fact) for ts, fact in facts if isinstance(fact, DirectionForecast)]
    first = fits[0][0]
    assert [ts for ts, _ in words] == [(START + i) * HOUR_NS for i in range(HOURS) if (START + i) * HOUR_NS >= first]
    assert {word.model for _, word in words} == {MODEL}
    assert all(fact.trained_until_ns <= ts for ts, fact in fits)


def test_property_11_every_probability_is_one(facts: list[tuple[int, Event]]) -> None:
    for word in of(DirectionForecast, facts):
        assert 0.0 <= word.prob_bull <= 1.0
        assert word.prob_bull + word.prob_bear == pytest.approx(1.0)
        assert (word.prob_neutral, word.horizon_s, word.backend) == (0.0, 14_400, "trees")


def test_a_planted_signal_is_learnt_and_a_coin_is_not() -> None:
    for planted, learns in ((True, True), (False, False)):
        last = of(DirectionFitted, played(market(planted=planted)))[-1]
        skill = 1.0 - last.brier / last.baseline_brier
        assert (skill > 0.02) == learns, skill


def test_it_says_once_why_it_is_silent(facts: list[tuple[int, Event]]) -> None:
    reasons = [fact.reason for fact in of(ForecastAbsent, facts)]
    assert reasons == ["0 labelled rows, 100 are needed"]


@settings(max_examples=12)
@given(st.integers(30, HOURS - 1), st.integers(2, 50))
def test_nothing_said_before_an_instant_knows_what_came_after(cut: int, seed: int) -> None:
    rows = market()
    other = [*rows[:cut], *market(seed=seed)[cut:]]
    until = rows[cut - 1][0]
    assert [x for x in played(rows) if x[0] <= until] == [x for x in played(other) if x[0] <= until]


def test_a_label_is_used_when_its_hour_has_come_and_not_before() -> None:
    closes = {0: 1.0, 1: 2.0, 3: 0.5, 4: 3.0}
    index, rose = labels([0, 1, 3], closes, 3)
    assert (index.tolist(), rose.tolist()) == ([0, 1], [0.0, 1.0])
    index, _ = labels([0, 1, 3], {t: c for t, c in closes.items() if t < 4}, 3)
    assert index.tolist() == [0]


def test_recovery_never_fits_and_a_snapshot_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = [(at, event, facts) for at, event, facts, _, _ in steps(market(), rule="source_s1")]
    *_, (_, _, _, oracle, state) = steps(market(), rule="source_s1")
    codec = StateCodec(oracle)

    def no_fit(*args: Any) -> Any:
        raise AssertionError("recovery fitted")

    monkeypatch.setattr(fitting, "fit", no_fit)
    again = oracle.initial()
    evolve(oracle, again, params(rule="source_s1"), At(1, 1, "control.test"))
    for i, (at, event, facts) in enumerate(recorded):
        for fact in (event, *facts):
            evolve(oracle, again, fact, at)
        if i % 97 == 0:
            again = codec.load(codec.dump(again))
    assert codec.dump(again) == codec.dump(state)


def test_a_fit_that_raises_is_an_absence_and_is_tried_again_next_week(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def broken(*args: Any) -> Any:
        calls.append(1)
        raise ValueError("no good")

    monkeypatch.setattr(fitting, "fit", broken)
    found = played(market())
    reasons = [fact.reason for fact in of(ForecastAbsent, found)]
    assert of(DirectionForecast, found) == []
    assert 3 <= len(calls) <= 4  # once a week
    assert reasons == ["the fit failed: ValueError: no good"] * len(calls)


def test_an_outage_loses_predictions_and_scores_none_of_them() -> None:
    rows = market()
    gap = [row for i, row in enumerate(rows) if not 400 <= i < 403]
    *_, (_, _, _, _, state) = steps(gap)
    *_, (_, _, _, _, whole) = steps(rows)
    ours, theirs = state.direction.tracks["BTC"], whole.direction.tracks["BTC"]
    assert ours.lost == 3  # whose fourth hour fell into it
    assert theirs.lost == 0
    assert ours.record.resolved < theirs.record.resolved - 3  # nor were any made while a return was missing
    absent = [fact.reason for fact in of(ForecastAbsent, played(gap))]
    assert "feature return_1h is missing" in absent


def test_other_parameters_begin_anew_and_other_symbols_are_left_alone() -> None:
    rows = market(200)
    changed: list[tuple[int, Event]] = [*rows, (rows[-1][0], params(horizon_hours=2))]
    *_, (_, _, _, _, state) = steps(changed)
    assert state.direction.tracks == {}
    assert played(rows, symbols=["ETH"]) == []
    session = [(ts, event.model_copy(update={"cadence": "session"})) for ts, event in rows]
    assert played(session) == []


def test_the_published_rule_switches_through_facts() -> None:
    """It begins with a say; a market that turns against what was learnt takes it, as a fact with the share."""
    found = played(market(24 * 30, planted=False), rule="source_s1", source_window=20, source_accuracy=0.9)
    switched = of(PredictorSwitched, found)
    assert switched
    assert (switched[0].on, switched[0].rule, switched[0].resolved) == (False, "source_s1", 20)
    said = [(ts, fact) for ts, fact in found if isinstance(fact, DirectionForecast | PredictorSwitched)]
    at = next(i for i, (_, fact) in enumerate(said) if isinstance(fact, PredictorSwitched))
    assert said[at - 1][1].weight == 1.0  # type: ignore[union-attr]
    assert said[at + 1][1].weight == 0.0  # type: ignore[union-attr]
