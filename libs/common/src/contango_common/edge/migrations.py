"""Numbered SQL files of a package, and how they are applied once and in order.

`0001_core.sql` runs on every tier; then the part for the tier found, when there is one:
`0001_core.timescale.sql`, `0001_core.timescale_apache.sql` or `0001_core.plain.sql`. All run inside one
transaction, so continuous aggregates are made WITH NO DATA.
"""

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, cast, get_args

import psycopg

from contango_common.domain.errors import UserError

Tier = Literal["timescale", "timescale_apache", "plain"]
Link = psycopg.Connection[tuple[Any, ...]]
FILE_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>\w+)(?:\.(?P<tier>\w+))?\.sql")
LOCK_KEY = 0x436F6E74  # any constant that all writers share
CHECKPOINTS = (
    "CREATE TABLE IF NOT EXISTS contango_checkpoint (name text PRIMARY KEY, epoch text NOT NULL,"
    " seq bigint NOT NULL, written_at timestamptz NOT NULL DEFAULT now())"
)
log = logging.getLogger("contango.migrations")


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One numbered step: SQL for all tiers and parts for single ones."""

    version: int
    name: str
    common: str = ""
    parts: dict[Tier, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Over everything in it, so that a file edited after use is noticed."""
        text = "\0".join([self.name, self.common, *(f"{tier}:{self.parts[tier]}" for tier in sorted(self.parts))])
        return hashlib.sha256(text.encode()).hexdigest()


def load_migrations(package: str, folder: str = "migrations") -> list[Migration]:
    """Read a package's migrations. Raises UserError for stray names, twice the same number, or gaps."""
    found: dict[int, dict[str, str]] = {}
    names: dict[int, str] = {}
    for file in sorted(files(package).joinpath(folder).iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        match = FILE_NAME.fullmatch(file.name)
        tier = match["tier"] if match else None
        if match is None or (tier is not None and tier not in get_args(Tier)):
            raise UserError(f"{package}/{folder}/{file.name}: name it NNNN_name.sql or NNNN_name.<tier>.sql")
        version = int(match["version"])
        if names.setdefault(version, match["name"]) != match["name"]:
            raise UserError(f"{package}/{folder}/{file.name}: number {version} is taken by {names[version]}")
        found.setdefault(version, {})[tier or ""] = file.read_text(encoding="utf-8")
    if sorted(found) != list(range(1, len(found) + 1)):
        raise UserError(f"{package}/{folder}: numbers are {sorted(found)}; they must run 1, 2, 3, ...")
    return [
        Migration(
            version=version,
            name=names[version],
            common=parts.pop("", ""),
            parts={cast(Tier, tier): text for tier, text in parts.items()},
        )
        for version, parts in sorted(found.items())
    ]


def find_tier(link: Link) -> Tier:
    """What the database offers, making the extension when it is there to be made."""
    offered = link.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
    if offered is None:
        return "plain"
    try:
        with link.transaction():
            link.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            licence = link.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    except psycopg.Error as error:
        log.warning("timescaledb is offered but cannot be used: %s", str(error).splitlines()[0])
        return "plain"
    return "timescale" if licence is not None and licence[0] == "timescale" else "timescale_apache"


def recorded_tier(link: Link) -> Tier | None:
    """The tier the tables were made for, None before the first migration."""
    if link.execute("SELECT to_regclass('contango_migrations')").fetchone() == (None,):
        return None
    row = link.execute("SELECT tier FROM contango_migrations ORDER BY version LIMIT 1").fetchone()
    return None if row is None else cast(Tier, row[0])


def apply(link: Link, migrations: Sequence[Migration]) -> list[int]:
    """Apply what is missing, all or nothing, one program at a time; returns the new versions.

    Raises UserError when an applied migration was edited or the database is newer than the program.
    """
    tier = recorded_tier(link) or find_tier(link)
    with link.transaction():
        link.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
        link.execute("SET LOCAL statement_timeout = 0")
        link.execute(
            "CREATE TABLE IF NOT EXISTS contango_migrations (version int PRIMARY KEY, name text NOT NULL,"
            " sha256 text NOT NULL, tier text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done: dict[int, str] = dict(link.execute("SELECT version, sha256 FROM contango_migrations").fetchall())
        link.execute(CHECKPOINTS)
        _check(done, migrations)
        new = [migration for migration in migrations if migration.version not in done]
        for migration in new:
            _run(link, migration, tier)
    return [migration.version for migration in new]


def _check(done: dict[int, str], migrations: Sequence[Migration]) -> None:
    known = {migration.version: migration for migration in migrations}
    if unknown := sorted(set(done) - set(known)):
        raise UserError(f"database: has migration {unknown[-1]}, newer than this program; update the program")
    for version, sha256 in done.items():
        if known[version].sha256 != sha256:
            raise UserError(
                f"migration {version} ({known[version].name}): edited after it was applied; add a new one instead"
            )


def _run(link: Link, migration: Migration, tier: Tier) -> None:
    for text in (migration.common, migration.parts.get(tier, "")):
        if text.strip():
            link.execute(text.encode())
    link.execute(
        "INSERT INTO contango_migrations (version, name, sha256, tier) VALUES (%s, %s, %s, %s)",
        (migration.version, migration.name, migration.sha256, tier),
    )
    log.info("migration %d %s applied (%s)", migration.version, migration.name, tier)
