"""Exit codes and signals of a real process."""

import asyncio
import signal
import subprocess
import sys

import pytest

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge.main import exit_code, run_service

PROGRAM = """
import asyncio, sys
from contango_common.edge.main import run_service
async def body(stop):
    print("up", flush=True)
    await stop.wait()
    print("clean", flush=True)
    if sys.argv[1] == "hangs":
        await asyncio.Event().wait()
sys.exit(run_service(body))
"""


def raising(error: BaseException) -> None:
    raise error


def test_user_error_is_one_line_on_stderr_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(lambda: raising(UserError("a.yaml: port = 0:\n  choose another"))) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "a.yaml: port = 0: choose another\n")


def test_other_ends() -> None:
    assert exit_code(lambda: 7) == 0
    assert exit_code(lambda: raising(ContangoError("bug"))) == 1
    assert exit_code(lambda: raising(KeyboardInterrupt())) == 130
    with pytest.raises(SystemExit):
        exit_code(lambda: raising(SystemExit(3)))


def test_body_that_ends_or_fails_by_itself() -> None:
    async def ends(stop: asyncio.Event) -> None:
        assert not stop.is_set()

    async def fails(stop: asyncio.Event) -> None:
        raise UserError("no")

    assert run_service(ends) == 0
    assert run_service(fails) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_cleanly(number: signal.Signals) -> None:
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, "x"], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "up\n"
    program.send_signal(number)
    assert program.communicate(timeout=60)[0] == "clean\n"
    assert program.returncode == 0


def test_second_signal_does_not_wait() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "hangs"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert program.stdout is not None
    program.stdout.readline()
    program.send_signal(signal.SIGTERM)
    assert program.stdout.readline() == "clean\n"
    program.send_signal(signal.SIGTERM)
    assert program.wait(60) == 130
    program.stdout.close()
