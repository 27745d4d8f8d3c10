"""The real tritonserver: ready, on free loopback ports, crash-proof, and gone with the program, stubs and all."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from contango_common.domain.errors import UserError
from contango_common.edge import child
from contango_common.edge.clock import Deadline
from contango_common.edge.embedded_triton import SHARED, EmbeddedTriton
from contango_common.edge.nats_host import answers_ok
from contango_common.edge.triton_host import find_triton, stub_environment

heavy = [pytest.mark.heavy, pytest.mark.xdist_group("triton")]
ECHO = """
import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        return [pb.InferenceResponse([pb.get_input_tensor_by_name(r, "INPUT")]) for r in requests]
"""
CONFIG = """
name: "echo"
backend: "python"
max_batch_size: 4
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ 2 ] } ]
output [ { name: "INPUT" data_type: TYPE_FP32 dims: [ 2 ] } ]
instance_group [ { kind: KIND_CPU } ]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "echo" / "1").mkdir(parents=True)
    (folder / "echo" / "1" / "model.py").write_text(ECHO)
    (folder / "echo" / "config.pbtxt").write_text(CONFIG)
    return folder


def ready(server: EmbeddedTriton) -> bool:
    return answers_ok(f"{server.http_url}/v2/models/echo/ready")


def stubs(server: EmbeddedTriton) -> list[int]:
    """Living stubs of this server, known by the name of their shared memory."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            said = line.read_bytes()
        except OSError:  # it ended in between
            continue
        if server._shared.encode() in said and b"triton_python_backend_stub" in said:
            found.append(int(line.parent.name))
    return found


def regions(server: EmbeddedTriton) -> list[Path]:
    return list(SHARED.glob(f"{server._shared}*"))


class TestRunning:
    pytestmark = heavy

    def test_kill_and_restart_keep_the_port_and_leave_nothing_behind(self, tmp_path: Path, repository: Path) -> None:
        with EmbeddedTriton(tmp_path, repository).start() as server:
            assert ready(server)
            assert server.start() is server
            assert stubs(server)
            url, first_pid = server.url, server.pid
            server.kill()
            assert not server.running
            assert (stubs(server), regions(server)) == ([], [])
            server.restart()
            assert (server.url, server.pid != first_pid) == (url, True)
            assert ready(server)
            os.kill(server.pid or 0, signal.SIGKILL)  # killed by a stranger
            assert ready(server.restart())
        assert (server.running, stubs(server), regions(server)) == (False, [], [])
        server.stop()

    def test_two_at_once_on_loopback_alone(self, tmp_path: Path, repository: Path) -> None:
        with (
            EmbeddedTriton(tmp_path / "a", repository) as one,
            EmbeddedTriton(tmp_path / "b", repository) as two,
        ):
            assert len({one.port, two.port, one.http_port, two.http_port}) == 4
            assert ready(one)
            assert ready(two)
            for server in (one, two):
                assert listening(server, server.port) == listening(server, server.http_port) == {"127.0.0.1"}
            with pytest.raises(UserError, match="in use by process"):
                EmbeddedTriton(tmp_path / "a", repository).start()
            with pytest.raises(UserError, match=rf"port {one.port} is in use; .*choose another"):
                EmbeddedTriton(tmp_path / "c", repository, port=one.port).start()

    def test_a_stale_server_of_a_killed_program_is_replaced(self, tmp_path: Path, repository: Path) -> None:
        server = EmbeddedTriton(tmp_path, repository).start()
        stale = server._process  # what a program leaves that died where the system knows no bond
        assert stale is not None
        assert server._lock is not None
        server._lock.release()
        with EmbeddedTriton(tmp_path, repository) as again:
            assert stale.wait(20) == -signal.SIGKILL
            assert ready(again)
            assert len(stubs(again)) == 1

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bond is Linux's PR_SET_PDEATHSIG")
    def test_it_dies_with_its_program_and_its_stub_is_swept_up(self, tmp_path: Path, repository: Path) -> None:
        script = (
            "import os; from pathlib import Path\n"
            "from contango_common.edge.embedded_triton import EmbeddedTriton\n"
            f"server = EmbeddedTriton(Path({str(tmp_path)!r}), Path({str(repository)!r})).start()\n"
            "print(server.pid, flush=True); os.kill(os.getpid(), 9)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        deadline = Deadline(20.0)
        while str(tmp_path) in child.command_of(int(done.stdout)):
            assert deadline.pause()
        with EmbeddedTriton(tmp_path, repository) as again:
            assert len(stubs(again)) == 1

    def test_a_model_that_does_not_load_is_the_reason_in_one_line(self, tmp_path: Path, repository: Path) -> None:
        model = repository / "echo" / "1" / "model.py"
        model.write_text(model.read_text() + "\nraise RuntimeError('weights of another model')\n")
        server = EmbeddedTriton(tmp_path, repository)
        with pytest.raises(
            UserError, match=r"did not start: .*weights of another model.*; see .*tritonserver\.log"
        ) as e:
            server.start()
        assert len(str(e.value).splitlines()) == 1
        assert (server.running, stubs(server), regions(server)) == (False, [], [])

    def test_the_log_is_for_its_owner_alone(self, tmp_path: Path, repository: Path) -> None:
        with EmbeddedTriton(tmp_path, repository) as server:
            assert server.log_path.stat().st_mode & 0o077 == 0
            with pytest.raises(urllib.error.HTTPError):  # it answers, and knows no such model
                urllib.request.urlopen(f"{server.http_url}/v2/models/stranger/ready", timeout=5.0)


def listening(server: EmbeddedTriton, port: int) -> set[str]:
    """The IPv4 addresses, mapped ones too, that a port of the server is bound to, from the system's own tables."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{server.pid}/net/{table}").read_text().splitlines()[1:]:
            address, _, number = line.split()[1].partition(":")
            if int(number, 16) == port and line.split()[3] == "0A":
                found.add(".".join(str(part) for part in reversed(bytes.fromhex(address[-8:]))))
    return found


def test_a_missing_server_says_what_to_do(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTANGO_TRITON_SERVER", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"no executable in .*none; pip install .*nvidia-pytriton.* or set"):
        EmbeddedTriton(tmp_path, repository).start()
    assert not (tmp_path / "triton").exists()


def test_a_server_without_a_backend_for_this_python_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tritonserver").touch(mode=0o755)
    monkeypatch.setenv("CONTANGO_TRITON_SERVER", str(tmp_path))
    with pytest.raises(UserError, match=rf"no python backend for Python {sys.version_info.major}\."):
        find_triton()


def test_a_missing_repository_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model repository at .*nowhere; write one first"):
        EmbeddedTriton(tmp_path, tmp_path / "nowhere").start()


def test_the_stub_finds_this_interpreter_first(repository: Path) -> None:
    files = find_triton()
    environ = stub_environment(files, {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/x", "HOME": "/root"})
    assert environ["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin"]
    assert environ["LD_LIBRARY_PATH"].split(os.pathsep)[-1] == "/opt/x"
    assert environ["HOME"] == "/root"
