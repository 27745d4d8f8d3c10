"""Served models in the views and under commands: words, silence, scores, champions, and what is refused."""

import asyncio
from typing import Any

import pytest

from contango_common.edge.metrics import Metrics
from contango_common.events.base import Event
from contango_common.events.codec import decode
from contango_common.events.forecast import (
    BASELINE,
    DirectionForecast,
    DriftDetected,
    Forecast,
    ForecastAbsent,
    ForecastScored,
    PredictorSwitched,
)
from contango_common.events.system import ModelPromoted, ModelRolledBack
from contango_common.runtime.memory import MemoryLog
from contango_gateway.commands import SUBJECT
from contango_gateway.gauges import Gauges
from support.gateway_client import Gateway, gateway, renew
from support.gateway_world import House

A, B = "a" * 64, "b" * 64


def direction(weight: float = 0.1, sha: str = A) -> Event:
    return DirectionForecast(
        symbol="SPX",
        model="daily",
        model_sha=sha,
        input_hash="x",
        horizon_s=0,
        prob_bull=0.5,
        prob_bear=0.2,
        prob_neutral=0.3,
        confidence=0.5,
        weight=weight,
        backend="triton",
    )


def variance(model: str, value: float) -> Event:
    return Forecast(
        symbol="SPX",
        model=model,
        model_sha=A,
        input_hash="x",
        horizons_sessions=(1,),
        levels=(0.5,),
        variance_quantiles=((value,),),
        role="baseline" if model == BASELINE else "champion",
        weight=1.0 if model == BASELINE else 0.25,
    )


def scored(e_value: float) -> Event:
    return ForecastScored(
        symbol="SPX",
        model="daily",
        model_sha=A,
        target="direction",
        resolved=40,
        loss=0.6,
        baseline_loss=0.62,
        skill=0.03,
        calibration_error=None,
        e_value=e_value,
    )


def drift(name: str) -> Event:
    return DriftDetected(symbol="SPX", model="daily", subject="feature", name=name, test="psi", value=0.5, limit=0.25)


def told(*events: Event) -> House:
    house = House()
    for event in events:
        house.put("forecast", event)
    return house


def seen(house: House, ask: Any) -> Any:
    """What a running gateway answers to ``ask``."""
    log = MemoryLog()
    for message in house.log.messages:
        log.put(message.subject, message.data, message.msg_id)

    async def main() -> Any:
        renew(log)
        async with gateway(log, house.blocks) as gw:
            return await ask(gw, log)

    return asyncio.run(main())


async def models(gw: Gateway, log: MemoryLog) -> Any:
    return await gw.get("/v1/models")


def test_a_models_words_stand_beside_the_baselines_and_take_nothing_from_them() -> None:
    house = told(variance(BASELINE, 0.04), variance("daily", 0.09), direction(), scored(21.0), drift("rsi_1d"))

    async def both(gw: Gateway, log: MemoryLog) -> Any:
        return (await gw.get("/v1/regimes"))["forecasts"], await models(gw, log)

    forecasts, said = seen(house, both)
    assert [(f["model"], f["variance_quantiles"]) for f in forecasts] == [(BASELINE, [[0.04]])]
    (row,) = said["models"]
    assert (row["model"], row["version"], row["backend"], row["role"]) == ("daily", A, "triton", "champion")
    assert row["weights"] == {"direction": 0.1, "variance": 0.25}
    assert row["direction"] == {"horizon_s": 0, "bull": 0.5, "bear": 0.2, "neutral": 0.3}
    assert row["scores"]["direction"]["e_value"] == 21.0
    assert [alert["name"] for alert in said["drift"]] == ["rsi_1d"]


def test_silence_costs_the_weight_and_leaves_the_last_word_in_sight() -> None:
    house = told(direction(), ForecastAbsent(symbol="SPX", model="daily", reason="unreachable: refused"))
    (row,) = seen(house, models)["models"]
    assert row["weights"] == {"direction": 0.0}
    assert row["absent"]["reason"] == "unreachable: refused"
    assert row["direction"]["bull"] == 0.5
    (row,) = seen(told(direction(), ForecastAbsent(symbol="SPX", model="daily", reason="x"), direction()), models)[
        "models"
    ]
    assert (row["absent"], row["weights"]) == (None, {"direction": 0.1})


def test_a_predictors_say_is_shown_with_its_reason() -> None:
    switched = PredictorSwitched(
        symbol="SPX", model="daily", on=True, rule="e_process", reason="e 21", resolved=9, accuracy=None, e_value=21.0
    )
    said = seen(told(direction(), switched), models)
    assert said["models"][0]["on"] is True
    assert [(c["what"], c["reason"]) for c in said["changes"]] == [("on", "e 21")]


def written(log: MemoryLog) -> list[Event]:
    return [decode(m.data).events[0] for m in log.messages if m.subject == SUBJECT]


def test_a_promotion_is_written_once_and_a_rollback_goes_to_the_champion_before() -> None:
    async def commands(gw: Gateway, log: MemoryLog) -> Any:
        nothing = await gw.post("/v1/models/daily/rollback", {"reason": "drift"})
        assert nothing.status_code == 409
        for sha, key in ((A, "one"), (A, "one"), (B, "two")):
            body = {"sha": sha, "reason": f"beat {key}", "evidence": {"skill": 0.03}}
            assert (await gw.post("/v1/models/daily/promote", body, key)).status_code == 200
        assert (await gw.post("/v1/models/daily/promote", {"sha": "short", "reason": "x"})).status_code == 422
        assert (await gw.post("/v1/models/daily/rollback", {"reason": "drift"}, "three")).status_code == 200
        assert (await gw.post("/v1/models/daily/rollback", {"reason": "drift"}, "three")).status_code == 200
        return written(log)

    found = seen(told(direction(sha=A)), commands)
    assert found == [
        ModelPromoted(model="daily", sha=A, previous_sha=A, evidence={"skill": 0.03}, reason="beat one"),
        ModelPromoted(model="daily", sha=B, previous_sha=A, evidence={"skill": 0.03}, reason="beat two"),
        ModelRolledBack(model="daily", sha=A, previous_sha=B, reason="drift"),
    ]


def test_a_version_that_cannot_be_served_is_not_promoted(monkeypatch: pytest.MonkeyPatch) -> None:
    from contango_gateway.commands import Commands

    async def refused(gw: Gateway, log: MemoryLog) -> Any:
        answer = await gw.post("/v1/models/daily/promote", {"sha": A, "reason": "x"})
        assert answer.status_code == 422
        assert "the weights were changed" in answer.json()["error"]
        return written(log)

    begin = Commands.__init__

    def with_registry(self: Commands, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **{**kwargs, "validate_model": lambda model, sha: "the weights were changed"})

    monkeypatch.setattr(Commands, "__init__", with_registry)
    assert seen(told(direction()), refused) == []


def test_metrics_show_weights_scores_and_count_drift_once() -> None:
    house = told(direction(), scored(3.5), drift("a"), drift("b"))

    async def shown(gw: Gateway, log: MemoryLog) -> Metrics:
        metrics = Metrics()
        gauges = Gauges(metrics, "gateway")
        gauges.show(gw.views, 0)
        gauges.show(gw.views, 0)
        return metrics

    metrics = seen(house, shown)
    labels = {"symbol": "SPX", "model": "daily"}
    assert metrics.value("contango_model_weight", target="direction", **labels) == 0.1
    assert metrics.value("contango_model_e_value", target="direction", **labels) == 3.5
    assert metrics.value("contango_drift_total", subject="feature", **labels) == 2.0
