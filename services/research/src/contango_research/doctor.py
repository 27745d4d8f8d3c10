"""What is installed, what works, what is missing and how to get it."""

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from rich.table import Table

from contango_research.cli.screen import console

Verdict = Literal["ok", "optional", "missing"]
_PACKAGES = ("numpy", "numba", "scipy", "pydantic", "pyarrow", "nats-py", "psycopg", "fastapi", "arch")


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    verdict: Verdict
    detail: str


def examine() -> bool:
    """Print one row per thing; True when nothing that is needed is missing."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _packages,
        _cache,
        _nats,
        _postgres,
        _timescale,
        _gpu,
        _peer,
        _catalog,
        _disk,
    )
    table = Table("", "what", "detail", title="contango doctor")
    findings = [_guarded(check) for check in checks]
    for finding in findings:
        mark = {"ok": "[green]✓", "optional": "[yellow]–", "missing": "[red]✗"}[finding.verdict]
        table.add_row(mark, finding.what, finding.detail)
    console.print(table)
    return all(finding.verdict != "missing" for finding in findings)


def _guarded(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a broken check is a finding of its own
        name = check.__name__.strip("_")
        return Finding(name, "missing", " ".join(f"{type(error).__name__}: {error}".split()))


def _python() -> Finding:
    fine = sys.version_info >= (3, 11)
    return Finding("Python", "ok" if fine else "missing", f"{platform.python_version()} (3.11 or newer is needed)")


def _packages() -> Finding:
    found, absent = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            absent.append(name)
    if absent:
        return Finding("packages", "missing", f"{', '.join(absent)}: run 'make setup'")
    return Finding("packages", "ok", ", ".join(found))


def _cache() -> Finding:
    return Finding("compile cache", "ok", f"NUMBA_CACHE_DIR={os.environ.get('NUMBA_CACHE_DIR')}")


def _nats() -> Finding:
    from contango_common.edge.embedded_nats import EmbeddedNats

    with tempfile.TemporaryDirectory() as folder, EmbeddedNats(Path(folder)).start() as server:
        return Finding("NATS", "ok", f"embedded server starts and answers at {server.url}")


def _postgres() -> Finding:
    from contango_common.edge.embedded_postgres import EmbeddedPostgres
    from contango_common.edge.store import connect

    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)).start() as server:
        with connect(server.dsn, limit_s=10.0) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return Finding("PostgreSQL", "ok", f"embedded server {row[0] if row else '?'} starts and answers")


def _timescale() -> Finding:
    dsn = os.environ.get("CONTANGO_POSTGRES_DSN")
    if dsn is None:
        return Finding(
            "TimescaleDB",
            "optional",
            "the embedded database is plain PostgreSQL; set CONTANGO_POSTGRES_DSN to a server with timescaledb",
        )
    from contango_common.edge.migrations import find_tier
    from contango_common.edge.store import connect

    with connect(dsn, limit_s=5.0) as connection:
        return Finding("database", "ok", f"tier {find_tier(connection)} at CONTANGO_POSTGRES_DSN")


def _gpu() -> Finding:
    there = Path("/dev/nvidia0").exists()
    detail = "found" if there else "none: forecasts run on the CPU"
    return Finding("GPU", "ok" if there else "optional", detail)


def _peer() -> Finding:
    try:
        return Finding("nautilus_trader", "ok", f"{version('nautilus_trader')}: the benchmark runs beside it")
    except PackageNotFoundError:
        return Finding("nautilus_trader", "optional", "for the benchmark's comparison: see README, section Benchmarks")


def _catalog() -> Finding:
    path = Path("catalog")
    if not (path / "catalog.yaml").exists():
        return Finding("catalog", "optional", "none here: 'contango data sample' builds one")
    from contango_market_data.catalog.store import Catalog

    info = Catalog.open(path).info
    return Finding("catalog", "ok", f"{info.name}: {', '.join((*info.symbols, *info.underlyings))}")


def _disk() -> Finding:
    stat = os.statvfs(".")
    free_gb = stat.f_bavail * stat.f_frsize / 1e9
    return Finding("disk", "ok" if free_gb > 3 else "missing", f"{free_gb:.0f} GB free (the demo needs 3)")
