"""Quality: each finding is found where it is planted and nowhere else; nothing is changed."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_common.edge.calendar import session_table
from contango_market_data import inspect
from contango_market_data.catalog.info import CatalogInfo
from contango_market_data.catalog.store import Catalog
from contango_market_data.quality import (
    CROSSED,
    LOCKED,
    NO_QUOTE,
    ONE_SIDED,
    STUB,
    UNTRADABLE,
    ZERO_BID,
    Snapshot,
    all_bids_zero,
    is_adjusted,
    price_elsewhere,
    quote_mask,
    row_flags,
    snapshot_gaps,
    stale_rows,
    wrong_date,
)
from contango_market_data.quality_bars import bar_flags, grid_flags, session_grid
from contango_market_data.quality_flag import FlagBook

NAN = float("nan")
SESSIONS = session_table("XNYS", date(2018, 7, 2), date(2018, 7, 6))


def utc_ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


CASES = [
    (1.0, 1.1, 0),
    (1.2, 1.1, CROSSED),
    (1.1, 1.1, LOCKED),
    (0.3, 4.8, STUB),
    (0.0, 4.8, STUB | ZERO_BID),
    (0.01, 0.2, 0),  # 20 x the bid, but worth pennies
    (0.0, 0.05, ZERO_BID),
    (NAN, 0.5, ONE_SIDED),
    (0.5, NAN, ONE_SIDED),
    (0.5, 0.0, ONE_SIDED),
    (0.0, 0.0, NO_QUOTE | ZERO_BID),
    (NAN, NAN, NO_QUOTE),
    (NAN, 0.0, NO_QUOTE),
]


@pytest.mark.parametrize(("bid", "ask", "expected"), CASES)
def test_a_quote_has_exactly_these_findings(bid, ask, expected):
    assert quote_mask(np.array([bid]), np.array([ask])).tolist() == [int(expected)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(*[st.floats(0, 100) | st.just(NAN)] * 2), max_size=30))
def test_a_row_that_may_be_traded_has_a_bid_not_above_a_positive_ask(rows):
    bid, ask = np.array([b for b, _ in rows]), np.array([a for _, a in rows])
    usable = (quote_mask(bid, ask) & UNTRADABLE) == 0
    assert all(0 <= b <= a and a > 0 for b, a in zip(bid[usable], ask[usable], strict=True))


def test_flags_count_rows_and_name_the_first():
    flags = row_flags(quote_mask(np.array([1.0, 3.0, 4.0]), np.array([2.0, 2.0, 2.0])), "SPX 20180702")
    assert [(f.reason, f.count, f.first_where) for f in flags] == [("crossed: bid above ask", 2, "SPX 20180702, row 1")]


@pytest.mark.parametrize(("root", "adjusted"), [("AMD1", True), ("AMD", False), ("SPXW", False), ("BRKB", False)])
def test_adjusted_roots_end_in_a_digit(root, adjusted):
    assert is_adjusted(root) is adjusted


def snapshot(ts, keys, bid, ask=None, expiry=None):
    bid = np.asarray(bid, dtype=float)
    ask = bid + 0.1 if ask is None else np.asarray(ask, dtype=float)
    expiries = np.full(len(keys), 20_000) if expiry is None else np.asarray(expiry)
    return Snapshot(ts, np.asarray(keys, dtype=np.int64), expiries, bid, ask)


def test_a_copy_under_a_new_instant_is_stale_also_when_rows_were_left_out():
    keys, bid = np.arange(100), np.linspace(1, 50, 100)
    first = snapshot(1, keys, bid)
    assert stale_rows(first, snapshot(2, keys, bid)) == 100
    assert stale_rows(first, snapshot(2, keys[::2], bid[::2])) == 50
    assert stale_rows(first, snapshot(2, keys, np.where(keys < 10, bid + 1, bid))) == 0
    assert stale_rows(snapshot(1, keys[:10], bid[:10]), snapshot(2, keys[:10], bid[:10])) == 0  # too few to say


def test_a_snapshot_without_any_bid():
    assert all_bids_zero(snapshot(1, np.arange(30), np.zeros(30)))
    assert not all_bids_zero(snapshot(1, np.arange(30), np.eye(1, 30).ravel()))


def test_a_date_is_hard_to_believe_when_the_expiries_say_so():
    days = 17_714
    daily = snapshot(1, np.arange(6), np.ones(6), expiry=days + np.arange(6))
    assert wrong_date(daily, days) is None
    assert "10 days ahead" in (wrong_date(daily, days - 10) or "")
    assert "before its session" in (wrong_date(daily, days + 2) or "")
    monthly = snapshot(1, np.arange(6), np.ones(6), expiry=days + 28 * np.arange(1, 7))
    assert wrong_date(monthly, days) is None


def test_a_date_is_wrong_when_expiries_and_price_are_of_another_session():
    days = int(np.datetime64("2018-07-16").astype(np.int64))
    late = replace(snapshot(1, np.arange(6), np.ones(6), expiry=days + np.arange(6)), spot=2800.0)
    ranges = {20180706: (2710.0, 2765.0), 20180713: (2785.0, 2795.0), 20180716: (2790.0, 2810.0)}
    told = price_elsewhere(late, 20180706, ranges) or ""
    assert "spot 2800 is outside 2710..2765" in told
    assert "as on 2018-07-16" in told
    assert price_elsewhere(replace(late, spot=2700.0), 20180706, ranges) == "spot 2700 is outside 2710..2765"
    assert price_elsewhere(replace(late, spot=2720.0), 20180706, ranges) is None
    assert price_elsewhere(late, 20180705, ranges) is None  # no bar, no witness
    assert price_elsewhere(replace(late, spot=NAN), 20180706, ranges) is None


WEEKEND_NS = utc_ns("2018-07-07T14:00")


@pytest.mark.parametrize(
    ("first_expiry", "spot", "expected"),
    [
        ("2018-07-16", 2800.0, {"wrong header date: expiries and price are of another session": 1}),
        ("2018-07-16", 2750.0, {"date hard to believe": 1}),
        ("2018-07-09", 2800.0, {"spot outside the day's range": 6}),
        ("2018-07-09", 2760.0, {}),
    ],
)
def test_a_weekend_download_is_measured_by_the_session_before_it(tmp_path, first_expiry, spot, expected):
    catalog = Catalog.create(tmp_path, CatalogInfo(name="test"))
    table = pa.table(
        {
            "quote_ts": pa.array([WEEKEND_NS] * 6).cast(pa.timestamp("ns", tz="UTC")),
            "root": ["SPXW"] * 6,
            "expiry": pa.array((np.datetime64(first_expiry) + np.arange(6)).astype("M8[D]")),
            "strike": np.full(6, 2700.0),
            "right": ["C"] * 6,
            "bid": np.arange(2.0, 8.0),
            "ask": np.arange(2.0, 8.0) + 0.5,
            "spot": np.full(6, spot),
        }
    )
    catalog.write_chains("SPX", table)
    closes = [utc_ns("2018-07-06T20:00"), utc_ns("2018-07-16T20:00")]
    bars = {"open": [2740.0, 2800.0], "high": [2765.0, 2810.0], "low": [2710.0, 2790.0], "close": [2760.0, 2800.0]}
    catalog.write_bars("SPX", "1d", pa.table({"ts": pa.array(closes).cast(pa.timestamp("ns", tz="UTC")), **bars}))
    found = {f.flag.reason: f.flag.count for f in inspect.check(catalog) if f.subject == "SPX chains"}
    assert found.pop("snapshot outside the sessions") == 1
    wrong = "wrong header date: expiries and price are of another session"
    if wrong in expected:
        assert found.pop("spot outside the day's range") == 6
    assert found == expected


def test_gaps_between_snapshots():
    assert snapshot_gaps(np.array([0, 30, 60, 150, 180])).tolist() == [3]
    assert snapshot_gaps(np.array([0, 30, 60, 90])).tolist() == []


def test_planted_faults_of_bars_are_each_found_once():
    ts = np.array([10, 20, 20, 15, 30], dtype=np.int64)
    columns = {
        "open": np.array([1.0, 1.0, 1.0, 0.0, 9.0]),
        "high": np.array([2.0, 0.5, 2.0, 2.0, 2.0]),
        "low": np.array([0.5, 1.0, 0.5, 0.0, 0.5]),
        "close": np.array([1.0, 0.7, 1.0, 1.0, 1.0]),
        "volume": np.array([1.0, 1.0, NAN, -1.0, 1.0]),
    }
    found = {flag.reason: flag.count for flag in bar_flags(ts, columns, "X")}
    assert found == {
        "not positive: a price of 0 or less": 1,
        "high below low": 1,
        "open or close outside high and low": 1,
        "negative volume": 1,
        "repeated instant": 1,
        "instant before its predecessor": 1,
    }


def test_the_grid_follows_half_days_and_holidays():
    grid = session_grid(SESSIONS, 60, SESSIONS.open_ns[0], SESSIONS.close_ns[-1])
    assert len(grid) == 3 * 7 + 4
    assert set(SESSIONS.close_ns) <= set(grid.tolist())
    assert session_grid(SESSIONS, 1440, SESSIONS.open_ns[0], SESSIONS.close_ns[-1]).tolist() == list(SESSIONS.close_ns)


def test_missing_outside_and_misaligned_bars_are_told_apart():
    grid = session_grid(SESSIONS, 5, SESSIONS.open_ns[0], SESSIONS.close_ns[-1])
    assert grid_flags(grid, SESSIONS, 5, "X") == []
    second = (grid > SESSIONS.open_ns[1]) & (grid <= SESSIONS.close_ns[1])
    holed = np.sort(np.concatenate([grid[~second][1:-4], [grid[-1], SESSIONS.open_ns[0] + 7, SESSIONS.open_ns[0]]]))
    found = {flag.reason: (flag.count, flag.detail) for flag in grid_flags(holed, SESSIONS, 5, "X")}
    assert found["gap: bars missing"] == (42 + 3 + 1, "46 of 276 bars, among them 1 whole sessions")
    assert found["outside the sessions"][0] == 1
    assert found["off the sessions' grid"][0] == 1


def test_a_book_of_flags_counts_by_reason_and_keeps_the_first_place():
    book = FlagBook()
    book.add("crossed", 2, "here")
    book.add("crossed", 3, "there")
    book.add("locked", 0, "nowhere")
    assert [(f.reason, f.count, f.first_where) for f in book.flags()] == [("crossed", 5, "here")]


def _chain(instants: list[int], bid: list[float]) -> pa.Table:
    strikes = np.arange(30, dtype=float) + 2700
    count = len(instants)
    return pa.table(
        {
            "quote_ts": pa.array(np.repeat(instants, 30)).cast(pa.timestamp("ns", tz="UTC")),
            "root": ["SPXW"] * 30 * count,
            "expiry": pa.array([17_900] * 30 * count, pa.int32()).cast(pa.date32()),
            "strike": np.tile(strikes, count),
            "right": ["C"] * 30 * count,
            "bid": np.repeat(bid, 30),
            "ask": np.repeat(bid, 30) + 0.5,
            "spot": np.full(30 * count, 2720.0),
        }
    )


def test_a_catalog_is_checked_session_by_session(tmp_path):
    catalog = Catalog.create(tmp_path, CatalogInfo(name="test"))
    with pytest.raises(UserError, match="is empty"):
        inspect.check(catalog)
    instants = [SESSIONS.close_ns[0], SESSIONS.close_ns[2], SESSIONS.close_ns[2] + 1]
    catalog.write_chains("SPX", _chain(instants, [2.0, 0.0, 0.0]))
    bars = {name: [2700.0, 2710.0] for name in ("open", "high", "low", "close")}
    ts = pa.array([SESSIONS.close_ns[0], SESSIONS.close_ns[2]]).cast(pa.timestamp("ns", tz="UTC"))
    catalog.write_bars("SPX", "1d", pa.table({"ts": ts, **bars}))
    findings = inspect.check(catalog)
    found = {(f.subject, f.flag.reason): f.flag.count for f in findings}
    assert found == {
        ("SPX 1d", "gap: bars missing"): 1,
        ("SPX chains", "gap: session without quotes"): 1,
        ("SPX chains", "zero bid"): 60,
        ("SPX chains", "snapshot whose bids are all zero"): 2,
        ("SPX chains", "snapshot outside the sessions"): 1,
        ("SPX chains", "stale copy: the quotes of the snapshot before"): 1,
        ("SPX chains", "spot outside the day's range"): 90,
    }
    held = {(h.symbol, h.timeframe): (h.rows, h.sessions, h.flags) for h in inspect.show(catalog, findings)}
    assert held == {("SPX", "1d"): (2, 2, 1), ("SPX", "chains"): (90, 2, 155)}
