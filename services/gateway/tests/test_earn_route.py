"""POST /v1/earnings/predict: the answer, the fallback, and the one form of every error."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from contango_common.domain.errors import UserError
from contango_gateway.app import _one_form_for_errors
from contango_gateway.earnings_routes import earnings_routes
from contango_gateway.problems import ProblemBody
from contango_inference.earnings.prediction import predictor
from contango_inference.earnings.request import EarningsAnswer, EarningsRequest, Predictor

BODY: dict[str, Any] = {
    "symbol": "XYZ",
    "date": "2024-02-01",
    "timing": "amc",
    "spot": 100.0,
    "near": {"vol_annual": 0.6, "years": 10 / 365},
    "far": {"vol_annual": 0.45, "years": 38 / 365},
    "prior_moves": [0.03, -0.05, 0.02],
}


def post(port: Predictor, body: Any) -> httpx.Response:
    app = FastAPI()
    app.include_router(earnings_routes(port))
    _one_form_for_errors(app)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            return await client.post("/v1/earnings/predict", json=body)

    return asyncio.run(ask())


def test_without_a_model_the_plain_rule_answers():
    response = post(predictor(None), BODY)
    assert response.status_code == 200
    said = EarningsAnswer.model_validate(response.json())
    assert said.fallback
    assert said.reason == "no model is loaded"
    assert said.expected_move == pytest.approx(0.1 / 3)
    assert said.vrp == pytest.approx(said.implied_move / said.expected_move)


def test_the_port_is_asked_for_what_came():
    seen: list[EarningsRequest] = []

    def port(request: EarningsRequest) -> EarningsAnswer:
        seen.append(request)
        return predictor(None)(request)

    assert post(port, BODY).status_code == 200
    assert seen == [EarningsRequest.model_validate(BODY)]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"spot": -1}, "body.spot"),
        ({"date": "soon"}, "body.date"),
        ({"near": {"vol_annual": 0.6, "years": 0.0}}, "body.near.years"),
        ({"nonsense": 1}, "body.nonsense"),
        ({"far": None}, "body"),
    ],
)
def test_bad_input_has_the_one_form(changes, where):
    response = post(predictor(None), BODY | changes)
    assert response.status_code == 422
    problem = ProblemBody.model_validate(response.json())
    assert where in problem.where
    assert "\n" not in problem.error


def test_a_body_that_is_no_object_has_the_one_form():
    assert post(predictor(None), [1, 2]).status_code == 422
    ProblemBody.model_validate(post(predictor(None), "x").json())


def test_what_the_asker_can_put_right_is_422_and_a_broken_port_500():
    def refuses(request: EarningsRequest) -> EarningsAnswer:
        raise UserError("features: the model has no feature nonsense")

    def breaks(request: EarningsRequest) -> EarningsAnswer:
        raise RuntimeError("secret detail")

    response = post(refuses, BODY)
    assert response.status_code == 422
    assert "no feature nonsense" in ProblemBody.model_validate(response.json()).error
    response = post(breaks, BODY)
    assert response.status_code == 500
    assert "secret" not in response.text
    ProblemBody.model_validate(response.json())
