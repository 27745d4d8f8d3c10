"""The application: routes, one form for every error, and the guard around all of it."""

from http import HTTPStatus
from importlib.metadata import version

from fastapi import FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge.clock import now_ns
from contango_common.edge.logs import get_logger
from contango_common.edge.metrics import Metrics
from contango_gateway.access import Access
from contango_gateway.advisor.routes import advice_routes
from contango_gateway.command_routes import command_routes
from contango_gateway.commands import Commands
from contango_gateway.dashboard.page import load_page
from contango_gateway.earnings_routes import earnings_routes
from contango_gateway.explain import MessageAt
from contango_gateway.guard import Guard
from contango_gateway.neighbours import HealthOfServices
from contango_gateway.plain_routes import Readiness, plain_routes
from contango_gateway.problems import Problem, ProblemBody, of_request, one_line
from contango_gateway.read_routes import read_routes
from contango_gateway.views import Views
from contango_inference.earnings.prediction import predictor
from contango_inference.earnings.request import Predictor
from contango_signals.names import FEATURES
from contango_signals.strategies.registry import STRATEGIES

DESCRIPTION = """Live views of the book, read from the log alone, and typed commands written to it.

Every view says which message it reflects (`as_of_seq`, `as_of_ts_ns`). Every request but the login, `/healthz`,
`/readyz` and `/metrics` needs the bearer token. Every refusal is `{"error", "where", "what_to_do"}`. Commands take an
`Idempotency-Key`: sent again, a command gives the same answer and is not written twice."""

_WHAT_TO_DO = {404: "GET /v1/openapi.json lists every path", 405: "GET /v1/openapi.json lists every method"}
_REFUSALS = {401: "token missing or wrong", 422: "the request does not fit", 503: "the log does not answer"}

log = get_logger("gateway")


def create_app(
    views: Views,
    commands: Commands,
    token: str,
    health_of_services: HealthOfServices,
    *,
    message_at: MessageAt,
    metrics: Metrics | None = None,
    readiness: Readiness = dict,
    features: tuple[str, ...] = (*FEATURES, *STRATEGIES),
    earnings: Predictor | None = None,
) -> FastAPI:
    """The HTTP face of ``views`` and ``commands``. ``message_at`` reads single messages of the log, for explain;
    ``earnings`` answers about announcements (None: by the plain rule)."""
    app = FastAPI(
        title="Contango gateway",
        version=version("contango-gateway"),
        description=DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        responses={code: {"description": text, "model": ProblemBody} for code, text in _REFUSALS.items()},
    )
    access = Access(token, lambda: now_ns() / 1e9)
    app.include_router(plain_routes(access, load_page(), metrics or Metrics(), readiness))
    bearer = [Security(HTTPBearer(auto_error=False, description="the gateway's token; the guard checks it"))]
    app.include_router(read_routes(views, message_at, health_of_services, features), dependencies=bearer)
    app.include_router(advice_routes(views.advice, views.as_of), dependencies=bearer)
    app.include_router(command_routes(commands, features), dependencies=bearer)
    app.include_router(earnings_routes(earnings or predictor(None)), dependencies=bearer)
    _one_form_for_errors(app)
    app.add_middleware(Guard, access=access)
    return app


def _one_form_for_errors(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> JSONResponse:
        return JSONResponse(error.body, error.status, error.headers)

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> JSONResponse:
        text, where = of_request(error.errors(), hide_values=request.url.path == "/login")
        return _answer(422, text, where, "GET /v1/openapi.json describes every request, with examples")

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        todo = _WHAT_TO_DO.get(error.status_code, "GET /v1/openapi.json describes every request, with examples")
        return _answer(error.status_code, str(error.detail), f"{request.method} {request.url.path}", todo)

    @app.exception_handler(UserError)
    async def user(request: Request, error: UserError) -> JSONResponse:
        return _answer(422, str(error), f"{request.method} {request.url.path}", "correct it and send it again")

    @app.exception_handler(ContangoError)
    async def ours(request: Request, error: ContangoError) -> JSONResponse:
        return _answer(503, str(error), "the log", "look at /v1/health and try again")

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return _answer(500, f"the gateway failed ({type(error).__name__})", request.url.path, "its log says why")


def _answer(status: int, error: str, where: str, what_to_do: str) -> JSONResponse:
    body = {"error": one_line(error), "where": where, "what_to_do": what_to_do}
    return JSONResponse(body, HTTPStatus(status))
