"""Health over real HTTP: alive, ready with reasons, metrics, and robust against rude clients."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import httpx
import pytest

from contango_common.domain.errors import UserError
from contango_common.edge.health import HealthServer
from contango_common.edge.metrics import Metrics
from contango_common.edge.redact import Redactor

Visit = Callable[[HealthServer, httpx.AsyncClient], Awaitable[None]]


def visit(server: HealthServer, work: Visit) -> None:
    async def main() -> None:
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
                await work(server, client)
        finally:
            await server.stop()
            await server.stop()

    asyncio.run(main())


def broken_check() -> str | None:
    raise RuntimeError("no such wheel")


def test_alive_and_ready_without_checks() -> None:
    async def work(server: HealthServer, client: httpx.AsyncClient) -> None:
        assert server.port > 0
        assert (await client.get("/healthz")).json() == {"alive": True}
        reply = await client.get("/readyz?verbose=1")
        assert (reply.status_code, reply.json()) == (200, {"ready": True, "checks": {}})

    visit(HealthServer(Metrics()), work)


def test_every_check_counts_and_says_why() -> None:
    state: dict[str, str | None] = {"reason": "reconnecting"}

    async def work(server: HealthServer, client: httpx.AsyncClient) -> None:
        server.add_check("bus", lambda: state["reason"])
        server.add_check("disk", lambda: None)
        reply = await client.get("/readyz")
        assert reply.status_code == 503
        assert reply.json() == {"ready": False, "checks": {"bus": "reconnecting", "disk": "ok"}}
        assert (await client.get("/healthz")).status_code == 200
        state["reason"] = None
        assert (await client.get("/readyz")).status_code == 200
        server.add_check("disk", broken_check)
        reply = await client.get("/readyz")
        assert reply.json()["checks"] == {"bus": "ok", "disk": "RuntimeError: no such wheel"}

    visit(HealthServer(Metrics()), work)


def test_reasons_hold_no_secrets() -> None:
    async def work(server: HealthServer, client: httpx.AsyncClient) -> None:
        server.add_check("database", lambda: "cannot log in with hunter2")
        assert "hunter2" not in (await client.get("/readyz")).text

    visit(HealthServer(Metrics(), redactor=Redactor(["hunter2"])), work)


def test_metrics_head_wrong_path_and_wrong_method() -> None:
    metrics = Metrics()
    metrics.counter("contango_fills_total").inc(4)

    async def work(server: HealthServer, client: httpx.AsyncClient) -> None:
        reply = await client.get("/metrics")
        assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "contango_fills_total 4.0" in reply.text
        head = await client.head("/metrics")
        assert (head.status_code, head.content) == (200, b"")
        assert (await client.get("/")).status_code == 404
        assert (await client.post("/metrics")).status_code == 405

    visit(HealthServer(metrics), work)


@pytest.mark.parametrize("rubbish", [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"x" * 20_000, b"GET / HT"])
def test_rude_clients_change_nothing(rubbish: bytes) -> None:
    async def work(server: HealthServer, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(rubbish)
        writer.write_eof()
        with contextlib.suppress(ConnectionError):  # a reset: the server need not read it all
            await reader.read()
        writer.close()
        assert (await client.get("/healthz")).status_code == 200

    visit(HealthServer(Metrics()), work)


def test_port_in_use_is_one_clear_line() -> None:
    async def work(server: HealthServer, client: httpx.AsyncClient) -> None:
        other = HealthServer(Metrics(), port=server.port)
        with pytest.raises(UserError, match=f"http_port: 127.0.0.1:{server.port} is in use; free it or"):
            await other.start()

    visit(HealthServer(Metrics()), work)


def test_address_of_another_machine_is_one_clear_line() -> None:
    with pytest.raises(UserError, match=r"http_port: 203\.0\.113\.1:0 cannot be opened"):
        asyncio.run(HealthServer(Metrics(), host="203.0.113.1").start())
