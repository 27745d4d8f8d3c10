"""The recorder's hand on PostgreSQL: bulk rows and the position they reach, in one transaction.

Rows are keyed by what they are (sequence and ordinal), so writing them twice changes nothing and a batch
whose fate is unknown is simply written again. Rows go straight into their tables; only a batch with rows that are there
already (rare, because the checkpoint moves with them) goes over staging tables, from which the new ones are taken.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge import migrations as steps
from contango_common.edge.clock import Deadline
from contango_common.edge.migrations import Link, Migration, Tier

Rows = Sequence[Sequence[Any]]
log = logging.getLogger("contango.store")

# What waiting does not cure, as libpq words it (a refused connection carries no SQLSTATE).
HOPELESS = ("password authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied")
LINK_OPTIONS = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "options": "-c statement_timeout=120000 -c lock_timeout=30000 -c timezone=UTC",
}


class StoreUnavailable(ContangoError):
    """The database cannot be reached now; the same call may be made again later."""


@dataclass(frozen=True)
class Checkpoint:
    """How far a reader of the log has come: stream epoch and last sequence whose rows are committed."""

    name: str
    epoch: str
    seq: int


def connect(dsn: str | SecretStr, *, limit_s: float = 30.0) -> Link:
    """Connect, trying again with growing pauses for `limit_s` seconds; every failure is logged.

    Raises UserError for what waiting does not cure (password, database, address), StoreUnavailable when the
    time is over. No error shows the address's password.
    """
    address = dsn.get_secret_value() if isinstance(dsn, SecretStr) else dsn
    deadline, pause_s = Deadline(limit_s), 0.1
    while True:
        try:
            return psycopg.connect(make_conninfo(address, **LINK_OPTIONS), autocommit=True)
        except psycopg.ProgrammingError:
            raise UserError("postgres_dsn: not an address; write postgresql://user@host:port/database") from None
        except psycopg.OperationalError as error:
            reason = str(error).splitlines()[-1] if str(error) else "no reason given"
        if any(words in reason for words in HOPELESS):
            raise UserError(f"PostgreSQL refuses: {reason}; correct postgres_dsn or its password file")
        log.warning("PostgreSQL not reached: %s", reason)
        if not deadline.pause(pause_s):
            raise StoreUnavailable(f"PostgreSQL not reached in {limit_s:g} s: {reason}")
        pause_s = min(2 * pause_s, 5.0)


class Store:
    """One connection, made at first use and again after it broke. Blocking, for one thread at a time.

    Raises StoreUnavailable when the database is away (try the same call again) and ContangoError when it
    refuses the data (trying again is useless).
    """

    def __init__(self, dsn: str | SecretStr, *, connect_limit_s: float = 30.0) -> None:
        self._dsn = dsn
        self._connect_limit_s = connect_limit_s
        self._link: Link | None = None
        self._tier: Tier | None = None
        self._columns: dict[str, tuple[str, ...]] = {}

    @property
    def tier(self) -> Tier:
        """What the tables were made for, before the first migration what the database offers."""
        if self._tier is None:
            with self._linked() as link:
                self._tier = steps.recorded_tier(link) or steps.find_tier(link)
        return self._tier

    def migrate(self, migrations: Sequence[Migration]) -> list[int]:
        """Bring the schema up to date; returns the versions that were new. Safe to run from many programs."""
        with self._linked() as link:
            self._tier = None
            new = steps.apply(link, migrations)
            self._columns.clear()
            return new

    def write(self, batches: Mapping[str, Rows], checkpoint: Checkpoint | tuple[str, str, int]) -> int:
        """Add `batches` (table -> rows, values in `columns(table)` order) and move the checkpoint, all or nothing.

        Rows that are there already (by primary key or unique index) stay as they are. Returns the rows that
        were new. Raises UserError when the database holds another log, ContangoError when the checkpoint
        would go back.
        """
        mark = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(*checkpoint)
        with self._linked() as link:
            for table in batches:
                self._prepare(link, table)
            with link.transaction():
                added = self._add(link, {table: rows for table, rows in batches.items() if rows})
                _move(link, mark)
            return added

    def checkpoint(self, name: str) -> Checkpoint | None:
        """Where `name` stands, None before its first write."""
        with self._linked() as link:
            if link.execute("SELECT to_regclass('contango_checkpoint')").fetchone() == (None,):
                return None
            row = link.execute("SELECT name, epoch, seq FROM contango_checkpoint WHERE name = %s", (name,)).fetchone()
            return None if row is None else Checkpoint(*row)

    def columns(self, table: str) -> tuple[str, ...]:
        """The table's column names in the order that `write` expects."""
        with self._linked() as link:
            return self._prepare(link, table)

    def query(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement; placeholders are %s."""
        with self._linked() as link:
            return link.execute(text.encode(), values or None).fetchall()

    def execute(self, text: str) -> None:
        """One statement without an answer, outside a transaction."""
        with self._linked() as link:
            link.execute(text.encode())

    def close(self) -> None:
        """Give the connection back; the next call makes a new one."""
        link, self._link = self._link, None
        self._columns.clear()
        if link is not None:
            link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _linked(self) -> Iterator[Link]:
        """A living connection; psycopg's errors become the two kinds that matter."""
        try:
            yield self._ready()
        except psycopg.Error as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
                self.close()
                raise StoreUnavailable(f"PostgreSQL: {reason}") from error
            raise ContangoError(f"PostgreSQL refuses: {reason}") from error

    def _ready(self) -> Link:
        if self._link is not None and (self._link.closed or self._link.broken):
            self.close()
        if self._link is None:
            self._link = connect(self._dsn, limit_s=self._connect_limit_s)
        return self._link

    def _prepare(self, link: Link, table: str) -> tuple[str, ...]:
        if table not in self._columns:
            cursor = link.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(_path(table)))
            self._columns[table] = tuple(column.name for column in cursor.description or ())
        return self._columns[table]

    def _add(self, link: Link, batches: Mapping[str, Rows]) -> int:
        """All rows straight into their tables; when one of them is there already, all over staging tables."""
        try:
            with link.transaction():
                return sum(self._copy(link, table, _path(table), rows) for table, rows in batches.items())
        except psycopg.errors.UniqueViolation:
            log.info("rows are there already, only new ones are added: %s", ", ".join(batches))
            return sum(self._merge(link, table, rows) for table, rows in batches.items())

    def _copy(self, link: Link, table: str, into: sql.Identifier, rows: Rows) -> int:
        names = self._columns[table]
        width = len(names)
        with link.cursor() as cursor:
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(into, _list(names))) as copy:
                for row in rows:
                    if len(row) != width:
                        raise ContangoError(f"table {table}: a row has {len(row)} values, columns are {names}")
                    copy.write_row(row)
            return cursor.rowcount

    def _merge(self, link: Link, table: str, rows: Rows) -> int:
        staging, columns = _staging(table), _list(self._columns[table])
        link.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS TABLE {} WITH NO DATA").format(staging, _path(table))
        )
        self._copy(link, table, staging, rows)
        return link.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(
                _path(table), columns, columns, staging
            )
        ).rowcount


def _move(link: Link, mark: Checkpoint) -> None:
    """Put the checkpoint; another recorder that is ahead, or rows of another log, stop us."""
    found = link.execute(
        "SELECT epoch, seq FROM contango_checkpoint WHERE name = %s FOR UPDATE", (mark.name,)
    ).fetchone()
    if found is not None and found[0] != mark.epoch:
        raise UserError(
            f"database: holds rows of log {found[0]}, not of {mark.epoch}; give each log a database of its own"
        )
    if found is not None and found[1] > mark.seq:
        raise ContangoError(f"checkpoint {mark.name}: stands at {found[1]}, would go back to {mark.seq}")
    link.execute(
        "INSERT INTO contango_checkpoint (name, epoch, seq) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, written_at = now()",
        (mark.name, mark.epoch, mark.seq),
    )


def _path(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def _list(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _staging(table: str) -> sql.Identifier:
    return sql.Identifier("pg_temp", f"staging_{table.replace('.', '_')}")
