"""Envelopes as bytes and back: one message is one step.

    {"v":1,"ts_ns":…,"source":…,"cause":…,"events":[{"tag":…,"of":…, …fields}],"build":…}

The key order is fixed and ``build`` comes last, so that the canonical form (without it) is a prefix. ``cause`` is the
sequence of the message decided on (0 for edges), ``of`` the index of the event in it that caused each fact.
"""

from dataclasses import dataclass

import orjson
from pydantic import ValidationError

from contango_common.domain.errors import Undecodable
from contango_common.events import forecast, market, order, risk, signal, system  # noqa: F401  (registration)
from contango_common.events.base import TAGS, Event

VERSION = 1
_BUILD = b',"build":'


@dataclass(frozen=True, slots=True)
class Envelope:
    """``events`` and ``of`` have equal length; ``source`` names the writer and so the subject ``log.<source>``."""

    ts_ns: int
    source: str
    cause: int
    events: tuple[Event, ...]
    of: tuple[int, ...]
    build: str = ""


def encode(envelope: Envelope) -> bytes:
    """Bytes of the envelope; equal envelopes have equal bytes."""
    parts = []
    for event, of in zip(envelope.events, envelope.of, strict=True):
        body = type(event).__pydantic_serializer__.to_json(event)
        head = b'{"tag":"%b","of":%d' % (type(event).TAG.encode(), of)
        parts.append(head + b"}" if body == b"{}" else head + b"," + body[1:])
    return b'{"v":%d,"ts_ns":%d,"source":"%b","cause":%d,"events":[%b]%b"%b"}' % (
        VERSION,
        envelope.ts_ns,
        envelope.source.encode(),
        envelope.cause,
        b",".join(parts),
        _BUILD,
        envelope.build.encode(),
    )


def canonical(data: bytes) -> bytes:
    """The message without ``build``: what digests, audits and comparisons look at."""
    cut = data.rfind(_BUILD)
    return data if cut < 0 else data[:cut] + b"}"


def decode(data: bytes) -> Envelope:
    """The envelope, validated. Raises Undecodable with a reason; never anything else."""
    try:
        raw = orjson.loads(data)
        events, ofs = [], []
        for item in raw["events"]:
            tag, of = item.pop("tag"), item.pop("of")
            events.append(_event_class(tag).model_validate(item))
            ofs.append(_integer(of))
        if raw["v"] != VERSION:
            raise Undecodable(f"version {raw['v']} is not {VERSION}")
        return Envelope(
            ts_ns=_integer(raw["ts_ns"]),
            source=_text(raw["source"]),
            cause=_integer(raw["cause"]),
            events=tuple(events),
            of=tuple(ofs),
            build=_text(raw.get("build", "")),
        )
    except ValidationError as error:
        raise Undecodable(_first_line(error)) from error
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise Undecodable(f"{type(error).__name__}: {error}") from error


def _event_class(tag: object) -> type[Event]:
    known = TAGS.get(tag) if isinstance(tag, str) else None
    if known is None:
        raise Undecodable(f"no event is called {tag!r}")
    return known


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Undecodable(f"{value!r} is not an integer")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Undecodable(f"{value!r} is not text")
    return value


def _first_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{error.title}.{where}: {first['msg']} (got {first.get('input')!r})"
