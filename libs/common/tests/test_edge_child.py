"""Children die with the program, not with a thread; stale ones are found; a run directory has one owner."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from contango_common.domain.errors import UserError
from contango_common.edge import child
from contango_common.edge.clock import Deadline

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def gone(pid: int, mark: str) -> bool:
    """Whether the process ends within a generous bound (a zombie has no command line)."""
    deadline = Deadline(20.0)
    while mark in child.command_of(pid):
        if not deadline.pause():
            return False
    return True


def sleeper(folder: Path, mark: str) -> subprocess.Popen[bytes]:
    return child.spawn([*SLEEP, mark], log_path=folder / "log")


def test_child_survives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    made: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(target=lambda: made.append(sleeper(tmp_path, str(tmp_path))))
    thread.start()
    thread.join()
    with pytest.raises(subprocess.TimeoutExpired):
        made[0].wait(0.3)
    child.kill_hard(made[0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bond is Linux's PR_SET_PDEATHSIG")
def test_child_dies_when_its_program_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from contango_common.edge import child\n"
        f"made = child.spawn({[*SLEEP, str(tmp_path)]!r}, log_path=Path({str(tmp_path / 'log')!r}))\n"
        "print(made.pid, flush=True); time.sleep(600)"
    )
    program = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert program.stdout is not None
    pid = int(program.stdout.readline())
    program.kill()
    program.wait()
    program.stdout.close()
    assert gone(pid, str(tmp_path))


def test_missing_program_is_told_in_the_log(tmp_path: Path) -> None:
    process = child.spawn([str(tmp_path / "nothing")], log_path=tmp_path / "log")
    assert process.wait() != 0
    assert child.last_line(tmp_path / "log") == f"cannot run {tmp_path / 'nothing'}: No such file or directory"


def test_end_is_by_signal_and_by_force(tmp_path: Path) -> None:
    assert child.end(sleeper(tmp_path, "a")) == -signal.SIGTERM
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
    process = child.spawn([sys.executable, "-c", f"{deaf}; time.sleep(600)"], log_path=tmp_path / "deaf")
    deadline = Deadline(20.0)
    while child.last_line(tmp_path / "deaf") != "deaf":
        assert deadline.pause()
    assert child.end(process, grace_s=0.2) == -signal.SIGKILL


def test_stale_child_is_ended_but_a_stranger_with_its_number_is_not(tmp_path: Path) -> None:
    process, pid_path = sleeper(tmp_path, str(tmp_path)), tmp_path / "pid"
    child.write_pid(pid_path, process.pid)
    assert child.end_stale(pid_path, "another-mark") is None
    assert process.poll() is None
    assert child.end_stale(pid_path, str(tmp_path)) == process.pid
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("text", ["", "no number", "999999999\n"])
def test_damaged_pid_file_is_harmless(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert child.end_stale(tmp_path / "pid", "mark") is None


def test_run_directory_has_one_owner(tmp_path: Path) -> None:
    lock = child.RunLock(tmp_path, "thing")
    with pytest.raises(UserError, match=f"thing: .* in use by process {os.getpid()}; .*choose another"):
        child.RunLock(tmp_path, "thing")
    lock.release()
    child.RunLock(tmp_path, "thing").release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("keep_dac", [False, True])
def test_root_is_dropped_and_private_folders_stay_shut_unless_asked(tmp_path: Path, keep_dac: bool) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "inside").write_text("seen")
    look = f"test -r {tmp_path / 'inside'} && echo seen; id -u"
    run_as = child.RunAs(uid=65534, gid=65534, keep_dac=keep_dac)
    process = child.spawn(["/bin/sh", "-c", look], log_path=tmp_path / "log", run_as=run_as)
    assert process.wait() == 0
    seen = ["seen"] if keep_dac else []
    assert (tmp_path / "log").read_text().split() == [*seen, "65534"]
