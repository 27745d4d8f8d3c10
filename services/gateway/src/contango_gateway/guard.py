"""The door: no request passes without the token, none is larger than it may be, every answer carries the headers.

Deny by default: what is not named as public needs a token, also paths that do not exist.
"""

from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contango_gateway.access import COOKIE, CSRF_HEADER, Access
from contango_gateway.problems import Problem

PUBLIC = frozenset({"/", "/login", "/healthz", "/readyz", "/metrics"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT_BYTES = 256 * 1024
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}

NO_TOKEN = Problem(
    HTTPStatus.UNAUTHORIZED,
    "the token is missing or wrong",
    "header: Authorization",
    "send 'Authorization: Bearer <token>'; the token lies in gateway.token of the run directory unless configured",
    {"www-authenticate": "Bearer"},
)
FOREIGN = Problem(
    HTTPStatus.FORBIDDEN,
    "the request does not come from the gateway's own page",
    "header: Origin",
    "use the page that the gateway serves, or the bearer token",
)
NO_CSRF = Problem(
    HTTPStatus.FORBIDDEN,
    "the session's CSRF token is missing or wrong",
    "header: X-CSRF-Token",
    "reload the page and log in again",
)
TOO_LARGE = Problem(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    f"the body is larger than {BODY_LIMIT_BYTES} bytes",
    "body",
    "send only what changes",
)


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        problem = self._refuses(scope)
        if problem is not None:
            await _answer(problem, send)
            return
        await self._app(scope, _bounded(receive), _with_headers(send))

    def _refuses(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT_BYTES:
            return TOO_LARGE
        if scope["path"] in PUBLIC:
            foreign = scope["method"] not in SAFE and not same_origin(headers, required=False)
            return FOREIGN if foreign else None
        if "authorization" in headers:
            return None if self._access.bearer_fits(headers["authorization"]) else NO_TOKEN
        return self._refuses_session(scope["method"], headers)

    def _refuses_session(self, method: str, headers: Headers) -> Problem | None:
        cookie = cookie_of(headers)
        if cookie is None or not self._access.session_fits(cookie):
            return NO_TOKEN
        if method in SAFE:
            return None
        if not same_origin(headers, required=True):
            return FOREIGN
        return None if self._access.csrf_fits(cookie, headers.get(CSRF_HEADER)) else NO_CSRF


def cookie_of(headers: Headers) -> str | None:
    """Value of the session's cookie, None when there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def same_origin(headers: Headers, *, required: bool) -> bool:
    """Whether the page that asks is ours; browsers send Origin with every request that changes something."""
    origin = headers.get("origin")
    if origin is None:
        return not required
    return origin.partition("://")[2] == headers.get("host", "") != ""


def _bounded(receive: Receive) -> Receive:
    """A body without a stated length is cut off when it grows too large."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > BODY_LIMIT_BYTES:
            raise HTTPException(TOO_LARGE.status, TOO_LARGE.body["error"])
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _answer(problem: Problem, send: Send) -> None:
    headers = {"content-type": "application/json", **HEADERS, **problem.headers}
    start = {"type": "http.response.start", "status": int(problem.status)}
    await send(start | {"headers": [(k.encode(), v.encode()) for k, v in headers.items()]})
    await send({"type": "http.response.body", "body": orjson.dumps(problem.body)})
