"""What a model's forecast counts: nothing until it has earned it, nothing once it is silent, never more than said."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import BASELINE, DirectionForecast, Forecast, ForecastAbsent, Role
from contango_common.events.system import FeatureSwitched
from contango_signals import fold
from contango_signals.forecasts import SESSION, direction_of, forecast_of, model_weight, said
from contango_signals.state import State

HOUR_NS = 3_600_000_000_000
NOW = At(1_000 * HOUR_NS, 10, "forecast")
LEVELS, HORIZONS = (0.25, 0.5, 0.75), (1, 21)
OURS = ((0.01, 0.02, 0.04), (0.02, 0.03, 0.05))
THEIRS = ((0.02, 0.03, 0.05), (0.01, 0.02, 0.03))


def variance(
    role: Role, quantiles: tuple[tuple[float, ...], ...] = THEIRS, weight: float = 0.25, **more: object
) -> Event:
    fields: dict[str, object] = {
        "symbol": "SPX",
        "model": BASELINE if role == "baseline" else "daily",
        "model_sha": "a",
        "input_hash": "b",
        "horizons_sessions": HORIZONS,
        "levels": LEVELS,
        "variance_quantiles": quantiles,
        "role": role,
        "weight": weight,
    }
    return Forecast.model_validate({**fields, **more})


def direction(weight: float = 0.1, horizon_s: int = 0, role: Role = "champion") -> Event:
    return DirectionForecast(
        symbol="SPX",
        model="daily",
        model_sha="a",
        input_hash="b",
        horizon_s=horizon_s,
        prob_bull=0.5,
        prob_bear=0.2,
        prob_neutral=0.3,
        confidence=0.5,
        role=role,
        weight=weight,
    )


def after(*events: Event, at: At = NOW) -> State:
    state = fold.initial()
    for event in (variance("baseline", OURS, 1.0), *events):
        fold.EVOLVE[type(event)](state, event, at)
    return state


def quantiles(state: State, now_ns: int = NOW.ts_ns) -> list[list[float]]:
    found = forecast_of(state, "SPX", now_ns)
    assert found is not None
    return found.variance_quantiles


@given(st.floats(0.0, 1.0))
def test_pooling_is_geometric_and_lies_between(weight: float) -> None:
    for ours, theirs, pooled in zip(OURS, THEIRS, quantiles(after(variance("champion", weight=weight))), strict=True):
        for a, b, q in zip(ours, theirs, pooled, strict=True):
            assert q == pytest.approx(math.exp((1 - weight) * math.log(a) + weight * math.log(b)))
            assert min(a, b) * (1 - 1e-12) <= q <= max(a, b) * (1 + 1e-12)
        assert pooled == sorted(pooled)


@pytest.mark.parametrize(
    "state",
    [
        after(),
        after(variance("champion", weight=0.0)),
        after(variance("challenger", weight=0.5)),
        after(variance("champion"), ForecastAbsent(symbol="SPX", model="daily", reason="triton: unreachable")),
        after(variance("champion", horizons_sessions=(1, 22))),
        after(variance("champion"), FeatureSwitched(feature="models", switch="shadow", reason="test")),
        after(variance("champion"), FeatureSwitched(feature="models", switch="off", reason="test")),
    ],
    ids=["none", "no weight", "challenger", "silent", "other horizons", "in shadow", "off"],
)
def test_a_model_that_has_no_say_leaves_the_baseline_as_it_is(state: State) -> None:
    assert quantiles(state) == [list(row) for row in OURS]
    assert model_weight(state, "SPX", NOW.ts_ns) == 0.0


def test_an_old_word_no_longer_counts() -> None:
    state = after(variance("champion"), direction())
    limit = int(state.params.forecast_max_age_hours) * HOUR_NS
    assert model_weight(state, "SPX", NOW.ts_ns + limit) == 0.25
    assert model_weight(state, "SPX", NOW.ts_ns + limit + 1) == 0.0
    assert direction_of(state, "SPX", SESSION, NOW.ts_ns + limit + 1) is None


def test_a_direction_with_a_horizon_in_hours_ends_with_it() -> None:
    state = after(direction(horizon_s=14_400))
    assert direction_of(state, "SPX", 14_400, NOW.ts_ns + 4 * HOUR_NS) is not None
    assert direction_of(state, "SPX", 14_400, NOW.ts_ns + 4 * HOUR_NS + 1) is None
    assert direction_of(state, "SPX", SESSION, NOW.ts_ns) is None


def test_the_baselines_absence_takes_nothing_from_the_model_and_the_other_way_round() -> None:
    state = after(variance("champion"), ForecastAbsent(symbol="SPX", model=BASELINE, reason="no bar"))
    assert (state.forecasts["SPX"].absent, model_weight(state, "SPX", NOW.ts_ns)) == ("no bar", 0.25)
    state = after(variance("champion"), direction(), ForecastAbsent(symbol="SPX", model="daily", reason="late"))
    assert (state.forecasts["SPX"].absent, said(state, "SPX", NOW.ts_ns)) == (None, {})
    state = after(variance("champion"), ForecastAbsent(symbol="NDX", model="daily", reason="late"))
    assert model_weight(state, "SPX", NOW.ts_ns) == 0.25


def test_a_challenger_is_not_even_remembered() -> None:
    assert after(direction(role="challenger")).directions == {}


def test_what_was_said_stands_in_the_record_of_a_decision() -> None:
    state = after(variance("champion"), direction())
    assert said(state, "SPX", NOW.ts_ns) == {
        "model_bull": 0.5,
        "model_bear": 0.2,
        "model_direction_weight": 0.1,
        "model_variance_weight": 0.25,
    }
