"""The embedded parts and the services of one run directory: started together, stopped together, none left behind."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.edge.embedded_postgres import EmbeddedPostgres
from contango_common.edge.secretfile import write_secret
from contango_common.edge.supervise import Backoff, Program, Supervisor

CLI = (sys.executable, "-m", "contango_research.cli.main")


@dataclass(slots=True)
class Fleet:
    """What runs: the bus, the database (None when not asked for) and the supervised services."""

    run_dir: Path
    nats: EmbeddedNats
    postgres: EmbeddedPostgres | None
    supervisor: Supervisor

    def logs(self) -> dict[str, Path]:
        return {name: log_path(self.run_dir, name) for name in self.supervisor.status()}


def log_path(run_dir: Path, service: str) -> Path:
    return run_dir / "logs" / f"{service}.log"


@contextmanager
def fleet(
    run_dir: Path,
    services: Iterable[str],
    env: dict[str, str],
    *,
    database: bool = True,
    service_env: dict[str, dict[str, str]] | None = None,
) -> Iterator[Fleet]:
    """Start bus, database and services; on leaving stop them in reverse order."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        nats = stack.enter_context(EmbeddedNats(run_dir).start())
        postgres = stack.enter_context(EmbeddedPostgres(run_dir).start()) if database else None
        common = {**_base_env(run_dir, nats, postgres), **env}
        programs = [
            Program(
                name=service,
                command=(*CLI, "run", service),
                log_path=log_path(run_dir, service),
                env={**common, **(service_env or {}).get(service, {})},
                grace_s=120.0 if service == "recorder" else 10.0,
            )
            for service in services
        ]
        backoff = Backoff(first_s=0.1, max_s=5.0)
        supervisor = stack.enter_context(Supervisor(programs, backoff=backoff))
        yield Fleet(run_dir, nats, postgres, supervisor)


def _base_env(run_dir: Path, nats: EmbeddedNats, postgres: EmbeddedPostgres | None) -> dict[str, str]:
    env = {"CONTANGO_RUN_DIR": str(run_dir), "CONTANGO_NATS_URL": nats.url, "CONTANGO_HTTP_PORT": "0"}
    if postgres is not None:
        dsn, password = split_password(postgres.dsn)
        env["CONTANGO_POSTGRES_DSN"] = dsn
        if password:
            path = run_dir / "postgres.secret"
            write_secret(path, password)
            env["CONTANGO_POSTGRES_PASSWORD_FILE"] = str(path)
    env["PYTHONUNBUFFERED"] = "1"
    return env


def split_password(dsn: str) -> tuple[str, str | None]:
    """A DSN without its password, and the password."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    password = parts.pop("password", None)
    return make_conninfo("", **parts), password
