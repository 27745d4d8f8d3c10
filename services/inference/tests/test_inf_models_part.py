"""The models' part of the oracle: what it says, when it is silent, and what a dead server changes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionForecast, Forecast, ForecastAbsent
from contango_common.events.market import RootListed
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ModelPromoted, ModelRolledBack, ParametersChanged
from contango_common.runtime.fold import evolve, step
from contango_common.runtime.snapshot import StateCodec
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.models.loaded import Loaded
from contango_inference.models.port import NoModels, Outputs
from contango_inference.oracle import Oracle, State
from support.toy_model import CONTRACT, made, toy_model

ROOT = RootListed(root="SPXW", underlying="SPX", style="european", settlement="pm", delivery="cash")


class Served:
    """Models by reference, through the numpy backend; ``down`` is the reason why nobody answers."""

    BACKEND = "numpy"

    def __init__(self, **models: Loaded) -> None:
        self.models, self.down, self._backend = models, "", NumpyBackend()

    def find(self, ref: str, /) -> Loaded | str:
        return self.models.get(ref) or next(
            (m for m in self.models.values() if ref == f"{m.manifest.name}@{m.version}"), f"model {ref} is not there"
        )

    def ask(self, model: Loaded, window: Outputs, /) -> Outputs | str:
        if self.down:
            return self.down
        outputs = self._backend.run(model, window[None])
        assert isinstance(outputs, np.ndarray)
        return outputs[0]


def rows(count: int, seed: int = 7, symbol: str = "SPX") -> list[FeatureRow]:
    rng = np.random.default_rng(seed)
    return [
        FeatureRow(
            symbol=symbol,
            values={"rsi_1d": float(rng.uniform(20, 80)), "range_vol_22_1d": float(rng.uniform(0.05, 0.4)), "x": None},
            cadence="session",
        )
        for _ in range(count)
    ]


def play(served: Any, events: list[Event], params: dict[str, Any] | None = None) -> tuple[list[Event], State, Oracle]:
    oracle = Oracle(served)
    state, facts = oracle.initial(), []
    book = {"inference": {"models": {"champion": "toy", **(params or {})}}}
    for seq, event in enumerate([ParametersChanged(params=book, reason="test"), ROOT, *events], start=1):
        found, _ = step(oracle, state, (event,), At(seq * 1000, seq, "signals"))
        facts += found
    return facts, state, oracle


def test_it_speaks_when_the_window_is_full_and_says_once_why_not_before() -> None:
    facts, _, _ = play(Served(toy=toy_model(1)), list(rows(5)))
    kinds = [type(fact).__name__ for fact in facts]
    assert kinds == ["ForecastAbsent", *["DirectionForecast", "Forecast"] * 3]
    assert facts[0].reason == "1 feature rows, 3 are needed"  # type: ignore[attr-defined]
    direction, variance = facts[1], facts[2]
    assert isinstance(direction, DirectionForecast)
    assert isinstance(variance, Forecast)
    assert direction.prob_bull + direction.prob_bear + direction.prob_neutral == pytest.approx(1.0)
    assert (direction.role, direction.weight, direction.backend, direction.horizon_s) == ("champion", 0.0, "numpy", 0)
    assert (variance.role, variance.weight) == ("champion", 0.25)
    assert variance.horizons_sessions == CONTRACT.horizons_sessions
    assert all(list(row) == sorted(row) for row in variance.variance_quantiles)


def test_a_weight_is_earned_from_an_instant_on_for_the_symbols_learnt_from_and_no_more_than_the_cap() -> None:
    manifest = made(1)[0]
    late = toy_model(1, lineage=manifest.lineage.model_copy(update={"earns_from_ns": 7000}))
    facts, _, _ = play(Served(toy=late), list(rows(6)))
    assert [(f.weight) for f in facts if isinstance(f, Forecast)] == [0.0, 0.0, 0.25, 0.25]
    stranger = toy_model(1, contract=manifest.contract.model_copy(update={"symbols": ("NDX",)}))
    facts, _, _ = play(Served(toy=stranger), list(rows(4)))
    assert {f.weight for f in facts if isinstance(f, Forecast)} == {0.0}
    facts, _, _ = play(Served(toy=toy_model(1)), list(rows(4)), {"weight_cap": 0.1})
    assert {f.weight for f in facts if isinstance(f, Forecast)} == {0.1}


def test_a_challenger_answers_in_shadow() -> None:
    facts, _, _ = play(Served(toy=toy_model(1), rival=toy_model(2)), list(rows(3)), {"challengers": ["rival"]})
    said = [(f.model, f.role, f.weight) for f in facts if isinstance(f, Forecast)]
    assert said == [("toy", "champion", 0.25), ("rival", "challenger", 0.0)]


@given(st.integers(0, 11), st.integers(1, 12))
def test_a_dead_server_makes_one_absence_and_it_speaks_again_when_the_server_is_back(dies: int, back: int) -> None:
    """Killing it changes nothing but absences: what is said before and after is what was said without the kill."""
    served = Served(toy=toy_model(1))
    events = rows(14)
    whole = [fact for fact in play(served, list(events))[0] if not isinstance(fact, ForecastAbsent)]
    oracle = Oracle(served)
    state, said, absences = oracle.initial(), [], []
    book = {"inference": {"models": {"champion": "toy"}}}
    for seq, event in enumerate([ParametersChanged(params=book, reason="test"), ROOT, *events], start=1):
        served.down = "triton: unreachable" if dies <= seq - 3 < dies + back else ""
        facts, _ = step(oracle, state, (event,), At(seq * 1000, seq, "signals"))
        absences += [fact for fact in facts if isinstance(fact, ForecastAbsent)]
        said += [fact for fact in facts if not isinstance(fact, ForecastAbsent)]
    assert all(fact in whole for fact in said)
    told = [fact.reason for fact in absences if "triton" in fact.reason]
    assert len(told) == (1 if max(dies, 2) < min(dies + back, 14) else 0)
    if dies + back < 14:
        assert said[-1] == whole[-1]


def test_recovery_takes_what_was_said_and_asks_nobody() -> None:
    """Facts of the log folded into a new state give the state; the models of the day are not needed for it."""
    served, events = Served(toy=toy_model(1)), rows(6)
    oracle = Oracle(served)
    state, again = oracle.initial(), oracle.initial()
    codec = StateCodec(oracle)
    book = {"inference": {"models": {"champion": "toy"}}}
    for seq, event in enumerate([ParametersChanged(params=book, reason="test"), ROOT, *events], start=1):
        at = At(seq * 1000, seq, "signals")
        served.down = ""
        facts, _ = step(oracle, state, (event,), at)
        served.down = "nobody may be asked"
        for fact in (event, *facts):
            evolve(oracle, again, fact, at)
        assert codec.dump(again) == codec.dump(state)
        again = codec.load(codec.dump(again))


def test_a_promotion_on_the_log_counts_from_there_and_a_rollback_takes_it_back() -> None:
    first, second = toy_model(1), toy_model(2)
    promoted = ModelPromoted(model="toy", sha=second.version, previous_sha=first.version, evidence={}, reason="better")
    back = ModelRolledBack(model="toy", sha=first.version, previous_sha=second.version, reason="drift")
    r = rows(9)
    facts, _, _ = play(Served(toy=first, other=second), [*r[:3], promoted, *r[3:6], back, *r[6:]])
    shas = [f.model_sha for f in facts if isinstance(f, Forecast)]
    assert shas == [first.version, *[second.version] * 3, *[first.version] * 3]


def test_a_promoted_version_that_is_not_there_is_an_absence() -> None:
    lost = ModelPromoted(model="toy", sha="0" * 64, previous_sha=None, evidence={}, reason="lost")
    r = rows(5)
    facts, _, _ = play(Served(toy=toy_model(1)), [*r[:3], lost, *r[3:]])
    assert isinstance(facts[-1], ForecastAbsent)
    assert "is not there" in facts[-1].reason
    assert sum(isinstance(fact, ForecastAbsent) for fact in facts) == 2


def test_without_models_the_baseline_alone_speaks() -> None:
    facts, _, _ = play(NoModels(), list(rows(4)))
    assert [fact.reason for fact in facts if isinstance(fact, ForecastAbsent)] == ["no models are served here"]
    facts, _, _ = play(NoModels(), list(rows(4)), {"champion": None})
    assert facts == []


def test_the_future_changes_nothing_said_before() -> None:
    served, events = Served(toy=toy_model(1)), rows(8)
    other = [*events[:5], *rows(3, seed=99)]
    before, after = (
        [f for f in play(served, list(e))[0] if isinstance(f, Forecast | DirectionForecast)][: 2 * 3]
        for e in (events, other)
    )
    assert before == after


def test_other_symbols_and_cadences_are_not_spoken_of() -> None:
    foreign = rows(4, symbol="NDX")
    hourly = [replace_cadence(event) for event in rows(4)]
    facts, _, _ = play(Served(toy=toy_model(1)), [*foreign, *hourly])
    assert facts == []


def replace_cadence(event: FeatureRow) -> FeatureRow:
    return event.model_copy(update={"cadence": "row"})
