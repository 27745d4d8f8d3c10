"""Child processes that cannot outlive the program, and run directories that have one owner."""

import fcntl
import functools
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contango_common.domain.errors import UserError
from contango_common.edge.clock import Deadline

Job = Callable[[], "subprocess.Popen[bytes]"]
Started = Future["subprocess.Popen[bytes]"]
GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True, kw_only=True)
class RunAs:
    """The user a child becomes; `keep_dac` lets it pass through folders that only root may enter."""

    uid: int
    gid: int
    keep_dac: bool


class _Spawner(threading.Thread):
    """The one thread that forks: Linux kills a bound child when the *thread* that forked it ends."""

    def __init__(self) -> None:
        super().__init__(name="contango-spawner", daemon=True)
        self.jobs: queue.SimpleQueue[tuple[Job, Started]] = queue.SimpleQueue()

    def run(self) -> None:
        while True:
            job, answer = self.jobs.get()
            try:
                answer.set_result(job())
            except BaseException as error:  # noqa: BLE001  (handed to the caller, who raises it)
                answer.set_exception(error)

    def spawn(self, job: Job) -> subprocess.Popen[bytes]:
        answer: Started = Future()
        self.jobs.put((job, answer))
        return answer.result()


@functools.cache
def _spawner(owner_pid: int) -> _Spawner:
    """One spawner per process; the key makes a forked copy start its own."""
    del owner_pid
    thread = _Spawner()
    thread.start()
    return thread


def guarded(
    command: Sequence[str], *, death_signal: signal.Signals = signal.SIGKILL, run_as: RunAs | None = None
) -> list[str]:
    """The command line that runs `command` bound to this process's life."""
    uid, gid, keep_dac = (run_as.uid, run_as.gid, int(run_as.keep_dac)) if run_as else (-1, -1, 0)
    bond = [os.getpid(), int(death_signal), uid, gid, keep_dac]
    return [sys.executable, "-I", "-S", str(GUARD), *map(str, bond), *command]


def spawn(
    command: Sequence[str],
    *,
    log_path: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    run_as: RunAs | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in its own session, output appended to `log_path`; `death_signal` when we die."""
    line = guarded(command, death_signal=death_signal, run_as=run_as)
    descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as log:

        def job() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )

        return _spawner(os.getpid()).spawn(job)


def end(process: subprocess.Popen[bytes], *, first: signal.Signals = signal.SIGTERM, grace_s: float = 10.0) -> int:
    """Ask with `first`, wait `grace_s`, then SIGKILL; returns the exit status."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            return process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def kill_hard(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL and reap, as a crash would."""
    process.kill()
    process.wait()


class RunLock:
    """Holds a run directory for one owner; the system frees it when the owner dies.

    Raises UserError when another living program owns the directory.
    """

    def __init__(self, folder: Path, what: str) -> None:
        self.path = folder / "owner.lock"
        self._file: IO[str] = open(self.path, "a+", encoding="utf-8")  # noqa: SIM115  (held until release)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise UserError(
                f"{what}: {folder} is in use by process {owner}; stop it or choose another run directory"
            ) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the directory back; safe to call twice."""
        self._file.close()


def command_of(pid: int) -> str:
    """The command line of a living process, empty when there is none (a zombie has none)."""
    if not Path("/proc/self/cmdline").exists():
        line = ["ps", "-o", "command=", "-p", str(pid)]
        return subprocess.run(line, capture_output=True, text=True, check=False).stdout
    deadline = Deadline(0.1)
    try:
        # A process that is just turning into its command shows an empty line for an instant.
        while not (shown := Path(f"/proc/{pid}/cmdline").read_bytes()):
            state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1]
            if state in b"ZX" or not deadline.pause(0.002):
                break
    except OSError:
        return ""
    return shown.replace(b"\0", b" ").decode(errors="replace")


def write_pid(path: Path, pid: int) -> None:
    """Remember a child for the next start."""
    path.write_text(f"{pid}\n", encoding="ascii")


def read_pid(path: Path) -> int | None:
    """The process id on a file's first line, None when there is none."""
    try:
        return int(path.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def end_stale(pid_path: Path, mark: str, *, limit_s: float = 10.0) -> int | None:
    """SIGKILL the child that a dead owner left behind; returns its pid, None when there was none.

    `mark` must occur in its command line, so that a reused pid never hits a stranger.
    """
    pid = read_pid(pid_path)
    if pid is None or mark not in command_of(pid):
        return None
    deadline = Deadline(limit_s)
    while mark in command_of(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            break
        except PermissionError:
            raise UserError(f"process {pid} of an earlier run has another user; end it by hand") from None
        if not deadline.pause():
            raise UserError(f"process {pid} of an earlier run does not end; end it by hand")
    return pid


def last_line(log_path: Path, *, limit_bytes: int = 4096) -> str:
    """The last line of a child's log that is not blank, for one-line errors."""
    try:
        lines = log_path.read_bytes()[-limit_bytes:].decode(errors="replace").split("\n")
    except OSError:
        return "no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "empty log")
