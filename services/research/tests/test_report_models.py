"""The report's section on served models: what they said and counted, how it came, and nothing where none spoke."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from contango_common.domain.sessions import DAY_NS
from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.events.forecast import (
    BASELINE,
    DirectionForecast,
    DriftDetected,
    Forecast,
    ForecastAbsent,
    ForecastScored,
    PredictorSwitched,
)
from contango_common.events.signal import FeatureRow
from contango_common.runtime.log import Message
from contango_research.report import models
from contango_research.tally import Tally


def direction(bull: float, bear: float = 0.25, weight: float = 0.0, model: str = "daily") -> Event:
    return DirectionForecast(
        symbol="SPX",
        model=model,
        model_sha="ab" * 32,
        input_hash="x",
        horizon_s=0,
        prob_bull=bull,
        prob_bear=bear,
        prob_neutral=1.0 - bull - bear,
        confidence=bull,
        weight=weight,
    )


def variance(model: str, weight: float) -> Event:
    return Forecast(
        symbol="SPX",
        model=model,
        model_sha="c",
        input_hash="x",
        horizons_sessions=(1,),
        levels=(0.5,),
        variance_quantiles=((0.04,),),
        role="baseline" if model == BASELINE else "champion",
        weight=weight,
    )


def row(close: float) -> Event:
    return FeatureRow(symbol="SPX", values={"close": close}, cadence="session")


def told(*sessions: list[Event]) -> Any:
    """The tally of one message a session."""
    tally = Tally()
    for i, events in enumerate(sessions, start=1):
        envelope = Envelope(i * DAY_NS, "forecast", 0, tuple(events), tuple(range(len(events))), "b")
        tally.take(Message(seq=i, subject="log.forecast", data=b"", msg_id=str(i), writer="w"), envelope)
    return tally


def shown(tally: Tally) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", models.render(SimpleNamespace(tally=tally)))  # type: ignore[arg-type]


def test_no_model_is_one_sentence() -> None:
    assert "No model was served in this run." in shown(told([variance(BASELINE, 1.0), row(100.0)]))


def test_what_was_said_counted_and_withheld() -> None:
    silent = ForecastAbsent(symbol="SPX", model="daily", reason="unreachable: refused <b>")
    tally = told([direction(0.5), variance("daily", 0.25), variance(BASELINE, 1.0)], [silent], [direction(0.5)])
    said = models.said_of(tally)[("SPX", "daily")]
    assert (said.directions, said.variances, said.weights) == (2, 1, {"direction": 0.0, "variance": 0.25})
    assert said.absences == {"unreachable: refused <b>": 1}
    page = models.render(SimpleNamespace(tally=tally))  # type: ignore[arg-type]
    assert "variance 0.25" in page
    assert "refused &lt;b&gt; (1)" in page
    assert "0: decided nothing" in shown(told([direction(0.5)]))


def test_reliability_is_of_one_side_against_the_other_by_the_next_close() -> None:
    """0.5 against 0.25 is two thirds up; it rose once and fell once. The last word has no outcome yet."""
    tally = told(
        [row(100.0), direction(0.5)], [row(101.0), direction(0.5)], [row(99.0), direction(0.1, 0.3)], [row(98.0)]
    )
    assert models.reliability(tally, "SPX", "daily") == [
        (pytest.approx(0.25), 0.0, 1),
        (pytest.approx(2.0 / 3.0), 0.5, 2),
    ]


def test_scores_drift_and_switches_are_shown() -> None:
    score = ForecastScored(
        symbol="SPX",
        model="daily",
        model_sha="c",
        target="direction",
        resolved=600,
        loss=0.6,
        baseline_loss=0.625,
        skill=0.04,
        calibration_error=0.021,
        e_value=25.0,
    )
    drift = DriftDetected(
        symbol="SPX", model="daily", subject="feature", name="rsi_1d", test="psi", value=0.5, limit=0.25
    )
    switch = PredictorSwitched(
        symbol="SPX", model="daily", on=False, rule="e_process", reason="worse", resolved=9, accuracy=None, e_value=30.0
    )
    page = shown(told([direction(0.5), score, drift, switch]))
    for words in ("4.0", "25", "0.021", "feature rsi_1d", "silenced", "worse"):
        assert words in page
    assert "No drift" not in page
    assert "No drift of inputs or losses was found." in shown(told([direction(0.5)]))
