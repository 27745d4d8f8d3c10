"""An advisor over HTTP: any API that speaks chat completions as OpenAI's does. An edge; it never raises for the API.

A question is posted at most ``attempts`` times: again only after 429, 5xx or a timeout, with growing pauses. The key
travels in one header and nowhere else; redirects are not followed, so nobody else is shown it. Reasons are words of our
own: neither an error's text nor anything the API sent stands in them.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import orjson

from contango_common.edge.logs import fields, get_logger
from contango_gateway.advisor.port import Said, Silent
from contango_gateway.advisor.prompt import Prompt
from contango_gateway.advisor.reply import BODY_LIMIT_BYTES, Unusable, content_of
from contango_gateway.advisor.settings import AdvisorSettings

REQUEST_LIMIT_BYTES = 32 * 1024
REPLY_TOKENS = 400

log = get_logger("advisor")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a question is posted, how long one attempt may take, and the pauses between them."""

    attempts: int = 3
    attempt_s: float = 15.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 8.0


class _Again(NamedTuple):
    """An attempt that may be repeated, and the pause that the API asked for."""

    reason: str
    pause_s: float = 0.0


class HttpAdvisor:
    """Asks one model at one address over ``client``, which is the caller's to close."""

    def __init__(self, settings: AdvisorSettings, client: httpx.AsyncClient, pace: Pace | None = None) -> None:
        self._settings, self._client = settings, client
        self._pace = pace or Pace(attempt_s=settings.deadline_s / 2)

    @property
    def name(self) -> str:
        return self._settings.model

    async def ask(self, prompt: Prompt) -> Said | Silent:
        """The reply's text, or why there is none after at most ``Pace.attempts`` attempts."""
        body = orjson.dumps(request_of(prompt, self._settings.model))
        if len(body) > REQUEST_LIMIT_BYTES:
            return Silent(f"the question has {len(body)} bytes, more than {REQUEST_LIMIT_BYTES}; it was not sent")
        pause_s, reason = self._pace.first_pause_s, "it was never asked"
        for attempt in range(1, self._pace.attempts + 1):
            outcome = await self._attempt(body)
            if not isinstance(outcome, _Again):
                return outcome
            reason = outcome.reason
            log.warning("the advisor did not answer: %s", reason, extra=fields(attempt=attempt))
            if attempt < self._pace.attempts:
                await asyncio.sleep(min(max(pause_s, outcome.pause_s), self._pace.longest_pause_s))
                pause_s *= 2
        return Silent(f"{reason}, {self._pace.attempts} times")

    async def _attempt(self, body: bytes) -> Said | Silent | _Again:
        try:
            # The whole attempt is bounded: httpx's own limits begin anew with every piece of an answer.
            async with asyncio.timeout(self._pace.attempt_s):
                return await self._post(body)
        except (TimeoutError, httpx.TimeoutException):
            return _Again(f"the API gave no answer within {self._pace.attempt_s:g} s")
        except httpx.HTTPError as error:
            return Silent(f"the API cannot be reached: {type(error).__name__}")

    async def _post(self, body: bytes) -> Said | Silent | _Again:
        request = self._client.stream(
            "POST", self._settings.url, content=body, headers=self._headers(), timeout=None, follow_redirects=False
        )
        async with request as answer:
            if answer.status_code == 429 or answer.status_code >= 500:
                return _Again(f"the API answered {answer.status_code}", _seconds(answer.headers.get("retry-after")))
            if answer.status_code != 200:
                return Silent(f"the API answered {answer.status_code}")
            content = content_of(await _bounded(answer))
        return Silent(content.reason) if isinstance(content, Unusable) else Said(content)

    def _headers(self) -> dict[str, str]:
        # Not compressed: a small answer must not become a large one here.
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        key = self._settings.key
        return headers if key is None else headers | {"authorization": f"Bearer {key.get_secret_value()}"}


def request_of(prompt: Prompt, model: str) -> dict[str, Any]:
    """Body of a chat completion that every server of this kind understands.

    >>> sorted(request_of(Prompt("s", "u", "x"), "m"))
    ['max_tokens', 'messages', 'model', 'temperature']
    """
    messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    return {"model": model, "messages": messages, "max_tokens": REPLY_TOKENS, "temperature": 0}


async def _bounded(answer: httpx.Response) -> bytes:
    """The body, read no further than just above its limit."""
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > BODY_LIMIT_BYTES:
            break
    return bytes(body)


def _seconds(retry_after: str | None) -> float:
    """The pause that an API asks for in seconds; 0 where it names none (or a date, which is not worth a calendar)."""
    return float(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdigit() else 0.0
