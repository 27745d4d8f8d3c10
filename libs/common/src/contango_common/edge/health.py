"""A tiny HTTP server in the service's own loop: /healthz, /readyz with reasons, /metrics."""

import asyncio
import errno
from collections.abc import Callable
from http import HTTPStatus

import orjson

from contango_common.domain.errors import UserError
from contango_common.edge.metrics import CONTENT_TYPE, Metrics
from contango_common.edge.redact import Redactor

Check = Callable[[], str | None]  # None when fine, else the reason; quick, no waiting
JSON = "application/json"
REQUEST_LIMIT_BYTES = 8192
REQUEST_LIMIT_S = 5.0


class HealthServer:
    """Answers while the loop lives; readiness is all named checks together.

    `port` 0 takes a free one, `port` and `url` say which after `start`. Raises UserError when the port is
    taken.

    >>> async def show() -> None:
    ...     server = HealthServer(Metrics())
    ...     server.add_check("bus", lambda: "connection lost")
    ...     print(server.readiness())
    >>> asyncio.run(show())
    {'bus': 'connection lost'}
    """

    def __init__(
        self, metrics: Metrics, *, host: str = "127.0.0.1", port: int = 0, redactor: Redactor | None = None
    ) -> None:
        self.host = host
        self.port = port
        self._metrics = metrics
        self._redactor = redactor or Redactor()
        self._checks: dict[str, Check] = {}
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def add_check(self, name: str, check: Check) -> None:
        """`check` is asked at every /readyz; one that raises counts as failed."""
        self._checks[name] = check

    def readiness(self) -> dict[str, str]:
        """Failed checks with their reasons; empty means ready."""
        answers = {name: self._ask(check) for name, check in self._checks.items()}
        return {name: reason for name, reason in answers.items() if reason is not None}

    async def start(self) -> None:
        """Begin to listen."""
        try:
            self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=REQUEST_LIMIT_BYTES)
        except OSError as error:
            what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
            raise UserError(f"http_port: {self.host}:{self.port} {what}; free it or choose another") from None
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening; safe to call twice."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _ask(self, check: Check) -> str | None:
        try:
            reason = check()
        except Exception as error:  # noqa: BLE001  (a broken check is a failed one)
            reason = f"{type(error).__name__}: {error}"
        return None if reason is None else self._redactor.text(reason)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_LIMIT_S)
            writer.write(self._answer(request))
            await asyncio.wait_for(writer.drain(), REQUEST_LIMIT_S)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, dawdled or sent no HTTP; nothing here depends on it
        finally:
            writer.close()

    def _answer(self, request: bytes) -> bytes:
        method, _, rest = request.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return _reply(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"GET or HEAD only\n", whole=True)
        status, kind, body = self._route(path)
        return _reply(status, kind, body, whole=method == b"GET")

    def _route(self, path: bytes) -> tuple[HTTPStatus, str, bytes]:
        if path == b"/healthz":
            return HTTPStatus.OK, JSON, b'{"alive":true}'
        if path == b"/readyz":
            failed = self.readiness()
            checks = {name: failed.get(name, "ok") for name in self._checks}
            status = HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK
            return status, JSON, orjson.dumps({"ready": not failed, "checks": checks})
        if path == b"/metrics":
            return HTTPStatus.OK, CONTENT_TYPE, self._metrics.exposition()
        return HTTPStatus.NOT_FOUND, "text/plain", b"try /healthz, /readyz or /metrics\n"


def _reply(status: HTTPStatus, kind: str, body: bytes, *, whole: bool) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (body if whole else b"")
