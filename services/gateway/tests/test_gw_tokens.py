"""Nobody passes without the token, the token passes nowhere, and other pages cannot use a session."""

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_gateway.access import SESSION_S, Access
from contango_gateway.dashboard.page import load_page
from contango_gateway.guard import BODY_LIMIT_BYTES
from support.gateway_client import TOKEN, URL, Gateway, gateway
from support.gateway_world import House

PUBLIC = {"/", "/login", "/healthz", "/readyz", "/metrics"}
HALT = {"reason": "test"}


def with_gateway(test: Callable[[Gateway], Awaitable[None]]) -> House:
    house = House()
    house.trade()

    async def main() -> None:
        async with gateway(house.log, house.blocks) as running:
            await test(running)

    asyncio.run(main())
    return house


def stranger(gw: Gateway, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(gw.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=URL, headers=headers)


async def all_requests(gw: Gateway) -> list[tuple[str, str]]:
    """Every method and path that the description knows, and some that it does not."""
    paths = (await gw.get("/v1/openapi.json"))["paths"]
    known = [(method.upper(), re.sub(r"\{.*?\}", "x", path)) for path, ops in paths.items() for method in ops]
    return [
        *known,
        ("GET", "/v1/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/v1"),
        ("POST", "/x"),
        ("PATCH", "/v1/book"),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong-token-of-some-length"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": "Bearer"},
        {"cookie": f"contango_session={TOKEN}"},
        {"cookie": "contango_session=9999999999.x.00"},
        {"cookie": "contango_session=..; contango_session"},
        {"x-csrf-token": TOKEN},
    ],
)
def test_no_path_answers_without_the_token(headers: dict[str, str]):
    async def check(gw: Gateway) -> None:
        requests = await all_requests(gw)
        assert len(requests) > 20
        async with stranger(gw, **headers) as client:
            for method, path in requests:
                if path in PUBLIC:
                    continue
                answer = await client.request(method, path, json=HALT)
                assert answer.status_code == 401, (method, path)
                assert answer.json()["error"] == "the token is missing or wrong"
                assert "\n" not in answer.text
                assert answer.headers["www-authenticate"] == "Bearer"

    before = House()
    before.trade()
    assert len(with_gateway(check).log.messages) == len(before.log.messages)


def test_public_paths_show_nothing_of_the_book():
    async def check(gw: Gateway) -> None:
        async with stranger(gw) as client:
            page = (await client.get("/")).text
            assert "SPX" not in page
            assert (await client.get("/healthz")).json() == {"alive": True}
            assert (await client.get("/readyz")).json()["ready"] is True

    with_gateway(check)


def test_a_wrong_token_opens_no_session_and_says_so_in_one_line():
    async def check(gw: Gateway) -> None:
        async with stranger(gw) as client:
            answer = await client.post("/login", json={"token": "wrong"})
            assert answer.status_code == 401
            assert answer.json()["error"] == "the token is wrong"
            assert "set-cookie" not in answer.headers

    with_gateway(check)


async def logged_in(gw: Gateway, client: httpx.AsyncClient) -> str:
    answer = await client.post("/login", json={"token": TOKEN}, headers={"origin": URL})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    return str(answer.json()["csrf_token"])


def test_a_session_reads_and_commands_with_its_csrf_token_from_its_own_page():
    async def check(gw: Gateway) -> None:
        async with stranger(gw) as client:
            csrf = await logged_in(gw, client)
            assert (await client.get("/v1/book")).status_code == 200
            assert (await client.get("/v1/session")).json() == {"csrf_token": csrf}
            good = {"origin": URL, "x-csrf-token": csrf}
            assert (await client.post("/v1/halt", json=HALT, headers=good)).status_code == 200
            await client.post("/v1/logout", headers=good)
            client.cookies.clear()
            assert (await client.get("/v1/book")).status_code == 401

    with_gateway(check)


@pytest.mark.parametrize(
    ("origin", "csrf"),
    [
        (None, True),
        ("http://evil.test", True),
        ("https://gateway.test.evil.test", True),
        ("null", True),
        (URL, False),
        (URL, None),
    ],
)
def test_a_session_used_by_another_page_commands_nothing(origin: str | None, csrf: bool | None):
    async def check(gw: Gateway) -> None:
        async with stranger(gw) as client:
            right = await logged_in(gw, client)
            headers = {} if origin is None else {"origin": origin}
            if csrf is not None:
                headers["x-csrf-token"] = right if csrf else "0" * len(right)
            answer = await client.post("/v1/halt", json=HALT, headers=headers)
            assert answer.status_code == 403
            assert set(answer.json()) == {"error", "where", "what_to_do"}
            assert gw.commands._known == {}

    with_gateway(check)


def test_another_page_cannot_log_a_browser_in():
    async def check(gw: Gateway) -> None:
        async with stranger(gw) as client:
            answer = await client.post("/login", json={"token": TOKEN}, headers={"origin": "http://evil.test"})
            assert answer.status_code == 403

    with_gateway(check)


def test_the_token_stands_in_no_answer_and_no_log_line(caplog: pytest.LogCaptureFixture):
    async def check(gw: Gateway) -> None:
        seen = []
        async with stranger(gw) as client:
            for body in ({"token": TOKEN}, {"token": TOKEN, "also": 1}, {"token": [TOKEN]}, TOKEN):
                seen.append(await client.post("/login", json=body))
            for method, path in await all_requests(gw):
                for headers in ({"authorization": f"Bearer {TOKEN}"}, {"authorization": f"Basic {TOKEN}"}):
                    seen.append(await client.request(method, path, json=HALT, headers=headers))
        for answer in seen:
            assert TOKEN not in answer.text
            assert TOKEN not in str(answer.headers)

    with caplog.at_level(logging.DEBUG):
        house = with_gateway(check)
    assert TOKEN not in caplog.text
    assert all(TOKEN.encode() not in message.data for message in house.log.messages)


def test_large_bodies_are_refused_with_and_without_a_stated_length():
    async def chunks() -> Any:
        for _ in range(BODY_LIMIT_BYTES // 1024 + 2):
            yield b" " * 1024

    async def check(gw: Gateway) -> None:
        stated = await gw.client.post("/login", content=b" " * (BODY_LIMIT_BYTES + 1))
        assert stated.status_code == 413
        unstated = await gw.client.post("/login", content=chunks(), headers={"content-type": "application/json"})
        assert unstated.status_code == 413
        for answer in (stated, unstated):
            assert set(answer.json()) == {"error", "where", "what_to_do"}

    with_gateway(check)


def test_every_answer_carries_the_protecting_headers():
    async def check(gw: Gateway) -> None:
        for path in ("/", "/healthz", "/v1/book", "/v1/nothing"):
            headers = (await gw.client.get(path)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"

    with_gateway(check)


def test_the_page_loads_nothing_from_elsewhere_and_its_policy_allows_exactly_its_own_parts():
    page = load_page()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page.html)
    assert "'unsafe-inline'" not in page.policy
    assert "default-src 'none'" in page.policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page.html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in page.policy
    assert " style=" not in page.html
    assert not re.search(r"\son\w+=", page.html.split("<script>")[0])
    assert "innerHTML" not in page.html


def test_a_session_ends_with_its_time_and_dies_with_its_token():
    now = [1000.0]
    access = Access("a" * 20, lambda: now[0])
    cookie = access.new_session()
    assert access.session_fits(cookie)
    assert Access("a" * 20, lambda: now[0]).session_fits(cookie)
    assert not Access("b" * 20, lambda: now[0]).session_fits(cookie)
    now[0] += SESSION_S
    assert not access.session_fits(cookie)


@given(st.text(max_size=80))
def test_no_made_up_cookie_or_token_fits(text: str):
    access = Access(TOKEN, lambda: 0.0)
    assert not access.session_fits(text)
    assert access.token_fits(text) == (text == TOKEN)
    cookie = access.new_session()
    assert access.csrf_fits(cookie, text) == (text == access.csrf(cookie))


@given(st.integers(0, 200), st.characters(codec="ascii", categories=["L", "N"]))
def test_a_changed_cookie_does_not_fit(position: int, letter: str):
    access = Access(TOKEN, lambda: 0.0)
    cookie = access.new_session()
    at = position % len(cookie)
    changed = cookie[:at] + letter + cookie[at + 1 :]
    assert access.session_fits(changed) == (changed == cookie)
