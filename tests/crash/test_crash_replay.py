"""The crash law: whatever is killed wherever, the final log is byte for byte the uninterrupted one, and so the book.

Killed are the services and the conductor at named places (each place is shown to have been reached), any service and
the NATS server at random moments from a seed, and PostgreSQL in the middle of a run.
"""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from contango_common.edge.store import Store
from contango_common.events.codec import decode
from contango_common.runtime.canon import digest
from contango_common.runtime.failpoints import NAMES
from contango_common.runtime.log import Message
from contango_market_data.catalog.store import Catalog
from contango_research.fleet import Fleet
from contango_research.house import MODULES, fold_of
from contango_research.replay import SERVICES, run_replay
from support.short import BOOK_FILE, busy_book, memory_run, short_catalog, whole_period

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("crash"), pytest.mark.timeout(900)]
SNAPSHOT_EVERY = 40
KILLS = 40


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return short_catalog(tmp_path_factory.mktemp("crash"))


@pytest.fixture(scope="module")
def expected(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    """The uninterrupted run; it must be worth crashing."""
    messages = memory_run(catalog, tmp_path_factory.mktemp("expected")).log.messages
    facts = Counter(event.TAG for message in messages for event in decode(message.data).events)
    assert facts["TradeClosed"] >= 5, facts
    assert facts["Filled"] >= 10, facts
    return messages


def same(got: list[Message], expected: list[Message]) -> None:
    """Equal digests; else the first message that differs, as a readable failure."""
    if digest(got) != digest(expected):
        for ours, theirs in zip(got, expected, strict=False):
            assert (ours.seq, ours.data) == (theirs.seq, theirs.data)
    assert len(got) == len(expected)
    assert digest(got) == digest(expected)


def replay(
    catalog: Catalog,
    folder: Path,
    *,
    service_env: dict[str, dict[str, str]] | None = None,
    meddle: Callable[[Fleet], None] | None = None,
    inspect: Callable[[Fleet], None] | None = None,
    database: bool = False,
):  # type: ignore[no-untyped-def]
    return run_replay(
        catalog,
        busy_book(),
        BOOK_FILE,
        whole_period(catalog),
        folder,
        snapshot_every=SNAPSHOT_EVERY,
        database=database,
        service_env=service_env,
        meddle=meddle,
        inspect=inspect,
    )


def test_killed_at_every_named_place(catalog, expected, tmp_path):
    marker = tmp_path / "reached"
    planned: dict[str, list[str]] = {}
    for service in MODULES:
        name = fold_of(service).NAME
        published = 1 if name == "fit" else 2  # a fit is monthly: one in this period
        planned[service] = [f"{place}:{name}:{nth}" for nth, place in zip((30, published, 1, 2), NAMES, strict=True)]
    planned["market-data"] = ["after-publish:market-data:40"]
    planned["conductor"] = ["after-publish:conductor:25", "after-decide:conductor:300"]
    env = {
        service: {
            "CONTANGO_TEST_FAILPOINT": ",".join(places),
            "CONTANGO_TEST_FAILPOINT_MARKER": str(marker),
        }
        for service, places in planned.items()
    }
    done = replay(catalog, tmp_path / "run", service_env=env)
    same(done.messages, expected)
    reached = Counter(marker.read_text().split())
    wanted = Counter(place for places in planned.values() for place in places)
    assert (wanted - reached, reached - wanted) == (Counter(), Counter())


def test_forty_random_kills_of_services_and_bus(catalog, expected, tmp_path):
    seed = 20150824
    chance = random.Random(seed)
    killed: Counter[str] = Counter()

    def meddle(running: Fleet) -> None:
        states = running.supervisor.status()
        if sum(killed.values()) >= KILLS or states["conductor"].state != "running":
            return
        if chance.random() < 0.35:
            victim = chance.choice([name for name in (*SERVICES, "nats") if name != "recorder"])
            if victim == "nats":
                running.nats.kill()
                running.nats.restart()
            elif states[victim].state == "running":
                running.supervisor.kill(victim)
            else:
                return
            killed[victim] += 1

    done = replay(catalog, tmp_path / "run", meddle=meddle)
    same(done.messages, expected)
    assert sum(killed.values()) >= KILLS, f"seed {seed}: the run ended after {killed}"
    assert len(killed) >= 6, killed


def test_postgres_away_in_the_middle_loses_nothing(catalog, expected, tmp_path):
    looks = 0

    def meddle(running: Fleet) -> None:
        nonlocal looks
        looks += 1
        assert running.postgres is not None
        if looks == 10:
            running.postgres.kill()
        elif looks == 30:
            running.postgres.restart()

    counted: dict[str, int] = {}

    def inspect(running: Fleet) -> None:
        assert running.postgres is not None
        with Store(running.postgres.dsn) as store:
            for table in ("events", "fills", "trades"):
                counted[table] = int(store.query(f"SELECT count(*) FROM {table}")[0][0])

    done = replay(catalog, tmp_path / "run", meddle=meddle, inspect=inspect, database=True)
    same(done.messages, expected)
    assert looks >= 30, "the run ended before the database was back: nothing was tested"
    facts = Counter(event.TAG for message in expected for event in decode(message.data).events)
    assert counted == {"events": sum(facts.values()), "fills": facts["Filled"], "trades": facts["TradeClosed"]}
