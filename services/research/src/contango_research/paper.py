"""A paper session: every service free-running under a supervisor, on a catalog replayed at the pace of a clock.

The run directory is the session: started again it goes on where its log ends. When it is stopped, the log is written
out as a run, with report and manifest, so that the session can be audited like a backtest.
"""

import hashlib
import json
import signal
import socket
import threading
from pathlib import Path

from rich.live import Live
from rich.table import Table

from contango_common.domain.errors import UserError
from contango_common.edge.clock import monotonic_s
from contango_common.edge.settings import load_settings
from contango_common.runtime.log import Message
from contango_market_data.catalog.dates import to_date
from contango_market_data.catalog.store import Catalog
from contango_research.backtest import period_of
from contango_research.book import Book, load_book
from contango_research.cli.options import day
from contango_research.cli.screen import console, count_bar
from contango_research.fleet import Fleet, fleet
from contango_research.house import MODULES
from contango_research.kernels import compile_kernels
from contango_research.replay import raise_if_given_up, read_log
from contango_research.serve.context import addresses

SERVICES = (*MODULES, "recorder", "gateway", "market-data", "clock")
_WARM_UP_DAYS = 400


def run_paper(
    config: Path | None,
    catalog: Path,
    start: str | None,
    end: str | None,
    speed: float,
    run_dir: Path,
    port: int,
) -> int:
    """Until Ctrl-C; returns the exit code."""
    book = load_book(config)
    stored = _catalog(catalog)
    first = day(start, "--start") or _default_start(stored, book)
    period = period_of(stored, book, first, day(end, "--end"))
    _check_port(port)
    _same_session(run_dir, book, stored)
    env = {
        "CONTANGO_RUNTIME": "free",
        "CONTANGO_CATALOG": str(stored.path.absolute()),
        "CONTANGO_START": str(period.start),
        "CONTANGO_END": str(period.end),
        "CONTANGO_SPEED": str(speed),
    }
    if config is not None:
        env["CONTANGO_BOOK"] = str(config.absolute())
    stop = _on_signals()
    began = monotonic_s()
    compile_kernels()
    gateway = {"gateway": {"CONTANGO_GATEWAY_PORT": str(port)}}
    services = (*SERVICES, "advisor") if load_settings().advisor_url else SERVICES
    with fleet(run_dir, services, env, service_env=gateway) as running:
        _announce(running, run_dir)
        with Live(console=console, refresh_per_second=2, transient=True) as live:
            while not stop.wait(1.0):
                live.update(_status(running))
                raise_if_given_up(running)
                _keep_embedded(running)
        console.print("stopping …", style="dim")
        running.supervisor.stop()
        _keep_embedded(running)
        messages = read_log(running)
    return _write(run_dir, messages, book, stored, monotonic_s() - began)


def _catalog(path: Path) -> Catalog:
    if not (path / "catalog.yaml").exists():
        from contango_market_data.sample.build import build_sample

        with count_bar("sample data") as tell:
            build_sample(path, progress=tell)
    return Catalog.open(path)


def _default_start(stored: Catalog, book: Book) -> int:
    """The first day on which a year of warm-up lies behind, or the catalog's first when it is shorter."""
    period = period_of(stored, book, None, None)
    days = (to_date(period.end) - to_date(period.start)).days
    if days <= _WARM_UP_DAYS:
        return period.start
    return int(date_after(period.start, _WARM_UP_DAYS))


def date_after(date: int, days: int) -> str:
    from datetime import timedelta

    return (to_date(date) + timedelta(days=days)).strftime("%Y%m%d")


def _same_session(run_dir: Path, book: Book, stored: Catalog) -> None:
    """A run directory belongs to one book and catalog; another one is refused rather than mixed in."""
    marker = run_dir / "session.json"
    params = json.dumps(book.params(), sort_keys=True).encode()
    mine = {"book": hashlib.sha256(params).hexdigest(), "catalog": str(stored.path.absolute())}
    if marker.exists():
        if json.loads(marker.read_text()) != mine:
            raise UserError(f"{run_dir} holds a session of another book or catalog: name another --run-dir")
        console.print(f"going on with the session in {run_dir}", style="dim")
        return
    run_dir.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(mine))


def _check_port(port: int) -> None:
    """Before anything is started: the dashboard's port must be free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise UserError(f"--port: 127.0.0.1:{port} is in use; free it or choose another (0 takes any)") from None


def _on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _announce(running: Fleet, run_dir: Path) -> None:
    console.print(f"paper session in {run_dir}: {len(running.supervisor.status())} services; Ctrl-C stops")
    console.print(f"logs: {run_dir / 'logs'}   token of the dashboard: {run_dir / 'gateway.token'}", highlight=False)


def _keep_embedded(running: Fleet) -> None:
    """Bus and database are supervised too: one that died is started again on its port and data."""
    if not running.nats.running:
        console.print("NATS died; starting it again", style="yellow")
        running.nats.restart()
    if running.postgres is not None and not running.postgres.running:
        console.print("PostgreSQL died; starting it again", style="yellow")
        running.postgres.restart()


def _status(running: Fleet) -> Table:
    table = Table("service", "state", "restarts", "address")
    where = addresses(running.run_dir)
    gateway = running.run_dir / "gateway.url"
    if gateway.exists():
        where["gateway"] = gateway.read_text().strip()
    for name, status in running.supervisor.status().items():
        colour = {"running": "green", "waiting": "yellow", "given_up": "red"}.get(status.state, "white")
        table.add_row(name, f"[{colour}]{status.state}", str(status.restarts), where.get(name, ""))
    return table


def _write(run_dir: Path, messages: list[Message], book: Book, stored: Catalog, wall_s: float) -> int:
    from contango_research.rundir import write_run
    from contango_research.terminal import summary_table

    if not messages:
        console.print("the session made no message")
        return 0
    summary = write_run(
        run_dir / "report",
        messages,
        book_params=book.params(),
        notes=[*stored.info.notes, *book.notes],
        wall_s=wall_s,
        block_dir=run_dir / "blocks",
        command="contango up",
    )
    console.print(summary_table(summary))
    print(f"report: {run_dir / 'report' / 'report.html'}")
    print(f"digest: {summary['digest']}")
    return 0
