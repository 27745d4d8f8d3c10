"""The HTTP edge against a real server: bounded attempts, reasons of one line, and a key that goes nowhere else."""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from contango_common.domain.errors import UserError
from contango_gateway.advisor import http as edge
from contango_gateway.advisor.http import HttpAdvisor, Pace
from contango_gateway.advisor.port import Said, Silent
from contango_gateway.advisor.prompt import prompt_of
from contango_gateway.advisor.settings import OFF, advisor_settings, endpoint
from support import advisor_api as api

KEY = "sk-very-secret-0123456789"
QUICK = Pace(attempts=3, attempt_s=20.0, first_pause_s=0.001, longest_pause_s=0.002)
IMPATIENT = Pace(attempts=2, attempt_s=0.05, first_pause_s=0.001, longest_pause_s=0.002)
PROMPT = prompt_of({"proposal": {"strategy": "condor"}})


def ask(url: str, pace: Pace = QUICK, key: str | None = KEY) -> Said | Silent:
    async def main() -> Said | Silent:
        settings = advisor_settings(url, "test-model", None if key is None else SecretStr(key), 30.0)
        async with httpx.AsyncClient(trust_env=False) as client:
            return await HttpAdvisor(settings, client, pace).ask(PROMPT)

    return asyncio.run(main())


def test_a_good_reply_and_what_was_asked():
    with api.serving(api.says(api.GOOD)) as server:
        assert ask(server.url) == Said(api.GOOD)
    [(headers, body)] = server.asked
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body["model"] == "test-model"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][1]["content"] == PROMPT.user
    assert KEY not in json.dumps(body)


def test_without_a_key_no_authorization_is_sent():
    with api.serving(api.says(api.GOOD)) as server:
        assert ask(server.url, key=None) == Said(api.GOOD)
    assert "authorization" not in server.asked[0][0]


@pytest.mark.parametrize("first", [api.status(429), api.status(500), api.status(503, retry_after="1")])
def test_what_may_be_repeated_is_and_then_succeeds(first: api.Behaviour):
    with api.serving(first, api.says(api.GOOD)) as server:
        assert ask(server.url) == Said(api.GOOD)
    assert len(server.asked) == 2


@pytest.mark.parametrize("code", [429, 500, 502, 504, 529])
def test_an_api_that_refuses_for_ever_is_left_after_the_last_attempt(code: int):
    with api.serving(api.status(code)) as server:
        assert ask(server.url) == Silent(f"the API answered {code}, 3 times")
    assert len(server.asked) == 3


@pytest.mark.parametrize("code", [201, 204, 301, 400, 401, 403, 404, 422])
def test_what_repeating_cannot_help_is_asked_once(code: int):
    with api.serving(api.status(code)) as server:
        assert ask(server.url) == Silent(f"the API answered {code}")
    assert len(server.asked) == 1


def test_a_redirect_is_not_followed_and_the_key_stays():
    with api.serving(api.says(api.GOOD)) as other, api.serving() as server:
        server.script.append(api.status(307, location=f"{other.url}/chat/completions"))
        assert ask(server.url) == Silent("the API answered 307")
    assert len(server.asked) == 1
    assert other.asked == []


@pytest.mark.parametrize("behaviour", [api.hangs, api.drips])
def test_an_api_that_never_finishes_is_left_after_the_last_attempt(behaviour: api.Behaviour):
    with api.serving(behaviour) as server:
        assert ask(server.url, IMPATIENT) == Silent("the API gave no answer within 0.05 s, 2 times")


def test_an_api_that_hangs_once_is_asked_again():
    with api.serving(api.hangs, api.says(api.GOOD)) as server:
        found = ask(server.url, Pace(attempts=2, attempt_s=1.0, first_pause_s=0.001))
        assert found == Said(api.GOOD)
    assert len(server.asked) == 2


def test_an_address_where_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else can take it
        assert ask(f"http://127.0.0.1:{free.getsockname()[1]}") == Silent("the API cannot be reached: ConnectError")


def test_an_answer_that_breaks_off():
    with api.serving(api.breaks_off) as server:
        assert ask(server.url) == Silent("the API cannot be reached: RemoteProtocolError")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html>502</html>", "the API answered with something that is no JSON"),
        (b"\xff\xfe\x00", "the API answered with something that is no JSON"),
        (b"", "the API answered with something that is no JSON"),
        (b'{"choices": []}', "the API answered with JSON that is no chat completion"),
        (b'{"error": {"message": "no such model"}}', "the API answered with JSON that is no chat completion"),
        (api.completion(None), "the API answered with a completion that has no text"),
        (b"[" * 200_000, "the API answered with more than 65536 bytes"),
    ],
)
def test_a_hostile_body_is_a_reason(data: bytes, reason: str):
    with api.serving(api.body(data)) as server:
        assert ask(server.url) == Silent(reason)


def test_an_answer_without_an_end_is_read_to_its_limit_alone():
    with api.serving(api.pours) as server:
        assert ask(server.url) == Silent("the API answered with more than 65536 bytes")


def test_a_compressed_bomb_is_not_unpacked():
    import gzip

    bomb = gzip.compress(b" " * 50_000_000)
    with api.serving(api.body(bomb, content_encoding="gzip")) as server:
        assert isinstance(ask(server.url), Silent)
    assert server.asked[0][0]["accept-encoding"] == "identity"


def test_a_question_that_is_too_large_is_not_sent():
    async def main(url: str) -> Said | Silent:
        settings = advisor_settings(url, "m", None, 30.0)
        async with httpx.AsyncClient(trust_env=False) as client:
            return await HttpAdvisor(settings, client, QUICK).ask(prompt_of({"x": "y" * edge.REQUEST_LIMIT_BYTES}))

    with api.serving(api.says(api.GOOD)) as server:
        found = asyncio.run(main(server.url))
    assert isinstance(found, Silent)
    assert "it was not sent" in found.reason
    assert server.asked == []


@pytest.mark.parametrize(("text", "seconds"), [("3", 3.0), (None, 0.0), ("Wed, 21 Oct", 0.0), ("-1", 0.0), ("²", 0.0)])
def test_the_pause_that_an_api_asks_for(text: str | None, seconds: float):
    assert edge._seconds(text) == seconds


@pytest.mark.parametrize(
    "behaviour", [api.says(api.GOOD), api.status(401), api.status(500), api.breaks_off, api.body(b"x")]
)
def test_the_key_is_in_no_log_line_and_no_reason(behaviour: api.Behaviour, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG), api.serving(behaviour) as server:
        found = ask(server.url)
    assert KEY not in str(found)
    assert KEY not in repr(advisor_settings(server.url, "m", SecretStr(KEY), 1.0))
    assert KEY not in caplog.text


# --- settings


@pytest.mark.parametrize("url", [None, ""])
def test_without_an_address_the_advisor_says_that_it_is_off(url: str | None):
    with pytest.raises(UserError, match="the advisor is off") as caught:
        advisor_settings(url, "m", None, 30.0)
    assert str(caught.value) == OFF
    assert "CONTANGO_ADVISOR_URL" in OFF


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/v1",
        "x",
        "http://",
        "https://user:pw@host/v1",
        "https://host/v1?key=1",
        "https://host/v1#a",
        "https://ho st/v1",
        "https://host:99999/v1",
        "https://host/v1\n",
        "http://[::1",
    ],
)
def test_an_address_that_does_not_do_is_refused_without_being_repeated(url: str):
    with pytest.raises(UserError, match="CONTANGO_ADVISOR_URL") as caught:
        endpoint(url)
    assert "pw" not in str(caught.value)


def test_an_endpoint_is_taken_as_it_is():
    assert endpoint("http://h:1/v1/chat/completions") == "http://h:1/v1/chat/completions"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: advisor_settings("http://h/v1", None, None, 30.0),
        lambda: advisor_settings("http://h/v1", "a\nb", None, 30.0),
        lambda: advisor_settings("http://h/v1", "m" * 101, None, 30.0),
        lambda: advisor_settings("http://h/v1", "m", None, 0.0),
        lambda: advisor_settings("http://h/v1", "m", None, float("nan")),
        lambda: advisor_settings("http://h/v1", "m", SecretStr(KEY + "\nx"), 30.0),
        lambda: advisor_settings("http://h/v1", "m", SecretStr(KEY + "é"), 30.0),
    ],
)
def test_settings_that_do_not_do_are_one_line_without_the_key(wrong: Callable[[], Any]):
    with pytest.raises(UserError, match="CONTANGO_ADVISOR_") as caught:
        wrong()
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key", "exposed"),
    [
        ("http://llm:8000/v1", KEY, True),
        ("http://llm:8000/v1", None, False),
        ("https://llm/v1", KEY, False),
        ("http://127.0.0.1:1/v1", KEY, False),
        ("http://[::1]:1/v1", KEY, False),
    ],
)
def test_a_key_that_would_travel_in_the_open_is_noticed(url: str, key: str | None, exposed: bool):
    assert advisor_settings(url, "m", None if key is None else SecretStr(key), 1.0).exposed is exposed
