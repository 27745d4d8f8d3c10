"""The watch over served models: scored when due, against the baseline of the same instant; drift is told once."""

from typing import Any

import numpy as np
import pytest

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import (
    BASELINE,
    DirectionForecast,
    DriftDetected,
    Forecast,
    ForecastScored,
)
from contango_common.events.signal import FeatureRow
from contango_common.runtime.fold import evolve, step
from contango_common.runtime.snapshot import StateCodec
from contango_inference.models.port import NoModels
from contango_inference.monitor import part as watching
from contango_inference.monitor.tell import TELL_EVERY
from contango_inference.oracle import Oracle
from support.toy_model import CONTRACT, toy_model

FLAT = 0.04  # annual variance that every session has
DAY_NS = 86_400_000_000_000


def row(close: float, **values: float) -> FeatureRow:
    return FeatureRow(symbol="SPX", values={"close": close, **values}, cadence="session")


def direction(prob: tuple[float, float, float], band: float = 0.001, sha: str = "a") -> DirectionForecast:
    bull, bear, neutral = prob
    return DirectionForecast(
        symbol="SPX",
        model="toy",
        model_sha=sha,
        input_hash="b",
        horizon_s=0,
        prob_bull=bull,
        prob_bear=bear,
        prob_neutral=neutral,
        confidence=max(prob),
        neutral_band=band,
    )


def variance(model: str, level: float) -> Forecast:
    quantiles = tuple(tuple(level * q for q in (0.8, 1.0, 1.25)) for _ in CONTRACT.horizons_sessions)
    return Forecast(
        symbol="SPX",
        model=model,
        model_sha="a",
        input_hash="b",
        horizons_sessions=CONTRACT.horizons_sessions,
        levels=CONTRACT.levels,
        variance_quantiles=quantiles,
        role="baseline" if model == BASELINE else "champion",
    )


def watched(sessions: int, prob: tuple[float, float, float], closes: list[float]) -> list[ForecastScored]:
    """A model that always says ``prob`` and the right variance; the baseline says twice as much."""
    state, told = watching.WatchState(), []
    for i in range(sessions):
        event = row(closes[i % len(closes)] * 1.01 ** (i // len(closes)))
        watching.row(state, event, FLAT, {})
        for fact in watching.judge(state, event):
            assert isinstance(fact, ForecastScored)
            watching.scored(state, fact)
            told.append(fact)
        watching.variance(state, variance(BASELINE, 2.0 * FLAT))
        watching.variance(state, variance("toy", FLAT))
        watching.direction(state, direction(prob))
    return told


def test_a_model_that_knows_gathers_evidence_and_one_that_errs_loses_skill() -> None:
    rising = [100.0 * 1.01**i for i in range(100)]
    good = [f for f in watched(90, (0.9, 0.05, 0.05), rising) if f.target == "direction"]
    bad = [f for f in watched(90, (0.05, 0.9, 0.05), rising) if f.target == "direction"]
    # After many rises the baseline has learnt them too: what counts is the sign.
    assert (good[0].skill or 0.0) > 0.5
    assert (good[0].e_value or 0.0) > 2.0
    assert (bad[0].skill or 0.0) < 0.0
    assert (bad[-1].e_value or 1.0) < 0.1


def test_scores_are_told_every_twentieth_and_the_loss_is_the_mean_of_all_that_came_due() -> None:
    told = [f for f in watched(65, (1 / 3, 1 / 3, 1 / 3), [100.0, 101.0]) if f.target == "direction"]
    assert [f.resolved for f in told] == [TELL_EVERY, 2 * TELL_EVERY, 3 * TELL_EVERY]
    assert [f.loss for f in told] == pytest.approx([2 / 3] * 3)


def test_the_variance_is_held_against_the_baselines_own_word() -> None:
    """Right against twice as much: pinball losses of ln(variance) at quartiles, by hand."""
    told = next(f for f in watched(30, (1 / 3, 1 / 3, 1 / 3), [100.0, 101.0]) if f.target == "variance")
    logs = np.log([0.8, 1.0, 1.25])
    levels = np.array(CONTRACT.levels)

    def pinball(quantiles: np.ndarray) -> float:
        miss = -quantiles  # what came is ln 1 = 0 above the truth
        return float(np.mean(np.maximum(levels * miss, (levels - 1.0) * miss)))

    assert told.loss == pytest.approx(pinball(logs))
    assert told.baseline_loss == pytest.approx(pinball(logs + np.log(2.0)))


def test_another_version_begins_another_record() -> None:
    state = watching.WatchState()
    for i in range(30):
        watching.row(state, row(100.0 + i), FLAT, {})
        watching.direction(state, direction((0.5, 0.25, 0.25), sha="a" if i < 15 else "b"))
    (found,) = state.records.values()
    assert (found.model_sha, len(found.losses)) == ("b", 14)


def test_a_session_without_a_close_loses_what_was_due_and_scores_nothing() -> None:
    state = watching.WatchState()
    watching.row(state, row(100.0), FLAT, {})
    watching.direction(state, direction((0.5, 0.25, 0.25)))
    watching.row(state, FeatureRow(symbol="SPX", values={"close": None}, cadence="session"), FLAT, {})
    (found,) = state.records.values()
    assert (found.lost, found.losses) == (1, [])
    watching.direction(state, direction((0.5, 0.25, 0.25)))  # there is no price to start from
    assert found.directions == []


def test_inputs_that_moved_are_told_once_until_they_are_quiet_again() -> None:
    edges = tuple(np.linspace(-1.3, 1.3, 9).tolist())
    features = tuple(f.model_copy(update={"edges": edges}) for f in CONTRACT.features)
    model = toy_model(1, contract=CONTRACT.model_copy(update={"features": features}))
    rng, state, told = np.random.default_rng(5), watching.WatchState(), []
    for i in range(400):
        rsi = float(rng.normal(50.0, 10.0)) if i < 200 else 95.0
        event = row(100.0, rsi_1d=rsi, range_vol_22_1d=float(np.exp(rng.normal(-2.0, 1.0))))
        watching.row(state, event, FLAT, {"toy": model})
        for fact in watching.judge(state, event):
            assert isinstance(fact, DriftDetected)
            watching.drifted(state, fact)
            told.append((i, fact.subject, fact.name, fact.test))
    assert [entry[1:] for entry in told] == [("feature", "rsi_1d", "psi")]
    assert 200 <= told[0][0] <= 280


# -- through the oracle ------------------------------------------------------------------------------------------------


class Served(NoModels):
    """One toy model that answers with random outputs, the same for the same window."""

    BACKEND = "numpy"

    def __init__(self) -> None:
        super().__init__()
        self._model = toy_model(3)

    def find(self, ref: str, /) -> Any:
        return self._model

    def ask(self, model: Any, window: Any, /) -> Any:
        return np.random.default_rng(abs(int(window.sum() * 1e6))).normal(size=CONTRACT.outputs).astype(np.float32)


def inputs(sessions: int) -> list[Event]:
    from contango_common.events.market import RootListed
    from contango_common.events.system import ParametersChanged

    book = {"inference": {"models": {"champion": "toy"}, "min_days": 120}}
    root = RootListed(root="SPXW", underlying="SPX", style="european", settlement="pm", delivery="cash")
    rng = np.random.default_rng(11)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, sessions)))
    rows = [
        row(float(c), rsi_1d=float(rng.uniform(30, 70)), range_vol_22_1d=float(rng.uniform(0.1, 0.3))) for c in closes
    ]
    return [ParametersChanged(params=book, reason="test"), root, *rows]


def test_the_oracle_scores_its_own_words_and_a_snapshot_at_any_session_says_the_same() -> None:
    oracle = Oracle(Served())
    codec, events = StateCodec(oracle), inputs(60)
    state, facts = oracle.initial(), []
    again = oracle.initial()
    for seq, event in enumerate(events, start=1):
        at = At(seq * DAY_NS, seq, "signals")
        found, _ = step(oracle, state, (event,), at)
        again = codec.load(codec.dump(again))
        other, _ = step(oracle, again, (event,), at)
        assert other == found
        facts += found
    assert codec.dump(again) == codec.dump(state)
    scored = [fact for fact in facts if isinstance(fact, ForecastScored)]
    # Without daily bars the baseline never speaks, so that nothing stands beside the variances.
    assert {fact.target for fact in scored} == {"direction"}
    assert len(scored) == 2


def test_evolving_what_was_told_is_all_that_recovery_needs() -> None:
    oracle = Oracle(Served())
    codec, state, again = StateCodec(oracle), oracle.initial(), oracle.initial()
    for seq, event in enumerate(inputs(45), start=1):
        at = At(seq * DAY_NS, seq, "signals")
        found, _ = step(oracle, state, (event,), at)
        for fact in (event, *found):
            evolve(oracle, again, fact, at)
    assert codec.dump(again) == codec.dump(state)
