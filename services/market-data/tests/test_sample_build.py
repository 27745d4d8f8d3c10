"""The catalog that is built: same bytes however it is built, complete, and nothing left behind on failure."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contango_common.domain.errors import UserError
from contango_market_data.catalog.store import Catalog
from contango_market_data.sample import build
from contango_market_data.sample.build import SampleReport, build_sample
from contango_market_data.sample.daily import load_market
from contango_market_data.sample.market import Market
from contango_market_data.sample.month import Month, Plan

FIRST, LAST = date(2018, 1, 30), date(2018, 3, 2)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return build_sample(tmp_path_factory.mktemp("sample") / "catalog", first=FIRST, last=LAST, processes=1)


@pytest.fixture(scope="module")
def market() -> Market:
    return load_market()


def test_processes_and_hash_seed_change_no_byte(built: SampleReport, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom datetime import date\nfrom contango_market_data.sample.build import build_sample\n"
        "if __name__ == '__main__':\n"
        "    build_sample(sys.argv[1], first=date(2018, 1, 30), last=date(2018, 3, 2), processes=2)\n"
    )
    program = tmp_path / "program.py"
    program.write_text(script, encoding="utf-8")
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, str(program), str(tmp_path / "again")], check=True, env=environment)
    assert _bytes(tmp_path / "again") == _bytes(built.path)


def test_a_month_alone_is_the_month_of_a_longer_build(built: SampleReport, tmp_path: Path) -> None:
    alone = build_sample(tmp_path / "alone", first=date(2018, 2, 1), last=date(2018, 2, 28))
    month = Path("chains") / "SPX" / "201802.parquet"
    assert (alone.path / month).read_bytes() == (built.path / month).read_bytes()
    short, long = Catalog.open(alone.path), Catalog.open(built.path)
    for symbol in ("SPX", "VIX"):
        bars = short.bars(symbol, "5m")
        same = long.bars(symbol, "5m", int(bars["ts_ns"][0]) - 1, int(bars["ts_ns"][-1]))
        for name in ("ts_ns", "open", "high", "low", "close"):
            assert bars[name].tobytes() == same[name].tobytes()


def test_catalog_holds_what_the_report_says(built: SampleReport) -> None:
    catalog = Catalog.open(built.path)
    sessions = catalog.sessions_of_chains("SPX")
    assert (built.sessions, sessions[0], sessions[-1]) == (len(sessions), 20180130, 20180302)
    assert built.quotes == sum(table.num_rows for _, table in catalog.chains("SPX"))
    assert built.bars == len(catalog.bars("SPX", "5m")["ts_ns"]) == 78 * built.sessions
    assert catalog.info.symbols == ("SPX", "VIX")
    assert catalog.info.roots == {"SPX": ("SPXW",)}
    assert catalog.info.notes == built.sources
    assert any("no verdict may be drawn from the P&L" in note for note in built.sources)
    assert any("overnight gap risk understated" in note for note in built.sources)


def test_daily_bars_are_the_real_ones(built: SampleReport, market: Market) -> None:
    catalog = Catalog.open(built.path)
    daily, vix = catalog.bars("SPX", "1d"), catalog.bars("VIX", "1d")
    count = market.rows(0, 20180302).stop
    for name in ("open", "high", "low", "close", "volume"):
        assert daily[name].tobytes() == getattr(market, name)[:count].tobytes()
    assert np.array_equal(daily["ts_ns"], market.close_ns[:count])
    assert np.array_equal(vix["close"], market.vix[market.start : count])


def test_five_minute_bars_add_up_to_the_real_days(built: SampleReport, market: Market) -> None:
    bars = Catalog.open(built.path).bars("SPX", "5m")
    for row in market.rows(20180130, 20180302):
        today = (bars["ts_ns"] > market.open_ns[row]) & (bars["ts_ns"] <= market.close_ns[row])
        assert bars["open"][today][0] == market.open[row]
        assert bars["high"][today].max() == market.high[row]
        assert bars["low"][today].min() == market.low[row]
        assert bars["close"][today][-1] == market.close[row]


def test_one_listing_and_one_order_within_a_session(built: SampleReport) -> None:
    contract = ["expiry", "strike", "right"]
    for _, table in Catalog.open(built.path).chains("SPX"):
        moments = pc.unique(table.column("quote_ts"))
        per_moment = table.num_rows // len(moments)
        first = table.slice(0, per_moment).select(contract).combine_chunks()
        for k in range(1, len(moments)):
            assert table.slice(k * per_moment, per_moment).select(contract).combine_chunks().equals(first)


def test_a_listed_contract_stays_until_it_expires(built: SampleReport) -> None:
    held: set[tuple[date, float]] = set()
    for day, table in Catalog.open(built.path).chains("SPX", columns=["expiry", "strike"]):
        today = date(day // 10_000, day // 100 % 100, day % 100)
        pairs = table.group_by(["expiry", "strike"]).aggregate([])
        listed = set(zip(pairs["expiry"].to_pylist(), pairs["strike"].to_pylist(), strict=True))
        assert {contract for contract in held if contract[0] >= today} <= listed
        held = listed


def test_settlements_are_the_real_close_of_every_expiry(built: SampleReport, market: Market) -> None:
    table = Catalog.open(built.path).settlements()
    assert table is not None
    expiries = [int(day.strftime("%Y%m%d")) for day in table.column("expiry").to_pylist()]
    assert expiries == [20180131, 20180202, 20180209, 20180216, 20180223, 20180228, 20180302]
    for expiry, instant, price in zip(
        expiries, table.column("ts").cast("int64").to_pylist(), table.column("price").to_pylist(), strict=True
    ):
        row = market.rows(expiry, expiry).start
        assert (instant, price) == (market.close_ns[row], market.close[row])


def test_rates_cover_every_session(built: SampleReport) -> None:
    table = Catalog.open(built.path).rates()
    assert table is not None
    assert table.num_rows == 2 * built.sessions
    assert 0.014 < pc.min(table.column("rate_annual")).as_py() < pc.max(table.column("rate_annual")).as_py() < 0.016


def test_one_row_group_per_session(built: SampleReport) -> None:
    assert pq.ParquetFile(built.path / "chains" / "SPX" / "201802.parquet").num_row_groups == 19


def test_progress_counts_sessions(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build_sample(
        tmp_path / "c",
        progress=lambda done, total: seen.append((done, total)),
        first=date(2018, 2, 27),
        last=date(2018, 3, 1),
    )
    assert seen == [(2, 3), (3, 3)]


def test_an_occupied_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="is not empty"):
        build_sample(tmp_path)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2013, 12, 1), date(2014, 2, 1)),
        (date(2018, 1, 1), date(2019, 1, 2)),
        (date(2018, 2, 3), date(2018, 2, 4)),
        (date(2018, 3, 1), date(2018, 2, 1)),
    ],
)
def test_a_range_without_data_is_refused(tmp_path: Path, first: date, last: date) -> None:
    with pytest.raises(UserError, match="choose sessions between 2014-01-03 and 2018-12-31"):
        build_sample(tmp_path / "c", first=first, last=last)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(plan: Plan, rows: range) -> Month:
        raise OSError("no space left on device")

    monkeypatch.setattr(build, "build_month", broken)
    with pytest.raises(OSError, match="no space"):
        build_sample(tmp_path / "c", first=FIRST, last=LAST)
    assert list(tmp_path.iterdir()) == []


def _bytes(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
