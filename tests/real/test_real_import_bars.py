"""Real bars through the importers, the checks and the resampler."""

from pathlib import Path

import numpy as np
import pytest

from contango_common.edge.calendar import session_table
from contango_market_data import inspect
from contango_market_data.catalog.dates import local_dates, to_date
from contango_market_data.catalog.store import Catalog
from contango_market_data.importers.run import run_import
from contango_market_data.resample import incomplete_flags, resample

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"real market data is not at {DATA}"),
]
HOUR_NS = 3_600_000_000_000


def sessions_of(columns, calendar):
    dates = local_dates(columns["ts_ns"][[0, -1]], "UTC")
    return session_table(calendar, to_date(int(dates[0])), to_date(int(dates[-1])))


def test_bitcoin_five_minutes_have_one_outage_and_make_the_real_hours(tmp_path):
    folder = DATA / "crypto"
    for file, timeframe in (("BTCUSDT_5m_202208_202309", "5m"), ("BTCUSDT_1h_2017_2024", "1h")):
        run_import("parquet", folder / f"{file}.parquet", tmp_path, {"timeframe": timeframe, "calendar": "24/7"})
    catalog = Catalog.open(tmp_path)
    gaps = {f.subject: f.flag for f in inspect.check(catalog) if f.flag.reason == "gap: bars missing"}
    assert gaps["BTCUSDT 5m"].count == 16
    assert gaps["BTCUSDT 5m"].first_where == "BTCUSDT, 2023-03-24T12:45:00Z"
    five = catalog.bars("BTCUSDT", "5m")
    hours = resample(five, "1h", sessions_of(five, "24/7"))
    assert sum(not over.complete for over in hours) == 1  # 12:40-14:00 cuts one hour short; the next is absent
    real = catalog.bars("BTCUSDT", "1h")
    close = dict(zip(real["ts_ns"].tolist(), real["close"].tolist(), strict=True))
    both = [(over.bar.close, close[over.bar.ts_ns]) for over in hours if over.complete and over.bar.ts_ns in close]
    assert len(both) > 3_000
    assert np.mean([abs(mine - theirs) < 0.011 for mine, theirs in both]) > 0.999
    four = resample(five, "4h", sessions_of(five, "24/7"))
    assert [flag.count for flag in incomplete_flags(four, "BTCUSDT")] == [1]


def test_spx_five_minutes_make_whole_sessions(tmp_path):
    source = DATA / "intraday_index" / "SPX_5m_20250210_20260213.parquet"
    run_import("parquet", source, tmp_path, {"timeframe": "5m"})
    catalog = Catalog.open(tmp_path)
    columns = catalog.bars("SPX", "5m")
    sessions = sessions_of(columns, "XNYS")
    days = resample(columns, "1d", sessions)
    assert {over.bar.ts_ns for over in days} <= set(sessions.close_ns)
    april = next(over for over in days if over.bar.ts_ns // (24 * HOUR_NS) == 20_187)  # 2025-04-09
    mask = (columns["ts_ns"] > april.bar.ts_ns - 7 * HOUR_NS) & (columns["ts_ns"] <= april.bar.ts_ns)
    assert (april.bar.high, april.bar.low) == (columns["high"][mask].max(), columns["low"][mask].min())
    assert april.parts == april.parts_due == 78


def test_lean_equities_and_futures_become_bars(tmp_path):
    data = DATA / "lean" / "raw" / "Data"
    run_import("lean", data / "equity", tmp_path)
    run_import("lean", data / "future", tmp_path)
    catalog = Catalog.open(tmp_path)
    daily = catalog.bars("SPY", "1d")
    assert (len(daily["ts_ns"]), daily["close"][0]) == (5_849, 97.36)  # 1998-01-02
    assert daily["ts_ns"].astype("M8[ns]")[0] == np.datetime64("1998-01-02T21:00", "ns")
    minutes = catalog.bars("SPY", "1m")
    assert minutes["ts_ns"].astype("M8[ns]")[0] == np.datetime64(
        "2013-10-04T08:07", "ns"
    )  # 04:06 in New York is its start
    assert catalog.bars("ES201312", "1m")["close"].min() > 1_600


def test_daily_bars_are_stamped_at_the_close_of_half_days_too(tmp_path):
    run_import("lean", DATA / "lean" / "raw" / "Data" / "equity" / "usa" / "daily", tmp_path)
    ends = Catalog.open(tmp_path).bars("SPY", "1d")["ts_ns"]
    stamps = set(ends.astype("M8[ns]").astype("M8[s]").astype(str).tolist())
    assert {"2018-07-03T17:00:00", "2018-07-05T20:00:00", "2018-12-03T21:00:00"} <= stamps


def test_five_minute_shares_of_one_file_become_symbols_with_their_faults(tmp_path):
    source = DATA / "intraday_equity" / "etf_and_megacap_5m_202505_202603.parquet"
    report = run_import("parquet", source, tmp_path, {"timeframe": "5m", "tz": "America/New_York"})
    catalog = Catalog.open(tmp_path)
    assert len(catalog.info.symbols) == len(report.symbols) > 10
    assert sum(h.rows for h in inspect.show(catalog)) == report.rows_new == report.rows_read
    found = {(f.subject, f.flag.reason) for f in inspect.check(catalog)}
    assert ("SPY 5m", "outside the sessions") in found  # it holds pre-market bars
    assert not any(reason in ("high below low", "repeated instant") for _, reason in found)
