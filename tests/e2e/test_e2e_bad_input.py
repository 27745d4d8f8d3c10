"""Bad input through the real command line: one clear line, an exit code, and nothing half-written.

Every case runs in a folder of its own; what lies there, and in the catalog that is used, is the same before and after.
"""

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contango_common.edge.clock import sleep_s
from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.runtime.nats import NatsLog, connect

CONTANGO = Path(sys.executable).with_name("contango")
pytestmark = pytest.mark.xdist_group("bad-input")

BOOK = "market_data: {underlying: SPX, symbols: [], history_symbols: [], daily_bars: false}\n"
BARS = "ts,symbol,open,high,low,close,volume\n"
GOOD_BAR = "2024-01-02T14:35:00Z,SPX,1,2,0.5,1.5,10\n"
PROGRESS = "━"
NO_NATS = "nats://127.0.0.1:1"


def contango(
    *words: object, cwd: Path, env: dict[str, str] | None = None, timeout_s: float = 60
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CONTANGO_")}
    return subprocess.run(
        [CONTANGO, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=clean | (env or {}),
        timeout=timeout_s,
    )


def listing(*folders: Path) -> dict[str, str]:
    """Every file below with a hash of its bytes, and every folder."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    """Two closes of a chain of three strikes."""
    folder = tmp_path_factory.mktemp("bad-input")
    rows = ["quote_ts,underlying,root,spot,expiry,strike,right,bid,ask"]
    for day in ("2024-01-02", "2024-01-03"):
        for strike in (4700, 4750, 4800):
            rows += [f"{day}T21:00:00Z,SPX,SPXW,4750,2024-01-19,{strike},{right},10.0,10.5" for right in "CP"]
    (folder / "chain.csv").write_text("\n".join(rows) + "\n")
    done = contango("data", "import", "--format", "csv", "chain.csv", "--catalog", "catalog", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "catalog"


@dataclass(frozen=True)
class Case:
    """``says`` are the parts of the line: what, where, what to do."""

    name: str
    words: str
    says: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


RUN = "backtest --catalog {catalog} --out run"
IMPORT = "data import bars.csv --catalog new --format csv -O timeframe=5m"
CASES = [
    Case(
        "unknown config key",
        f"{RUN} --config book.yaml",
        ("book.yaml", "unknown key market_data.max_dtee", "known keys there", "max_dte"),
        {"book.yaml": "market_data: {max_dtee: 5}\n"},
    ),
    Case(
        "unknown section",
        f"{RUN} --config book.yaml",
        ("book.yaml", "unknown key signal", "signals"),
        {"book.yaml": "signal: {}\n"},
    ),
    Case(
        "value out of range",
        f"{RUN} --config book.yaml",
        ("book.yaml", "market_data.max_dte = 0", "greater than or equal to 1"),
        {"book.yaml": "market_data: {max_dte: 0}\n"},
    ),
    Case(
        "value of a wrong kind",
        f"{RUN} --config book.yaml",
        ("book.yaml", "risk.risk_per_trade_fraction = 'much'", "valid number"),
        {"book.yaml": "risk: {risk_per_trade_fraction: much}\n"},
    ),
    Case(
        "gate that does not exist",
        f"{RUN} --config book.yaml",
        ("book.yaml", "signals.gates_off", "no gate is called 'vix'", "vix_cap"),
        {"book.yaml": "signals: {gates_off: [vix]}\n"},
    ),
    Case(
        "gate that must stay on",
        f"{RUN} --config book.yaml",
        ("book.yaml", "'feed_live' cannot be switched off"),
        {"book.yaml": "signals: {gates_off: [feed_live]}\n"},
    ),
    Case("no YAML", f"{RUN} --config book.yaml", ("book.yaml line 1", "YAML", "correct it"), {"book.yaml": "a: [1"}),
    Case("no mapping", f"{RUN} --config book.yaml", ("book.yaml", "holds a list", "mapping"), {"book.yaml": "[1, 2]"}),
    Case("missing config", f"{RUN} --config nope.yaml", ("nope.yaml", "No such file", "--config")),
    Case("missing catalog", "backtest --catalog nope --out run", ("no catalog at nope", "contango data sample")),
    Case(
        "empty catalog",
        "backtest --catalog empty --out run",
        ("catalog empty", "no option chains of SPX", "chains there: none"),
        {"empty/catalog.yaml": "name: empty\ncalendar: XNYS\ntime_zone: America/New_York\n"},
    ),
    Case("folder without a catalog", "data show --catalog .", ("no catalog at .", "catalog.yaml", "contango data")),
    Case(
        "start after end",
        f"{RUN} --config book.yaml --start 2024-01-03 --end 2024-01-02",
        ("20240103 to 20240102", "--start must not be after --end"),
        {"book.yaml": BOOK},
    ),
    Case("no date", f"{RUN} --start 2024-02-30", ("--start '2024-02-30'", "no date", "YYYY-MM-DD")),
    Case("no date either", f"{RUN} --end tomorrow", ("--end 'tomorrow'", "no date", "YYYY-MM-DD")),
    Case(
        "foreign files in the run's folder",
        f"{RUN} --config book.yaml",
        ("run", "no run", "--out"),
        {"run/diary.txt": "dear diary", "book.yaml": BOOK},
    ),
    Case("the run's folder is a file", RUN, ("run is a file", "--out"), {"run": "dear diary"}),
    Case(
        "malformed row",
        IMPORT,
        ("bars.csv, line 3, column high", "'abc' is not a number", "on_bad=flag"),
        {"bars.csv": BARS + GOOD_BAR + "2024-01-02T14:40:00Z,SPX,1,abc,0.5,1.5,10\n"},
    ),
    Case(
        "row with a field too many",
        IMPORT,
        ("bars.csv", "3"),
        {"bars.csv": BARS + GOOD_BAR + "2024-01-02T14:40:00Z,SPX,1,2,0.5,1.5,10,11\n"},
    ),
    Case(
        "instants without a time zone",
        IMPORT,
        ("bars.csv", "column 'ts' carries no time zone", "pass tz"),
        {"bars.csv": BARS + "2024-01-02T14:35:00,SPX,1,2,0.5,1.5,10\n"},
    ),
    Case(
        "time zone that does not exist",
        f"{IMPORT} -O tz=Mars/Phobos",
        ("time zone 'Mars/Phobos' is unknown", "America/New_York"),
        {"bars.csv": BARS + "2024-01-02T14:35:00,SPX,1,2,0.5,1.5,10\n"},
    ),
    Case("missing column", IMPORT, ("bars.csv", "'high'", "columns="), {"bars.csv": "ts,symbol,open\n1,SPX,2\n"}),
    Case("no rows", IMPORT, ("bars.csv", "no row"), {"bars.csv": BARS}),
    Case("missing source", IMPORT, ("bars.csv does not exist", "name a file or a folder")),
    Case(
        "unknown format",
        "data import bars.csv --catalog new --format excel",
        ("format 'excel' is unknown", "csv, parquet, cboe"),
        {"bars.csv": BARS + GOOD_BAR},
    ),
    Case(
        "unknown importer option",
        f"{IMPORT} -O zone=UTC",
        ("option 'zone' is unknown", "time_zone"),
        {"bars.csv": BARS + GOOD_BAR},
    ),
    Case("audit of a folder that is no run", "audit .", ("no run directory", "manifest.json is missing")),
    Case(
        "audit of a broken manifest",
        "audit .",
        ("manifest.json", "malformed"),
        {"manifest.json": "{", "log.jsonl.gz": ""},
    ),
    Case("unknown service", "run prophet", ("no service is called 'prophet'", "choose one of", "risk")),
    Case(
        "unknown setting", "run risk", ("CONTANGO_NONSENSE", "unknown key", "http_port"), env={"CONTANGO_NONSENSE": "1"}
    ),
    Case(
        "port out of range",
        "run risk",
        ("CONTANGO_HTTP_PORT = '99999'", "range 0 to 65535"),
        env={"CONTANGO_HTTP_PORT": "99999"},
    ),
    Case(
        "secret in the environment",
        "run gateway",
        ("CONTANGO_GATEWAY_TOKEN", "gateway_token_file"),
        env={"CONTANGO_GATEWAY_TOKEN": "abc"},
    ),
    Case(
        "password in an address",
        "run risk",
        ("CONTANGO_NATS_URL", "without credentials"),
        env={"CONTANGO_NATS_URL": "nats://me:hush@127.0.0.1:1"},
    ),
    Case(
        "missing settings file",
        "run risk --settings nope.yaml",
        ("nope.yaml", "No such file", "name an existing settings file"),
    ),
    Case("missing book for a session", "up --catalog {catalog} --config nope.yaml", ("nope.yaml", "--config")),
]


def lay_out(case: Case, folder: Path) -> None:
    for name, text in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_line_says_what_where_and_what_to_do_and_nothing_is_written(case, catalog, tmp_path):
    lay_out(case, tmp_path)
    before = listing(tmp_path, catalog)
    done = contango(*case.words.format(catalog=catalog).split(), cwd=tmp_path, env=case.env)
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if PROGRESS not in line)
    assert [part for part in case.says if part not in line] == [], line
    assert "hush" not in line
    assert done.stdout == ""
    assert listing(tmp_path, catalog) == before


def test_a_failed_import_says_nothing_but_its_line(tmp_path):
    done = contango("data", "import", "--format", "csv", "none.csv", "--catalog", "new", cwd=tmp_path)
    assert len(done.stderr.splitlines()) == 1


def test_a_period_outside_the_catalog_is_refused(catalog, tmp_path):
    (tmp_path / "book.yaml").write_text(BOOK)
    before = listing(tmp_path)
    words = ("--start", "2025-06-02", "--end", "2025-06-30")
    done = contango("backtest", "--catalog", catalog, "--config", "book.yaml", "--out", "run", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "2025" in done.stderr
    assert listing(tmp_path) == before


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def test_a_service_whose_port_is_taken_says_which(taken_port, tmp_path):
    env = {"CONTANGO_HTTP_PORT": str(taken_port), "CONTANGO_NATS_URL": NO_NATS, "CONTANGO_RUN_DIR": "run"}
    done = contango("run", "risk", cwd=tmp_path, env=env)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert all(part in line for part in ("http_port", f"127.0.0.1:{taken_port} is in use", "choose another"))
    assert listing(tmp_path) == {}


@pytest.mark.heavy
def test_a_session_whose_port_is_taken_ends_with_the_reason(taken_port, catalog, tmp_path):
    (tmp_path / "book.yaml").write_text(BOOK)
    words = ("up", "--catalog", catalog, "--config", "book.yaml", "--port", taken_port, "--run-dir", "run")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CONTANGO_")}
    session = subprocess.Popen([CONTANGO, *map(str, words)], cwd=tmp_path, env=clean, stderr=subprocess.PIPE, text=True)
    try:
        _, said = session.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        session.send_signal(signal.SIGINT)
        _, said = session.communicate(timeout=60)
    assert session.returncode == 2
    assert f"{taken_port} is in use" in said


def ends_by_itself(cwd: Path, env: dict[str, str]) -> str:
    """The one line that a service which cannot work leaves; its log lines are JSON."""
    try:
        done = contango("run", "risk", cwd=cwd, env=env | {"CONTANGO_RUN_DIR": "run"}, timeout_s=12)
    except subprocess.TimeoutExpired:
        pytest.fail("no answer in twelve seconds")
    assert done.returncode != 0
    (line,) = (line for line in done.stderr.splitlines() if not line.startswith("{"))
    return line


def test_a_service_without_its_bus_says_so_and_ends(tmp_path):
    line = ends_by_itself(tmp_path, {"CONTANGO_NATS_URL": NO_NATS})
    assert all(part in line for part in ("no NATS server answers", NO_NATS, "CONTANGO_NATS_URL"))


@dataclass(frozen=True)
class Bus:
    """A NATS server that asks for a token, with the stream on it."""

    url: str
    folder: Path

    def env(self, token: str) -> dict[str, str]:
        path = self.folder / token
        path.write_text(token)
        path.chmod(0o600)
        return {"CONTANGO_NATS_URL": self.url, "CONTANGO_NATS_TOKEN_FILE": str(path)}


@pytest.fixture
def bus(tmp_path) -> Iterator[Bus]:
    with EmbeddedNats(tmp_path / "nats", token="sesame").start() as server:
        asyncio.run(make_stream(server.url))
        yield Bus(server.url, tmp_path)


async def make_stream(url: str) -> None:
    client = await connect(url, "test", token="sesame")
    await NatsLog(client).create()
    await client.close()


@pytest.mark.heavy
def test_a_service_with_a_wrong_token_for_its_bus_says_so_and_ends(bus, tmp_path):
    line = ends_by_itself(tmp_path, bus.env("mellon"))
    assert bus.url in line
    assert "mellon" not in line


@pytest.mark.heavy
@pytest.mark.parametrize("run_dir", [".", "run"])
def test_a_wrong_token_for_the_gateway_is_refused_with_what_to_do(bus, tmp_path, run_dir):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    token = tmp_path / "gateway.secret"
    token.write_text("a-token-that-is-long-enough-for-a-gateway")
    token.chmod(0o600)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CONTANGO_")}
    own = {"CONTANGO_GATEWAY_PORT": str(port), "CONTANGO_GATEWAY_TOKEN_FILE": str(token), "CONTANGO_RUN_DIR": run_dir}
    env = clean | bus.env("sesame") | own
    gateway = subprocess.Popen([CONTANGO, "run", "gateway"], cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(gateway, f"http://127.0.0.1:{port}/healthz")
        address = f"http://127.0.0.1:{port}/v1/positions"
        assert answer(address, token.read_text())[0] == 200
        for wrong in ("guessed", ""):
            status, body = answer(address, wrong)
            assert status == 401
            assert body.keys() == {"error", "where", "what_to_do"}
            assert "token is missing or wrong" in body["error"]
            assert "Authorization" in body["where"] + body["what_to_do"]
    finally:
        gateway.terminate()
        _, said = gateway.communicate(timeout=30)
    assert gateway.returncode == 0, said


def wait_for(process: subprocess.Popen[str], url: str) -> None:
    for _ in range(200):
        assert process.poll() is None, process.stderr.read()
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            sleep_s(0.1)
    pytest.fail(f"{url} does not answer")


def answer(url: str, token: str) -> tuple[int, dict]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
