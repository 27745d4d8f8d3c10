"""Commands reach the log exactly once, whatever answers are lost, and bad ones never do."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_common.events.base import Event
from contango_common.events.codec import decode
from contango_common.events.system import CloseOrdered, FeatureSwitched, Halt, ParametersChanged, Resume
from contango_common.runtime.log import AppendUnknown, Message
from contango_common.runtime.memory import MemoryLog
from contango_gateway.commands import SUBJECT, merged
from contango_gateway.problems import ProblemBody
from support.gateway_client import Gateway, gateway, renew
from support.gateway_world import PARAMS, House


class FlakyLog(MemoryLog):
    """Plays a script of faults, one entry an append: ``stored`` but not answered, ``lost``, or ``fine``."""

    def __init__(self, script: list[str]) -> None:
        super().__init__()
        self.script = script

    async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
        fault = self.script.pop(0) if self.script else "fine"
        if fault != "lost":
            seq = await super().append(subject, data, msg_id=msg_id, writer=writer, expected=expected)
            if fault == "fine":
                return seq
        raise AppendUnknown(fault)


def flaky(house: House, script: list[str]) -> FlakyLog:
    log = FlakyLog(script)
    for message in house.log.messages:
        log.put(message.subject, message.data, message.msg_id)
    return log


def house() -> House:
    made = House()
    made.trade()
    return made


def written(log: MemoryLog) -> list[tuple[Message, Event]]:
    return [(m, decode(m.data).events[0]) for m in log.messages if m.subject == SUBJECT]


def run(log: MemoryLog, test: Any, blocks: Any = None) -> None:
    async def main() -> None:
        renew(log)
        async with gateway(log, blocks) as gw:
            await test(gw)

    asyncio.run(main())


def commands_of(position_id: str) -> list[tuple[str, str, Any, Event]]:
    return [
        ("POST", "/v1/halt", {"reason": "news"}, Halt(reason="news")),
        ("POST", "/v1/resume", {"reason": "calm"}, Resume(reason="calm")),
        (
            "POST",
            f"/v1/positions/{position_id}/close",
            {"reason": "enough"},
            CloseOrdered(position_id=position_id, reason="enough"),
        ),
        (
            "POST",
            "/v1/flatten",
            {"reason": "leaving", "confirm": True},
            CloseOrdered(position_id=None, reason="leaving"),
        ),
        (
            "POST",
            "/v1/features/iron_condor",
            {"switch": "shadow", "reason": "watch"},
            FeatureSwitched(feature="iron_condor", switch="shadow", reason="watch"),
        ),
    ]


@pytest.mark.parametrize("number", range(5))
def test_a_command_lands_as_its_fact_with_the_logs_time_and_the_clients_id(number: int):
    made = house()
    method, path, body, event = commands_of(made.position_id)[number]

    async def check(gw: Gateway) -> None:
        answer = await gw.client.request(method, path, json=body, headers={"idempotency-key": "mine:1"})
        assert answer.status_code == 200, answer.text
        [(message, fact)] = written(made.log)
        assert fact == event
        assert message.msg_id == "mine:1"
        assert decode(message.data).ts_ns == made.ts_ns
        assert decode(message.data).source == "control.gateway"
        assert answer.json() == {
            "command_id": "mine:1",
            "kind": type(event).TAG,
            "seq": message.seq,
            "ts_ns": made.ts_ns,
        }

    run(made.log, check)


@pytest.mark.parametrize("number", range(5))
def test_the_same_id_gives_the_same_answer_and_one_message_also_after_a_restart(number: int):
    made = house()
    method, path, body, _ = commands_of(made.position_id)[number]
    answers = []

    async def ask(gw: Gateway) -> None:
        for _ in range(2):
            answers.append(await gw.client.request(method, path, json=body, headers={"idempotency-key": "k"}))

    run(made.log, ask)
    run(made.log, ask)
    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].status_code == 200
    assert len(written(made.log)) == 1


def test_without_an_id_two_commands_are_two_messages():
    made = house()

    async def check(gw: Gateway) -> None:
        for _ in range(2):
            await gw.post("/v1/halt", {"reason": "news"})

    run(made.log, check)
    assert len(written(made.log)) == 2


def test_an_id_names_one_command_for_ever():
    made = house()

    async def check(gw: Gateway) -> None:
        await gw.post("/v1/halt", {"reason": "news"}, "k")
        for path, body in (("/v1/halt", {"reason": "other"}), ("/v1/resume", {"reason": "news"})):
            answer = await gw.post(path, body, "k")
            assert answer.status_code == 409
            assert "Halt" in ProblemBody.model_validate(answer.json()).error

    run(made.log, check)
    assert len(written(made.log)) == 1


@pytest.mark.parametrize("key", ["", "with space", "x" * 129, "semi;colon"])
def test_an_id_that_is_no_id_is_refused(key: str):
    made = house()

    async def check(gw: Gateway) -> None:
        answer = await gw.post("/v1/halt", {"reason": "news"}, key)
        assert answer.status_code == 422

    run(made.log, check)
    assert written(made.log) == []


@settings(max_examples=25, deadline=None)
@given(
    script=st.lists(st.sampled_from(["fine", "stored", "lost"]), max_size=12),
    commands=st.lists(st.integers(0, 2), min_size=1, max_size=5),
)
def test_commands_land_exactly_once_whatever_answers_are_lost(script: list[str], commands: list[int]):
    """A client sends each command until it is told where it stands, over as many restarts as that takes."""
    paths = ("/v1/halt", "/v1/resume", "/v1/flatten")
    log = flaky(WORLD, list(script))
    told: dict[str, int] = {}

    async def one_life(left: list[tuple[str, int]]) -> None:
        renew(log)
        async with gateway(log, instance=f"life-{len(log.script)}-{len(told)}") as gw:
            for key, number in left:
                body = {"reason": key} | ({"confirm": True} if number == 2 else {})
                answer = await gw.post(paths[number], body, key)
                if answer.status_code == 503:
                    assert gw.commands.broken is not None
                    return
                assert answer.status_code == 200, answer.text
                told[key] = answer.json()["seq"]

    todo = [(f"k{i}", number) for i, number in enumerate(commands)]
    for _ in range(20):
        left = [(key, number) for key, number in todo if key not in told]
        if left:
            asyncio.run(one_life(left))
    found = written(log)
    assert {message.msg_id: message.seq for message, _ in found} == told
    assert [message.msg_id for message, _ in found] == [key for key, _ in todo]


WORLD = house()


def test_a_fate_that_stays_unknown_is_said_and_stops_further_commands():
    log = flaky(house(), ["lost"] * 5)

    async def check(gw: Gateway) -> None:
        first = await gw.post("/v1/halt", {"reason": "news"}, "k")
        assert first.status_code == 503
        assert "same Idempotency-Key" in first.json()["what_to_do"]
        assert gw.commands.broken is not None
        assert (await gw.post("/v1/halt", {"reason": "news"}, "k")).status_code == 503

    run(log, check)
    assert written(log) == []


def test_a_gateway_that_was_replaced_writes_nothing_more():
    made = house()

    async def main() -> None:
        async with gateway(made.log, instance="old") as old, gateway(made.log, instance="new") as new:
            assert (await old.post("/v1/halt", {"reason": "a"})).status_code == 200
            assert (await new.post("/v1/halt", {"reason": "b"})).status_code == 200
            assert (await old.post("/v1/halt", {"reason": "c"})).status_code == 503
            assert "new" in str(old.commands.broken)
            assert (await new.post("/v1/halt", {"reason": "d"})).status_code == 200

    asyncio.run(main())
    assert [event.reason for _, event in written(made.log)] == ["a", "b", "d"]  # type: ignore[attr-defined]


def test_commands_wait_until_the_log_was_read():
    made = house()

    async def main() -> None:
        async with gateway(made.log) as gw:
            gw.commands.ready = False
            assert (await gw.post("/v1/halt", {"reason": "x"})).status_code == 503
            gw.commands.ready = True
            assert (await gw.post("/v1/halt", {"reason": "x"})).status_code == 200

    asyncio.run(main())


def test_an_empty_log_gives_no_time_and_takes_no_command():
    log = MemoryLog()

    async def check(gw: Gateway) -> None:
        assert (await gw.post("/v1/halt", {"reason": "x"})).status_code == 409
        assert (await gw.put("/v1/parameters", {"signals": {"forecast_max_age_hours": 30}})).status_code == 409

    run(log, check)
    assert log.messages == []


def test_many_commands_at_once_stand_in_one_order_each_once():
    made = house()

    async def check(gw: Gateway) -> None:
        keys = [f"k{i % 10}" for i in range(40)]
        answers = await asyncio.gather(*(gw.post("/v1/halt", {"reason": key}, key) for key in keys))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["seq"] for answer in answers}) == 10

    run(made.log, check)
    assert len(written(made.log)) == 10


def test_a_client_that_goes_away_leaves_the_writer_sound():
    made = house()

    async def check(gw: Gateway) -> None:
        task = asyncio.create_task(gw.commands.halt("gone", "x"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert (await gw.post("/v1/halt", {"reason": "y"}, "next")).status_code == 200
        assert gw.commands.broken is None

    run(made.log, check)
    assert [message.msg_id for message, _ in written(made.log)] == ["gone", "next"]


def test_a_change_of_parameters_is_merged_into_what_is_in_force():
    made = house()

    async def check(gw: Gateway) -> None:
        body = {
            "signals": {"forecast_max_age_hours": 30.0},
            "risk": {"limits": {"heat_fraction": 0.05}},
            "reason": "calmer",
        }
        answer = await gw.put("/v1/parameters", body)
        assert answer.status_code == 200, answer.text
        [(_, fact)] = written(made.log)
        assert isinstance(fact, ParametersChanged)
        assert fact.reason == "calmer"
        assert fact.params["signals"]["forecast_max_age_hours"] == 30.0
        assert fact.params["signals"]["limit_slippage"] == 0.01
        assert fact.params["risk"]["limits"]["heat_fraction"] == 0.05
        assert fact.params["risk"]["limits"]["greek_caps"] is PARAMS["risk"]["limits"]["greek_caps"]

    run(made.log, check)


def test_two_changes_in_a_row_both_stand_and_a_repeated_one_is_no_third():
    made = house()

    async def check(gw: Gateway) -> None:
        changes = [{"signals": {"forecast_max_age_hours": 30.0}}, {"signals": {"limit_slippage": 0.02}}]
        for key, change in zip("abab", changes * 2, strict=True):
            assert (await gw.put("/v1/parameters", change, key)).status_code == 200
        assert (await gw.put("/v1/parameters", {"signals": {"forecast_max_age_hours": 31.0}}, "a")).status_code == 409
        while gw.views.as_of_seq < len(made.log.messages):
            await asyncio.sleep(0)
        in_force = (await gw.get("/v1/parameters"))["parameters"]["signals"]
        assert (in_force["forecast_max_age_hours"], in_force["limit_slippage"]) == (30.0, 0.02)

    run(made.log, check)
    assert len(written(made.log)) == 2


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"signals": {"forecast_max_age_hours": -1}}, ["signals.forecast_max_age_hours", "-1", "above 0"]),
        (
            {"signals": {"forecast_max_age_hours": 1e9}},
            ["signals.forecast_max_age_hours", "1000000000.0", "at most 10000"],
        ),
        ({"signals": {"forecast_max_age_hour": 1}}, ["signals.forecast_max_age_hour", "unknown key"]),
        ({"risk": {"limits": {"heat_fraction": 2}}}, ["risk.limits.heat_fraction", "2", "at most 1"]),
        ({"signals": {"forecast_max_age_hours": "low"}}, ["signals.forecast_max_age_hours", "'low'"]),
        ({"signals": {"strategies": {"iron_condor": {"dte_min": 50}}}}, ["signals", "dte_min <= dte_target"]),
        ({"signals": {"gates_off": ["defined_risk"]}}, ["signals.gates_off", "cannot be switched off"]),
        (
            {"signals": {"forecast_max_age_hours": -1}, "risk": {"risk_per_trade_fraction": 0}},
            ["signals.forecast_max_age_hours", "risk.risk_per_trade_fraction"],
        ),
    ],
)
def test_bad_parameters_are_refused_with_key_value_and_range(change: Any, parts: list[str]):
    made = house()

    async def check(gw: Gateway) -> None:
        answer = await gw.put("/v1/parameters", change)
        assert answer.status_code == 422
        error = ProblemBody.model_validate(answer.json()).error
        for part in parts:
            assert part in error
        assert "nothing was changed" in error

    run(made.log, check)
    assert written(made.log) == []


FIXED = [
    ({"market_data": {"max_dte": 30}}, ["market_data.max_dte"], "feed"),
    (
        {"market_data": {"symbols": ["SPX"], "underlying": "SPX"}},
        ["market_data.symbols", "market_data.underlying"],
        "feed",
    ),
    ({"venue": {"initial_cash_usd": 2_000_000}}, ["venue.initial_cash_usd"], "funded"),
    (
        {"venue": {"initial_cash_usd": -1}, "signals": {"forecast_max_age_hours": 30}},
        ["venue.initial_cash_usd"],
        "funded",
    ),
    (
        {"market_data": {"max_dte": 30}, "venue": {"initial_cash_usd": 1}},
        ["market_data.max_dte", "venue.initial"],
        "feed",
    ),
]


@pytest.mark.parametrize(("change", "keys", "why"), FIXED)
def test_what_a_running_session_cannot_take_is_refused_by_name(change: Any, keys: list[str], why: str):
    made = house()

    async def check(gw: Gateway) -> None:
        answer = await gw.put("/v1/parameters", change)
        assert answer.status_code == 422, answer.text
        problem = ProblemBody.model_validate(answer.json())
        assert all(key in problem.error for key in keys)
        assert why in problem.error
        assert "signals" not in problem.error
        assert "new session" in problem.what_to_do

    run(made.log, check)
    assert written(made.log) == []


def test_a_fixed_key_that_says_what_is_in_force_changes_nothing_and_is_taken():
    made = house()

    async def check(gw: Gateway) -> None:
        change = {"venue": {"initial_cash_usd": 1_000_000.0, "no_fill_first_minutes": 5}}
        answer = await gw.put("/v1/parameters", change)
        assert answer.status_code == 200, answer.text

    run(made.log, check)
    [(_, fact)] = written(made.log)
    assert isinstance(fact, ParametersChanged)
    assert fact.params["venue"]["no_fill_first_minutes"] == 5


def test_a_validator_that_raises_a_user_error_is_quoted():
    made = house()

    async def check(gw: Gateway) -> None:
        def refuse(raw: dict[str, Any]) -> dict[str, Any]:
            raise UserError("signals.forecast_max_age_hours = 5: must be above 10")

        gw.commands._validate = refuse
        answer = await gw.put("/v1/parameters", {"signals": {"forecast_max_age_hours": 5}})
        assert answer.status_code == 422
        assert "must be above 10" in answer.json()["error"]

    run(made.log, check)


mappings = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
trees = st.dictionaries(st.sampled_from("abc"), mappings, max_size=3)


@given(trees, trees)
def test_merging_keeps_what_is_not_named_and_is_idempotent(base: dict[str, Any], update: dict[str, Any]):
    result = merged(base, update)
    assert merged(result, update) == result
    assert merged(base, {}) == base
    assert merged({}, update) == update
    assert {key: value for key, value in result.items() if key not in update} == {
        key: value for key, value in base.items() if key not in update
    }
