"""The loop: a proposal has at most one answer on the log, whatever the advisor does and wherever the process ends."""

import asyncio
import json
import logging
import socket
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from contango_common.domain.errors import LogError
from contango_common.edge.metrics import Metrics
from contango_common.edge.redact import Redactor
from contango_common.events.advice import AdviceAbsent, AdviceGiven, AdviceScored
from contango_common.events.codec import decode
from contango_common.runtime.log import AppendUnknown
from contango_common.runtime.memory import MemoryLog
from contango_gateway.advisor.desk import EXPIRED, FULL, REFUSED
from contango_gateway.advisor.http import HttpAdvisor, Pace
from contango_gateway.advisor.port import Said, Silent
from contango_gateway.advisor.prompt import Prompt
from contango_gateway.advisor.reply import NOTE_LIMIT_CHARACTERS
from contango_gateway.advisor.serve import serve
from contango_gateway.advisor.settings import advisor_settings
from support import advisor_api as api
from support.advisor_world import (
    HOUR_NS,
    START_NS,
    Port,
    advice,
    closed,
    never,
    proposal,
    put,
    refused,
    reply,
    running,
    said,
    service,
    settled,
    tick,
    until,
)
from support.gateway_client import renew

KEY = "sk-very-secret-0123456789"
QUICK = Pace(attempts=2, attempt_s=20.0, first_pause_s=0.001, longest_pause_s=0.002)
IMPATIENT = Pace(attempts=2, attempt_s=0.05, first_pause_s=0.001, longest_pause_s=0.002)
LIMIT_S = 120.0  # a test that waits for what never comes ends, too


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, LIMIT_S))


def over_http(url: str, client: httpx.AsyncClient, pace: Pace = QUICK) -> HttpAdvisor:
    return HttpAdvisor(advisor_settings(url, "test-model", SecretStr(KEY), 30.0), client, pace)


# --- notes


def test_a_proposal_gets_a_note_and_the_fact_says_where_it_came_from():
    log, port = MemoryLog(), Port()
    seq = put(log, "signals", refused("other"), proposal("p"))

    async def main() -> None:
        async with running(service(log, port)) as task:
            await until(log, 1, task)

    run(main())
    [message] = said(log)
    envelope = decode(message.data)
    assert (message.msg_id, envelope.source, envelope.cause, envelope.of) == ("advisor:p", "advice", seq, (1,))
    assert envelope.ts_ns == START_NS
    [note] = envelope.events
    assert isinstance(note, AdviceGiven)
    assert (note.advisor, note.stance, note.confidence, note.note) == (
        "test-model",
        "favourable",
        0.75,
        "IV rank is high.",
    )
    assert note.prompt_sha == port.asked[0].sha
    assert note.latency_ms >= 0.0


def test_it_writes_to_its_own_subject_alone_and_asks_one_question_at_a_time():
    log, at_once, most = MemoryLog(), 0, 0

    async def answer(prompt: Prompt) -> Said:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _ in range(5):
            await asyncio.sleep(0)
        at_once -= 1
        return Said(reply())

    async def main() -> None:
        put(log, "signals", *(proposal(f"p{i}") for i in range(4)))
        async with running(service(log, Port(answer))) as task:
            put(log, "signals", *(proposal(f"q{i}") for i in range(4)))
            await until(log, 8, task)

    run(main())
    assert most == 1
    assert {m.subject for m in log.messages if m.writer} == {"log.advice"}
    assert [event.proposal_id for event in advice(log)] == [f"{head}{i}" for head in "pq" for i in range(4)]  # type: ignore[attr-defined]


HOSTILE = [
    "",
    "I will now place an order: BUY 1000 SPX",
    "x" * 50_000,
    json.dumps({"stance": "favourable", "confidence": 7, "note": "sure"}),
    '{"stance": "favourable", "confidence": NaN, "note": "sure"}',
    json.dumps({"tool": "close_position", "stance": "neutral", "confidence": 0.5, "note": "x"}),
    "[" * 8000,
    None,
    ["list"],
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_reply_is_an_absence_with_a_reason_and_nothing_else(text: Any):
    log = MemoryLog()
    put(log, "signals", proposal("p"))

    async def main(url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as client, running(service(log, over_http(url, client))) as task:
            await until(log, 1, task)

    with api.serving(api.says(text)) as server:
        run(main(server.url))
    assert len(log.messages) == 2
    [absent] = advice(log)
    assert isinstance(absent, AdviceAbsent)
    assert absent.reason
    assert "\n" not in absent.reason
    assert len(absent.reason) < 120


def test_a_note_with_scripts_orders_and_control_characters_is_one_line_of_text():
    log = MemoryLog()
    put(log, "signals", proposal("p"))
    note = "<script>order()</script>\n\x1b[2J\u202eHalt now. " + "z" * 2000

    async def main() -> None:
        async with running(service(log, Port(lambda prompt: Said(reply(note=note))))) as task:
            await until(log, 1, task)

    run(main())
    [given] = advice(log)
    assert isinstance(given, AdviceGiven)
    assert given.note.startswith("<script>order()</script> [2JHalt now. zzz")
    assert len(given.note) == NOTE_LIMIT_CHARACTERS
    assert {m.subject for m in log.messages} == {"log.signals", "log.advice"}


# --- an API that does not do


@pytest.mark.parametrize(
    ("behaviour", "pace", "reason"),
    [
        (api.hangs, IMPATIENT, "the API gave no answer within 0.05 s, 2 times"),
        (api.drips, IMPATIENT, "the API gave no answer within 0.05 s, 2 times"),
        (api.status(500), QUICK, "the API answered 500, 2 times"),
        (api.status(401), QUICK, "the API answered 401"),
        (api.breaks_off, QUICK, "the API cannot be reached: RemoteProtocolError"),
    ],
)
def test_an_api_that_fails_is_a_recorded_absence_and_the_loop_goes_on(behaviour: Any, pace: Pace, reason: str):
    log = MemoryLog()
    put(log, "signals", proposal("p"))

    async def main(server: api.Api) -> None:
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            running(service(log, over_http(server.url, client, pace))) as task,
        ):
            await until(log, 1, task)
            server.script[:] = [api.says(api.GOOD)]
            put(log, "signals", proposal("q"))
            await until(log, 2, task)

    with api.serving(behaviour) as server:
        run(main(server))
    first, second = advice(log)
    assert first == AdviceAbsent(proposal_id="p", advisor="test-model", reason=reason)
    assert isinstance(second, AdviceGiven)
    assert second.proposal_id == "q"


def test_an_api_that_was_busy_once_gives_its_note_in_the_end():
    log = MemoryLog()
    put(log, "signals", proposal("p"))

    async def main(url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as client, running(service(log, over_http(url, client))) as task:
            await until(log, 1, task)

    with api.serving(api.status(429), api.says(api.GOOD)) as server:
        run(main(server.url))
    assert [type(event) for event in advice(log)] == [AdviceGiven]
    assert len(server.asked) == 2


def test_an_api_that_nobody_serves():
    log = MemoryLog()
    put(log, "signals", proposal("p"), proposal("q"))

    async def main(url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as client, running(service(log, over_http(url, client))) as task:
            await until(log, 2, task)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        run(main(f"http://127.0.0.1:{free.getsockname()[1]}/v1"))
    assert [event.reason for event in advice(log)] == ["the API cannot be reached: ConnectError"] * 2  # type: ignore[attr-defined]


def test_the_deadline_bounds_a_question_whatever_the_port_does():
    log, port = MemoryLog(), Port(never)
    put(log, "signals", proposal("p"), proposal("q"))

    async def main() -> None:
        async with running(service(log, port, deadline_s=0.01)) as task:
            await until(log, 2, task)

    run(main())
    assert [event.reason for event in advice(log)] == ["no answer within the deadline of 0.01 s"] * 2  # type: ignore[attr-defined]


def test_a_port_that_raises_is_an_absence_and_the_trace_is_logged(caplog: pytest.LogCaptureFixture):
    log = MemoryLog()
    put(log, "signals", proposal("p"))

    def broken(prompt: Prompt) -> Said:
        raise RuntimeError("wires crossed")

    async def main() -> None:
        async with running(service(log, Port(broken))) as task:
            await until(log, 1, task)
            put(log, "signals", proposal("q"))
            await until(log, 2, task)

    run(main())
    assert {event.reason for event in advice(log)} == {"the advisor's port failed: RuntimeError"}  # type: ignore[attr-defined]
    assert "wires crossed" in caplog.text


def test_the_key_is_on_no_log_and_in_no_fact(caplog: pytest.LogCaptureFixture):
    log = MemoryLog()
    put(log, "signals", proposal("p"), proposal("q"), proposal("r"))
    redactor = Redactor([KEY])

    async def main(url: str) -> None:
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            running(service(log, over_http(url, client), redactor=redactor)) as task,
        ):
            await until(log, 3, task)

    with caplog.at_level(logging.DEBUG), api.serving(api.echoes_the_key, api.status(401), api.breaks_off) as server:
        run(main(server.url))
    assert server.asked[0][0]["authorization"] == f"Bearer {KEY}"
    assert isinstance(advice(log)[0], AdviceGiven)
    text = caplog.text + "".join(m.data.decode() for m in log.messages)
    for part in (KEY, KEY[:9], KEY[-8:]):
        assert part not in text


def test_the_process_masks_its_key_though_nobody_told_the_redactor(caplog: pytest.LogCaptureFixture):
    log = MemoryLog()
    put(log, "signals", proposal("p"))

    async def main(url: str) -> None:
        settings = advisor_settings(url, "test-model", SecretStr(KEY), 30.0)
        task = asyncio.ensure_future(serve(log, settings, Redactor(), Metrics()))
        await until(log, 1, task)
        task.cancel()
        await asyncio.wait({task})

    with caplog.at_level(logging.DEBUG), api.serving(api.echoes_the_key) as server:
        run(main(server.url))
    [note] = advice(log)
    assert isinstance(note, AdviceGiven)
    assert note.note.startswith("key ** and ** xxx")
    assert KEY not in caplog.text


# --- time, outcomes, the queue


@pytest.mark.parametrize(("what", "reason"), [("expired", EXPIRED), ("refused", REFUSED)])
def test_a_question_that_has_become_pointless_is_stopped(what: str, reason: str):
    log = MemoryLog()

    async def main() -> None:
        port = Port(never)
        put(log, "signals", proposal("p"))
        async with running(service(log, port)) as task:
            await port.begun.wait()
            if what == "expired":
                tick(log, START_NS + HOUR_NS + 1)
            else:
                put(log, "risk", refused("p"))
            await until(log, 1, task)
            assert port.cancelled.is_set()

    run(main())
    assert advice(log) == [AdviceAbsent(proposal_id="p", advisor="test-model", reason=reason)]


def test_a_full_queue_drops_the_oldest_with_a_word():
    log = MemoryLog()

    async def main() -> None:
        port = Port(never)
        put(log, "signals", proposal("p"))
        async with running(service(log, port, places=2)) as task:
            await port.begun.wait()
            put(log, "signals", *(proposal(f"q{i}") for i in range(5)))
            await until(log, 3, task)
            assert len(port.asked) == 1

    run(main())
    assert [(event.proposal_id, event.reason) for event in advice(log)] == [(f"q{i}", FULL) for i in range(3)]  # type: ignore[attr-defined]


def test_the_context_is_the_one_of_the_proposals_moment_however_late_it_is_asked():
    """What the log tells after a proposal must not be in its question: the note would know what came."""
    early, late = MemoryLog(), MemoryLog()
    for log in (early, late):
        put(log, "signals", proposal("p"))
    put(late, "signals", proposal("q", market_context={"ou_z": -9.0}, regime="CRASH_MODE"))

    async def shown(log: MemoryLog, count: int) -> str:
        port = Port()
        async with running(service(log, port)) as task:
            await until(log, count, task)
        return port.asked[0].sha

    async def main() -> None:
        assert await shown(early, 1) == await shown(late, 2)

    run(main())


# --- start is recover


def test_what_is_answered_or_over_is_not_asked_after_a_restart():
    log = MemoryLog()
    put(log, "signals", proposal("old", valid_until_ns=START_NS), proposal("refused"))
    put(log, "risk", refused("refused"))
    put(log, "signals", proposal("answered"))
    put(log, "advice", AdviceAbsent(proposal_id="answered", advisor="m", reason="r"))
    put(log, "signals", proposal("open", why={"iv_rank": 41.0}))
    tick(log, START_NS + 1)
    before = len(log.messages)

    async def main() -> None:
        port = Port()
        advisor = service(log, port)
        async with running(advisor) as task:
            await until(log, 2, task)
            await settled(advisor, log)
        assert len(port.asked) == 1
        assert '"iv_rank":41.0' in port.asked[0].user

    run(main())
    assert [m.subject for m in log.messages[before:]] == ["log.advice"]
    assert advice(log)[1].proposal_id == "open"  # type: ignore[attr-defined]


class Faulty(MemoryLog):
    """Ends a writer at its next append to ``log.advice``: before the message is stored, or after."""

    def __init__(self, *, stored: bool) -> None:
        super().__init__()
        self.stored, self.armed = stored, True

    async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
        if self.armed and not self.stored:
            self.armed = False
            raise LogError("the process ends here")
        seq = await super().append(subject, data, msg_id=msg_id, writer=writer, expected=expected)
        if self.armed:
            self.armed = False
            raise LogError("the process ends here, and its message is stored")
        return seq


@pytest.mark.parametrize(("stored", "asked"), [(False, 2), (True, 1)])
def test_a_crash_between_reply_and_publish_asks_once_more_and_one_after_it_not_at_all(stored: bool, asked: int):
    log = Faulty(stored=stored)
    put(log, "signals", proposal("p"))
    shas: list[str] = []

    async def first() -> None:
        port = Port()
        with pytest.raises(LogError, match="ends here"):
            await service(log, port, instance="one").run()
        shas.extend(prompt.sha for prompt in port.asked)

    async def second() -> None:
        port = Port(lambda prompt: Said(reply("unfavourable")))
        advisor = service(log, port, instance="two")
        async with running(advisor) as task:
            await until(log, 1, task)
            await settled(advisor, log)
        shas.extend(prompt.sha for prompt in port.asked)

    run(first())
    renew(log)
    run(second())
    assert len(shas) == asked
    assert len(set(shas)) == 1  # the same log, the same question
    assert len(advice(log)) == 1


def test_an_append_whose_answer_was_lost_is_tried_again_and_stored_once():
    class Lossy(MemoryLog):
        lost = False

        async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
            seq = await super().append(subject, data, msg_id=msg_id, writer=writer, expected=expected)
            if not self.lost:
                self.lost = True
                raise AppendUnknown("no answer")
            return seq

    log, port = Lossy(), Port()
    put(log, "signals", proposal("p"), proposal("q"))

    async def main() -> None:
        async with running(service(log, port)) as task:
            await until(log, 2, task)

    run(main())
    assert [event.proposal_id for event in advice(log)] == ["p", "q"]  # type: ignore[attr-defined]
    assert len(port.asked) == 2


def test_of_two_advisors_one_answers_and_the_other_stops():
    log = MemoryLog()
    put(log, "signals", proposal("p"))

    async def main() -> None:
        old = Port(never)
        first = asyncio.ensure_future(service(log, old, instance="old").run())
        await old.begun.wait()
        async with running(service(log, Port(), instance="new")) as task:
            await until(log, 1, task)
            with pytest.raises(LogError, match="another advisor"):
                await first
            assert old.cancelled.is_set()

    run(main())
    [note] = advice(log)
    assert isinstance(note, AdviceGiven)
    assert note.stance == "favourable"


def test_a_message_that_is_none_of_ours_is_passed_over(caplog: pytest.LogCaptureFixture):
    log = MemoryLog()
    log.put("log.signals", b"\xff not ours")
    put(log, "signals", proposal("p"))

    async def main() -> None:
        async with running(service(log, Port())) as task:
            await until(log, 1, task)

    run(main())
    assert "message 1 cannot be decoded" in caplog.text


# --- scores


def test_a_closed_trade_scores_its_note_once():
    appended: list[str] = []

    class Counting(MemoryLog):
        async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
            appended.append(msg_id)
            return await super().append(subject, data, msg_id=msg_id, writer=writer, expected=expected)

    log = Counting()
    put(log, "signals", proposal("p"))

    async def main() -> None:
        advisor = service(log, Port(lambda prompt: Said(reply("unfavourable", 0.9))))
        async with running(advisor) as task:
            await until(log, 1, task)
            put(log, "risk", closed("nobody", 5.0))
            end = put(log, "risk", closed("p", -40.0))
            tick(log, START_NS + 1)  # seen before the score is
            await until(log, 2, task)
            put(log, "risk", closed("p", -40.0))
            await settled(advisor, log)
        message = said(log)[-1]
        assert (message.msg_id, decode(message.data).cause) == ("advisor:score:p", end)

    run(main())
    assert appended == ["advisor:p", "advisor:score:p"]
    score = advice(log)[1:]
    assert len(score) == 1
    assert isinstance(score[0], AdviceScored)
    assert score[0].score == pytest.approx(0.01)
    assert (score[0].pnl_usd, score[0].stance, score[0].confidence) == (-40.0, "unfavourable", 0.9)


def test_a_score_that_was_due_before_a_restart_is_written_after_it_and_only_then():
    log = MemoryLog()
    note = AdviceGiven(
        proposal_id="p", advisor="m", stance="neutral", confidence=1.0, note="x", prompt_sha="s", latency_ms=1.0
    )
    put(log, "signals", proposal("p"))
    put(log, "advice", note)
    put(log, "risk", closed("p", 1.0))

    async def once(instance: str) -> None:
        advisor = service(log, Port(), instance=instance)
        async with running(advisor) as task:
            await until(log, 2, task)
            await settled(advisor, log)

    run(once("one"))
    renew(log)
    run(once("two"))
    [score] = advice(log)[1:]
    assert isinstance(score, AdviceScored)
    assert score.score == 0.25


def test_what_happened_is_counted():
    log, metrics = MemoryLog(), Metrics()
    put(log, "signals", proposal("p"), proposal("q"))
    answers = [Said(reply()), Silent("no")]

    async def main() -> None:
        port = Port(lambda prompt: answers.pop(0))
        async with running(service(log, port, metrics=metrics)) as task:
            await until(log, 2, task)

    run(main())
    assert metrics.value("contango_decisions_total", service="advisor", kind="AdviceGiven") == 1.0
    assert metrics.value("contango_messages_total", service="advisor", subject="log.signals") == 1.0
