"""Training rows from a catalog and from a recorded run: the same numbers, by the same fold."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.edge.calendar import session_table
from contango_common.events.codec import Envelope, encode
from contango_common.events.market import BarHistory, SessionTable
from contango_common.events.system import ParametersChanged
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.canon import CanonWriter
from contango_common.runtime.fold import step
from contango_common.runtime.log import Message
from contango_market_data.catalog.info import CatalogInfo
from contango_market_data.catalog.store import Catalog
from contango_research.training.dataset import from_catalog, from_log
from contango_research.training.features import daily_bars, session_rows
from contango_signals import fold
from contango_signals.params import SignalsParams

FIRST, LAST = 20100104, 20100930
NAMES = ("return_1_1d", "range_vol_1_1d", "range_vol_22_1d", "adx_1d", "rvol_1d", "realised_vol_1d")


def bars(n, ts_ns, seed=0):
    """Daily columns of a random walk with volume."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))
    open_ = np.concatenate([[100.0], close[:-1]])
    return {
        "ts_ns": np.asarray(ts_ns[:n], dtype=np.int64),
        "open": open_,
        "high": np.maximum(open_, close) * (1.0 + rng.uniform(0.0005, 0.01, n)),
        "low": np.minimum(open_, close) * (1.0 - rng.uniform(0.0005, 0.01, n)),
        "close": close,
        "volume": rng.uniform(1e6, 2e6, n),
    }


@pytest.fixture(scope="module")
def table():
    return session_table("XNYS", date(2010, 1, 1), date(2010, 12, 31))


@pytest.fixture(scope="module")
def columns(table):
    n = table.last_on_or_before(LAST) + 1
    return bars(n, table.close_ns)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory, columns):
    path = tmp_path_factory.mktemp("catalog") / "c"
    stored = Catalog.create(path, CatalogInfo(name="walk", calendar="XNYS", time_zone="America/New_York"))
    ts = pa.array(columns["ts_ns"]).cast(pa.timestamp("ns", tz="UTC"))
    prices = {name: pa.array(columns[name]) for name in ("open", "high", "low", "close", "volume")}
    stored.write_bars("SPX", "1d", pa.table({"ts": ts, **prices}))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory, table, columns):
    """A run's directory: the first hundred sessions are history, the rest came one by one."""
    folder = tmp_path_factory.mktemp("run")
    blocks, writer = BlockStore(folder / "blocks"), CanonWriter(folder / "log.jsonl.gz")
    state, seq = fold.initial(), 0

    def say(source, ts_ns, events):
        nonlocal seq
        seq += 1
        of = (0,) * len(events)
        writer.write(Message(seq, f"log.{source}", encode(Envelope(ts_ns, source, 0, tuple(events), of, "test"))))

    def take(source, ts_ns, events):
        say(source, ts_ns, events)
        facts, _ = step(fold, state, events, At(ts_ns, seq, source))
        if facts:
            say("signals", ts_ns, facts)

    start = table.open_ns[100]
    old = {name: values[:100] for name, values in columns.items()}
    digest = blocks.put("history", old)
    history = BarHistory(symbol="SPX", timeframe_s=86_400, rows=100, bars=digest)
    history.attach(blocks)
    sessions = SessionTable(calendar="XNYS", date=table.date, open_ns=table.open_ns, close_ns=table.close_ns)
    take("control.test", start, [ParametersChanged(params={"signals": {}}, reason="test")])
    take("reference", start, [sessions, history])
    for event, ts_ns in list(zip(daily_bars("SPX", columns), columns["ts_ns"].tolist(), strict=True))[100:]:
        take("md", ts_ns, [event])
    writer.close()
    blocks.close()
    return folder


def test_a_log_and_a_catalog_give_the_same_rows(catalog, run):
    one = from_catalog(catalog, "SPX", None, None, SignalsParams()).sessions
    two = from_log(run, "SPX", None, None).sessions
    np.testing.assert_array_equal(one.dates, two.dates)
    np.testing.assert_array_equal(one.ts_ns, two.ts_ns)
    np.testing.assert_array_equal(one.bars, two.bars)
    for name in NAMES:
        np.testing.assert_array_equal(one.values[name], two.values[name])
        assert np.isfinite(one.values[name][40:]).all()


def test_bars_after_a_session_change_no_row_until_then(columns):
    before = session_rows("SPX", columns, SignalsParams())
    other = bars(len(columns["ts_ns"]), columns["ts_ns"], seed=5)
    mixed = {name: np.concatenate([columns[name][:120], other[name][120:]]) for name in columns}
    after = session_rows("SPX", mixed, SignalsParams())
    assert before[:120] == after[:120]
    assert before[120] != after[120]


def test_until_is_not_read_beyond_and_from_warms_up(catalog):
    whole = from_catalog(catalog, "SPX", None, None, SignalsParams()).sessions
    part = from_catalog(catalog, "SPX", 20100601, 20100831, SignalsParams()).sessions
    assert (part.dates[0], part.dates[-1]) == (20100601, 20100831)
    inside = (whole.dates >= 20100601) & (whole.dates <= 20100831)
    np.testing.assert_array_equal(whole.values["adx_1d"][inside], part.values["adx_1d"])
    assert np.isfinite(part.values["range_vol_22_1d"]).all()


def test_dates_outside_are_one_clear_line(catalog, run):
    with pytest.raises(UserError, match="daily bars from 20100104, none until 20091231"):
        from_catalog(catalog, "SPX", None, 20091231, SignalsParams())
    with pytest.raises(UserError, match="nothing between 20110101 and 20100930"):
        from_catalog(catalog, "SPX", 20110101, None, SignalsParams())
    with pytest.raises(UserError, match="has no 1d bars of NDX"):
        from_catalog(catalog, "NDX", None, None, SignalsParams())
    with pytest.raises(UserError, match="no session row of NDX"):
        from_log(run, "NDX", None, None)


def test_a_volatility_index_has_no_rows(columns):
    with pytest.raises(UserError, match="VIX is read as a volatility index"):
        session_rows("VIX", columns, SignalsParams())


def test_a_folder_that_is_no_run_or_a_torn_log_is_one_clear_line(tmp_path, run):
    with pytest.raises(UserError, match=r"has no log\.jsonl\.gz"):
        from_log(tmp_path, "SPX", None, None)
    (tmp_path / "log.jsonl.gz").write_bytes((run / "log.jsonl.gz").read_bytes()[:-200])
    with pytest.raises(UserError, match="cannot be read to its end"):
        from_log(tmp_path, "SPX", None, None)
