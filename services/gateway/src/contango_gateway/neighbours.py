"""How all services are: asks each one's /readyz at the same time; who does not answer is named with the reason."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

LIMIT_S = 2.0

HealthOfServices = Callable[[], Awaitable[list[dict[str, Any]]]]
"""Rows of ``answers.ServiceHealth``, one a service."""


def asker(service_urls: Callable[[], Mapping[str, str]], client: httpx.AsyncClient) -> HealthOfServices:
    """A function that asks whoever ``service_urls`` names at that moment."""

    async def ask_all() -> list[dict[str, Any]]:
        return list(await asyncio.gather(*(_ask(client, name, url) for name, url in service_urls().items())))

    return ask_all


async def _ask(client: httpx.AsyncClient, name: str, url: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "ready": False, "url": url, "reason": None, "checks": {}}
    try:
        answer = await client.get(f"{url}/readyz", timeout=LIMIT_S)
        said = answer.json()
        checks = {str(key): str(value) for key, value in said.get("checks", {}).items()}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return row | {"reason": f"unreachable: {type(error).__name__}"}
    except (ValueError, AttributeError):
        return row | {"reason": f"answered {answer.status_code} with no JSON of a service"}
    failed = [f"{key}: {value}" for key, value in checks.items() if value != "ok"]
    if answer.status_code == 200 and said.get("ready") is True:
        return row | {"ready": True, "checks": checks}
    return row | {"checks": checks, "reason": "; ".join(failed) or f"answered {answer.status_code}"}
