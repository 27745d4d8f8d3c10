"""Why is there this order? Walks ``cause`` and ``of`` back to the message that nobody caused: a frame or a command."""

from collections.abc import Awaitable, Callable
from typing import Any

from contango_common.domain.errors import LogError
from contango_common.events.codec import Envelope, decode
from contango_common.runtime.log import Message
from contango_common.runtime.schedule import MAX_DEPTH
from contango_gateway.seen import Place

MessageAt = Callable[[int], Awaitable[Message | None]]
"""The message at a sequence, None when the log does not reach it: ``Log.get``."""


async def walk(message_at: MessageAt, place: Place) -> list[dict[str, Any]]:
    """Steps from ``place`` back to its origin, each with its fact and the tags of what was said beside it.

    Raises LogError when a message on the way is missing, Undecodable when it cannot be read.
    """
    steps: list[dict[str, Any]] = []
    seq, index = place.seq, place.index
    while seq > 0:
        if len(steps) > MAX_DEPTH:
            raise LogError(f"message {place.seq} has more than {MAX_DEPTH} causes in a row")
        message = await message_at(seq)
        if message is None:
            raise LogError(f"message {seq} is missing from the log")
        envelope = decode(message.data)
        steps.append(_step(message, envelope, index))
        seq, index = envelope.cause, envelope.of[index]
    return steps


def _step(message: Message, envelope: Envelope, index: int) -> dict[str, Any]:
    event = envelope.events[index]
    return {
        "seq": message.seq,
        "subject": message.subject,
        "ts_ns": envelope.ts_ns,
        "source": envelope.source,
        "cause": envelope.cause,
        "fact": event.TAG,
        "body": event.model_dump(mode="json"),
        "beside": [other.TAG for i, other in enumerate(envelope.events) if i != index],
    }
