"""A real PostgreSQL as a child process: data under a run directory, loopback only, a free port."""

import os
import secrets
import shutil
import signal
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from contango_common.domain.errors import UserError
from contango_common.edge import child
from contango_common.edge.clock import Deadline
from contango_common.edge.embedded import EmbeddedServer
from contango_common.edge.postgres_host import HOST, find_postgres_bin, free_port, server_user
from contango_common.edge.secretfile import read_secret, write_secret

USER = "contango"
DATABASE = "contango"
START_LIMIT_S = 60.0
# Cured by waiting: a crashed predecessor's last backends are still leaving.
PASSING = ("pre-existing shared memory block", "is still in use")
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # socket paths have a length limit that run directories exceed
    "max_connections": "64",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL server with its data under `run_dir/postgres`; it dies with this program.

    `fsync=False` trades safety against power loss for speed, for data that can be built again (the
    recorder's tables can, from the log); process kills lose nothing either way.

    >>> with EmbeddedPostgres(Path("run")).start() as database:  # doctest: +SKIP
    ...     psycopg.connect(database.dsn)
    """

    NAME = "embedded PostgreSQL"
    CLEAN_STOP = signal.SIGINT  # fast shutdown: open sessions are ended, data is flushed

    def __init__(self, run_dir: Path, *, port: int = 0, fsync: bool = True) -> None:
        super().__init__(Path(run_dir) / "postgres", port)
        self.fsync = fsync
        self._password = ""

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def log_path(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def password_path(self) -> Path:
        """File with the generated password, readable by its owner only."""
        return self.folder / "password"

    @property
    def dsn(self) -> str:
        """Address with user and password: a secret."""
        return f"postgresql://{USER}:{self._password}@{HOST}:{self.port}/{DATABASE}"

    def _binaries(self) -> Path:
        return find_postgres_bin()

    def _launch(self, binaries: Path) -> None:
        self._end_stale()
        run_as = server_user([binaries, self.folder])
        self._ensure_cluster(binaries, run_as)
        self._serve(binaries, run_as)

    def _end_stale(self) -> None:
        child.end_stale(self._pid_path, str(self.data_dir))
        lock_file = self.data_dir / "postmaster.pid"
        child.end_stale(lock_file, str(self.data_dir))
        # The server takes any living process with the number in its lock file for a rival, a stranger or a
        # zombie as well, but knows that its parent's cannot be. The other lines stay: by them it sees
        # whether backends of the dead postmaster still live.
        if child.read_pid(lock_file) is not None:
            _, _, rest = lock_file.read_text(encoding="ascii").partition("\n")
            lock_file.write_text(f"{os.getpid()}\n{rest}", encoding="ascii")

    def _ensure_cluster(self, binaries: Path, run_as: child.RunAs | None) -> None:
        """Built in a folder beside and renamed: an interrupted first start leaves nothing half-made."""
        if not self.password_path.exists():
            write_secret(self.password_path, secrets.token_hex(24))
        self._password = read_secret(self.password_path, "embedded PostgreSQL").get_secret_value()
        if self.data_dir.exists():
            return
        draft, handover = self.folder / "data.new", self.folder / "data.new.password"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        write_secret(handover, self._password)
        if run_as is not None:
            os.chown(draft, run_as.uid, run_as.gid)
            os.chown(handover, run_as.uid, run_as.gid)
        command = [str(binaries / "initdb"), "-D", str(draft), "-U", USER, f"--pwfile={handover}"]
        command += ["-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-instructions"]
        command += [] if self.fsync else ["--no-sync"]
        try:
            status = child.spawn(command, log_path=self.log_path, env=_environment(), run_as=run_as).wait()
        finally:
            handover.unlink()
        if status != 0:
            raise UserError(f"embedded PostgreSQL: initdb failed: {self._complaint()}; see {self.log_path}")
        draft.rename(self.data_dir)

    def _serve(self, binaries: Path, run_as: child.RunAs | None) -> None:
        given = self.port != 0
        deadline = Deadline(START_LIMIT_S)
        while True:
            self.port = self.port or free_port()
            seen_bytes = self.log_path.stat().st_size if self.log_path.exists() else 0
            self._spawn(binaries, run_as)
            if self._wait_ready(deadline):
                self._ensure_database()
                return
            said = self.log_path.read_bytes()[seen_bytes:].decode(errors="replace")
            taken = "could not bind" in said or "Address already in use" in said
            if taken and given:
                raise UserError(f"embedded PostgreSQL: port {self.port} is in use; free it or choose another")
            if not (taken or any(words in said for words in PASSING)) or not deadline.pause(0.1):
                raise UserError(f"embedded PostgreSQL: did not start: {self._complaint()}; see {self.log_path}")
            self.port = self.port if given else 0

    def _spawn(self, binaries: Path, run_as: child.RunAs | None) -> None:
        settings = SETTINGS | {"port": str(self.port), "fsync": "on" if self.fsync else "off"}
        command = [str(binaries / "postgres"), "-D", str(self.data_dir)]
        command += [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        # Immediate shutdown when the program dies: the postmaster takes its backends with it.
        self._process = child.spawn(
            command, log_path=self.log_path, env=_environment(), death_signal=signal.SIGQUIT, run_as=run_as
        )
        child.write_pid(self._pid_path, self._process.pid)

    def _wait_ready(self, deadline: Deadline) -> bool:
        """True when the server takes connections, False when it ended."""
        while self.running:
            try:
                psycopg.connect(self._admin_dsn(), connect_timeout=5).close()
            except psycopg.OperationalError:
                if not deadline.pause(0.03):
                    return False
            else:
                return self.running
        return False

    def _ensure_database(self) -> None:
        with psycopg.connect(self._admin_dsn(), autocommit=True) as link:
            found = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if found is None:
                link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _admin_dsn(self) -> str:
        return make_conninfo(self.dsn, dbname="postgres")

    def _complaint(self) -> str:
        """The server's own reason: its last FATAL line, else its last line."""
        try:
            lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        fatal = [line for line in lines if "FATAL" in line or "error:" in line]
        return fatal[-1].strip() if fatal else child.last_line(self.log_path)


def _environment() -> dict[str, str]:
    """Only what the server needs: inherited PG* variables or locales must not change it."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
