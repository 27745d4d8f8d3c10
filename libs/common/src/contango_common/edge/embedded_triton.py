"""A real tritonserver as a child process: a model repository served over gRPC, loopback only, free ports."""

import contextlib
import hashlib
import os
import shutil
import signal
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_common.edge import child
from contango_common.edge.clock import Deadline
from contango_common.edge.embedded import EmbeddedServer
from contango_common.edge.nats_host import HOST, answers_ok
from contango_common.edge.postgres_host import free_port
from contango_common.edge.triton_host import STUB, TritonFiles, find_triton, stub_environment

START_LIMIT_S = 120.0
SHARED = Path("/dev/shm")


class EmbeddedTriton(EmbeddedServer):
    """A tritonserver on `repository` with its log under `run_dir/triton`; it dies with this program.

    gRPC is at `url`; HTTP, for health and statistics, at `http_url`. A model that does not load is a UserError at
    start, with the server's reason.

    >>> with EmbeddedTriton(Path("run"), Path("models")).start() as triton:  # doctest: +SKIP
    ...     print(triton.url)
    127.0.0.1:43429
    """

    NAME = "embedded tritonserver"
    CLEAN_STOP = signal.SIGTERM

    def __init__(self, run_dir: Path, repository: Path, *, port: int = 0) -> None:
        super().__init__(Path(run_dir) / "triton", port)
        self.repository = repository.resolve()
        self.http_port = 0
        self._files: TritonFiles | None = None
        # Of this folder alone, so that what a killed program left is known by its name.
        self._shared = f"contango_triton_{hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]}_"

    @property
    def log_path(self) -> Path:
        return self.folder / "tritonserver.log"

    @property
    def url(self) -> str:
        """Address of gRPC, as clients want it: without a scheme."""
        return f"{HOST}:{self.port}"

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    def kill(self) -> None:
        """SIGKILL, as a crash would; its python stubs, which would notice later, go too."""
        super().kill()
        self._sweep()

    def _binaries(self) -> Path:
        self._files = find_triton()
        if not self.repository.is_dir():
            raise UserError(f"embedded tritonserver: no model repository at {self.repository}; write one first")
        return self._files.program

    def _launch(self, binaries: Path) -> None:
        child.end_stale(self._pid_path, str(self.folder))
        self._sweep()
        given = self.port != 0
        deadline = Deadline(START_LIMIT_S)
        while True:
            self.port, self.http_port = self.port or free_port(), self.http_port or free_port()
            seen_bytes = self.log_path.stat().st_size if self.log_path.exists() else 0
            self._spawn(binaries)
            if self._wait_ready(deadline):
                return
            said = self.log_path.read_bytes()[seen_bytes:].decode(errors="replace")
            self._end()
            if "already in use" not in said:
                raise UserError(f"embedded tritonserver: did not start: {complaint(said)}; see {self.log_path}")
            if given and f":{self.port}' already in use" in said:
                raise UserError(f"embedded tritonserver: port {self.port} is in use; free it or choose another")
            if not deadline.pause(0.1):
                raise UserError(f"embedded tritonserver: found no free port; see {self.log_path}")
            self.port, self.http_port = (self.port if given else 0), 0

    def _spawn(self, program: Path) -> None:
        files = self._files or find_triton()
        flags = {
            "model-repository": self.repository,
            "backend-directory": self._backends(files),
            "backend-config": f"python,shm-region-prefix-name={self._shared}",
            "grpc-address": HOST,
            "grpc-port": self.port,
            "http-address": HOST,
            "http-port": self.http_port,
            "http-thread-count": 1,
            "allow-metrics": "false",
            "exit-timeout-secs": 5,
        }
        command = [str(program), "--disable-auto-complete-config"]
        command += [f"--{key}={value}" for key, value in flags.items()]
        env = stub_environment(files, os.environ)
        self._process = child.spawn(command, log_path=self.log_path, env=env, death_signal=signal.SIGKILL)
        child.write_pid(self._pid_path, self._process.pid)

    def _backends(self, files: TritonFiles) -> Path:
        """A folder in which the python backend has its stub beside it, as the server wants it; links only."""
        folder = self.folder / "backends"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "python").mkdir(parents=True)
        for path in files.python_backend.iterdir():
            if path.name != STUB:
                (folder / "python" / path.name).symlink_to(path)
        (folder / "python" / STUB).symlink_to(files.stub)
        return folder

    def _wait_ready(self, deadline: Deadline) -> bool:
        """True when every model is loaded, False when the server ended or the time is over."""
        while self.running:
            if answers_ok(f"{self.http_url}/v2/health/ready"):
                return self.running
            if not deadline.pause(0.05):
                return False
        return False

    def _end(self) -> None:
        super()._end()
        self._sweep()

    def _sweep(self) -> None:
        """What a killed server leaves: its stubs, which carry the name of their shared memory, and that memory."""
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # most often: it ended in between
                said = line.read_bytes().decode(errors="replace")
                if STUB in said and self._shared in said:
                    os.kill(int(line.parent.name), signal.SIGKILL)
        for region in SHARED.glob(f"{self._shared}*"):
            region.unlink(missing_ok=True)


def complaint(said: str) -> str:
    """The server's own reason out of its log: a model's failure, else a complaint about options, else the last line.

    >>> complaint('I1 x.cc:1] ok\\nE1 model_lifecycle.cc:642] "failed to load: bad"\\nerror: creating server')
    '"failed to load: bad"'
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    failures = [line.partition("] ")[2] for line in lines if line.startswith("E") and "failed to" in line]
    options = [line.rpartition("tritonserver: ")[2] for line in lines if "tritonserver: " in line]
    return [*failures, *options, *reversed(lines), "empty log"][0][:300]
