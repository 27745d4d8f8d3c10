"""One message of the log as rows of tables. Pure: the same message always makes the same rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contango_common.events.codec import Envelope, decode
from contango_common.runtime.log import Message
from contango_recorder.projections import PROJECTIONS
from contango_recorder.schema import QUARANTINE

Row = tuple[Any, ...]
Batches = dict[str, list[Row]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def project(seq: int, envelope: Envelope, into: Batches) -> None:
    """Add the rows of one message to ``into`` (table → rows, values in the order of ``schema.TABLES``)."""
    ts = timestamp(envelope.ts_ns)
    events = into.setdefault("events", [])
    for ordinal, (event, of) in enumerate(zip(envelope.events, envelope.of, strict=True)):
        kind = type(event)
        body = kind.__pydantic_serializer__.to_json(event).decode()
        events.append((seq, ordinal, ts, envelope.source, kind.TAG, envelope.cause, of, body))
        known = PROJECTIONS.get(kind)
        if known is not None:
            table, values_of = known
            rows = into.setdefault(table, [])
            rows.extend((seq, ordinal, ts, *values) for values in values_of(event))


def project_message(message: Message, into: Batches) -> None:
    """As ``project``, from the message's bytes. Raises Undecodable and leaves ``into`` as it was."""
    project(message.seq, decode(message.data), into)


def quarantine(message: Message, reason: str, into: Batches) -> None:
    """Add the row that keeps a message which could not be projected."""
    into.setdefault(QUARANTINE, []).append((message.seq, message.subject, reason.replace("\0", "\ufffd"), message.data))


def timestamp(ts_ns: int) -> str:
    """PostgreSQL's text of an instant, cut to microseconds.

    >>> timestamp(1_388_759_400_000_000_123)
    '2014-01-03 14:30:00+00:00'
    """
    return (_EPOCH + timedelta(microseconds=ts_ns // 1_000)).isoformat(sep=" ")
