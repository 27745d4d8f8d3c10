"""The gateway as a service: address, token file, metrics, its end; and all of it once on a real NATS server."""

import asyncio
import contextlib
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from contango_common.domain.errors import LogError, UserError
from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.edge.metrics import Metrics, declared
from contango_common.events.codec import decode
from contango_common.events.system import Halt
from contango_common.runtime.log import Log, Writer
from contango_common.runtime.memory import MemoryLog
from contango_common.runtime.nats import NatsLog, connect
from contango_gateway.commands import SUBJECT
from contango_gateway.service import serve
from support.gateway_client import TOKEN, validate
from support.gateway_world import House

AUTH = {"authorization": f"Bearer {TOKEN}"}


class Served:
    """A served gateway: where it is, how to stop it, and its metrics."""

    def __init__(self, run_dir: Path, task: "asyncio.Task[None]", stop: asyncio.Event, metrics: Metrics) -> None:
        self.run_dir, self.task, self.stop, self.metrics = run_dir, task, stop, metrics

    async def url(self) -> str:
        path = self.run_dir / "gateway.url"
        while not path.exists():
            if self.task.done():
                await self.task
            await asyncio.sleep(0.01)
        return path.read_text().strip()

    async def ready(self, client: httpx.AsyncClient) -> None:
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def served(
    log: Log, run_dir: Path, *, blocks: Any = None, token: str | None = TOKEN, port: int = 0, **urls: str
) -> AsyncIterator[Served]:
    stop, metrics = asyncio.Event(), Metrics()
    work = serve(
        log,
        host="127.0.0.1",
        port=port,
        token=token,
        service_urls=lambda: urls,
        validate_params=validate,
        metrics=metrics,
        stop=stop,
        run_dir=run_dir,
        blocks=blocks,
    )
    task = asyncio.create_task(work)
    try:
        yield Served(run_dir, task, stop, metrics)
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=20)


@asynccontextmanager
async def visited(served_one: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=await served_one.url(), headers=AUTH, trust_env=False) as client:
        await served_one.ready(client)
        yield client


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 90))


def test_it_serves_on_a_free_port_writes_its_address_and_takes_it_away(tmp_path: Path):
    async def check() -> None:
        async with served(MemoryLog(), tmp_path) as one, visited(one) as client:
            assert (await client.get("/healthz")).json() == {"alive": True}
            assert (await client.get("/v1/book")).json()["as_of_seq"] == 0
        assert not (tmp_path / "gateway.url").exists()
        assert one.task.done()
        assert one.task.exception() is None

    run(check)


def test_without_a_token_it_makes_one_keeps_it_for_the_owner_and_over_restarts(tmp_path: Path):
    async def check() -> None:
        tokens = set()
        for _ in range(2):
            async with served(MemoryLog(), tmp_path, token=None) as one, visited(one) as client:
                path = tmp_path / "gateway.token"
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                token = path.read_text()
                tokens.add(token)
                assert (await client.get("/v1/book")).status_code == 401
                mine = {"authorization": f"Bearer {token}"}
                assert (await client.get("/v1/book", headers=mine)).status_code == 200
        assert len(tokens) == 1
        assert len(tokens.pop()) >= 32

    run(check)


def test_a_port_in_use_is_one_line_that_names_it(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        async def check() -> None:
            async with served(MemoryLog(), tmp_path, port=port) as one:
                with pytest.raises(UserError, match=rf"gateway_port: 127\.0\.0\.1:{port} is in use") as caught:
                    await one.task
                assert "\n" not in str(caught.value)

        run(check)
    assert not (tmp_path / "gateway.url").exists()


def test_a_short_token_is_refused_without_being_repeated(tmp_path: Path):
    async def check() -> None:
        async with served(MemoryLog(), tmp_path, token="hunter2") as one:
            with pytest.raises(UserError, match="gateway_token") as caught:
                await one.task
            assert "hunter2" not in str(caught.value)

    run(check)


def test_its_metrics_are_declared_and_show_the_book(tmp_path: Path):
    house = House()
    house.trade()

    async def check() -> None:
        async with served(house.log, tmp_path, blocks=house.blocks) as one, visited(one) as client:
            while one.metrics.value("contango_book_equity_usd") is None:
                await asyncio.sleep(0.02)
            text = (await client.get("/metrics")).text
            book = (await client.get("/v1/book")).json()
            names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
            assert names <= declared()
            assert one.metrics.value("contango_book_equity_usd") == book["marks"]["equity_usd"]
            assert one.metrics.value("contango_open_positions") == 1
            assert one.metrics.value("contango_fills_total") == 1
            assert one.metrics.value("contango_cursor_seq", service="gateway") == len(house.log.messages)
            assert one.metrics.value("contango_bus_lag_messages", service="gateway") == 0

    run(check)


def test_health_asks_every_service_and_names_who_is_away(tmp_path: Path):
    async def check() -> None:
        async with (
            served(MemoryLog(), tmp_path / "a", token=None) as other,
            served(
                MemoryLog(), tmp_path / "b", alive=await other.url(), dead="http://127.0.0.1:9", odd="no url"
            ) as one,
            visited(one) as client,
        ):
            async with httpx.AsyncClient(base_url=await other.url(), trust_env=False) as neighbour:
                await other.ready(neighbour)
            health = (await client.get("/v1/health")).json()
            rows = {row["name"]: row for row in health["services"]}
            assert rows["gateway"]["ready"] is True
            assert rows["alive"]["ready"] is True
            assert rows["dead"]["reason"] == "unreachable: ConnectError"
            assert rows["odd"]["reason"].startswith("unreachable")
            assert health["ready"] is False

    for name in "ab":
        (tmp_path / name).mkdir()
    run(check)


def test_a_log_that_cannot_be_followed_ends_the_service(tmp_path: Path):
    class Broken(MemoryLog):
        async def follow(self, first: int, subjects: Any = None) -> Any:
            raise LogError("the log has a gap: message 9 came after 7")
            yield

    async def check() -> None:
        async with served(Broken(), tmp_path) as one:
            with pytest.raises(LogError, match="gap"):
                await one.task

    run(check)


def test_a_command_of_unknown_fate_ends_the_service_after_its_answer(tmp_path: Path):
    house = House()

    async def check() -> None:
        async with served(house.log, tmp_path, blocks=house.blocks) as one, visited(one) as client:
            assert (await client.post("/v1/halt", json={"reason": "a"})).status_code == 200
            other = await Writer.open(house.log, SUBJECT, "another gateway")
            await other.publish(b"x", "other:1")
            assert (await client.post("/v1/halt", json={"reason": "b"})).status_code == 503
            with pytest.raises(LogError, match="another gateway"):
                await one.task

    run(check)


@pytest.mark.heavy
def test_over_a_real_nats_server_views_commands_explanations_and_a_restart(tmp_path: Path):
    house = House()
    house.trade()

    async def copy(log: NatsLog) -> None:
        writers: dict[str, Writer] = {}
        for message in house.log.messages:
            if message.subject not in writers:
                writers[message.subject] = await Writer.open(log, message.subject, "copy")
            await writers[message.subject].publish(message.data, message.msg_id or f"m{message.seq}")

    async def first_life(log: NatsLog) -> dict[str, Any]:
        async with served(log, tmp_path, blocks=house.blocks) as one, visited(one) as client:
            book = (await client.get("/v1/book")).json()
            assert book["as_of_seq"] == len(house.log.messages)
            assert book["marks"]["open_positions"] == 1
            [position] = (await client.get("/v1/positions")).json()["positions"]
            steps = (await client.get(f"/v1/explain/{position['position_id']}:o1")).json()["steps"]
            assert [step["fact"] for step in steps] == ["OrderSubmitted", "Approved", "Proposal", "ChainFrame"]
            halt = await client.post("/v1/halt", json={"reason": "news"}, headers={"idempotency-key": "h1"})
            assert halt.status_code == 200
            changed = await client.put("/v1/parameters", json={"signals": {"forecast_max_age_hours": 33.0}})
            assert changed.status_code == 200
            while (await client.get("/v1/book")).json()["as_of_seq"] < changed.json()["seq"]:
                await asyncio.sleep(0.01)
            assert (await client.get("/v1/book")).json()["halted"] is True
            assert (await client.get("/v1/parameters")).json()["parameters"]["signals"][
                "forecast_max_age_hours"
            ] == 33.0
            return dict(halt.json())

    async def second_life(log: NatsLog, before: dict[str, Any]) -> None:
        async with served(log, tmp_path, blocks=house.blocks) as one, visited(one) as client:
            again = await client.post("/v1/halt", json={"reason": "news"}, headers={"idempotency-key": "h1"})
            assert again.json() == before
            assert (await client.post("/v1/resume", json={"reason": "calm"})).status_code == 200
            while (await client.get("/v1/book")).json()["halted"]:
                await asyncio.sleep(0.01)

    async def check() -> None:
        with EmbeddedNats(tmp_path).start() as server:
            client = await connect(server.url, "test")
            log = NatsLog(client)
            await log.create()
            await copy(log)
            await second_life(log, await first_life(log))
            last = await log.last()
            assert last is not None
            mine = [m async for m in log.read(1, last.seq, frozenset({SUBJECT}))]
            assert [decode(m.data).events[0].TAG for m in mine] == ["Halt", "ParametersChanged", "Resume"]
            assert decode(mine[0].data).events[0] == Halt(reason="news")
            assert {decode(m.data).ts_ns for m in mine} == {house.ts_ns}
            with contextlib.suppress(Exception):
                await client.close()

    run(check)
