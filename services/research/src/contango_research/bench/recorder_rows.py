"""Rows a second of the recorder: the log of a backtest into the embedded PostgreSQL."""

import asyncio
from contextlib import closing
from pathlib import Path

from contango_common.edge.clock import monotonic_s
from contango_common.edge.embedded_postgres import EmbeddedPostgres
from contango_common.edge.store import Store
from contango_common.runtime.memory import MemoryLog
from contango_market_data.catalog.store import Catalog
from contango_recorder.batch import build
from contango_recorder.recorder import Recorder
from contango_research.backtest import period_of, run_backtest
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting
from contango_research.book import Book

_BOUND = "one connection's COPY and INSERT with indexes, beside making the rows in Python"


def measure(setting: Setting) -> list[Result]:
    """The same log into a new server each time; migrations are done before the clock starts."""
    setting.say("recorder: one backtest first, for its log")
    log = demo_log(setting)
    rows = sum(len(table) for table in build(log.messages).rows.values())
    rates = []
    for done in range(setting.runs):
        setting.tell(done, setting.runs)
        rates.append(rows / record(log, setting.work / f"postgres{done}"))
    setting.tell(setting.runs, setting.runs)
    note = f"{rows:,} rows from {len(log.messages):,} messages"
    return [Result("recorder_rows_per_s", middle(rates), "rows/s", bound_by=_BOUND, samples=tuple(rates), note=note)]


def demo_log(setting: Setting) -> MemoryLog:
    catalog, book = Catalog.open(setting.catalog), Book()
    engine = run_backtest(catalog, book, period_of(catalog, book, None, None), setting.work / "blocks")
    return engine.log


def record(log: MemoryLog, folder: Path) -> float:
    """Seconds to write the whole log into an empty database."""
    with EmbeddedPostgres(folder).start() as server, closing(Store(server.dsn)) as store:
        recorder = Recorder(log, store)
        return asyncio.run(_timed(recorder))


async def _timed(recorder: Recorder) -> float:
    await recorder.open()
    began_s = monotonic_s()
    await recorder.catch_up()
    return monotonic_s() - began_s
