"""The gateway as a process: follows the log, serves HTTP, and stops when it is told to or when the log forbids more."""

import asyncio
import contextlib
import errno
import logging
import secrets
import socket
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from contango_common.domain.blocks import Block
from contango_common.domain.errors import UserError
from contango_common.edge.logs import fields, get_logger
from contango_common.edge.metrics import Metrics
from contango_common.edge.secretfile import read_secret, write_secret
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.log import Log
from contango_gateway.access import MIN_TOKEN_CHARACTERS
from contango_gateway.app import create_app
from contango_gateway.commands import Commands, Validate, ValidateModel
from contango_gateway.follower import Follower
from contango_gateway.gauges import Gauges
from contango_gateway.neighbours import asker
from contango_gateway.notify import Notifier
from contango_gateway.regime_cache import Open, keep
from contango_gateway.views import Views
from contango_inference.earnings.request import Predictor

NAME = "gateway"
SHOW_EVERY_S = 1.0
GRACE_S = 3.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")

log = get_logger("gateway")


async def serve(
    log_port: Log,
    *,
    host: str,
    port: int,
    token: str | None,
    service_urls: Callable[[], Mapping[str, str]],
    validate_params: Validate,
    metrics: Metrics,
    stop: asyncio.Event,
    run_dir: Path,
    blocks: Mapping[str, Block] | None = None,
    notifiers: Sequence[Notifier] = (),
    open_bucket: Open | None = None,
    earnings: Predictor | None = None,
    validate_model: ValidateModel = lambda model, sha: None,
) -> None:
    """Serve until ``stop`` is set.

    ``port`` 0 takes a free one; the address is written to ``run_dir/gateway.url``. Without ``token`` the one in
    ``run_dir/gateway.token`` is used, made at the first start. ``blocks`` holds the quotes behind frames, by default
    ``run_dir/blocks``; ``open_bucket`` opens the bucket of regime reports (None: none is kept);
    ``earnings`` answers about announcements; ``validate_model`` says why a version cannot be promoted.

    Raises UserError when the port is taken or the token is too short, LogError when the log is not
    the one it was, or another gateway writes commands: then the process must start again.
    """
    secret = _token(token, run_dir)
    listening = _listen(host, port)
    views = Views(BlockStore(run_dir / "blocks") if blocks is None else blocks)
    commands = Commands(
        log_port,
        views,
        validate_params,
        instance=uuid.uuid4().hex,
        build=version("contango-gateway"),
        validate_model=validate_model,
    )
    follower = Follower(log_port, views, commands, notifiers)
    own = {"log": "still reading the log"}

    def readiness() -> dict[str, str]:
        own["log"] = _log_state(follower, commands)
        return own

    def urls() -> Mapping[str, str]:
        return {name: url for name, url in service_urls().items() if name != NAME}

    async with httpx.AsyncClient(trust_env=False) as client:
        ask = asker(urls, client)

        async def health_of_services() -> list[dict[str, object]]:
            said = readiness()
            reason = None if said["log"] == "ok" else f"log: {said['log']}"
            me = {"name": NAME, "ready": reason is None, "url": None, "reason": reason, "checks": dict(said)}
            return [me, *await ask()]

        app = create_app(
            views,
            commands,
            secret,
            health_of_services,
            message_at=log_port.get,
            metrics=metrics,
            readiness=readiness,
            earnings=earnings,
        )
        server = _Server(_config(app))
        url = _write_address(run_dir, host, listening)
        log.info("gateway at %s", url, extra=fields(url=url))
        if host not in LOOPBACK:
            log.warning("the gateway listens on %s without TLS: put a TLS proxy in front of it", host)
        try:
            await _until_any(
                server.serve(sockets=[listening]),
                follower.run(),
                _show(Gauges(metrics, NAME), views, follower, commands),
                *([] if open_bucket is None else [keep(views, open_bucket, lambda: follower.caught_up)]),
                stop.wait(),
                server=server,
            )
        finally:
            listening.close()
            (run_dir / "gateway.url").unlink(missing_ok=True)


def _log_state(follower: Follower, commands: Commands) -> str:
    if commands.broken is not None:
        return f"the last command's fate is unknown: {commands.broken}"
    if follower.silent is not None:
        return follower.silent
    return "ok" if follower.caught_up else "still reading the log"


async def _show(gauges: Gauges, views: Views, follower: Follower, commands: Commands) -> None:
    """Keep the metrics fresh; end with the commands' error, so that the process recovers."""
    while commands.broken is None:
        gauges.show(views, follower.end_seq)
        await asyncio.sleep(SHOW_EVERY_S)
        await follower.ask_end()
    raise commands.broken


async def _until_any(*work: Coroutine[Any, Any, object], server: "_Server") -> None:
    """Run all until one ends; then end the server with grace and the rest at once. The first error is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        for task in tasks[1:]:
            task.cancel()
        await asyncio.wait(tasks, timeout=GRACE_S + 2.0)
        tasks[0].cancel()
    for task in done:
        await task


class _Server(uvicorn.Server):
    """Leaves signals to the process it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: object) -> uvicorn.Config:
    # Access lines would hold ids and addresses and nothing that the log of commands does not say better.
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=int(GRACE_S),
        log_level=logging.WARNING,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
        raise UserError(f"gateway_port: {host}:{port} {what}; free it or set CONTANGO_GATEWAY_PORT") from None
    return listening


def _write_address(run_dir: Path, host: str, listening: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listening.getsockname()[1]}"
    temporary = run_dir / f".gateway.url.{uuid.uuid4().hex}"
    temporary.write_text(url + "\n", encoding="utf-8")
    temporary.replace(run_dir / "gateway.url")
    return url


def _token(configured: str | None, run_dir: Path) -> str:
    """The configured token, else the run directory's own: a restart must not lock out who has it."""
    if configured is not None:
        if len(configured) < MIN_TOKEN_CHARACTERS or not configured.isascii():
            need = f"at least {MIN_TOKEN_CHARACTERS} ASCII characters"
            raise UserError(
                f"gateway_token: too short or not ASCII, need {need}; name a better file in gateway_token_file"
            )
        return configured
    path = run_dir / "gateway.token"
    if path.exists():
        return read_secret(path, "gateway_token").get_secret_value()
    run_dir.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(32)
    write_secret(path, made)
    log.info("no token is configured: made one", extra=fields(path=str(path)))
    return made
