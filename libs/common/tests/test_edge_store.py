"""The store on a real PostgreSQL: migrations once, rows once, checkpoint with the rows, honest errors."""

import importlib
import logging
import os
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge.embedded_postgres import EmbeddedPostgres
from contango_common.edge.migrations import Migration, find_tier, load_migrations
from contango_common.edge.store import Checkpoint, Store, StoreUnavailable, connect
from support.scratch_database import drop_database

pytestmark = pytest.mark.heavy

FIRST = Migration(
    version=1,
    name="core",
    common="CREATE TABLE fact (seq bigint, ord int, what text, at timestamptz, PRIMARY KEY (seq, ord));"
    "CREATE TABLE note (seq bigint PRIMARY KEY, share float8 CHECK (share < 100)); SELECT '100%'",
    parts={"plain": "CREATE TABLE made_for AS SELECT 'plain' AS tier"}
    | {"timescale": "CREATE TABLE made_for AS SELECT 'timescale' AS tier"}
    | {"timescale_apache": "CREATE TABLE made_for AS SELECT 'timescale_apache' AS tier"},  # type: ignore[arg-type]
)
SECOND = Migration(version=2, name="more", common="ALTER TABLE fact ADD COLUMN extra int DEFAULT 5")
AT = "2026-01-02T03:04:05+00:00"


GIVEN_DSN = os.environ.get("CONTANGO_TEST_DSN")


@pytest.fixture(scope="module", params=["embedded", "given"] if GIVEN_DSN else ["embedded"])
def server_dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "given":
        yield GIVEN_DSN or ""
        return
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fsync=False) as server:
        yield server.dsn


@pytest.fixture
def dsn(server_dsn: str) -> Iterator[str]:
    """A database of its own, dropped afterwards."""
    name = f"contango_test_{uuid.uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name}".encode())
        yield make_conninfo(server_dsn, dbname=name)
        drop_database(link, name)


@pytest.fixture
def store(dsn: str) -> Iterator[Store]:
    with Store(SecretStr(dsn), connect_limit_s=5.0) as made:
        made.migrate([FIRST])
        yield made


def facts(first: int, last: int) -> list[tuple[object, ...]]:
    return [(seq, 0, f"fact\t{seq}\\N\n", AT) for seq in range(first, last + 1)]


def test_migrations_run_once_in_order_with_the_tiers_part(dsn: str) -> None:
    with Store(dsn) as store:
        offered = store.tier
        assert store.migrate([FIRST]) == [1]
        assert store.migrate([FIRST, SECOND]) == [2]
        assert store.migrate([FIRST, SECOND]) == []
        assert store.query("SELECT tier FROM made_for") == [(offered,)]
        assert store.tier == offered
        assert store.columns("fact") == ("seq", "ord", "what", "at", "extra")


def test_failing_migration_leaves_nothing(dsn: str) -> None:
    broken = Migration(version=2, name="broken", common="CREATE TABLE half (x int); SELECT nonsense")
    with Store(dsn) as store:
        with pytest.raises(ContangoError, match=r"PostgreSQL refuses: .*nonsense"):
            store.migrate([FIRST, broken])
        assert store.query("SELECT to_regclass('half'), to_regclass('fact')") == [(None, None)]
        assert store.checkpoint("recorder") is None
        assert store.migrate([FIRST, SECOND]) == [1, 2]


def test_many_programs_may_migrate_at_once(dsn: str) -> None:
    answers: list[list[int]] = []

    def work() -> None:
        with Store(dsn) as store:
            answers.append(store.migrate([FIRST, SECOND]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [[], [], [], [1, 2]]


def test_edited_and_unknown_migrations_are_refused(store: Store) -> None:
    edited = Migration(version=1, name="core", common="SELECT 1")
    with pytest.raises(UserError, match=r"migration 1 \(core\): edited after it was applied"):
        store.migrate([edited])
    store.migrate([FIRST, SECOND])
    with pytest.raises(UserError, match="has migration 2, newer than this program"):
        store.migrate([FIRST])


def test_tables_keep_the_tier_they_were_made_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.tier
    monkeypatch.setattr("contango_common.edge.migrations.find_tier", lambda link: "another")
    store._tier = None
    assert store.tier == before


def test_tier_is_plain_without_the_extension(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as link:
        offered = link.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
        assert (find_tier(link) == "plain") == (offered is None)


def test_rows_and_checkpoint_arrive_together_and_once(store: Store) -> None:
    assert store.checkpoint("recorder") is None
    assert store.write({"fact": facts(1, 5), "note": [(1, 0.5), (2, None)]}, ("recorder", "e1", 5)) == 7
    assert store.write({"fact": facts(3, 8)}, Checkpoint("recorder", "e1", 8)) == 3
    assert store.write({"fact": facts(3, 8), "note": []}, ("recorder", "e1", 8)) == 0
    assert store.checkpoint("recorder") == Checkpoint("recorder", "e1", 8)
    assert store.query("SELECT count(*), min(what) FROM fact") == [(8, "fact\t1\\N\n")]
    assert store.query("SELECT share FROM note ORDER BY seq") == [(0.5,), (None,)]
    assert store.write({}, ("recorder", "e1", 20)) == 0
    assert store.checkpoint("recorder") == Checkpoint("recorder", "e1", 20)
    assert store.query("SELECT ord FROM fact WHERE seq = %s", (4,)) == [(0,)]


def test_new_rows_go_straight_into_their_tables(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object) -> int:
        raise AssertionError("no staging table is needed")

    monkeypatch.setattr(store, "_merge", no)
    assert store.write({"fact": facts(1, 5), "note": [(1, 0.5)]}, ("recorder", "e1", 5)) == 6
    assert store.write({"fact": facts(6, 9)}, ("recorder", "e1", 9)) == 4
    with pytest.raises(AssertionError):
        store.write({"fact": facts(9, 10)}, ("recorder", "e1", 10))
    assert store.query("SELECT count(*) FROM fact") == [(9,)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.sampled_from(["fact", "note"]), st.integers(1, 12)), max_size=8), max_size=6))
def test_any_mixture_of_old_and_new_rows_leaves_each_row_once(
    store: Store, writes: list[list[tuple[str, int]]]
) -> None:
    store.query("WITH a AS (DELETE FROM fact), b AS (DELETE FROM note) DELETE FROM contango_checkpoint RETURNING 1")
    twin: dict[str, set[int]] = {"fact": set(), "note": set()}
    for mark, rows in enumerate(writes):
        batches: dict[str, list[tuple[object, ...]]] = {}
        for table, seq in rows:
            row = facts(seq, seq)[0] if table == "fact" else (seq, seq / 2)
            batches.setdefault(table, []).append(row)
        new = {table: {seq for of, seq in rows if of == table} - twin[table] for table in twin}
        assert store.write(batches, ("recorder", "e1", mark)) == sum(map(len, new.values()))
        for table in twin:
            twin[table] |= new[table]
            assert store.query(f"SELECT seq FROM {table} ORDER BY 1") == [(seq,) for seq in sorted(twin[table])]
    assert store.query("SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'") == [(0,)]


def test_rows_of_another_unique_index_and_refusals_beside_known_rows(store: Store) -> None:
    with connect(store._dsn) as link:
        link.execute("CREATE UNIQUE INDEX note_share ON note (share)")
    store.write({"fact": facts(1, 3), "note": [(1, 0.5)]}, ("recorder", "e1", 3))
    assert store.write({"note": [(2, 0.5), (3, 0.7)]}, ("recorder", "e1", 4)) == 1
    with pytest.raises(ContangoError, match="note"):
        store.write({"fact": facts(2, 5), "note": [(4, 500.0)]}, ("recorder", "e1", 5))
    assert store.query("SELECT count(*) FROM fact") == [(3,)]
    assert store.checkpoint("recorder") == Checkpoint("recorder", "e1", 4)
    assert store.write({"fact": facts(2, 5), "note": [(4, 0.9)]}, ("recorder", "e1", 5)) == 3


def test_two_writers_of_the_same_rows_leave_each_row_once(store: Store, dsn: str) -> None:
    added: list[int] = []

    def work() -> None:
        with Store(dsn) as other:
            added.extend(
                other.write({"fact": facts(first, first + 9)}, ("recorder", "e1", 500)) for first in (1, 6, 11)
            )

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(added) == 9
    assert sum(added) == 20
    assert store.query("SELECT count(*) FROM fact") == [(20,)]


def test_refused_rows_take_everything_back(store: Store) -> None:
    store.write({"fact": facts(1, 1)}, ("recorder", "e1", 1))
    bad: list[list[tuple[object, ...]]] = [[(9, 500.0)], [(9,)], [("nine", 0.5)], [(9, "\x00")]]
    for rows in bad:
        with pytest.raises(ContangoError) as caught:
            store.write({"fact": facts(2, 3), "note": rows}, ("recorder", "e1", 3))
        assert not isinstance(caught.value, StoreUnavailable | UserError)
    with pytest.raises(ContangoError, match="nowhere"):
        store.write({"nowhere": [(1,)]}, ("recorder", "e1", 3))
    assert store.query("SELECT count(*) FROM fact") == [(1,)]
    assert store.checkpoint("recorder") == Checkpoint("recorder", "e1", 1)
    assert store.write({"fact": facts(2, 3)}, ("recorder", "e1", 3)) == 2


def test_another_log_and_a_step_back_are_refused(store: Store) -> None:
    store.write({"fact": facts(1, 5)}, ("recorder", "e1", 5))
    with pytest.raises(UserError, match="holds rows of log e1, not of e2; give each log a database"):
        store.write({"fact": facts(6, 6)}, ("recorder", "e2", 6))
    with pytest.raises(ContangoError, match="checkpoint recorder: stands at 5, would go back to 4"):
        store.write({"fact": facts(6, 6)}, ("recorder", "e1", 4))
    assert store.query("SELECT count(*) FROM fact") == [(5,)]


def test_column_added_while_connected_is_seen(store: Store) -> None:
    store.write({"fact": facts(1, 1)}, ("recorder", "e1", 1))
    store.migrate([FIRST, SECOND])
    assert store.write({"fact": [(2, 0, "x", AT, 6)]}, ("recorder", "e1", 2)) == 1
    assert store.query("SELECT extra FROM fact ORDER BY seq") == [(5,), (6,)]


def test_ended_session_is_told_and_the_same_call_works_again(store: Store, dsn: str) -> None:
    store.write({"fact": facts(1, 1)}, ("recorder", "e1", 1))
    with psycopg.connect(dsn, autocommit=True) as link:
        link.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    with pytest.raises(StoreUnavailable):
        store.write({"fact": facts(1, 4)}, ("recorder", "e1", 4))
    assert store.write({"fact": facts(1, 4)}, ("recorder", "e1", 4)) == 3


def test_database_down_for_a_while(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        store = Store(server.dsn, connect_limit_s=0.2)
        store.migrate([FIRST])
        store.write({"fact": facts(1, 3)}, ("recorder", "e1", 3))
        server.kill()
        with caplog.at_level(logging.WARNING, "contango.store"):
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    store.write({"fact": facts(4, 6)}, ("recorder", "e1", 6))
        assert "PostgreSQL not reached" in caplog.text
        assert server._password not in caplog.text
        server.restart()
        assert store.checkpoint("recorder") == Checkpoint("recorder", "e1", 3)
        assert store.write({"fact": facts(4, 6)}, ("recorder", "e1", 6)) == 3
        store.close()


def test_what_waiting_does_not_cure_is_told_at_once(server_dsn: str) -> None:
    for wrong in ({"password": "wr0ng"}, {"dbname": "no_such_database"}):
        if "password" in wrong and "password" not in server_dsn and "@" not in server_dsn:
            continue  # a server that trusts everybody cannot refuse
        with pytest.raises(UserError, match=r"PostgreSQL refuses: .*; correct postgres_dsn") as caught:
            connect(make_conninfo(server_dsn, **wrong), limit_s=60.0)  # type: ignore[arg-type]
        assert "wr0ng" not in str(caught.value)
    with pytest.raises(UserError, match="not an address"):
        connect("nonsense here")


def sql_package(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> str:
    package = f"sqlpack_{uuid.uuid4().hex}"
    (folder / package / "migrations").mkdir(parents=True)
    (folder / package / "__init__.py").write_text("")
    for name in names:
        (folder / package / "migrations" / name).write_text(f"-- {name}")
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    monkeypatch.setitem(sys.modules, package, importlib.import_module(package))
    return package


def test_migrations_are_read_from_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["0002_views.plain.sql", "0001_core.sql", "0001_core.timescale.sql", "README.md"]
    first, second = load_migrations(sql_package(tmp_path, monkeypatch, *names))
    assert (first.version, first.name, first.common) == (1, "core", "-- 0001_core.sql")
    assert first.parts == {"timescale": "-- 0001_core.timescale.sql"}
    assert (second.common, second.parts) == ("", {"plain": "-- 0002_views.plain.sql"})


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["1_core.sql"], "name it NNNN_name.sql"),
        (["0001_core.oracle.sql"], "name it NNNN_name.sql"),
        (["0001_core.sql", "0001_other.sql"], "number 1 is taken by core"),
        (["0001_core.sql", "0003_more.sql"], "must run 1, 2, 3"),
    ],
)
def test_stray_migration_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        load_migrations(sql_package(tmp_path, monkeypatch, *names))
