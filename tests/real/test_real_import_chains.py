"""Real option chains through the importers: what is stored is what the vendors wrote, known faults are flagged."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contango_common.domain.errors import UserError
from contango_market_data import inspect
from contango_market_data.catalog.store import Catalog
from contango_market_data.importers.run import run_import

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"real market data is not at {DATA}"),
]
EASTERN = {"tz": "America/New_York"}
COLUMNS = [
    "quote_ts",
    "expiry",
    "root",
    "strike",
    "right",
    "spot",
    "bid",
    "ask",
    "last",
    "volume",
    "open_interest",
    "iv",
]


def rows(catalog: Catalog, underlying: str) -> pa.Table:
    tables = [table for _, table in catalog.chains(underlying, columns=COLUMNS)]
    return pa.concat_tables(tables).unify_dictionaries()


def flags(catalog: Catalog) -> dict[str, int]:
    return {finding.flag.reason: finding.flag.count for finding in inspect.check(catalog)}


def test_vxx_december_2016_has_every_row_at_its_close_and_one_session_missing(tmp_path):
    source = DATA / "optopsy_history" / "VXX_201612_eod.parquet"
    units = {"theta_unit": "per_year", "vega_unit": "per_unit"}
    report = run_import("parquet", source, tmp_path, {**EASTERN, "eod_close": True, **units})
    assert (report.rows_read, report.rows_new, report.flags) == (27_940, 27_940, ())
    catalog = Catalog.open(tmp_path)
    got, raw = rows(catalog, "VXX"), pq.read_table(source)
    assert len(catalog.sessions_of_chains("VXX")) == 20
    assert {str(t)[11:19] for t in got.column("quote_ts").unique().cast(pa.timestamp("s")).to_numpy()} == {"21:00:00"}
    for name in ("bid", "ask", "open_interest"):
        assert got.column(name).to_numpy().sum() == pytest.approx(raw.column(name).to_numpy().sum())
    _, first = next(catalog.chains("VXX"))
    put = next(r for r in first.to_pylist() if (r["strike"], r["right"], str(r["expiry"])) == (20.0, "P", "2016-12-02"))
    assert (put["bid"], put["ask"], put["iv"], put["spot"]) == (0.0, 0.01, 2.9541, 28.95)
    assert put["theta"] == pytest.approx(-4.1765 / 365)
    assert put["vega"] == pytest.approx(0.0281 / 100)
    found = flags(catalog)
    assert found["gap: session without quotes"] == 1  # 8 December
    assert found["zero bid"] == int((raw.column("bid").to_numpy() == 0).sum())


@pytest.mark.parametrize(
    "name",
    [
        "SPY_20250430_2035",
        "SPX_20220109_0311",
        "SPX_20220611_2047",
        "NDX_20230513_0433",
        "TSLA_20230820_2238",
        "SPY_20230411_2223",
        "SPY_20220709_1728",
    ],
)
def test_cboe_downloads_give_the_same_rows_as_their_normalised_copies(tmp_path, name):
    """The copies were made by other code: every header form and every row is read the same way."""
    folder = DATA / "cboe_quotedata"
    (underlying,) = run_import("cboe", folder / "raw" / f"{name}.csv.gz", tmp_path / "raw").underlyings
    run_import("parquet", folder / f"{name}.parquet", tmp_path / "copy", EASTERN)
    raw, copy = (rows(Catalog.open(tmp_path / side), underlying) for side in ("raw", "copy"))
    assert raw.num_rows == copy.num_rows > 0
    for column in COLUMNS:
        if column != "root":
            assert raw.column(column).to_pylist() == copy.column(column).to_pylist(), column


def test_the_six_spy_snapshots_from_cboe_files_are_those_of_the_series(tmp_path):
    series = DATA / "chain_series" / "SPY_20250430_20250506_clean_75d_20pct.parquet"
    run_import("parquet", series, tmp_path / "series", EASTERN)
    for name in ("20250430_2035", "20250501_0828", "20250501_1649", "20250502_1847", "20250506_1809", "20250506_1814"):
        run_import("cboe", DATA / "cboe_quotedata" / "raw" / f"SPY_{name}.csv.gz", tmp_path / "raw")
    raw, trimmed = (rows(Catalog.open(tmp_path / side), "SPY") for side in ("raw", "series"))
    assert len(trimmed.column("quote_ts").unique()) == len(raw.column("quote_ts").unique()) == 6
    keys = ("quote_ts", "expiry", "strike", "right")
    listed = {tuple(r[k] for k in keys): (r["bid"], r["ask"]) for r in raw.to_pylist()}
    assert all(listed[tuple(r[k] for k in keys)] == (r["bid"], r["ask"]) for r in trimmed.to_pylist())


def test_stale_copies_adjusted_roots_and_evening_snapshots_are_flagged(tmp_path):
    raw = DATA / "cboe_quotedata" / "raw"
    for name in ("SPY_20250903_0924", "SPY_20250904_0518", "AMD_20230820_2235"):
        run_import("cboe", raw / f"{name}.csv.gz", tmp_path)
    found = {(f.subject, f.flag.reason): f.flag for f in inspect.check(Catalog.open(tmp_path))}
    stale = found[("SPY chains", "stale copy: the quotes of the snapshot before")]
    assert (stale.count, stale.first_where) == (1, "SPY 2025-09-04T09:18:00Z")
    assert found[("SPY chains", "snapshot outside the sessions")].count == 2
    assert found[("AMD chains", "adjusted root: deliverable is not the standard one")].count == 80
    assert Catalog.open(tmp_path).info.roots["AMD"] == ("AMD", "AMD1")


def test_a_real_chain_under_a_wrong_header_date_is_hard_to_believe(tmp_path):
    text = gzip.decompress((DATA / "cboe_quotedata" / "raw" / "NDX_20230526_1718.csv.gz").read_bytes()).decode()
    moved = tmp_path / "moved.csv"
    moved.write_text(text.replace("26 May 2023, 5:18 PM", "15 May 2023, 5:18 PM"))
    run_import("cboe", moved, tmp_path / "cat")
    assert flags(Catalog.open(tmp_path / "cat"))["date hard to believe"] == 1
    run_import("cboe", DATA / "cboe_quotedata" / "raw" / "NDX_20230526_1718.csv.gz", tmp_path / "right")
    assert "date hard to believe" not in flags(Catalog.open(tmp_path / "right"))


def test_a_header_that_names_a_weekend_before_the_quotes_is_wrong_by_expiries_and_price(tmp_path):
    """The true download of that Saturday is not; the daily bars are the closes that the downloads state."""
    raw = DATA / "cboe_quotedata" / "raw"
    moved = tmp_path / "moved.csv"
    text = gzip.decompress((raw / "NDX_20230526_1718.csv.gz").read_bytes()).decode()
    moved.write_text(text.replace("26 May 2023, 5:18 PM", "13 May 2023, 7:50 PM"))
    bars = tmp_path / "bars.csv"
    closes = (("2023-05-12", 13340.1758), ("2023-05-26", 14298.4092))
    lines = [f"{day}T20:00:00Z,NDX,{close},{close},{close},{close}" for day, close in closes]
    bars.write_text("\n".join(["ts,symbol,open,high,low,close", *lines]) + "\n")
    for name, source in (("wrong", moved), ("right", raw / "NDX_20230513_0433.csv.gz")):
        run_import("cboe", source, tmp_path / name)
        run_import("csv", bars, tmp_path / name, {"timeframe": "1d"})
    found = {f.flag.reason: f.flag for f in inspect.check(Catalog.open(tmp_path / "wrong"))}
    flag = found["wrong header date: expiries and price are of another session"]
    assert (flag.count, flag.first_where) == (1, "NDX 2023-05-13T23:50:00Z")
    assert "expiries and spot are as on 2023-05-26" in flag.detail
    right = flags(Catalog.open(tmp_path / "right"))
    assert not [reason for reason in right if "date" in reason or "spot outside" in reason]


def test_a_real_chain_without_bids_is_flagged(tmp_path):
    raw = pq.read_table(DATA / "cboe_quotedata" / "SPY_20250609_1652.parquet")
    bids = raw.schema.get_field_index("bid")
    pq.write_table(raw.set_column(bids, "bid", pa.array(np.zeros(raw.num_rows))), tmp_path / "zero.parquet")
    run_import("parquet", tmp_path / "zero.parquet", tmp_path / "cat", EASTERN)
    assert flags(Catalog.open(tmp_path / "cat"))["snapshot whose bids are all zero"] == 1


def test_an_unreadable_header_date_is_refused_or_stated(tmp_path):
    source = DATA / "cboe_quotedata" / "raw" / "SPY_20230608_0000.csv.gz"
    with pytest.raises(UserError, match=r"line 3, column Date: '4 June 4, 3:15 PM EDT' .* pass quote_ts="):
        run_import("cboe", source, tmp_path)
    run_import("cboe", source, tmp_path, {"quote_ts": "2023-06-02T16:15"})
    assert Catalog.open(tmp_path).sessions_of_chains("SPY") == [20230602]


def test_naive_quote_times_need_a_zone(tmp_path):
    with pytest.raises(UserError, match="column 'quote_ts' carries no time zone: pass tz"):
        run_import("parquet", DATA / "optopsy_history" / "VXX_201612_eod.parquet", tmp_path)


def test_spxw_minutes_from_lean_zips_are_those_of_the_normalised_copy(tmp_path):
    run_import("lean", DATA / "lean" / "raw" / "Data" / "indexoption", tmp_path)
    got = rows(Catalog.open(tmp_path), "SPX")
    copy = pq.read_table(DATA / "lean" / "indexoption_minute" / "spxw_quote.parquet")
    start = pa.compute.assume_timezone(copy.column("ts"), "America/New_York")
    end_ns = start.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()).to_numpy() + 60 * 10**9
    expiry = copy.column("expiry").cast(pa.date32()).to_pylist()
    right = copy.column("right").cast(pa.string()).to_pylist()
    sides = [np.round(copy.column(name).to_numpy(), 4).tolist() for name in ("bid", "ask")]
    wanted = sorted(
        (ts, e, k, r, *(None if x != x else x for x in (b, a)))
        for ts, e, k, r, b, a in zip(
            end_ns.tolist(), expiry, copy.column("strike").to_pylist(), right, *sides, strict=True
        )
    )
    ts = got.column("quote_ts").cast(pa.int64()).to_pylist()
    names = (got.column(name).to_pylist() for name in ("expiry", "strike", "right", "bid", "ask"))
    assert sorted(zip(ts, *names, strict=True)) == wanted
    found = flags(Catalog.open(tmp_path))
    assert (found["crossed: bid above ask"], found["locked: bid equals ask"]) == (56, 263)


def test_goog_options_of_two_days_get_spot_trades_and_open_interest(tmp_path):
    data = DATA / "lean" / "raw" / "Data"
    run_import("lean", data / "option" / "usa" / "daily", tmp_path)
    catalog = Catalog.open(tmp_path)
    assert catalog.sessions_of_chains("GOOG") == [20151223, 20151224]
    eve = dict(catalog.chains("GOOG"))[20151224]
    assert {str(t) for t in eve.column("quote_ts").unique().cast(pa.timestamp("s")).to_numpy()} == {
        "2015-12-24T18:00:00"
    }
    row = next(r for r in eve.to_pylist() if (r["strike"], r["right"], str(r["expiry"])) == (500.0, "C", "2016-01-15"))
    assert (row["bid"], row["ask"]) == (246.6, 250.2)
    assert eve.column("spot").null_count == 0
    assert flags(catalog)["one-sided: bid or ask was not quoted"] > 0
