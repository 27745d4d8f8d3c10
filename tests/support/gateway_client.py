"""A gateway over a log without a socket: views, commands and follower as the service wires them, and a client."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from contango_common.edge.metrics import Metrics
from contango_common.runtime.log import Log
from contango_common.runtime.memory import MemoryLog
from contango_gateway.app import create_app
from contango_gateway.commands import Commands
from contango_gateway.follower import Follower
from contango_gateway.views import Views
from contango_research.book import Book

TOKEN = "correct-horse-battery-staple"
URL = "http://gateway.test"


def validate(raw: dict[str, Any]) -> dict[str, Any]:
    """What a book accepts."""
    return Book.model_validate(raw).params()


async def no_neighbours() -> list[dict[str, Any]]:
    return [{"name": "risk", "ready": False, "url": "http://x", "reason": "unreachable: ConnectError", "checks": {}}]


@dataclass
class Gateway:
    views: Views
    commands: Commands
    follower: Follower
    client: httpx.AsyncClient
    app: Any

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        return await self.client.post(path, json=body, headers=_key(key))

    async def put(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        return await self.client.put(path, json=body, headers=_key(key))


def renew(log: MemoryLog) -> None:
    """Free the log from an event loop that has ended, with whoever waited there."""
    log._grown = None


def _key(key: str | None) -> dict[str, str]:
    return {} if key is None else {"idempotency-key": key}


@asynccontextmanager
async def gateway(
    log: Log, blocks: Mapping[str, Any] | None = None, *, token: str = TOKEN, instance: str = "one"
) -> AsyncIterator[Gateway]:
    """A running gateway; its client sends ``TOKEN``."""
    views = Views(blocks)
    commands = Commands(log, views, validate, instance=instance, build="test")
    follower = Follower(log, views, commands)
    task = asyncio.create_task(follower.run())
    while not follower.caught_up:
        await asyncio.sleep(0)
    app = create_app(views, commands, token, no_neighbours, message_at=log.get, metrics=Metrics())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {TOKEN}"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
            yield Gateway(views, commands, follower, client, app)
    finally:
        task.cancel()
        await asyncio.wait({task})
