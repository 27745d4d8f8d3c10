"""The supervisor on real processes: restarts, gives up, stops in order, leaves nobody behind."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge import child
from contango_common.edge.clock import Deadline
from contango_common.edge.supervise import Backoff, Program, Supervisor

QUICK = Backoff(first_s=0.01, max_s=0.05)
LIVES = "import time; print('up', flush=True); time.sleep(600)"
LAST_WORDS = (
    "import os, signal, sys, time\n"
    "def bye(*_):\n    open(os.environ['BOOK'], 'a').write(sys.argv[1] + '\\n'); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, bye); print('up', flush=True); time.sleep(600)"
)


def program(folder: Path, name: str, script: str, **env: str) -> Program:
    command = (sys.executable, "-c", script, name)
    return Program(name=name, command=command, log_path=folder / f"{name}.log", env=env, grace_s=5.0)


def until(condition: Callable[[], bool]) -> None:
    deadline = Deadline(30.0)
    while not condition():
        assert deadline.pause()


def up(folder: Path, name: str) -> bool:
    return child.last_line(folder / f"{name}.log") == "up"


def test_killed_program_is_started_again_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    with Supervisor([program(tmp_path, "a", LIVES)], backoff=QUICK, on_restart=told.append) as supervisor:
        first = supervisor.status()["a"].pid
        supervisor.kill("a")
        until(lambda: supervisor.status()["a"].restarts == 1)
        until(lambda: supervisor.status()["a"].state == "running")
        status = supervisor.status()["a"]
        assert status.exit_status == -signal.SIGKILL
        assert status.pid not in (None, first)
        assert told == ["a"]
    assert supervisor.status()["a"].state == "stopped"


def test_one_that_always_dies_is_tried_again_and_again(tmp_path: Path) -> None:
    book = tmp_path / "book"
    script = "import os, sys; open(os.environ['BOOK'], 'a').write('x'); sys.exit(1)"
    with Supervisor([program(tmp_path, "a", script, BOOK=str(book))], backoff=QUICK) as supervisor:
        until(lambda: supervisor.status()["a"].restarts >= 3)
        assert supervisor.status()["a"].exit_status == 1  # of the life before
    assert len(book.read_text()) >= 3


@pytest.mark.parametrize(("code", "state"), [(0, "finished"), (2, "given_up")])
def test_finished_and_refused_ones_stay_down(tmp_path: Path, code: int, state: str) -> None:
    one = program(tmp_path, "a", f"raise SystemExit({code})")
    with Supervisor([one], backoff=QUICK) as supervisor:
        status = supervisor.wait("a")
        assert (status.state, status.exit_status, status.restarts, status.pid) == (state, code, 0, None)
    assert supervisor.status()["a"].state == state


def test_stop_is_in_reverse_order_and_by_sigterm(tmp_path: Path) -> None:
    book = tmp_path / "book"
    programs = [program(tmp_path, name, LAST_WORDS, BOOK=str(book)) for name in ("a", "b", "c")]
    supervisor = Supervisor(programs).start()
    until(lambda: all(up(tmp_path, name) for name in ("a", "b", "c")))
    supervisor.stop()
    supervisor.stop()
    assert book.read_text().split() == ["c", "b", "a"]


def test_deaf_program_is_killed_after_its_grace(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LIVES
    one = program(tmp_path, "a", deaf)
    one = Program(name="a", command=one.command, log_path=one.log_path, grace_s=0.1)
    supervisor = Supervisor([one]).start()
    until(lambda: up(tmp_path, "a"))
    supervisor.stop()
    assert supervisor.status()["a"].exit_status == -signal.SIGKILL


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bond is Linux's PR_SET_PDEATHSIG")
def test_programs_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    script = (
        "import time; from pathlib import Path\n"
        "from contango_common.edge.supervise import Program, Supervisor\n"
        f"one = Program(name='a', command={(sys.executable, '-c', LIVES, str(tmp_path))!r},\n"
        f"              log_path=Path({str(tmp_path / 'a.log')!r}))\n"
        "with Supervisor([one]) as supervisor:\n"
        "    print(supervisor.status()['a'].pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    until(lambda: up(tmp_path, "a"))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: str(tmp_path) not in child.command_of(pid))


def test_bad_programs_are_told_before_anything_starts(tmp_path: Path) -> None:
    good = program(tmp_path, "a", LIVES)
    bad = Program(name="b", command=("nothing",), log_path=tmp_path / "b.log")
    with pytest.raises(UserError, match="b: no program at nothing; give the path"):
        Supervisor([good, bad]).start()
    assert not good.log_path.exists()
    with pytest.raises(ContangoError, match="names must differ"):
        Supervisor([good, good])


def test_wait_is_bounded(tmp_path: Path) -> None:
    with Supervisor([program(tmp_path, "a", LIVES)]) as supervisor, pytest.raises(ContangoError, match="still"):
        supervisor.wait("a", limit_s=0.1)


@given(first=st.floats(0.001, 10), bound=st.floats(0.001, 100), failures=st.integers(1, 10**6))
def test_pauses_grow_and_are_bounded(first: float, bound: float, failures: int) -> None:
    backoff = Backoff(first_s=first, max_s=bound)
    assert 0 < backoff.pause_s(failures) <= backoff.pause_s(failures + 1) <= bound
