"""The catalog: what is written comes back, merging is idempotent, nothing half-written stays."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_market_data.catalog.dates import local_dates, yyyymmdd
from contango_market_data.catalog.info import CatalogInfo
from contango_market_data.catalog.schema import CHAINS
from contango_market_data.catalog.store import Catalog

DAY_NS = 86_400_000_000_000
CLOSE_NS = 21 * 3_600_000_000_000
FIRST_DAY = 17_533  # 2018-01-02


def instants(values: list[int]) -> pa.Array:
    return pa.array(values, pa.int64()).cast(pa.timestamp("ns", tz="UTC"))


def chain(rows: list[tuple[int, int, str, float, str, float]]) -> pa.Table:
    """Rows of (day, expiry day, root, strike, right, bid)."""
    day, expiry, root, strike, right, bid = (list(column) for column in zip(*rows, strict=True))
    return pa.table(
        {
            "quote_ts": instants([(FIRST_DAY + d) * DAY_NS + CLOSE_NS for d in day]),
            "root": root,
            "expiry": pa.array([FIRST_DAY + e for e in expiry], pa.int32()).cast(pa.date32()),
            "strike": strike,
            "right": right,
            "bid": bid,
        }
    )


def new_catalog(path: Path) -> Catalog:
    return Catalog.create(path, CatalogInfo(name="test"))


def stored(catalog: Catalog) -> list[tuple[int, int, str, float, str, float]]:
    rows = []
    for _, table in catalog.chains("SPX"):
        day = (table.column("quote_ts").cast(pa.int64()).to_numpy() - CLOSE_NS) // DAY_NS - FIRST_DAY
        expiry = table.column("expiry").cast(pa.int32()).to_numpy() - FIRST_DAY
        names = (table.column(name).to_pylist() for name in ("root", "strike", "right", "bid"))
        rows += list(zip(day.tolist(), expiry.tolist(), *names, strict=True))
    return rows


row = st.tuples(
    st.integers(0, 70),
    st.integers(71, 75),
    st.sampled_from(["SPX", "SPXW"]),
    st.sampled_from([2500.0, 2505.0, 2510.0]),
    st.sampled_from(["C", "P"]),
    st.floats(0, 50, width=32),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(row, min_size=1, max_size=12), min_size=1, max_size=4))
def test_what_is_stored_is_the_last_row_of_each_key_in_order_however_it_came(batches):
    expected = {(d, e, root, k, r): bid for batch in batches for d, e, root, k, r, bid in batch}
    folder = Path(tempfile.mkdtemp())
    try:
        split = new_catalog(folder / "split")
        for batch in batches:
            split.write_chains("SPX", chain(batch))
        streamed = new_catalog(folder / "streamed")
        streamed.write_chains("SPX", (chain(batch) for batch in batches))
        wanted = [(*key, bid) for key, bid in sorted(expected.items())]
        assert stored(split) == wanted
        assert stored(streamed) == wanted
        streamed.write_chains("SPX", chain([one for batch in batches for one in batch]))
        assert stored(streamed) == wanted
    finally:
        shutil.rmtree(folder)


def test_counts_of_a_write(tmp_path):
    catalog = new_catalog(tmp_path)
    rows = [(0, 71, "SPX", 2500.0, "C", 1.0), (0, 71, "SPX", 2500.0, "C", 2.0), (1, 71, "SPX", 2500.0, "C", 3.0)]
    first = catalog.write_chains("SPX", chain(rows))
    assert (first.rows, first.duplicates, first.replaced) == (3, 1, 0)
    again = catalog.write_chains("SPX", chain(rows))
    assert (again.rows, again.duplicates, again.replaced) == (3, 1, 2)


def test_absent_columns_are_null_and_one_row_group_is_one_session(tmp_path):
    catalog = new_catalog(tmp_path)
    catalog.write_chains("SPX", chain([(d, 71, "SPXW", 2500.0, "C", 1.0) for d in (0, 1, 2)]))
    assert catalog.sessions_of_chains("SPX") == [20180102, 20180103, 20180104]
    for _, table in catalog.chains("SPX"):
        assert table.schema.names == CHAINS.names
        assert table.column("iv").null_count == table.num_rows == 1
    assert catalog.info.roots == {"SPX": ("SPXW",)}
    assert Catalog.open(tmp_path).info == catalog.info


def test_dates_and_columns_filter(tmp_path):
    catalog = new_catalog(tmp_path)
    catalog.write_chains("SPX", chain([(d, 71, "SPXW", 2500.0, "C", float(d)) for d in range(40)]))
    got = list(catalog.chains("SPX", 20180130, 20180202, columns=["strike", "bid"]))
    assert [date for date, _ in got] == [20180130, 20180131, 20180201, 20180202]
    assert all(table.schema.names == ["strike", "bid"] for _, table in got)
    assert list(catalog.chains("SPX", 20190101)) == []


def bars(ends: list[int], close: list[float]) -> pa.Table:
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return pa.table({"ts": instants(ends), **prices})


def test_bars_come_back_between_an_open_start_and_a_closed_end(tmp_path):
    catalog = new_catalog(tmp_path)
    catalog.write_bars("SPX", "1h", bars([3, 1, 2], [30.0, 10.0, 20.0]))
    catalog.write_bars("SPX", "1h", bars([2, 4], [21.0, 40.0]))
    got = catalog.bars("SPX", "1h")
    assert got["ts_ns"].tolist() == [1, 2, 3, 4]
    assert got["close"].tolist() == [10.0, 21.0, 30.0, 40.0]
    assert np.isnan(got["volume"]).all()
    assert catalog.bars("SPX", "1h", 1, 3)["ts_ns"].tolist() == [2, 3]
    assert catalog.timeframes("SPX") == ["1h"]
    assert catalog.info.symbols == ("SPX",)


def test_a_write_that_fails_leaves_the_catalog_as_it_was(tmp_path):
    catalog = new_catalog(tmp_path)
    catalog.write_chains("SPX", chain([(0, 71, "SPXW", 2500.0, "C", 1.0)]))
    before = sorted(
        (path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"
    )

    def breaks():
        yield chain([(0, 71, "SPXW", 2500.0, "C", 9.0), (40, 71, "SPXW", 2500.0, "C", 9.0)])
        raise RuntimeError("source broke")

    with pytest.raises(RuntimeError, match="source broke"):
        catalog.write_chains("SPX", breaks())
    after = sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock")
    assert after == before


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (chain([(0, 71, "SPXW", 2500.0, "C", 1.0)]).drop_columns("strike"), "column 'strike' is missing"),
        (
            chain([(0, 71, "SPXW", 2500.0, "C", 1.0)]).set_column(0, "quote_ts", pa.array([0], pa.timestamp("ns"))),
            "column 'quote_ts' has no time zone",
        ),
        (
            chain([(0, 71, "SPXW", 2500.0, "C", 1.0)]).set_column(3, "strike", pa.array(["high"])),
            "column 'strike' cannot become double",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(tmp_path, table, says):
    with pytest.raises(UserError, match=says) as caught:
        new_catalog(tmp_path).write_chains("SPX", table)
    assert "\n" not in str(caught.value)


def test_small_tables_merge_by_key(tmp_path):
    catalog = new_catalog(tmp_path)
    assert catalog.settlements() is None

    def prints(price: float) -> pa.Table:
        expiry = pa.array([FIRST_DAY], pa.int32()).cast(pa.date32())
        return pa.table(
            {"underlying": ["SPX"], "root": ["SPX"], "expiry": expiry, "ts": instants([5]), "price": [price]}
        )

    catalog.write_settlements(prints(2700.0))
    catalog.write_settlements(prints(2701.0))
    assert catalog.settlements().column("price").to_pylist() == [2701.0]


def test_what_is_not_there_is_said_in_one_line(tmp_path):
    with pytest.raises(UserError, match="no catalog at"):
        Catalog.open(tmp_path)
    catalog = new_catalog(tmp_path)
    with pytest.raises(UserError, match="already holds a catalog"):
        new_catalog(tmp_path)
    with pytest.raises(UserError, match="no 5m bars of SPX; bars there: none"):
        catalog.bars("SPX", "5m")
    with pytest.raises(UserError, match="no option chains of SPX"):
        catalog.sessions_of_chains("SPX")
    with pytest.raises(UserError, match="timeframe '7m' is unknown"):
        catalog.write_bars("SPX", "7m", bars([1], [1.0]))
    with pytest.raises(UserError, match="cannot name a folder"):
        catalog.write_bars("../SPX", "5m", bars([1], [1.0]))
    (tmp_path / "catalog.yaml").write_text("- not\n- a mapping\n")
    with pytest.raises(UserError, match="is malformed"):
        Catalog.open(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2_000_000_000), min_size=1, max_size=20))
def test_local_dates_are_those_of_the_standard_library(seconds):
    from datetime import datetime
    from zoneinfo import ZoneInfo

    got = local_dates(np.array(seconds, dtype=np.int64) * 10**9, "America/New_York")
    wanted = [int(datetime.fromtimestamp(s, ZoneInfo("America/New_York")).strftime("%Y%m%d")) for s in seconds]
    assert got.tolist() == wanted
    assert yyyymmdd(np.array([0])).tolist() == [19700101]
