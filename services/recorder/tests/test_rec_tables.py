"""Laws of the projection on a real PostgreSQL: the embedded one, or the one behind $CONTANGO_TEST_DSN."""

import asyncio
import os
import random
import types
import typing
import uuid
from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from contango_common.domain.errors import ContangoError, LogError
from contango_common.edge.embedded_postgres import EmbeddedPostgres
from contango_common.edge.metrics import Metrics
from contango_common.edge.store import Store, StoreUnavailable
from contango_common.events.base import TAGS
from contango_common.events.codec import Envelope, encode
from contango_common.events.signal import FeatureRow
from contango_common.events.system import Halt, TradingStarted
from contango_common.runtime.log import Message
from contango_common.runtime.memory import MemoryLog
from contango_recorder import export
from contango_recorder.batch import build
from contango_recorder.recorder import Pace, Recorder
from contango_recorder.schema import QUARANTINE, QUARANTINE_COLUMNS, TABLES
from support.scratch_database import drop_database

pytestmark = pytest.mark.heavy

MINUTE_NS = 60_000_000_000
START_NS = 1_577_800_000_000_000_000  # the last day of 2019: logs cross a year
QUICK = Pace(batch_messages=40, buffer_messages=100, linger_s=0.01, first_pause_s=0.01, longest_pause_s=0.05)


def sample(kind, rng):
    """Any value of an annotation; columns of one event have equal lengths."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return sample(args[0], rng)
    if origin is typing.Literal:
        return rng.choice(args)
    if origin in (typing.Union, types.UnionType):
        return sample(rng.choice(args), rng)
    if origin is tuple:
        return (
            tuple(sample(args[0], rng) for _ in range(2))
            if args[-1] is Ellipsis
            else tuple(sample(a, rng) for a in args)
        )
    if origin is dict:
        return {f"key {i}": sample(args[1], rng) for i in range(rng.randrange(3))}
    plain = {
        str: lambda: rng.choice(["SPX", 'it\'s \\ a "word"', "ü\n{1,2}", ""]) + str(rng.randrange(10**9)),
        int: lambda: rng.randrange(1, 2**31 - 1),
        float: lambda: rng.uniform(-1e6, 1e6),
        bool: lambda: rng.random() < 0.5,
        type(None): lambda: None,
        typing.Any: lambda: rng.choice([None, 1.5, "x", {"deep": [1]}]),
    }
    return plain[kind]()


def event_of(tag, rng):
    cls = TAGS[tag]
    hints = typing.get_type_hints(cls, include_extras=True)
    bounded = {name for name, field in cls.model_fields.items() if field.metadata and field.annotation is float}
    return cls(**{n: rng.random() if n in bounded else sample(hints[n], rng) for n in cls.model_fields})


def known_tags():
    return sorted(tag for tag, cls in TAGS.items() if cls.__module__.startswith("contango_common."))


def filled_log(messages=300, seed=0):
    """Every tag several times, in envelopes of one to four events, over two years."""
    rng = random.Random(seed)
    deck = known_tags() * (1 + messages // 8)
    rng.shuffle(deck)
    log = MemoryLog("epoch")
    for i in range(messages):
        events = [event_of(deck.pop(), rng) for _ in range(rng.randrange(1, 5))]
        source = rng.choice(["md", "signals", "risk"])
        of = tuple(range(len(events)))
        log.put(
            f"log.{source}", encode(Envelope(START_NS + i * 30 * MINUTE_NS, source, i // 2, tuple(events), of, "b"))
        )
    return log


def expected(log):
    return build(log.messages).rows


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    given = os.environ.get("CONTANGO_TEST_DSN")
    if given:
        yield given
        return
    with EmbeddedPostgres(tmp_path_factory.mktemp("pg"), fsync=False).start() as embedded:
        yield embedded.dsn


@pytest.fixture
def dsn(server):
    """A database of its own for one test."""
    name = f"rec_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as link:
        link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as link:
        drop_database(link, name)


@pytest.fixture
def store(dsn):
    with closing(Store(dsn, connect_limit_s=0.2)) as store:
        yield store


def catch_up(log, store, **more):
    return asyncio.run(Recorder(log, store, pace=QUICK, **more).catch_up())


def contents(store):
    """Everything in all tables, as text, in order."""
    names = [*TABLES, QUARANTINE]
    return {t: sorted(row[0] for row in store.query(f"SELECT t::text FROM {t} t")) for t in names}


def counts(store):
    return {t: store.query(f"SELECT count(*) FROM {t}")[0][0] for t in [*TABLES, QUARANTINE]}


def test_the_tables_have_the_columns_of_the_schema(store):
    catch_up(MemoryLog("epoch"), store)
    assert {t: store.columns(t) for t in TABLES} == dict(TABLES)
    assert store.columns(QUARANTINE) == QUARANTINE_COLUMNS


def test_every_event_lands_and_counts_equal_the_logs(store):
    log = filled_log()
    assert catch_up(log, store) == 300
    rows = expected(log)
    assert set(rows) == set(TABLES)
    assert counts(store) == {t: len(rows.get(t, [])) for t in [*TABLES, QUARANTINE]}
    tags = store.query("SELECT seq, ordinal, tag FROM events ORDER BY 1, 2")
    assert tags == [(seq, ordinal, tag) for seq, ordinal, _, _, tag, *_ in rows["events"]]


def test_bodies_are_the_events(store):
    log = filled_log(60)
    catch_up(log, store)
    for tag, body in store.query("SELECT tag, body::text FROM events"):
        TAGS[tag].model_validate_json(body)


def test_incremental_equals_rebuilt(store, dsn):
    whole = filled_log()
    catch_up(whole, store)
    at_once = contents(store)
    with closing(Store(dsn)) as other:
        for table in [*TABLES, QUARANTINE, "contango_checkpoint"]:
            other.query(f"DELETE FROM {table} RETURNING 1")
        growing = MemoryLog("epoch")
        for message in whole.messages:
            growing.messages.append(message)
            if message.seq % 37 == 0:
                catch_up(growing, other)
        catch_up(growing, other)
        assert contents(other) == at_once


def test_the_same_messages_again_change_nothing(store):
    log = filled_log(120)
    catch_up(log, store)
    before = contents(store)
    store.query("UPDATE contango_checkpoint SET seq = 50 RETURNING 1")
    assert catch_up(log, store) == 120
    assert contents(store) == before


def test_undecodable_messages_are_set_aside_with_their_bytes(store):
    log = filled_log(50)
    log.put("log.md", b"\x00not json", "id")
    log.put("log.md", b'{"v":1,"ts_ns":1,"source":"md","cause":0,"events":[{"tag":"Unheard","of":0}],"build":""}')
    log.messages.extend(Message(m.seq + 52, m.subject, m.data) for m in filled_log(50).messages)
    metrics = Metrics()
    assert catch_up(log, store, metrics=metrics) == 102
    found = store.query("SELECT seq, subject, reason, data FROM quarantine ORDER BY seq")
    assert [row[0] for row in found] == [51, 52]
    assert bytes(found[0][3]) == b"\x00not json"
    assert "Unheard" in found[1][2]
    assert metrics.value("contango_quarantined_total", service="recorder") == 2
    assert counts(store)["events"] == len(expected(log)["events"])


def test_rows_that_the_database_refuses_are_set_aside_and_the_rest_lands(store):
    log = filled_log(30)
    bad = FeatureRow(symbol="zero \x00 byte", values={})
    log.put("log.signals", encode(Envelope(START_NS, "signals", 0, (Halt(reason="x"), bad), (0, 1))))
    for _ in range(20):
        log.put("log.control.x", encode(Envelope(START_NS, "control.x", 0, (TradingStarted(),), (0,))))
    assert catch_up(log, store) == 51
    assert [row[0] for row in store.query("SELECT seq FROM quarantine")] == [31]
    assert store.query("SELECT count(DISTINCT seq) FROM events") == [(50,)]


def test_another_log_stops_the_recorder(store):
    catch_up(filled_log(20), store)
    other = filled_log(20)
    other._epoch = "another"
    with pytest.raises(LogError, match="a database of its own"):
        catch_up(other, store)
    with pytest.raises(LogError, match="cut or replaced"):
        catch_up(filled_log(19), store)


def test_a_refusal_that_is_no_data_error_is_not_hidden(store, dsn):
    catch_up(filled_log(20), store)
    with psycopg.connect(dsn, autocommit=True) as link:
        link.execute("DROP TABLE fills CASCADE")
    with pytest.raises(ContangoError):
        catch_up(filled_log(300), store)


class Flaky:
    """A store that is away before or after the transaction, by a seed: after it, the fate is unknown."""

    def __init__(self, store, seed):
        self._store, self._rng, self.raised = store, random.Random(seed), 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def write(self, *args):
        moment = self._rng.random()
        if moment < 0.25:
            self.raised += 1
            raise StoreUnavailable("before")
        added = self._store.write(*args)
        if moment < 0.5:
            self.raised += 1
            raise StoreUnavailable("after")
        return added


@pytest.mark.parametrize("seed", range(3))
def test_transactions_of_unknown_fate_are_written_once(store, seed):
    log, flaky = filled_log(300), Flaky(store, seed)
    catch_up(log, flaky)
    assert flaky.raised > 0
    assert counts(store)["events"] == len(expected(log)["events"])
    assert store.query("SELECT seq FROM contango_checkpoint") == [(300,)]


def test_follows_a_growing_log_and_finishes_at_a_stop(store):
    async def scene():
        source, log, stop = filled_log(200), MemoryLog("epoch"), asyncio.Event()
        metrics = Metrics()
        recorder = Recorder(log, store, metrics, QUICK)
        running = asyncio.ensure_future(recorder.run(stop))
        last: dict[str, int] = {}
        for message in source.messages:
            seq = await log.append(
                message.subject,
                message.data,
                msg_id=str(message.seq),
                writer="w",
                expected=last.get(message.subject, 0),
            )
            last[message.subject] = seq
            if seq % 50 == 0:
                await asyncio.sleep(0.03)
        stop.set()
        await running
        assert recorder.position == 200
        assert metrics.value("contango_bus_lag_messages", service="recorder") == 0
        assert metrics.value("contango_recorder_checkpoint_seq") == 200
        assert metrics.value("contango_recorder_rows_total", table="events") == len(expected(source)["events"])

    asyncio.run(scene())
    assert counts(store)["events"] == len(expected(filled_log(200))["events"])


def test_a_killed_server_loses_nothing(tmp_path):
    """PostgreSQL is killed while the recorder writes; it goes on by itself when the server is back."""
    server = EmbeddedPostgres(tmp_path, fsync=False).start()

    async def scene(store):
        log, stop = filled_log(400), asyncio.Event()
        recorder = Recorder(log, store, pace=Pace(5, 20, 0.0, 0.01, 0.05))
        running = asyncio.ensure_future(recorder.run(stop))
        for _ in range(2):
            reached = recorder.position
            while recorder.position < min(reached + 30, 400):
                await asyncio.sleep(0.002)
            await asyncio.to_thread(server.kill)
            while recorder.trouble is None and recorder.position < 400:
                await asyncio.sleep(0.002)
            assert not running.done()
            await asyncio.to_thread(server.restart)
        while recorder.position < 400:
            await asyncio.sleep(0.01)
        stop.set()
        await running
        return log

    try:
        with closing(Store(server.dsn, connect_limit_s=0.1)) as store:
            log = asyncio.run(scene(store))
            rows = expected(log)
            store.close()  # the last kill may have come when all was written already
            assert counts(store) == {t: len(rows.get(t, [])) for t in [*TABLES, QUARANTINE]}
    finally:
        server.stop()


def test_a_stop_while_the_database_is_away_returns(tmp_path):
    async def scene():
        stop = asyncio.Event()
        gone = Store("postgresql://nobody@127.0.0.1:1/none", connect_limit_s=0.05)
        recorder = Recorder(filled_log(5), gone, pace=QUICK)
        running = asyncio.ensure_future(recorder.run(stop))
        while recorder.trouble in (None, "not started"):
            await asyncio.sleep(0.005)
        stop.set()
        await asyncio.wait_for(running, 30)
        assert recorder.position == 0

    asyncio.run(scene())


def test_views_answer(store):
    log = filled_log(200)
    catch_up(log, store)
    rows = expected(log)
    legs = sum(len(row[6]) for row in rows["fills"])
    assert store.query("SELECT count(*) FROM fill_legs") == [(legs,)]
    reasons = sum(len(row[10]) for row in rows["decisions"] if row[3] == "refused")
    assert store.query("SELECT count(*) FROM refusal_reasons") == [(reasons,)]
    assert len(store.query("SELECT * FROM marks_daily")) == len({row[2][:10] for row in rows["marks"]})
    day, close = store.query(
        "SELECT day::date::text, close FROM bars_daily WHERE symbol = %s AND timeframe_s = %s",
        (rows["bars"][0][3], rows["bars"][0][4]),
    )[0]
    assert (day, close) == (rows["bars"][0][2][:10], rows["bars"][0][8])


def test_old_time_can_be_dropped(store):
    catch_up(filled_log(300), store)
    edge = store.query("SELECT min(ts)::text FROM events")[0][0]
    assert store.query("SELECT contango_drop_before(%s::timestamptz)", (edge,)) == [(0,)]
    if store.tier == "plain":  # a partition a year: 2019 goes, 2020 stays
        assert store.query("SELECT contango_drop_before('2020-01-01 00:00+00')")[0][0] >= 1
        assert store.query("SELECT min(extract(year FROM ts AT TIME ZONE 'UTC'))::int FROM events") == [(2020,)]
    assert store.query("SELECT contango_drop_before('2021-01-01 00:00+00')")[0][0] >= 1
    assert store.query("SELECT count(*) FROM events") == [(0,)]


needs_timescale = pytest.mark.skipif(
    "CONTANGO_TEST_DSN" not in os.environ, reason="needs $CONTANGO_TEST_DSN with TimescaleDB"
)


@needs_timescale
def test_timescale_parts_exist(store):
    catch_up(filled_log(100), store)
    if store.tier == "plain":
        pytest.skip("the database behind $CONTANGO_TEST_DSN has no TimescaleDB")
    tables = {row[0] for row in store.query("SELECT hypertable_name FROM timescaledb_information.hypertables")}
    assert tables >= {"events", "bars", "frames", "features", "scans", "marks"}
    if store.tier == "timescale":
        jobs = {row[0] for row in store.query("SELECT proc_name FROM timescaledb_information.jobs")}
        assert jobs >= {"policy_compression", "policy_retention", "policy_refresh_continuous_aggregate"}
        views = {row[0] for row in store.query("SELECT view_name FROM timescaledb_information.continuous_aggregates")}
        assert views == {"bars_daily", "marks_daily"}
        store.query("SELECT contango_keep(INTERVAL '30 years')::text")


@needs_timescale
def test_compressed_chunks_and_refreshed_aggregates_show_the_same(store, dsn):
    log = filled_log(200)
    catch_up(log, store)
    if store.tier != "timescale":
        pytest.skip("the database behind $CONTANGO_TEST_DSN has no compression")
    tables = ("events", "bars", "frames", "features", "scans", "marks")
    daily = "SELECT * FROM marks_daily ORDER BY day"
    before, days = contents(store), store.query(daily)
    for table in tables:  # its job starts by itself and might be at the same chunk
        store.query(f"SELECT remove_compression_policy('{table}')::text")
        assert store.query(f"SELECT compress_chunk(c, true)::text FROM show_chunks('{table}') c")
    with psycopg.connect(dsn, autocommit=True) as link:
        link.execute("CALL refresh_continuous_aggregate('marks_daily', NULL, NULL)")
    store.query("UPDATE contango_checkpoint SET seq = 0 RETURNING 1")
    catch_up(log, store)
    assert contents(store) == before
    assert store.query(daily) == days


@needs_timescale
def test_a_day_that_was_aggregated_half_done_is_whole_at_the_logs_end(store, dsn):
    """A refresh in the middle of a replay of old times takes the running day for finished."""
    log, half = filled_log(200), MemoryLog("epoch")
    for message in log.messages[:101]:
        half.put(message.subject, message.data)
    catch_up(half, store)
    if store.tier != "timescale":
        pytest.skip("the database behind $CONTANGO_TEST_DSN has no continuous aggregates")
    with psycopg.connect(dsn, autocommit=True) as link:
        link.execute("CALL refresh_continuous_aggregate('bars_daily', NULL, NULL)")
    catch_up(log, store)
    shown = store.query("SELECT day, symbol, timeframe_s, high, low FROM bars_daily ORDER BY 1, 2, 3")
    made = (
        "SELECT time_bucket(INTERVAL '1 day', ts), symbol, timeframe_s, max(high), min(low)"
        " FROM bars GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    assert shown == store.query(made)


def test_export_gives_back_rows_as_named(store):
    log = filled_log(200)
    catch_up(log, store)
    trades = export.table(store, "trades")
    assert [t["seq"] for t in trades] == [row[0] for row in expected(log)["trades"]]
    assert set(trades[0]) == set(TABLES["trades"])
    assert isinstance(trades[0]["entry_why"], dict)
    seq, ordinal = trades[0]["seq"], trades[0]["ordinal"]
    assert export.table(store, "trades", after_seq=seq)[0]["seq"] > seq
    chain = export.causes(store, seq)
    assert chain[0]["seq"] == seq
    assert [link["cause"] for link in chain[:-1]] == [link["seq"] for link in chain[1:]]
    assert ordinal >= 0
