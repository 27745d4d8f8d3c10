"""What every embedded server has in common: one child process, one owned folder, and how they start, stop and crash."""

import signal
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from contango_common.edge import child


class EmbeddedServer(ABC):
    """A server that lives in ``folder`` and dies with this program.

    Subclasses name it, say which signal ends it cleanly, and launch it. Blocking: from async code use
    ``asyncio.to_thread``.
    """

    NAME: ClassVar[str]
    CLEAN_STOP: ClassVar[signal.Signals]

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder.resolve()
        self.port = port
        self._lock: child.RunLock | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _binaries(self) -> Path:
        """What is to be run, looked for before the folder is made. Raises UserError when it is missing."""

    @abstractmethod
    def _launch(self, binaries: Path) -> None:
        """Set ``_process``, write its pid, and wait until the server answers."""

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    def start(self) -> Self:
        """Start and wait until the server answers; a second call while running changes nothing.

        Raises UserError when the server is missing or cannot start, or when another living program owns the folder.
        """
        if self.running:
            return self
        binaries = self._binaries()
        if self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = child.RunLock(self.folder, self.NAME)
        try:
            self._launch(binaries)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Shut down cleanly and give the folder back; safe to call twice."""
        self._end()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def kill(self) -> None:
        """SIGKILL, as a crash would; the folder stays ours and ``restart`` brings the server back."""
        if self._process is not None:
            child.kill_hard(self._process)

    def restart(self) -> Self:
        """Start again on the same port and data, after a clean stop when it still runs."""
        self._end()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _pid_path(self) -> Path:
        return self.folder / f"{self.folder.name}.pid"

    def _end(self) -> None:
        if self._process is not None:
            child.end(self._process, first=self.CLEAN_STOP)
            self._process = None
            self._pid_path.unlink(missing_ok=True)
