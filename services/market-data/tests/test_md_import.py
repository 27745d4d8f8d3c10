"""Importers: rows arrive in house units and UTC, bad ones are named by file, line, column and value, twice is once."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_market_data.catalog.store import Catalog
from contango_market_data.importers.cboe import parse_download_time
from contango_market_data.importers.registry import IMPORTERS
from contango_market_data.importers.run import run_import

BARS_CSV = """time,open,high,low,close,volume
2018-07-02 09:30:00,10,11,9,10.5,100
2018-07-02 09:35:00,10.5,12,10,11,
2018-07-02 09:40:00,11,12,10,11.5,300
"""
BARS = {"symbol": "SPY", "timeframe": "5m", "tz": "America/New_York"}

OPTIONSDX = (
    "[QUOTE_UNIXTIME], [QUOTE_READTIME], [QUOTE_DATE], [QUOTE_TIME_HOURS], [UNDERLYING_LAST], [EXPIRE_DATE], "
    "[EXPIRE_UNIX], [DTE], [C_DELTA], [C_GAMMA], [C_VEGA], [C_THETA], [C_RHO], [C_IV], [C_VOLUME], [C_LAST], "
    "[C_SIZE], [C_BID], [C_ASK], [STRIKE], [P_BID], [P_ASK], [P_SIZE], [P_LAST], [P_DELTA], [P_GAMMA], [P_VEGA], "
    "[P_THETA], [P_RHO], [P_IV], [P_VOLUME], [STRIKE_DISTANCE], [STRIKE_DISTANCE_PCT]\n"
    "1530561600, 2018-07-02 16:00, 2018-07-02, 16.0, 271.9, 2018-07-20, 1532116800, 18.0, 0.55, 0.03, 0.24, -0.08, "
    "0.07, 0.12, 900, 4.1, 1 x 12, 4.05, 4.15, 271.0, 2.9, 3.0, 30 x 4, 2.95, -0.45, 0.03, 0.24, -0.07, -0.06, , "
    "120, 0.9, 0.003\n"
)

CBOE_HEAD = """
SPDR S&P 500 ETF Trust,Last: 271.90,Change:  0.22
"Date: July 2, 2018 at 4:35 PM EDT",Bid: 271.9,Ask: 271.91,Size: 1*1,"Volume: 92,802,269"
"""
CBOE = (
    CBOE_HEAD + "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,"
    "Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest\n"
    "Fri Jul 20 2018,SPY180720C00271000,4.1,0,4.05,4.15,900,0.12,0.55,0.03,10,271.00,"
    "SPY180720P00271000,2.95,0,2.9,3.0,120,0.13,-0.45,0.03,20\n"
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def utc(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def first_chain(catalog: Path, underlying: str) -> list[dict]:
    _, table = next(Catalog.open(catalog).chains(underlying))
    return table.to_pylist()


def ns(row: dict) -> int:
    return int(row["quote_ts"].value) if hasattr(row["quote_ts"], "value") else int(row["quote_ts"].timestamp()) * 10**9


def test_bars_are_stamped_at_their_close_in_utc(tmp_path):
    report = run_import("csv", write(tmp_path / "spy.csv", BARS_CSV), tmp_path / "cat", BARS)
    bars = Catalog.open(tmp_path / "cat").bars("SPY", "5m")
    assert bars["ts_ns"].tolist() == [utc(f"2018-07-02T13:{m}") for m in (35, 40, 45)]
    assert bars["close"].tolist() == [10.5, 11.0, 11.5]
    assert np.isnan(bars["volume"]).tolist() == [False, True, False]
    assert (report.rows_read, report.rows_new, report.rows_known, report.symbols) == (3, 3, 0, {"SPY": 3})


@pytest.mark.parametrize(
    ("name", "packed"),
    [("spy.csv", lambda b: b), ("spy.csv.gz", gzip.compress), ("bom.csv", lambda b: b"\xef\xbb\xbf" + b)],
)
def test_packed_files_and_byte_order_marks_are_read_as_they_are(tmp_path, name, packed):
    (tmp_path / name).write_bytes(packed(BARS_CSV.encode()))
    assert run_import("csv", tmp_path / name, tmp_path / "cat", BARS).rows_new == 3


def test_importing_twice_changes_nothing(tmp_path):
    source = write(tmp_path / "spy.csv", BARS_CSV)
    run_import("csv", source, tmp_path / "cat", BARS)
    before = {p: p.read_bytes() for p in (tmp_path / "cat").rglob("*") if p.is_file()}
    again = run_import("csv", source, tmp_path / "cat", BARS)
    assert {p: p.read_bytes() for p in (tmp_path / "cat").rglob("*") if p.is_file()} == before
    assert (again.rows_read, again.rows_new, again.rows_known) == (3, 0, 3)
    longer = write(tmp_path / "longer.csv", BARS_CSV.rstrip("\n") + "\n2018-07-02 09:45:00,11,12,10,11.5,300\n")
    more = run_import("csv", longer, tmp_path / "cat", BARS)
    assert (more.rows_read, more.rows_new, more.rows_known) == (4, 1, 3)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("10.5,12,10", "10.5,twelve,10", "line 3, column high: 'twelve' is not a number"),
        ("11,12,10,11.5,300", "11,12,10,,300", "line 4, column close: '' is missing"),
        ("11,12,10,11.5,300", "11,12,10,11.5,300,7", r"line 4, column \(whole row\): .* has 7 fields instead of 6"),
        ("2018-07-02 09:35:00", "2018-07-32 09:35:00", "line 3, column time: '2018-07-32 09:35:00' is not an instant"),
        ("10.5,12,10", "10.5,inf,10", "line 3, column high: 'inf' is not a finite number"),
        ("2018-07-02 09:40:00", "2018-11-04 01:30:00", "line 4, column time: .* happens twice or never"),
    ],
)
def test_a_malformed_row_is_named_and_nothing_is_made(tmp_path, old, new, says):
    source = write(tmp_path / "spy.csv", BARS_CSV.replace(old, new))
    with pytest.raises(UserError, match=says) as caught:
        run_import("csv", source, tmp_path / "cat", BARS)
    assert str(source) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cat").exists()


def test_malformed_rows_can_be_left_out_and_counted(tmp_path):
    text = BARS_CSV.replace("10.5,12,10", "10.5,twelve,10") + "\n1,2\n2018-07-02 09:45:00,11,12,x,11.5,300\n"
    report = run_import("csv", write(tmp_path / "spy.csv", text), tmp_path / "cat", {**BARS, "on_bad": "flag"})
    assert (report.rows_read, report.rows_new) == (5, 2)
    assert {flag.reason: flag.count for flag in report.flags} == {
        "malformed high": 1,
        "malformed (whole row)": 1,
        "malformed low": 1,
    }
    assert any("line 7, column low: 'x'" in example for example in report.examples)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tz": None}, "carries no time zone: pass tz"),
        ({"tz": "New York"}, "time zone 'New York' is unknown"),
        ({"timeframe": None}, "pass timeframe"),
        ({"timeframe": "7m"}, "option timeframe='7m'"),
        ({"symbol": None}, "no column for 'symbol': pass symbol=NAME"),
        ({"columns": "ts=clock"}, "option columns names 'clock' for ts"),
        ({"colour": "red"}, "option 'colour' is unknown"),
        ({"on_bad": "ignore"}, "option on_bad='ignore'"),
    ],
)
def test_a_wrong_option_says_what_to_pass(tmp_path, options, says):
    given_options = {key: value for key, value in {**BARS, **options}.items() if value is not None}
    with pytest.raises(UserError, match=says):
        run_import("csv", write(tmp_path / "spy.csv", BARS_CSV), tmp_path / "cat", given_options)
    assert not (tmp_path / "cat").exists()


def test_a_zone_that_contradicts_the_column_is_refused(tmp_path):
    ts = pa.array([0], pa.timestamp("us", tz="UTC"))
    prices = {name: [1.0] for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"ts": ts, **prices}), tmp_path / "x.parquet")
    with pytest.raises(UserError, match="already carries the zone UTC, not America/New_York"):
        run_import("parquet", tmp_path / "x.parquet", tmp_path / "cat", BARS)


def test_missing_sources_and_formats_are_said(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        run_import("csv", tmp_path / "no.csv", tmp_path / "cat", BARS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no file for csv"):
        run_import("csv", tmp_path / "empty", tmp_path / "cat", BARS)
    with pytest.raises(UserError, match="format 'xls' is unknown: use one of csv, parquet"):
        run_import("xls", tmp_path, tmp_path / "cat")
    with pytest.raises(UserError, match="no row could be imported"):
        run_import("csv", write(tmp_path / "head.csv", BARS_CSV.splitlines()[0] + "\n"), tmp_path / "cat", BARS)
    with pytest.raises(UserError, match="is empty or begins with a blank line"):
        run_import("csv", write(tmp_path / "nil.csv", ""), tmp_path / "cat", BARS)
    with pytest.raises(UserError, match="no readable Parquet file"):
        run_import("parquet", write(tmp_path / "x.parquet", "no"), tmp_path / "cat", BARS)


CHAIN_CSV = """quotedate,expiration,strike,type,bid,ask,impliedvol,theta,vega,underlying,optionroot
2018-07-02,2018-07-20,271,call,4.05,4.15,12.5,-36.5,24.0,SPY,x
2018-07-03,2018-07-20,271,P,2.9,3,13,-36.5,24.0,SPY,x
"""


def test_end_of_day_rows_get_their_sessions_close_and_greeks_house_units(tmp_path):
    options = {
        "tz": "America/New_York",
        "eod_close": True,
        "iv_unit": "percent",
        "theta_unit": "per_year",
        "vega_unit": "per_unit",
    }
    run_import("csv", write(tmp_path / "c.csv", CHAIN_CSV), tmp_path / "cat", options)
    tables = [table.to_pylist()[0] for _, table in Catalog.open(tmp_path / "cat").chains("SPY")]
    assert [ns(row) for row in tables] == [utc("2018-07-02T20:00"), utc("2018-07-03T17:00")]  # 3 July: 13:00
    assert (tables[0]["right"], tables[1]["right"], tables[0]["root"]) == ("C", "P", "SPY")
    assert tables[0]["iv"] == pytest.approx(0.125)
    assert tables[0]["theta"] == pytest.approx(-0.1)
    assert tables[0]["vega"] == pytest.approx(0.24)


def test_greeks_without_a_declared_unit_are_left_out_and_flagged(tmp_path):
    options = {"tz": "America/New_York", "eod_close": "true"}
    report = run_import("csv", write(tmp_path / "c.csv", CHAIN_CSV), tmp_path / "cat", options)
    row = first_chain(tmp_path / "cat", "SPY")[0]
    assert row["theta"] is row["vega"] is None
    assert row["iv"] == 12.5  # decimal is what the importer declares when nothing else is said
    assert {flag.reason: flag.count for flag in report.flags} == {
        "theta left out: its unit is not declared": 2,
        "vega left out: its unit is not declared": 2,
    }


def test_a_date_without_a_session_is_malformed(tmp_path):
    text = CHAIN_CSV.replace("2018-07-03", "2018-07-04")
    with pytest.raises(
        UserError, match="line 3, column quotedate: '2018-07-04' is on a date without a session of XNYS"
    ):
        run_import("csv", write(tmp_path / "c.csv", text), tmp_path / "cat", {"tz": "UTC", "eod_close": True})


def test_dates_are_never_guessed_between_day_and_month_first(tmp_path):
    text = CHAIN_CSV.replace("2018-07-20", "07/20/2018")
    options = {"tz": "America/New_York", "eod_close": True}
    with pytest.raises(UserError, match="column expiration: '07/20/2018' is not yyyy-mm-dd"):
        run_import("csv", write(tmp_path / "c.csv", text), tmp_path / "cat", options)
    run_import("csv", tmp_path / "c.csv", tmp_path / "cat", {**options, "date_format": "%m/%d/%Y"})
    assert str(first_chain(tmp_path / "cat", "SPY")[0]["expiry"]) == "2018-07-20"


def test_optionsdx_rows_hold_a_call_and_a_put(tmp_path):
    report = run_import("optionsdx", write(tmp_path / "spy_eod_201807.txt", OPTIONSDX), tmp_path / "cat")
    call, put = first_chain(tmp_path / "cat", "SPY")
    assert ns(call) == ns(put) == utc("2018-07-02T20:00")
    assert (call["right"], call["bid"], call["ask"], call["bid_size"], call["ask_size"]) == ("C", 4.05, 4.15, 1, 12)
    assert (put["right"], put["bid"], put["ask"], put["bid_size"], put["ask_size"]) == ("P", 2.9, 3.0, 30, 4)
    assert (call["iv"], put["iv"], call["theta"], call["vega"], call["spot"]) == (0.12, None, -0.08, 0.24, 271.9)
    assert report.flags == ()
    wrong = write(tmp_path / "spy.txt", OPTIONSDX.replace("2018-07-02 16:00", "2018-07-02 20:00"))
    with pytest.raises(UserError, match=r"QUOTE_READTIME: .* is not QUOTE_UNIXTIME in New York"):
        run_import("optionsdx", wrong, tmp_path / "cat2")
    with pytest.raises(UserError, match="is no OptionsDX file"):
        run_import("optionsdx", write(tmp_path / "spy2.txt", BARS_CSV), tmp_path / "cat2")


def test_cboe_rows_hold_a_call_and_a_put_at_the_download_time(tmp_path):
    run_import("cboe", write(tmp_path / "spy_quotedata.csv", CBOE), tmp_path / "cat")
    call, put = first_chain(tmp_path / "cat", "SPY")
    assert ns(call) == utc("2018-07-02T20:35")
    assert (call["right"], call["root"], call["bid"], call["iv"], call["spot"]) == ("C", "SPY", 4.05, 0.12, 271.9)
    assert (put["right"], put["ask"], put["open_interest"], put["delta"]) == ("P", 3.0, 20, -0.45)
    assert call["theta"] is call["vega"] is call["bid_size"] is None


def test_an_evening_snapshot_can_be_stamped_with_the_close(tmp_path):
    source = write(tmp_path / "spy_quotedata.csv", CBOE)
    report = run_import("cboe", source, tmp_path / "cat", {"after_hours": "close"})
    assert ns(first_chain(tmp_path / "cat", "SPY")[0]) == utc("2018-07-02T20:00")
    assert [(f.reason, f.count) for f in report.flags] == [("after-hours snapshot stamped with its session's close", 2)]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("July 2, 2018 at 4:35 PM EDT", "4 June 4, 3:15 PM EDT", "line 3, column Date: .* pass quote_ts="),
        ("Last: 271.90", "Last:", "line 2, column Last: "),
        ("4.05,4.15", "4.05,n.a.", "line 5, column c_ask: 'n.a.' is not a number"),
        ("SPY180720P00271000", "SPY180720C00271000", "line 5, column p_contract: .* not of this row's expiry and side"),
        ("Fri Jul 20 2018", "Fri Jul 99 2018", "line 5, column expiry: 'Fri Jul 99 2018' is not a date"),
        ("Expiration Date,", "Expiry,", "is no Cboe quote-data file"),
    ],
)
def test_a_malformed_cboe_file_is_named(tmp_path, old, new, says):
    with pytest.raises(UserError, match=says):
        run_import("cboe", write(tmp_path / "q.csv", CBOE.replace(old, new)), tmp_path / "cat")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("April 30, 2025 at 8:35 PM EDT", "2025-04-30T20:35"),
        ("January 9, 2022, 3:11 AM EST", "2022-01-09T03:11"),
        ("6 April 2023, 21:31 UTC−4", "2023-04-06T21:31"),
        ("July 9, 2022 at 5:28 p.m. EDT", "2022-07-09T17:28"),
        ("11 April, 2023 à 22:23 UTC−4", "2023-04-11T22:23"),
        ("24 September 2023,1:46 PM EDT", "2023-09-24T13:46"),
        ("May 1, 2025 at 12:05 AM EDT", "2025-05-01T00:05"),
        ("4 June 4, 3:15 PM EDT", None),
        ("June 2023, 3:15 PM EDT", None),
        ("", None),
    ],
)
def test_header_times_are_read_in_every_form_the_site_has_used(text, wanted):
    parsed = parse_download_time(text)
    assert (parsed and parsed.strftime("%Y-%m-%dT%H:%M")) == wanted


KLINES = [
    "1533081600000,7735.67,7740.0,7725.0,7730.5,120.5,1533081899999,1,2,3,4,0",
    "1533081900000,7730.5,7741.0,7729.0,7735.5,99.5,1533082199999,1,2,3,4,0",
]


@pytest.mark.parametrize("header", [[], ["open_time,open,high,low,close,volume,close_time,q,n,tb,tq,ignore"]])
def test_klines_with_and_without_header(tmp_path, header):
    source = write(tmp_path / "BTCUSDT-5m-2018-08.csv", "\n".join(header + KLINES) + "\n")
    run_import("binance", source, tmp_path / "cat")
    catalog = Catalog.open(tmp_path / "cat")
    assert catalog.bars("BTCUSDT", "5m")["ts_ns"].tolist() == [utc("2018-08-01T00:05"), utc("2018-08-01T00:10")]
    assert (catalog.info.calendar, catalog.info.time_zone) == ("24/7", "UTC")


def test_klines_in_microseconds_and_zipped_into_an_exchange_catalog(tmp_path):
    run_import("csv", write(tmp_path / "spy.csv", BARS_CSV), tmp_path / "cat", BARS)
    micro = KLINES[0].replace("1533081600000", "1533081600000000").replace("1533081899999", "1533081899999999")
    with zipfile.ZipFile(tmp_path / "BTCUSDT-5m-2025-01.zip", "w") as archive:
        archive.writestr("BTCUSDT-5m-2025-01.csv", micro + "\n")
    run_import("binance", tmp_path / "BTCUSDT-5m-2025-01.zip", tmp_path / "cat")
    catalog = Catalog.open(tmp_path / "cat")
    assert catalog.bars("BTCUSDT", "5m")["ts_ns"].tolist() == [utc("2018-08-01T00:05")]
    assert (catalog.info.calendar, catalog.info.calendar_of("BTCUSDT")) == ("XNYS", "24/7")


def test_klines_of_another_length_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"line 1, column close_time: .* does not end a 1h bar"):
        run_import("binance", write(tmp_path / "BTCUSDT-1h-2018-08.csv", KLINES[0] + "\n"), tmp_path / "cat")
    with pytest.raises(UserError, match="bars of 3m are not kept"):
        run_import("binance", write(tmp_path / "BTCUSDT-3m-2018-08.csv", KLINES[0] + "\n"), tmp_path / "cat")


def lean_zip(path: Path, entries: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in entries.items():
            archive.writestr(name, text)


def lean_day(root: Path) -> Path:
    """One morning of two contracts, with trades of one, open interest, and the underlying."""
    contract = "20180702_spy_minute_{}_american_{}_2710000_20180720.csv"
    quotes = {
        contract.format(
            "quote", "call"
        ): "34200000,1,1,1,40500,5,1,1,1,41500,6\n34260000,1,1,1,40600,5,1,1,1,41600,6\n",
        contract.format("quote", "put"): "34200000,,,,,,1,1,1,30000,6\n",
    }
    option = root / "option" / "usa" / "minute" / "spy"
    lean_zip(option / "20180702_quote_american.zip", quotes)
    trades = "34200000,41000,41000,41000,41000,3\n34260000,1,1,1,41100,4\n"
    lean_zip(option / "20180702_trade_american.zip", {contract.format("trade", "call"): trades})
    lean_zip(option / "20180702_openinterest_american.zip", {contract.format("openinterest", "call"): "23400000,77\n"})
    equity = root / "equity" / "usa"
    minute = "34200000,2719000,2720000,2718000,2719500,1000\n"
    lean_zip(equity / "minute" / "spy" / "20180702_trade.zip", {"20180702_spy_minute_trade.csv": minute})
    daily = "20180702 00:00,2700000,2720000,2690000,2719000,9\n20180703 00:00,2719000,2730000,2710000,2708000,8\n"
    lean_zip(equity / "daily" / "spy.zip", {"spy.csv": daily})
    return root


def test_lean_options_get_trades_open_interest_and_spot(tmp_path):
    report = run_import("lean", lean_day(tmp_path / "Data"), tmp_path / "cat")
    catalog = Catalog.open(tmp_path / "cat")
    rows = first_chain(tmp_path / "cat", "SPY")
    assert [(r["right"], ns(r)) for r in rows] == [
        ("C", utc("2018-07-02T13:31")),
        ("P", utc("2018-07-02T13:31")),
        ("C", utc("2018-07-02T13:32")),
    ]
    call, put, later = rows
    assert (call["bid"], call["ask"], call["bid_size"], call["last"], call["volume"]) == (4.05, 4.15, 5, 4.1, 3)
    assert (later["last"], later["volume"], later["open_interest"]) == (4.11, 7, 77)
    assert (put["bid"], put["ask"], put["bid_size"], put["last"]) == (None, 3.0, None, None)
    assert (call["spot"], later["spot"]) == (271.95, None)
    assert {flag.reason: flag.count for flag in report.flags} == {
        "no price of the underlying at this instant: spot left empty": 1
    }
    assert catalog.bars("SPY", "1m")["ts_ns"].tolist() == [utc("2018-07-02T13:31")]
    assert catalog.bars("SPY", "1d")["ts_ns"].tolist() == [utc("2018-07-02T20:00"), utc("2018-07-03T17:00")]


def test_lean_names_the_entry_and_line_of_a_malformed_row(tmp_path):
    root = lean_day(tmp_path / "Data")
    lean_zip(
        root / "equity" / "usa" / "daily" / "spy.zip",
        {"spy.csv": "20180702 00:00,2700000,2720000,2690000,2719000,9\n20180703 00:00,1,2,high,4,5\n"},
    )
    with pytest.raises(UserError, match=r"spy\.zip#spy\.csv, line 2, column low: 'high' is not a number"):
        run_import("lean", root, tmp_path / "cat")
    lean_zip(tmp_path / "alone.zip", {"a.csv": "1"})
    with pytest.raises(UserError, match="is not inside a LEAN folder"):
        run_import("lean", tmp_path / "alone.zip", tmp_path / "cat")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 77), st.floats(1, 100).map(lambda x: round(x, 2))), min_size=1, max_size=20))
def test_csv_and_parquet_of_the_same_rows_give_the_same_bars(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("pair")
    wall = [f"2018-07-02 {(570 + 5 * n) // 60:02d}:{(570 + 5 * n) % 60:02d}:00" for n, _ in rows]
    prices = {name: [p for _, p in rows] for name in ("open", "high", "low", "close")}
    lines = ["ts,open,high,low,close", *(f"{w},{p},{p},{p},{p}" for w, (_, p) in zip(wall, rows, strict=True))]
    run_import("csv", write(folder / "a.csv", "\n".join(lines)), folder / "a", BARS)
    naive = pa.array(wall).cast(pa.timestamp("us"))
    pq.write_table(pa.table({"ts": naive, **prices}), folder / "b.parquet")
    run_import("parquet", folder / "b.parquet", folder / "b", BARS)
    a, b = (Catalog.open(folder / name).bars("SPY", "5m") for name in ("a", "b"))
    assert {name: a[name].tolist() for name in ("ts_ns", "close")} == {n: b[n].tolist() for n in ("ts_ns", "close")}
    assert len(a["ts_ns"]) == len({n for n, _ in rows})


def test_progress_ends_with_all_bytes(tmp_path):
    seen = []
    source = write(tmp_path / "spy.csv", BARS_CSV)
    run_import(
        "csv", source, tmp_path / "cat", BARS, progress=lambda done, total, text: seen.append((done, total, text))
    )
    assert seen[-1] == (source.stat().st_size, source.stat().st_size, "spy.csv")


def test_every_importer_says_what_its_options_mean():
    for name, importer in IMPORTERS.items():
        assert name == importer.NAME
        assert importer.SUFFIXES
        assert all(text for text in importer.OPTIONS.values())
