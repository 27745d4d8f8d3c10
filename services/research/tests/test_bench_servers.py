"""Benchmarks that need servers, on a scale of seconds: they measure what they say they measure."""

from contextlib import closing
from pathlib import Path

import pytest

from contango_common.edge.embedded_postgres import EmbeddedPostgres
from contango_common.edge.store import Store
from contango_common.runtime.engine import Engine
from contango_recorder.batch import build
from contango_research.bench import recorder_rows
from contango_research.bench.bus_rates import bus_rates
from contango_research.bench.ema_bars import synthetic_bars
from contango_research.bench.ema_inputs import ema_inputs
from contango_research.house import BUILD, participants

pytestmark = pytest.mark.heavy


def test_the_bare_bus_answers_and_acknowledges(tmp_path: Path) -> None:
    rates = bus_rates(tmp_path, calls=20)
    assert rates.requests_per_s > 0
    assert rates.publishes_per_s > 0


def test_the_recorder_writes_every_row_of_the_log(tmp_path: Path) -> None:
    engine = Engine(participants({}), BUILD)
    for item in ema_inputs(synthetic_bars(700)):
        engine.take(item)
    rows = build(engine.log.messages).rows
    assert recorder_rows.record(engine.log, tmp_path) > 0
    with EmbeddedPostgres(tmp_path).start() as server, closing(Store(server.dsn)) as store:
        for table, expected in rows.items():
            assert store.query(f"SELECT count(*) FROM {table}")[0][0] == len(expected)
