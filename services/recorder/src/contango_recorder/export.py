"""Reading the tables back: rows of a table by name, and why something happened."""

from typing import Any

from contango_common.domain.errors import UserError
from contango_common.edge.store import Store
from contango_recorder.schema import TABLES


def table(store: Store, name: str, *, after_seq: int = 0, limit: int = 100_000) -> list[dict[str, Any]]:
    """Rows of one table in the order of the log, as column → value, of messages after ``after_seq``.

    Raises UserError for a table that is none of ours.
    """
    columns = TABLES.get(name)
    if columns is None:
        raise UserError(f"export: no table is called {name}; there are {', '.join(TABLES)}")
    names = ", ".join(f'"{column}"' for column in columns)
    text = f"SELECT {names} FROM {name} WHERE seq > %s ORDER BY seq, ordinal LIMIT %s"
    return [dict(zip(columns, row, strict=True)) for row in store.query(text, (after_seq, limit))]


def causes(store: Store, seq: int) -> list[dict[str, Any]]:
    """The message ``seq``, its cause, the cause of that, … back to an input: sequence, source, cause and tags."""
    text = """
        WITH RECURSIVE link AS (
            SELECT %s::bigint AS seq
            UNION
            SELECT e.cause FROM link JOIN events e ON e.seq = link.seq AND e.ordinal = 0 WHERE e.cause > 0
        )
        SELECT e.seq, min(e.source), min(e.cause), array_agg(e.tag ORDER BY e.ordinal)
        FROM link JOIN events e ON e.seq = link.seq GROUP BY e.seq ORDER BY e.seq DESC
    """
    names = ("seq", "source", "cause", "tags")
    return [dict(zip(names, row, strict=True)) for row in store.query(text, (seq,))]
