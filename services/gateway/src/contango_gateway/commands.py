"""Typed commands of people, each written once to ``log.control.gateway``, or refused.

A command is known by its id (the client's Idempotency-Key, or a new one): the same id again gives the same answer and
no second message, also after a restart, because the ids are read back from the log. A command's event time is that of
the last message seen. One command runs at a time, and each begins when the views show the one before: a change of
parameters is merged into what is in force, never into something older.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from pydantic import ValidationError

from contango_common.domain.errors import LogError, UserError
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, encode
from contango_common.events.system import (
    CloseOrdered,
    FeatureSwitched,
    Halt,
    ModelPromoted,
    ModelRolledBack,
    ParametersChanged,
    Resume,
)
from contango_common.runtime.log import Log, Message, Writer
from contango_gateway.problems import Problem, of_validation
from contango_gateway.views import Views

NAME = "control.gateway"
SUBJECT = f"log.{NAME}"
IDS_KEPT = 10_000
VIEWS_WAIT_S = 5.0

Switch = Literal["off", "shadow", "on"]
Validate = Callable[[dict[str, Any]], dict[str, Any]]
"""The whole parameter set, checked and completed; raises UserError or pydantic's ValidationError."""
ValidateModel = Callable[[str, str], str | None]
"""Why a version of a model cannot be served; None when it can."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a command stands on the log."""

    command_id: str
    kind: str
    seq: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class _Known:
    receipt: Receipt
    event: Event


# What a running session cannot take, and why. Everything else of a book may change at any time.
AT_START_ONLY = {
    "market_data": "the feed was opened with it",
    "venue.initial_cash_usd": "the account was funded with it",
}


class Commands:
    """Writes commands on ``log``. ``instance`` names this process; ``broken`` is set when it must stop and recover."""

    def __init__(
        self,
        log: Log,
        views: Views,
        validate: Validate,
        *,
        instance: str,
        build: str,
        validate_model: ValidateModel = lambda model, sha: None,
    ) -> None:
        self._log, self._views, self._validate = log, views, validate
        self._validate_model = validate_model
        self._instance, self._build = instance, build
        self._known: dict[str, _Known] = {}
        self._writer: Writer | None = None
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._last_own_seq = 0
        self.ready = False
        self.broken: LogError | None = None

    def seen(self, message: Message, envelope: Envelope | None) -> None:
        """Told of every message after the views have taken it."""
        if message.subject == SUBJECT and envelope is not None and envelope.events:
            self._know(message.msg_id, message.seq, envelope.ts_ns, envelope.events[0])
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def halt(self, command_id: str, reason: str) -> Receipt:
        return await self._say(command_id, Halt(reason=reason))

    async def resume(self, command_id: str, reason: str) -> Receipt:
        return await self._say(command_id, Resume(reason=reason))

    async def flatten(self, command_id: str, reason: str) -> Receipt:
        return await self._say(command_id, CloseOrdered(position_id=None, reason=reason))

    async def switch(self, command_id: str, feature: str, switch: Switch, reason: str) -> Receipt:
        return await self._say(command_id, FeatureSwitched(feature=feature, switch=switch, reason=reason))

    async def promote(
        self, command_id: str, model: str, sha: str, evidence: dict[str, float | str | None], reason: str
    ) -> Receipt:
        """Make version ``sha`` the champion. Raises Problem (422) for one that the registry does not hold whole."""
        wrong = self._validate_model(model, sha)
        if wrong is not None:
            raise _no_model(wrong)

        def make() -> Event:
            before = self._views.models.version(model)
            return ModelPromoted(model=model, sha=sha, previous_sha=before, evidence=evidence, reason=reason)

        def same(first: Event) -> bool:
            return isinstance(first, ModelPromoted) and (first.model, first.sha, first.reason) == (model, sha, reason)

        return await self._run(command_id, make, same)

    async def roll_back(self, command_id: str, model: str, reason: str) -> Receipt:
        """Back to the champion before. Raises Problem (409) when none was promoted on this log."""

        def make() -> Event:
            standing = self._views.models.champions.get(model, [])
            if not standing:
                raise _nothing_promoted(model)
            before = standing[-2] if len(standing) > 1 else None
            return ModelRolledBack(model=model, sha=before, previous_sha=standing[-1], reason=reason)

        def same(first: Event) -> bool:
            return isinstance(first, ModelRolledBack) and (first.model, first.reason) == (model, reason)

        return await self._run(command_id, make, same)

    async def close(self, command_id: str, position_id: str, reason: str) -> Receipt:
        """Close one position. Raises Problem (404) when none of this id is open."""
        wanted = CloseOrdered(position_id=position_id, reason=reason)

        def make() -> Event:
            if position_id not in self._views.positions.ids():
                raise _no_position(position_id)
            return wanted

        return await self._run(command_id, make, lambda first: first == wanted)

    async def change_parameters(self, command_id: str, update: dict[str, Any], reason: str) -> Receipt:
        """Merge ``update`` into the parameters in force.

        Raises Problem (422) naming key, value and range, or the keys that only a new session can take.
        """

        def make() -> Event:
            in_force = self._views.control.parameters
            if in_force is None:
                raise _no_parameters()
            fixed = changed_at_start_only(in_force, update)
            if fixed:
                raise _fixed(fixed)
            return ParametersChanged(params=self._checked(merged(in_force, update)), reason=reason)

        def same(first: Event) -> bool:
            """What it changed then would change nothing more."""
            if not isinstance(first, ParametersChanged) or first.reason != reason:
                return False
            return self._checked(merged(first.params, update)) == first.params

        return await self._run(command_id, make, same)

    async def _say(self, command_id: str, event: Event) -> Receipt:
        return await self._run(command_id, lambda: event, lambda first: first == event)

    async def _run(self, command_id: str, make: Callable[[], Event], same: Callable[[Event], bool]) -> Receipt:
        # Shielded: a client that goes away must not leave the writer in doubt about its last message.
        return await asyncio.shield(asyncio.ensure_future(self._in_turn(command_id, make, same)))

    async def _in_turn(self, command_id: str, make: Callable[[], Event], same: Callable[[Event], bool]) -> Receipt:
        """The answer of the first time if the id is known; another command under the same id is refused."""
        async with self._turn:
            if not self.ready or self.broken is not None:
                raise _not_ready()
            await self._views_at(self._last_own_seq)
            known = self._known.get(command_id)
            if known is None:
                return await self._publish(command_id, make())
            if not same(known.event):
                raise _other_command(known.receipt)
            return known.receipt

    async def _publish(self, command_id: str, event: Event) -> Receipt:
        if self._views.as_of_seq == 0:
            raise _empty()
        ts_ns = self._views.as_of_ts_ns
        data = encode(Envelope(ts_ns, NAME, 0, (event,), (0,), self._build))
        try:
            if self._writer is None:
                self._writer = await Writer.open(self._log, SUBJECT, self._instance)
            seq = await self._writer.publish(data, command_id)
        except LogError as error:
            self.broken = error
            raise _doubtful() from error
        self._last_own_seq = seq
        return self._know(command_id, seq, ts_ns, event)

    def _know(self, command_id: str, seq: int, ts_ns: int, event: Event) -> Receipt:
        known = self._known.get(command_id)
        if known is None:
            known = self._known[command_id] = _Known(Receipt(command_id, event.TAG, seq, ts_ns), event)
            if len(self._known) > IDS_KEPT:
                del self._known[next(iter(self._known))]
        return known.receipt

    def _checked(self, params: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._validate(params)
        except ValidationError as error:
            raise _bad_parameters(of_validation(error)) from None
        except UserError as error:
            raise _bad_parameters(str(error)) from None

    async def _views_at(self, seq: int) -> None:
        async def wait() -> None:
            while self._views.as_of_seq < seq:
                await self._news.wait()

        try:
            await asyncio.wait_for(wait(), VIEWS_WAIT_S)
        except TimeoutError:
            raise _not_ready() from None


def merged(in_force: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """``in_force`` with the leaves of ``update`` put in their places; a mapping is merged, all else replaced.

    >>> merged({"risk": {"a": 1, "b": 2}}, {"risk": {"b": 3}})
    {'risk': {'a': 1, 'b': 3}}
    """
    result = dict(in_force)
    for key, value in update.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return result


def changed_at_start_only(in_force: dict[str, Any], update: dict[str, Any]) -> dict[str, str]:
    """Keys of ``update`` that would change what only a new session can take, each with the reason.

    >>> changed_at_start_only({"venue": {"initial_cash_usd": 5.0}}, {"venue": {"initial_cash_usd": 6, "x": 1}})
    {'venue.initial_cash_usd': 'the account was funded with it'}
    """
    before = dict(_leaves(in_force))
    found = {}
    for key, value in _leaves(update):
        why = AT_START_ONLY.get(key) or AT_START_ONLY.get(key.partition(".")[0])
        if why is not None and (key not in before or before[key] != value):
            found[key] = why
    return found


def _leaves(tree: dict[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{head}{key}.")
        else:
            yield f"{head}{key}", value


def _not_ready() -> Problem:
    what = "the gateway is still reading the log; no command was written"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, what, "the log", "try again when /readyz says ready")


def _empty() -> Problem:
    what = "the log holds no message yet, so there is no event time for a command"
    return Problem(HTTPStatus.CONFLICT, what, "the log", "wait until the session has published its first message")


def _doubtful() -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the log did not say whether the command was written; the gateway starts again to find out",
        "the log",
        "send the command again with the same Idempotency-Key: it cannot be written twice",
    )


def _other_command(receipt: Receipt) -> Problem:
    what = f"the id {receipt.command_id} already names another command: {receipt.kind} at message {receipt.seq}"
    return Problem(HTTPStatus.CONFLICT, what, "header: Idempotency-Key", "use a new id for a new command")


def _no_position(position_id: str) -> Problem:
    what = f"no open position is called {position_id}"
    return Problem(HTTPStatus.NOT_FOUND, what, "path: position_id", "GET /v1/positions lists the open ones")


def _no_model(why: str) -> Problem:
    what = f"refused, nothing was promoted: {why}"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, what, "body: sha", "contango models list shows what can be served")


def _nothing_promoted(model: str) -> Problem:
    what = f"no version of {model} was promoted in this session, so that there is none to go back from"
    return Problem(HTTPStatus.CONFLICT, what, "path: name", "GET /v1/models shows who answers")


def _no_parameters() -> Problem:
    what = "no parameters are in force yet"
    return Problem(HTTPStatus.CONFLICT, what, "the log", "wait until the session has published its first parameters")


def _fixed(keys: dict[str, str]) -> Problem:
    shown = "; ".join(f"{key}: {why}" for key, why in keys.items())
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"refused, nothing was changed: a running session cannot take another value of {shown}",
        ", ".join(f"body: {key}" for key in keys),
        "leave these keys out, or set them in the book and start a new session",
    )


def _bad_parameters(text: str) -> Problem:
    what = f"refused, nothing was changed: {text}"
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, what, "body: parameters", "GET /v1/parameters shows what is in force"
    )
