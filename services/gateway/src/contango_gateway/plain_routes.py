"""What needs no token: the page, the login, health and metrics. And the end of a session."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from contango_common.edge.metrics import CONTENT_TYPE, Metrics
from contango_gateway import answers
from contango_gateway.access import COOKIE, SESSION_S, Access
from contango_gateway.bodies import Login
from contango_gateway.dashboard.page import Page
from contango_gateway.guard import NO_TOKEN, cookie_of
from contango_gateway.problems import Problem, ProblemBody

WRONG_TOKEN_PAUSE_S = 0.25  # guessing is slow, for one client at least

Readiness = Callable[[], dict[str, str]]
"""Name of every check to ``ok`` or the reason."""

WRONG = Problem(
    HTTPStatus.UNAUTHORIZED,
    "the token is wrong",
    "body: token",
    "use the one in gateway.token of the run directory, or the one that was configured",
)


def plain_routes(access: Access, page: Page, metrics: Metrics, readiness: Readiness) -> APIRouter:
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    async def dashboard() -> HTMLResponse:
        return HTMLResponse(page.html, headers={"content-security-policy": page.policy})

    @router.post(
        "/login",
        tags=["session"],
        response_model=answers.Session,
        summary="A session cookie for the token",
        responses={401: {"description": "wrong token", "model": ProblemBody}},
    )
    async def login(body: Login, request: Request, response: Response) -> dict[str, str]:
        if not access.token_fits(body.token):
            await asyncio.sleep(WRONG_TOKEN_PAUSE_S)
            raise WRONG
        cookie = access.new_session()
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, cookie, SESSION_S, path="/", httponly=True, samesite="strict", secure=secure)
        return {"csrf_token": access.csrf(cookie)}

    @router.get("/v1/session", tags=["session"], response_model=answers.Session, summary="The session's CSRF token")
    async def session(request: Request) -> dict[str, str]:
        cookie = cookie_of(request.headers)
        if cookie is None or not access.session_fits(cookie):
            raise NO_TOKEN
        return {"csrf_token": access.csrf(cookie)}

    @router.post("/v1/logout", tags=["session"], status_code=204, summary="Forget the session in this browser")
    async def logout() -> Response:
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    @router.get("/healthz", tags=["health"], summary="The process lives")
    async def healthz() -> dict[str, bool]:
        return {"alive": True}

    @router.get(
        "/readyz",
        tags=["health"],
        summary="The views have caught up",
        response_model=None,
    )
    async def readyz() -> JSONResponse:
        checks = readiness()
        ready = all(value == "ok" for value in checks.values())
        return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)

    @router.get("/metrics", tags=["health"], summary="Prometheus metrics")
    async def exposition() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return router
