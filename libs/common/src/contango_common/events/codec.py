"""Envelopes as bytes and back: one message is one step.

    {"v":1,"ts_ns":…,"source":…,"cause":…,"events":[{"tag":…,"of":…, …fields}],"build":…}

The key order is fixed and ``build`` comes last, so that the canonical form (without it) is a prefix. ``cause`` is the
sequence of the message decided on (0 for edges), ``of`` the index of the event in it that caused each fact.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from contango_common.domain.errors import LogError, Undecodable
from contango_common.events import advice, fit, forecast, market, order, risk, signal, system  # noqa: F401  (registration)
from contango_common.events.base import TAGS, Event

VERSION = 1
_BUILD = b',"build":'
_KEYS = {"v", "ts_ns", "source", "cause", "events", "build"}
_REASON_CHARS = 300


class Envelope(NamedTuple):
    """``events`` and ``of`` have equal length; ``source`` names the writer and so the subject ``log.<source>``."""

    ts_ns: int
    source: str
    cause: int
    events: tuple[Event, ...]
    of: tuple[int, ...]
    build: str = ""


def encode(envelope: Envelope) -> bytes:
    """Bytes of the envelope; equal envelopes have equal bytes.

    Raises LogError for what JSON cannot hold: integers beyond 64 bits, lone surrogates.
    """
    ts_ns, source, cause, events, ofs, build = envelope
    ts_ns, source, cause, events, ofs, build = envelope
    bodies = [_event_bytes(event, of) for event, of in zip(events, ofs, strict=True)]
    head = f'{{"v":1,"ts_ns":{ts_ns},"source":{_quoted(source)},"cause":{cause},"events":['
    return head.encode() + b",".join(bodies) + _tail(build)


def _event_bytes(event: Event, of: int) -> bytes:
    """A fact is flat and its fields stand in the order of the class, so its dictionary is its JSON."""
    fields = event.__dict__
    if not fields:
        return _event_head(event.TAG, of) + b"}"
    try:
        return _event_head(event.TAG, of) + b"," + orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY)[1:]
    except orjson.JSONEncodeError as error:
        raise LogError(f"{event.TAG} cannot be written: {error}") from None


@lru_cache(maxsize=1024)
def _event_head(tag: str, of: int) -> bytes:
    return b'{"tag":"%b","of":%d' % (tag.encode(), of)


@lru_cache(maxsize=64)
def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


@lru_cache(maxsize=64)
def _tail(build: str) -> bytes:
    return b'],"build":%b}' % orjson.dumps(build)


def canonical(data: bytes) -> bytes:
    """The message without ``build``: what digests, audits and comparisons look at.

    Bytes that do not end as ``encode`` ends them are left as they are.
    """
    cut = data.rfind(_BUILD)
    tail = data[cut + len(_BUILD) :]
    if cut < 0 or not tail.startswith(b'"') or not tail.endswith(b'"}') or tail.count(b'"') != 2:
        return data
    return data[:cut] + b"}"


def decode(data: bytes) -> Envelope:
    """The envelope, validated. Raises Undecodable with a short reason of one line; never anything else."""
    try:
        return _decode(orjson.loads(data))
    except ValidationError as error:
        raise Undecodable(_short(_first_problem(error))) from error
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Undecodable(_short(f"{type(error).__name__}: {error}")) from error
    except Undecodable as error:
        raise Undecodable(_short(str(error))) from None


def _decode(raw: Any) -> Envelope:
    if raw.keys() - _KEYS:
        raise Undecodable(f"unknown keys {sorted(raw.keys() - _KEYS)}")
    if _integer(raw["v"]) != VERSION:
        raise Undecodable(f"version {raw['v']} is not {VERSION}")
    events, ofs = [], []
    for item in raw["events"]:
        tag, of = item.pop("tag"), item.pop("of")
        for key, value in item.items():
            if type(value) is list:
                item[key] = _tuples(value)
        events.append(_event_class(tag).model_validate(item))
        ofs.append(_integer(of))
    return Envelope(
        ts_ns=_integer(raw["ts_ns"]),
        source=_text(raw["source"]),
        cause=_integer(raw["cause"]),
        events=tuple(events),
        of=tuple(ofs),
        build=_text(raw.get("build", "")),
    )


def _tuples(value: Any) -> Any:
    """JSON knows lists only; sequences of facts are tuples (mappings are left as they are)."""
    if type(value) is list:
        return tuple([_tuples(item) for item in value])
    return value


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


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{error.title}.{where}: {first['msg']} (got {first.get('input')!r})"


def _short(reason: str) -> str:
    """One line of at most ``_REASON_CHARS``: a reason must not be as large as the poison that it is about."""
    line = " ".join(reason[: 4 * _REASON_CHARS].split())
    return line if len(line) <= _REASON_CHARS else line[:_REASON_CHARS] + " …"
