"""Frames: the window of strikes, the cut of a session, and what a snapshot is worth."""

from datetime import date

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.chain import NO_QUOTE, find_row, id_at, key_of
from contango_common.edge.calendar import session_table
from contango_market_data.cut import SessionQuotes, Snapshot, cut, read_session
from contango_market_data.listing import Window
from contango_market_data.snapshot_state import SnapshotState

SESSIONS = session_table("XNYS", date(2018, 3, 1), date(2018, 3, 30))
OPEN = SESSIONS.open_ns[0]
HALF_HOUR = 1_800_000_000_000
DAY = (date(2018, 3, 1) - date(1970, 1, 1)).days
EXPIRY, EXPIRY_DAY = 20180316, (date(2018, 3, 16) - date(1970, 1, 1)).days


def test_a_window_only_grows_also_over_a_hole_in_the_data():
    window = Window(60, -0.15, 0.08)
    window.widen(2000.0, DAY, {EXPIRY: EXPIRY_DAY})
    assert window.ranges == {EXPIRY: (1_700_000, 2_160_001)}
    window.widen(1700.0, DAY + 1, {20180329: EXPIRY_DAY + 13})
    window.widen(1700.0, DAY + 4, {EXPIRY: EXPIRY_DAY})
    assert window.ranges[EXPIRY] == (1_445_000, 2_160_001), "a held 2100 call is still quoted"


def test_a_window_forgets_what_has_expired():
    window = Window(60, -0.15, 0.08)
    window.widen(2000.0, DAY, {EXPIRY: EXPIRY_DAY})
    window.widen(2000.0, EXPIRY_DAY, {EXPIRY: EXPIRY_DAY})
    assert EXPIRY in window.ranges
    window.widen(2000.0, EXPIRY_DAY + 1, {})
    assert window.ranges == {}


@given(st.lists(st.floats(500, 5000), min_size=2, max_size=12))
def test_a_window_contains_every_window_it_was(spots):
    window = Window(60, -0.15, 0.08)
    seen: list[tuple[int, int]] = []
    for i, spot in enumerate(spots):
        window.widen(spot, DAY, {EXPIRY: EXPIRY_DAY} if i % 3 or i == 0 else {})
        if EXPIRY in window.ranges:
            low, high = window.ranges[EXPIRY]
            assert all(low <= a and b <= high for a, b in seen)
            seen.append((low, high))


def table(rows: list[tuple[int, str, float, float, float]]) -> pa.Table:
    """(snapshot, root, strike, bid, ask) of March puts at a spot of 2000."""
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {
            "quote_ts": pa.array([OPEN + HALF_HOUR * (1 + i) for i in columns[0]], pa.timestamp("ns", tz="UTC")),
            "root": pa.array(columns[1]),
            "spot": [2000.0] * len(rows),
            "expiry": [date(2018, 3, 16)] * len(rows),
            "strike": [float(x) for x in columns[2]],
            "right": ["P"] * len(rows),
            "bid": [float(x) for x in columns[3]],
            "ask": [float(x) for x in columns[4]],
            "bid_size": [10] * len(rows),
            "ask_size": pa.array([None] * len(rows), pa.int64()),
        }
    )


def snapshots(rows: list[tuple[int, str, float, float, float]]) -> list[Snapshot]:
    session: SessionQuotes = read_session(table(rows))
    return list(cut(session, Window(60, -0.15, 0.08), DAY, lambda root, expiry: (7, 7), 0.01))


def test_snapshots_of_one_listing_share_their_contracts():
    first, second = snapshots([(0, "SPXW", 1900, 1.0, 1.2), (1, "SPXW", 1900, 2.0, 2.2)])
    assert (first.same_listing, second.same_listing) == (False, True)
    assert second.contracts is first.contracts
    assert (first.quotes["bid_ticks"].tolist(), second.quotes["ask_ticks"].tolist()) == ([100], [220])


def test_a_contract_is_found_by_its_name_and_named_by_its_row():
    (snapshot,) = snapshots([(0, "SPX", 1900, 1.0, 1.2), (0, "SPXW", 1900, 1.1, 1.3)])
    row = find_row(snapshot.contracts, key_of(snapshot.roots, "SPXW180316P01900000"))
    assert row is not None
    assert id_at(snapshot.contracts, snapshot.roots, row) == "SPXW180316P01900000"
    assert snapshot.quotes["bid_ticks"][row] == 110


def test_a_root_that_is_quoted_later_does_not_show_before():
    first, second = snapshots([(0, "SPXW", 1900, 1.0, 1.2), (1, "SPX", 1900, 1.0, 1.2), (1, "SPXW", 1900, 1.0, 1.2)])
    assert (first.roots, second.roots) == (("SPXW",), ("SPX", "SPXW"))


def test_rows_nobody_may_trade_on_carry_no_quote_and_are_counted():
    (snapshot,) = snapshots([(0, "SPXW", 1900, 2.0, 1.0), (0, "SPXW", 1905, 1.0, 1.2), (0, "SPXW", 1910, 0.5, 9.0)])
    assert snapshot.quotes["ask_ticks"].tolist() == [NO_QUOTE, 120, NO_QUOTE]
    assert sorted(snapshot.flags.values()) == [1, 1]


def many(snapshot: int, shift: float = 0.0, extra: int = 0) -> list[tuple[int, str, float, float, float]]:
    return [(snapshot, "SPXW", 1800 + i, 1.0 + i + shift, 1.5 + i + shift) for i in range(40 + extra)]


def states(rows: list[tuple[int, str, float, float, float]]) -> list[tuple[str, bool]]:
    state = SnapshotState("SPX", SESSIONS)
    said = "none"
    found = []
    for snapshot in snapshots(rows):
        verdict = state.judge(snapshot, 20180301)
        said = verdict.changes[0].state if verdict.changes else said
        found.append((said, verdict.usable))
    return found


def test_the_same_quotes_under_a_new_timestamp_are_stale_and_not_shown():
    assert states(many(0) + many(1)) == [("live", True), ("stale", False)]
    assert states(many(0) + many(1, extra=3)) == [("live", True), ("stale", False)]


def test_few_old_quotes_among_many_new_ones_are_no_copy():
    assert states(many(0) + many(1, extra=60)) == [("live", True), ("live", True)]


def test_new_quotes_are_live_and_no_bid_anywhere_is_refused():
    nothing = [(2, "SPXW", 1800 + i, 0.0, 1.5) for i in range(40)]
    assert states(many(0) + many(1, 0.1) + nothing)[1:] == [("live", True), ("refused", False)]


def test_columns_are_read_as_integers_whatever_the_dictionary():
    session = read_session(table([(0, "SPXW", 1900, 1.0, 1.2)]))
    assert session.strike_millis.dtype == np.int32
    assert (session.ask_size.tolist(), session.is_call.tolist()) == ([-1], [0])


def test_volume_and_open_interest_come_along_where_the_session_has_them():
    rows = [(0, "SPXW", 1900, 1.0, 1.2), (0, "SPXW", 1905, 1.1, 1.3)]
    counted = table(rows).append_column("volume", pa.array([None, 7], pa.int64()))
    counted = counted.append_column("open_interest", pa.array([None, None], pa.int64()))
    (plain,), (snapshot,) = (
        list(cut(read_session(t), Window(60, -0.15, 0.08), DAY, lambda root, expiry: (7, 7), 0.01))
        for t in (table(rows), counted)
    )
    assert set(snapshot.quotes) - set(plain.quotes) == {"volume"}
    assert snapshot.quotes["volume"].tolist() == [-1, 7]
