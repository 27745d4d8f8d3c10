"""The deployment's services as local processes: their own command, environment, users, roles and read-only root.

A week of sample data goes through all of them at full speed, over a bus with the deployment's permissions into a
database with its roles.
"""

import asyncio
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nats
import nats.errors
import nats.js.api
import nats.js.errors
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from contango_common.edge.clock import Deadline
from contango_common.edge.embedded_postgres import EmbeddedPostgres
from contango_common.edge.environment import prepare_environment
from contango_common.edge.postgres_host import find_postgres_bin
from contango_common.edge.supervise import Backoff, Program, Supervisor
from contango_market_data.sample.build import build_sample
from contango_research.house import MODULES, fold_of
from support import deploy

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("deploy")]

FIRST, LAST = date(2016, 6, 6), date(2016, 6, 10)
SESSIONS, BARS_A_SESSION = 5, 26
SERVICES = deploy.own_services(deploy.compose({"CONTANGO_SECRETS_GID": "1"}))
# What a week of warm-up cannot show: these need a book (positions, orders, refusals) or a fault.
CONDITIONAL = {
    "contango_model_weight": "a model's word",
    "contango_model_skill": "forecasts that came due",
    "contango_model_e_value": "forecasts that came due",
    "contango_calibration_error": "forecasts that came due",
    "contango_drift_total": "a drift alert",
    "contango_book_equity_usd": "a first PortfolioMarked",
    "contango_drawdown_fraction": "a first PortfolioMarked",
    "contango_book_cash_usd": "a first PortfolioMarked",
    "contango_book_delta_shares": "positions",
    "contango_book_gamma": "positions",
    "contango_book_vega_per_point": "positions",
    "contango_book_theta_per_day": "positions",
    "contango_open_positions": "positions",
    "contango_orders_total": "an order",
    "contango_orders_unknown": "an order",
    "contango_fills_total": "a fill",
    "contango_refusals_total": "a refused proposal",
    "contango_trading_halted": "a halt",
    "contango_quarantined_total": "a message that cannot be decoded",
    "contango_feature_failed_total": "a feature that raised",
    "contango_snapshot_seconds": "as many messages as lie between two snapshots",
    "contango_restarts_total": "a restart by a supervisor of ours; the container engine keeps its own count",
}


@dataclass(frozen=True)
class House:
    """What runs, and where."""

    supervisor: Supervisor
    secrets: Path
    folder: Path
    bus: str  # host:port
    database: dict[str, str]  # role → address with password
    environments: dict[str, dict[str, str]]

    def url(self, service: str) -> str:
        """Where a service answers, by what it wrote into its own run folder."""
        run_dir = Path(self.environments[service]["CONTANGO_RUN_DIR"])
        gateway, other = run_dir / "gateway.url", run_dir / "services" / f"{service}.json"
        if service == "gateway":
            return gateway.read_text().strip().rstrip("/")
        return str(json.loads(other.read_text())["url"])

    def get(self, service: str, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url(service) + path, timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, f"{type(error).__name__}: {error}"

    def settled(self, service: str, path: str) -> tuple[int, str]:
        """The answer once it is 200, or the last one within the time that the image's health check allows."""
        deadline = Deadline(60.0)
        while (answer := self.get(service, path))[0] != 200 and deadline.pause(0.2):
            status = self.supervisor.status()[service]
            assert status.state != "given_up", self.log(service)
            assert status.restarts < 3, self.log(service)
        return answer

    def log(self, service: str) -> str:
        return (self.folder / "logs" / f"{service}.log").read_text()[-3000:]

    def rows(self, query: str, role: str = "contango_recorder") -> list[tuple[object, ...]]:
        with psycopg.connect(self.database[role]) as link:
            return link.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("deploy")
    secrets = folder / "secrets"
    subprocess.run([deploy.DEPLOY / "make-secrets", secrets], check=True, capture_output=True)
    build_sample(folder / "catalog", first=FIRST, last=LAST)
    config = deploy.compose(
        {
            "CONTANGO_SECRETS_GID": "1",
            "CONTANGO_CATALOG": str(folder / "catalog"),
            "CONTANGO_SPEED": "1000000",
            # Nobody listens there: every note is an absence, and the advisor lives.
            "CONTANGO_ADVISOR_URL": "http://127.0.0.1:9/v1",
            "CONTANGO_ADVISOR_MODEL": "notes",
        }
    )
    with ExitStack() as stack:
        bus = stack.enter_context(deploy.Bus(folder / "nats", secrets / "nats_passwords.conf"))
        server = stack.enter_context(EmbeddedPostgres(folder, fsync=False))
        database = make_roles(server, secrets)
        hosts = {"nats:4222": bus, "timescaledb:5432": f"127.0.0.1:{server.port}"}
        programs, environments = [], {}
        for service in SERVICES:
            program, env = as_process(config, service, folder, secrets, hosts)
            programs.append(program)
            environments[service] = env
        supervisor = stack.enter_context(Supervisor(programs, backoff=Backoff(first_s=0.5, max_s=2.0)))
        yield House(supervisor, secrets, folder, bus, database, environments)


def make_roles(server: EmbeddedPostgres, secrets: Path) -> dict[str, str]:
    """Runs the database's own first script; addresses by role."""
    script = deploy.DEPLOY / "timescale" / "900-roles.sql"
    psql = [find_postgres_bin() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", script, server.dsn]
    subprocess.run(psql, check=True, capture_output=True, env={"SECRETS_DIR": str(secrets), "PATH": "/usr/bin:/bin"})
    return {
        role: make_conninfo(server.dsn, user=role, password=(secrets / secret).read_text())
        for role, secret in (("contango_recorder", "postgres_recorder"), ("contango_grafana", "postgres_grafana"))
    }


def as_process(config, service, folder, secrets, hosts):
    cache_dir = prepare_environment({"HOME": str(Path.home())}).parent
    places = deploy.mounts(config, service, folder, cache_dir)
    for path, _ in places.values():
        path.mkdir(parents=True, exist_ok=True)
    env = deploy.environment(config, service, places | {"/run/secrets": (secrets, False)}, hosts)
    writable = [path for path, may_write in places.values() if may_write]
    program = Program(
        name=service,
        command=deploy.command(service, env, writable),
        log_path=folder / "logs" / f"{service}.log",
        cwd=folder,
        grace_s=30.0,
    )
    return program, env


@pytest.mark.parametrize("service", SERVICES)
def test_alive_ready_and_measured(house, service):
    assert house.settled(service, "/healthz")[0] == 200, house.log(service)
    status, body = house.settled(service, "/readyz")
    assert status == 200, f"{body}\n{house.log(service)}"
    status, body = house.settled(service, "/metrics")
    assert status == 200
    assert f'contango_up{{service="{service}"}} 1.0' in body


@pytest.mark.parametrize("service", SERVICES)
def test_the_images_health_check_passes(house, service):
    assert house.settled(service, "/readyz")[0] == 200, house.log(service)
    port = house.url(service).rpartition(":")[2]
    env = house.environments[service] | {"CONTANGO_HTTP_PORT": port}
    assert subprocess.run(deploy.image(service).healthcheck, env=env, check=False).returncode == 0
    env["CONTANGO_HTTP_PORT"] = "1"
    failed = subprocess.run(deploy.image(service).healthcheck, env=env, capture_output=True, check=False)
    assert failed.returncode != 0


def test_frames_flow_from_catalog_to_tables(house):
    wait_for_tables(house)
    assert house.rows("SELECT count(*) FROM bars WHERE symbol = 'SPX' AND timeframe_s = 900") == [
        (SESSIONS * BARS_A_SESSION,)
    ]
    sources = {str(source) for (source,) in house.rows("SELECT DISTINCT source FROM events")}
    assert {"md", "reference", "control.research", "clock", "broker", "signals"} <= sources
    answered = house.rows("SELECT count(*) FROM events WHERE source = 'signals' AND tag = 'FeatureRow'")
    assert answered[0][0] > 0
    assert house.rows("SELECT count(*) FROM quarantine") == [(0,)]
    assert {name for name, status in house.supervisor.status().items() if status.restarts} == set()


def test_database_roles(house):
    """Grafana's role reads what the recorder's migrations made, and nothing else."""
    wait_for_tables(house)
    assert house.rows("SELECT count(*) > 0 FROM frames", "contango_grafana") == [(True,)]
    with psycopg.connect(house.database["contango_grafana"]) as link:
        link.execute("SET default_transaction_read_only = off")
        link.commit()
        for statement in ("DELETE FROM frames", "CREATE TABLE mine (a int)", "INSERT INTO quarantine VALUES (1)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                link.execute(statement.encode())
            link.rollback()
    assert house.rows("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


def test_panels_show_what_the_tables_hold(house):
    wait_for_tables(house)
    with psycopg.connect(house.database["contango_grafana"]) as link:
        for title, query in deploy.sql_panels():
            cursor = link.execute(query.encode())
            assert cursor.description, title
        [tables] = [query for title, query in deploy.sql_panels() if title == "Tables"]
        names = [row[0] for row in link.execute(tables.encode()).fetchall()]
    assert names == ["recorder"]


def test_metrics_exposed_cover_panels_and_rules(house):
    wait_for_tables(house)
    pages = "\n".join(house.settled(service, "/metrics")[1] for service in SERVICES)
    exposed = set(re.findall(r"^(contango_\w+)", pages, re.MULTILINE))
    conditional = {f"{name}{end}" for name in CONDITIONAL for end in ("", "_bucket")}
    assert deploy.metrics_used() - exposed - conditional == set()


def test_no_service_speaks_for_another(house):
    wait_for_tables(house)
    subjects = {f"log.{fold_of(service).NAME}": service for service in MODULES}
    subjects |= {"log.md": "market-data", "log.reference": "market-data", "log.clock": "clock"}
    subjects |= {"log.control.gateway": "gateway", "log.control.research": "market-data", "log.other": "nobody"}
    for service in SERVICES:
        foreign = {subject for subject, owner in subjects.items() if owner != service}
        assert asyncio.run(refused(house, service, foreign)) == foreign


def test_no_service_changes_the_stream_or_overhears(house):
    wait_for_tables(house)
    tampering = {"$JS.API.STREAM.DELETE.LOG", "$JS.API.STREAM.PURGE.LOG", "$JS.API.STREAM.UPDATE.LOG"}
    tampering |= {"$JS.API.STREAM.MSG.DELETE.LOG", "$JS.API.CONSUMER.DURABLE.CREATE.LOG.x", "$JS.API.STREAM.CREATE.X"}
    tampering |= {"_INBOX_risk.forged", "turn.risk", "$SYS.REQ.SERVER.PING"}
    for service in SERVICES:
        assert asyncio.run(refused(house, service, tampering)) == tampering
    overheard = {"log.>", "log.risk", "_INBOX_risk.>", ">", "$JS.API.>"}
    assert asyncio.run(refused(house, "clock", overheard, listen=True)) == overheard


def test_a_consumer_cannot_be_aimed_at_the_log(house):
    """Messages delivered onto log.execution would be taken for orders."""

    async def aim() -> None:
        client = await connected(house, "clock", [])
        config = nats.js.api.ConsumerConfig(deliver_subject="log.execution", ack_policy=nats.js.api.AckPolicy.NONE)
        with pytest.raises(nats.js.errors.BadRequestError, match="cycle"):
            await client.jetstream().add_consumer("LOG", config)
        await client.close()

    wait_for_tables(house)
    asyncio.run(aim())


def test_strangers_are_refused(house):
    async def enter(**login: str) -> None:
        with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
            await nats.connect(f"nats://{house.bus}", allow_reconnect=False, **login)

    asyncio.run(enter())
    asyncio.run(enter(user="risk", password="wrong"))
    asyncio.run(enter(user="risk", password=(house.secrets / "nats_clock").read_text()))


def test_no_secret_is_shown(house):
    wait_for_tables(house)
    shown = "".join((house.folder / "logs" / f"{service}.log").read_text() for service in SERVICES)
    shown += "".join(house.settled(service, "/metrics")[1] for service in SERVICES)
    for path in house.secrets.iterdir():
        secret = path.read_text().strip()
        assert secret not in shown, path.name


@pytest.mark.skipif(deploy.unshare() is None, reason="this system forbids a mount table of one's own (unshare)")
def test_the_root_was_read_only(house):
    """The start fails (97) where the root can be written; here it is shown that the check itself can fail."""
    start = list(deploy.command("clock", {"PATH": "/usr/bin:/bin"}, []))
    end = start.index("read-only") + 1
    probe = ["/bin/sh", "-c", f"! touch {deploy.ROOT}/x && ! touch {house.folder}/x"]
    assert subprocess.run([*start[:end], *probe], capture_output=True, check=False).returncode == 0
    writable = [f"PROOF={house.folder}/proof" if word.startswith("PROOF=") else word for word in start[:end]]
    writable = [f"RW={house.folder}" if word.startswith("RW=") else word for word in writable]
    assert subprocess.run([*writable, "/bin/true"], capture_output=True, check=False).returncode == 97
    assert not [name for name in SERVICES if house.supervisor.status()[name].exit_status == 97]


@pytest.mark.skipif(deploy.unshare() is None, reason="this system forbids a mount table of one's own (unshare)")
@pytest.mark.parametrize("service", SERVICES)
def test_runs_as_the_images_user_without_capabilities(house, service):
    assert house.settled(service, "/readyz")[0] == 200, house.log(service)
    process = Path(f"/proc/{house.supervisor.status()[service].pid}")
    assert (process / "uid_map").read_text().split()[0] == deploy.image(service).user.split(":")[0]
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"


def test_a_killed_service_comes_back_with_the_rights_it_has(house):
    """Recovery reads the log back: it needs nothing that the bus's permissions withhold."""
    wait_for_tables(house)
    killed = ("risk", "market-data", "recorder")
    before = house.rows("SELECT count(*) FROM events WHERE source <> 'clock'")
    for service in killed:
        house.supervisor.kill(service)
    deadline = Deadline(60.0)
    while any(house.supervisor.status()[service].restarts == 0 for service in killed):
        assert deadline.pause(0.05)
    for service in killed:
        status, body = house.settled(service, "/readyz")
        assert status == 200, f"{body}\n{house.log(service)}"
    assert house.rows("SELECT count(*) FROM events WHERE source <> 'clock'") == before
    assert {house.supervisor.status()[service].restarts for service in killed} == {1}


def test_zz_everything_stops_when_told(house):
    """Last: the services end by themselves at SIGTERM, within the time that the compose file gives them."""
    wait_for_tables(house)
    house.supervisor.stop()
    assert {name: status.exit_status for name, status in house.supervisor.status().items()} == dict.fromkeys(
        SERVICES, 0
    )


def wait_for_tables(house: House) -> None:
    """Until the week, and a tick of the clock, are in the tables and nobody is behind."""
    done = (
        "SELECT (SELECT count(*) FROM bars WHERE symbol = 'SPX' AND timeframe_s = 900) = "
        f"{SESSIONS * BARS_A_SESSION} AND (SELECT count(DISTINCT source) FROM events WHERE source IN "
        "('clock', 'signals', 'broker')) = 3"
    )
    house.settled("recorder", "/readyz")
    deadline = Deadline(90.0)
    while True:
        try:
            if house.rows(done) == [(True,)]:
                return
        except psycopg.errors.UndefinedTable:
            pass
        assert deadline.pause(0.3), {name: house.log(name)[-600:] for name in SERVICES}


async def refused(house: House, service: str, subjects: set[str], *, listen: bool = False) -> set[str]:
    """The subjects of these that the bus does not let this service publish to, or listen to."""
    errors: list[str] = []
    client = await connected(house, service, errors)
    for subject in subjects:
        if listen:
            await client.subscribe(subject)
        else:
            await client.publish(subject, b"forged")
    await client.flush()
    deadline = Deadline(5.0)
    while len(errors) < len(subjects) and deadline.pause(0.0):
        await asyncio.sleep(0.02)
    await client.close()
    return {subject for subject in subjects if any(f'"{subject.lower()}"' in error.lower() for error in errors)}


async def connected(house: House, service: str, errors: list[str]):
    async def note(error: Exception) -> None:
        errors.append(str(error))

    return await nats.connect(
        f"nats://{house.bus}",
        user=service,
        password=(house.secrets / f"nats_{service}").read_text(),
        inbox_prefix=f"_INBOX_{service}".encode(),
        error_cb=note,
    )
