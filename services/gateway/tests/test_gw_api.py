"""The contract of every endpoint, the one form of every error, and the description of it all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from contango_common.runtime.memory import MemoryLog
from contango_gateway import answers, bodies
from contango_gateway.problems import ProblemBody
from support.gateway_client import Gateway, gateway, renew
from support.gateway_world import PARAMS, House

VIEWS = {
    "/v1/book": answers.Book,
    "/v1/positions": answers.Positions,
    "/v1/orders": answers.Orders,
    "/v1/decisions": answers.Decisions,
    "/v1/trades": answers.Trades,
    "/v1/regimes": answers.Regimes,
    "/v1/models": answers.Models,
    "/v1/parameters": answers.Parameters,
    "/v1/health": answers.Health,
}


def with_gateway(house: House | None, test: Callable[[Gateway], Awaitable[None]]) -> None:
    async def main() -> None:
        log, blocks = (MemoryLog(), {}) if house is None else (house.log, house.blocks)
        renew(log)
        async with gateway(log, blocks) as running:
            await test(running)

    asyncio.run(main())


def traded(*, closed: bool = False) -> House:
    house = House()
    house.trade()
    if closed:
        house.close()
    return house


@pytest.mark.parametrize("path", sorted(VIEWS))
@pytest.mark.parametrize("house", [None, traded(), traded(closed=True)], ids=["empty", "open", "closed"])
def test_every_view_answers_its_model_and_what_it_reflects(path: str, house: House | None):
    async def check(gw: Gateway) -> None:
        body = await gw.get(path)
        VIEWS[path].model_validate(body)
        assert body["as_of_seq"] == (0 if house is None else len(house.log.messages))
        assert body["as_of_ts_ns"] == (0 if house is None else house.ts_ns)

    with_gateway(house, check)


def test_a_view_moves_with_the_log():
    async def check(gw: Gateway) -> None:
        assert (await gw.get("/v1/positions"))["positions"] == []
        house.trade()
        while gw.views.as_of_seq < len(house.log.messages):
            await asyncio.sleep(0)
        assert len((await gw.get("/v1/positions"))["positions"]) == 1

    house = House()
    with_gateway(house, check)


def test_one_position_and_one_that_is_not_there():
    house = traded()

    async def check(gw: Gateway) -> None:
        one = await gw.get(f"/v1/positions/{house.position_id}")
        assert one["position"]["position_id"] == house.position_id
        missing = await gw.client.get("/v1/positions/nobody")
        assert missing.status_code == 404
        assert missing.json() == {
            "error": "no open position is called nobody",
            "where": "path: position_id",
            "what_to_do": "GET /v1/positions lists the open ones, /v1/trades the closed ones",
        }

    with_gateway(house, check)


def test_orders_are_newest_first_and_can_be_chosen_by_state():
    house = traded(closed=True)

    async def check(gw: Gateway) -> None:
        orders = (await gw.get("/v1/orders"))["orders"]
        assert [order["purpose"] for order in orders] == ["reduce", "open"]
        assert len((await gw.get("/v1/orders?limit=1"))["orders"]) == 1
        assert len((await gw.get("/v1/orders?state=filled"))["orders"]) == 2
        assert (await gw.get("/v1/orders?state=WORKING"))["orders"] == []

    with_gateway(house, check)


def test_decisions_can_be_chosen_by_kind_and_number():
    async def check(gw: Gateway) -> None:
        refused = await gw.get("/v1/decisions?kind=refused&limit=1")
        assert [row["kind"] for row in refused["decisions"]] == ["refused"]
        wrong = await gw.client.get("/v1/decisions?kind=nonsense")
        assert wrong.status_code == 422
        assert "approved" in wrong.json()["what_to_do"]

    with_gateway(traded(), check)


def test_health_names_who_does_not_answer():
    async def check(gw: Gateway) -> None:
        health = await gw.get("/v1/health")
        assert health["ready"] is False
        [row] = health["services"]
        assert (row["name"], row["reason"]) == ("risk", "unreachable: ConnectError")

    with_gateway(traded(), check)


def test_parameters_show_the_set_in_force_and_who_set_it():
    async def check(gw: Gateway) -> None:
        body = await gw.get("/v1/parameters")
        assert body["parameters"] == PARAMS
        assert body["set_by"] == {
            "seq": 1,
            "ts_ns": body["set_by"]["ts_ns"],
            "source": "control.research",
            "reason": "start",
        }

    with_gateway(traded(), check)


def test_explain_walks_from_the_order_to_the_frame():
    house = traded(closed=True)

    async def check(gw: Gateway) -> None:
        for id_ in (f"{house.position_id}:o1", house.position_id):
            body = await gw.get(f"/v1/explain/{id_}")
            facts = [step["fact"] for step in body["steps"]]
            assert facts == ["OrderSubmitted", "Approved", "Proposal", "ChainFrame"]
            assert [step["cause"] for step in body["steps"]] == [step["seq"] for step in body["steps"][1:]] + [0]
            assert body["steps"][2]["body"]["why"]["iv_rank"] == 60.0
            assert body["steps"][3]["beside"] == ["Bars"]
        assert [step["fact"] for step in body["exit_steps"]] == ["ExitRequested", "ChainFrame"]
        closing = await gw.get(f"/v1/explain/{house.position_id}:x1")
        assert [step["fact"] for step in closing["steps"]] == ["OrderSubmitted", "ExitRequested", "ChainFrame"]
        assert closing["exit_steps"] == []

    with_gateway(house, check)


def test_explaining_the_unknown_is_refused():
    async def check(gw: Gateway) -> None:
        answer = await gw.client.get("/v1/explain/nobody")
        assert answer.status_code == 404
        assert "nobody" in answer.json()["error"]

    with_gateway(traded(), check)


BAD_REQUESTS = [
    ("GET", "/v1/nothing", None, 404),
    ("DELETE", "/v1/book", None, 405),
    ("GET", "/v1/orders?limit=0", None, 422),
    ("GET", "/v1/orders?limit=many", None, 422),
    ("GET", "/v1/book?points=1", None, 422),
    ("POST", "/v1/halt", {}, 422),
    ("POST", "/v1/halt", {"reason": ""}, 422),
    ("POST", "/v1/halt", {"reason": "x" * 201}, 422),
    ("POST", "/v1/halt", {"reason": "x", "also": 1}, 422),
    ("POST", "/v1/halt", [1], 422),
    ("POST", "/v1/flatten", {"reason": "x"}, 422),
    ("POST", "/v1/flatten", {"reason": "x", "confirm": False}, 422),
    ("POST", "/v1/features/iron_condor", {"reason": "x", "switch": "maybe"}, 422),
    ("POST", "/v1/features/nonsense", {"reason": "x", "switch": "off"}, 404),
    ("PUT", "/v1/parameters", {}, 422),
    ("PUT", "/v1/parameters", {"signals": {"forecast_max_age_hours": -1}}, 422),
    ("PUT", "/v1/parameters", {"nonsense": {"a": 1}}, 422),
    ("POST", "/v1/positions/nobody/close", {"reason": "x"}, 404),
    ("POST", "/login", {"token": ""}, 422),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD_REQUESTS)
def test_every_bad_request_is_refused_in_one_form_and_writes_nothing(method: str, path: str, body: Any, status: int):
    house = traded()
    before = len(house.log.messages)

    async def check(gw: Gateway) -> None:
        answer = await gw.client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        problem = ProblemBody.model_validate(answer.json())
        assert problem.error
        assert "\n" not in problem.error
        assert problem.where
        assert problem.what_to_do

    with_gateway(house, check)
    assert len(house.log.messages) == before


def test_a_body_that_is_no_json_is_refused_in_the_same_form():
    async def check(gw: Gateway) -> None:
        answer = await gw.client.post("/v1/halt", content=b"{not json", headers={"content-type": "application/json"})
        assert answer.status_code == 422
        ProblemBody.model_validate(answer.json())

    with_gateway(traded(), check)


def test_an_unexpected_failure_tells_no_insides():
    async def check(gw: Gateway) -> None:
        def broken() -> list[Any]:
            raise RuntimeError("the secret inside")

        gw.views.positions.rows = broken  # type: ignore[method-assign]
        answer = await gw.client.get("/v1/positions")
        assert answer.status_code == 500
        assert "RuntimeError" in ProblemBody.model_validate(answer.json()).error
        assert "secret inside" not in answer.text

    with_gateway(traded(), check)


def _schema() -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def read(gw: Gateway) -> None:
        found.update(await gw.get("/v1/openapi.json"))

    with_gateway(House(), read)
    return found


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_the_description_is_whole_and_every_reference_in_it_leads_somewhere():
    schema = _schema()
    assert schema["openapi"].startswith("3.1")
    for reference in _references(schema):
        node: Any = schema
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    ids = [operation["operationId"] for _, _, operation in _operations(schema)]
    assert len(ids) == len(set(ids))
    assert set(VIEWS) <= set(schema["paths"])


def test_every_operation_says_what_it_does_what_it_needs_and_how_it_refuses():
    for path, _, operation in _operations(_schema()):
        assert operation["summary"], path
        assert operation["tags"], path
        tokenless = path in ("/login", "/healthz", "/readyz", "/metrics", "/v1/session", "/v1/logout")
        assert operation.get("security", []) == ([] if tokenless else [{"HTTPBearer": []}]), path
        refusal = operation["responses"]["401"]["content"]["application/json"]["schema"]["$ref"]
        assert refusal == "#/components/schemas/ProblemBody", path


def test_every_example_of_a_body_is_itself_accepted():
    checked = 0
    for model in (bodies.Because, bodies.Flatten, bodies.ParameterUpdate, bodies.Switched):
        for example in model.model_json_schema()["examples"]:
            model.model_validate(example)
            checked += 1
    assert checked == 4


def test_commands_document_their_idempotency_key():
    schema = _schema()
    for path, method, operation in _operations(schema):
        if method == "get" or not path.startswith("/v1/") or path in ("/v1/logout", "/v1/earnings/predict"):
            continue
        names = [parameter["name"] for parameter in operation["parameters"]]
        assert "idempotency-key" in names, path
