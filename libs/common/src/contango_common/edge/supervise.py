"""Starts programs, starts them again when they die, and stops them in order; none outlives this one."""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge import child
from contango_common.edge.clock import Deadline, monotonic_s
from contango_common.edge.logs import fields, get_logger
from contango_common.edge.main import EXIT_OK, EXIT_USER

POLL_S = 0.05
State = Literal["stopped", "running", "waiting", "finished", "given_up"]
log = get_logger("supervise")


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program to keep alive; `env` is added to our own environment."""

    name: str
    command: tuple[str, ...]
    log_path: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    grace_s: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Pause before the n-th restart in a row: first, doubled up to `max_s`; `healthy_s` of life resets n."""

    first_s: float = 0.2
    max_s: float = 10.0
    healthy_s: float = 30.0

    def pause_s(self, failures: int) -> float:
        """Seconds before the restart after `failures` failures in a row.

        >>> [Backoff(first_s=0.5, max_s=3.0).pause_s(n) for n in (1, 2, 3, 4, 500)]
        [0.5, 1.0, 2.0, 3.0, 3.0]
        """
        return min(self.max_s, self.first_s * 2.0 ** min(failures - 1, 60))


@dataclass(frozen=True, kw_only=True)
class Status:
    """What became of a program; `exit_status` is the last one, negative for a signal."""

    state: State
    pid: int | None
    restarts: int
    exit_status: int | None


class _Slot:
    """One program's present process and history."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.state: State = "stopped"
        self.restarts = 0
        self.failures = 0  # in a row
        self.exit_status: int | None = None
        self.since_s = 0.0  # start of this life
        self.due_s = 0.0  # end of the pause, while waiting

    def launch(self) -> None:
        env = {**os.environ, **self.program.env}
        self.program.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.process = child.spawn(self.program.command, log_path=self.program.log_path, env=env, cwd=self.program.cwd)
        self.state, self.since_s = "running", monotonic_s()

    def status(self) -> Status:
        pid = self.process.pid if self.process is not None and self.state == "running" else None
        return Status(state=self.state, pid=pid, restarts=self.restarts, exit_status=self.exit_status)


class Supervisor:
    """Runs `programs`, started in the order given and stopped in the reverse order.

    Exit status 0 means finished and 2 means bad input, which a restart does not cure: both stay down. All
    else is started again after a pause. `on_restart(name)` is called for every restart, in the watching
    thread.

    >>> echo = Program(name="echo", command=("/bin/echo", "hi"), log_path=Path("/tmp/contango-doc/echo.log"))
    >>> with Supervisor([echo]) as supervisor:
    ...     supervisor.wait("echo").exit_status
    0
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        backoff: Backoff | None = None,
        on_restart: Callable[[str], None] | None = None,
    ) -> None:
        names = [program.name for program in programs]
        if len(set(names)) != len(names):
            raise ContangoError(f"supervisor: names must differ: {names}")
        self._slots = {program.name: _Slot(program) for program in programs}
        self._backoff = backoff or Backoff()
        self._on_restart = on_restart
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> Self:
        """Start all programs. Raises UserError, with none left running, when a command cannot be found."""
        for slot in self._slots.values():
            _check_command(slot.program)
        self._stopping.clear()
        with self._lock:
            for slot in self._slots.values():
                slot.launch()
        self._watcher = threading.Thread(target=self._watch, name="contango-supervisor", daemon=True)
        self._watcher.start()
        return self

    def stop(self) -> None:
        """SIGTERM each in reverse order, SIGKILL after its grace; safe to call twice."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        with self._lock:
            for slot in reversed(self._slots.values()):
                if slot.process is not None:
                    slot.exit_status = child.end(slot.process, grace_s=slot.program.grace_s)
                    slot.process = None
                if slot.state in ("running", "waiting"):
                    slot.state = "stopped"

    def status(self) -> dict[str, Status]:
        """Every program's state by name, in order."""
        with self._lock:
            return {name: slot.status() for name, slot in self._slots.items()}

    def kill(self, name: str) -> None:
        """SIGKILL one program, as a crash would; it is started again like after any death."""
        with self._lock:
            process = self._slots[name].process
            if process is not None:
                process.kill()

    def wait(self, name: str, *, limit_s: float = 600.0) -> Status:
        """Wait until a program has finished or was given up. Raises ContangoError when it has not by then."""
        deadline = Deadline(limit_s)
        while (status := self.status()[name]).state in ("running", "waiting"):
            if not deadline.pause(POLL_S):
                raise ContangoError(f"{name} still {status.state} after {limit_s:g} s")
        return status

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _watch(self) -> None:
        while not self._stopping.wait(POLL_S):
            with self._lock:
                for slot in self._slots.values():
                    self._look_at(slot)

    def _look_at(self, slot: _Slot) -> None:
        if slot.state == "running" and slot.process is not None:
            exit_status = slot.process.poll()
            if exit_status is not None:
                self._ended(slot, exit_status)
        elif slot.state == "waiting" and monotonic_s() >= slot.due_s:
            self._restart(slot)

    def _ended(self, slot: _Slot, exit_status: int) -> None:
        name, slot.process, slot.exit_status = slot.program.name, None, exit_status
        if exit_status == EXIT_OK:
            slot.state = "finished"
            log.info("%s finished", name)
            return
        why = fields(exit_status=exit_status, last_line=child.last_line(slot.program.log_path))
        if exit_status == EXIT_USER:
            slot.state = "given_up"
            log.error("%s refuses its input; not started again", name, extra=why)
            return
        lived_s = monotonic_s() - slot.since_s
        slot.failures = 1 if lived_s >= self._backoff.healthy_s else slot.failures + 1
        pause_s = self._backoff.pause_s(slot.failures)
        slot.state, slot.due_s = "waiting", monotonic_s() + pause_s
        log.warning("%s died; again in %.1f s", name, pause_s, extra=why)

    def _restart(self, slot: _Slot) -> None:
        slot.restarts += 1
        try:
            slot.launch()
        except OSError as error:  # out of processes or descriptors: a pause may cure it
            slot.due_s = monotonic_s() + self._backoff.max_s
            log.error("%s cannot be started: %s", slot.program.name, error)
            return
        log.info("%s started again", slot.program.name, extra=fields(restarts=slot.restarts))
        if self._on_restart is not None:
            self._on_restart(slot.program.name)


def _check_command(program: Program) -> None:
    # The guard needs a path: it does not search PATH.
    if not os.path.isabs(program.command[0]) or not os.access(program.command[0], os.X_OK):
        raise UserError(f"{program.name}: no program at {program.command[0]}; give the path of an executable")
