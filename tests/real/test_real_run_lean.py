"""LEAN option days through the commands: what is filled was quoted, two-sided and uncrossed, at that instant.

Quotes are read from the zips a second time here, by code that shares nothing with the importer.
"""

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from contango_common.domain.chain import NO_QUOTE, id_at
from contango_common.events.codec import decode
from contango_common.events.market import ChainFrame, FeedState
from contango_common.events.order import Cancelled, Filled, OrderSubmitted
from contango_common.events.signal import Proposal
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.canon import digest
from contango_market_data.catalog.store import Catalog
from contango_research.backtest import open_feed, period_of, run_backtest
from contango_research.book import Book, load_book

ROOT = Path(__file__).resolve().parents[2]
LEAN = ROOT.parent / "shared" / "data" / "lean" / "raw" / "Data"
DAILY, SPXW = LEAN / "option" / "usa" / "daily", LEAN / "indexoption" / "usa" / "minute" / "spxw"
BOOK = ROOT / "examples" / "goog_lean.yaml"
CONTANGO = Path(sys.executable).with_name("contango")
NEW_YORK = ZoneInfo("America/New_York")
pytestmark = [
    pytest.mark.real,
    pytest.mark.xdist_group("real-run-lean"),
    pytest.mark.skipif(not LEAN.is_dir(), reason=f"real market data is not at {LEAN}"),
]


def contango(*words: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CONTANGO, *map(str, words)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done


# -- the zips, read by hand --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quote:
    """Prices in 10,000ths of a dollar, None where a side was not quoted."""

    bid: int | None
    ask: int | None
    bid_size: int
    ask_size: int

    @property
    def tradable(self) -> bool:
        """Two-sided, uncrossed, and no stub: an ask of more than ten bids with a mid above a dollar."""
        if self.bid is None or self.ask is None or self.bid > self.ask:
            return False
        return not (self.ask > 10 * self.bid and self.bid + self.ask > 20_000)


Quotes = dict[tuple[str, str], Quote]  # (New York time, OCC symbol)


def quote(row: list[str]) -> Quote:
    bid, ask = row[4] or None, row[9] or None
    return Quote(
        None if bid is None else int(bid), None if ask is None else int(ask), int(row[5] or 0), int(row[10] or 0)
    )


def daily_quotes(path: Path, root: str) -> Quotes:
    found: Quotes = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            right, strike, expiry = re.search(r"_(call|put)_(\d+)_(\d{8})\.csv$", name).groups()
            symbol = f"{root}{expiry[2:]}{right[0].upper()}{int(strike) // 10:08d}"
            for line in archive.read(name).decode().splitlines():
                if line:
                    found[line[:8], symbol] = quote(line.split(","))
    return found


def minute_quotes(path: Path, root: str) -> Quotes:
    """A minute's bar is known at its end; milliseconds count from midnight in New York."""
    midnight = datetime.strptime(path.name[:8], "%Y%m%d").replace(tzinfo=NEW_YORK)
    found: Quotes = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            right, strike, expiry = re.search(r"_(call|put)_(\d+)_(\d{8})\.csv$", name).groups()
            symbol = f"{root}{expiry[2:]}{right[0].upper()}{int(strike) // 10:08d}"
            for line in archive.read(name).decode().splitlines():
                row = line.split(",")
                end = midnight + timedelta(milliseconds=int(row[0]), minutes=1)
                found[f"{end:%Y%m%d %H:%M}", symbol] = quote(row)
    return found


# -- the runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lean") / "catalog"
    contango("data", "import", "--format", "lean", DAILY, "--catalog", path)
    return path


def book_on(underlying: str, folder: Path) -> Book:
    raw = yaml.safe_load(BOOK.read_text())
    raw["market_data"]["underlying"] = underlying
    path = folder / "book.yaml"
    path.write_text(yaml.safe_dump(raw))
    return load_book(path)


def new_york(ts_ns: int) -> datetime:
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, NEW_YORK)


@dataclass(frozen=True)
class Run:
    facts: list  # (New York time, event)
    digest: str

    def of(self, kind: type) -> list:
        return [(when, event) for when, event in self.facts if type(event) is kind]


def run(catalog: Path, book: Book, folder: Path) -> Run:
    stored = Catalog.open(catalog)
    messages = run_backtest(stored, book, period_of(stored, book, None, None), folder / "blocks").log.messages
    envelopes = [decode(message.data) for message in messages]
    return Run([(new_york(e.ts_ns), event) for e in envelopes for event in e.events], digest(messages))


def usable(catalog: Path, book: Book, folder: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Every quote that a frame offers for trading, in cents: (New York minute, symbol) -> bid and ask."""
    stored, blocks = Catalog.open(catalog), BlockStore(folder / "frames")
    found = {}
    for item in open_feed(stored, book, period_of(stored, book, None, None), blocks).inputs():
        for frame in item.events:
            if isinstance(frame, ChainFrame):
                contracts, quotes = blocks[frame.contracts], blocks[frame.quotes]
                for row in range(frame.rows):
                    if quotes["ask_ticks"][row] != NO_QUOTE:
                        key = (f"{new_york(item.ts_ns):%Y%m%d %H:%M}", id_at(contracts, frame.roots, row))
                        found[key] = (int(quotes["bid_ticks"][row]), int(quotes["ask_ticks"][row]))
    return found


@pytest.fixture(scope="module")
def goog(catalog, tmp_path_factory) -> Run:
    return run(catalog, load_book(BOOK), tmp_path_factory.mktemp("goog"))


def test_goog_opens_on_the_half_day_at_quotes_that_were_there(goog):
    source = daily_quotes(DAILY / "goog_2015_quote_american.zip", "GOOG")
    fills = goog.of(Filled)
    assert fills
    for when, fill in fills:
        assert f"{when:%Y-%m-%d %H:%M}" == "2015-12-24 13:00"  # the exchange closed at one
        for name, quantity, price in zip(fill.instruments, fill.leg_quantities, fill.leg_price_micros, strict=True):
            quoted = source[f"{when:%Y%m%d}", name]
            assert quoted.tradable
            assert quoted.bid * 100 <= price <= quoted.ask * 100
            share = 0.53 * (quoted.ask - quoted.bid) * 100
            assert price == pytest.approx(quoted.bid * 100 + share if quantity > 0 else quoted.ask * 100 - share, abs=1)
            assert abs(quantity) <= (quoted.ask_size if quantity > 0 else quoted.bid_size)


@pytest.mark.parametrize(("underlying", "zips"), [("GOOG", ["2015"]), ("AAPL", ["2014", "2015"])])
def test_frames_offer_only_what_was_quoted_on_both_sides_and_uncrossed(catalog, tmp_path, underlying, zips):
    source: Quotes = {}
    for year in zips:
        source |= daily_quotes(DAILY / f"{underlying.lower()}_{year}_quote_american.zip", underlying)
    offered = usable(catalog, book_on(underlying, tmp_path), tmp_path)
    assert len(offered) > 500
    for (minute, name), (bid, ask) in offered.items():
        quoted = source[minute[:8], name]
        assert quoted.tradable, (minute, name)
        assert (bid, ask) == (round(quoted.bid / 100), round(quoted.ask / 100))
    flagged = [key for key, quoted in source.items() if not quoted.tradable]
    assert len(flagged) > 100


def test_nothing_is_traded_across_the_split_of_aapl(catalog, tmp_path):
    """Ordered on the Friday before 9 June 2014; on Monday the strikes were a seventh of what they had been."""
    found = run(catalog, book_on("AAPL", tmp_path), tmp_path)
    ordered = found.of(OrderSubmitted)
    assert [f"{when:%Y-%m-%d}" for when, _ in ordered] == ["2014-06-06"]
    assert [e.order_id for _, e in found.of(Cancelled)] == [e.order_id for _, e in ordered]
    assert not found.of(Filled)


@pytest.mark.parametrize("underlying", ["TWX", "NWSA", "FOXA"])
def test_chains_without_a_price_of_the_underlying_are_refused(catalog, tmp_path, underlying):
    found = run(catalog, book_on(underlying, tmp_path), tmp_path)
    assert [(e.state, e.reasons[0]) for _, e in found.of(FeedState)] == [("refused", "no spot")]
    assert not found.of(ChainFrame)
    assert not found.of(Proposal)


@pytest.fixture(scope="module")
def spxw(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("spxw")
    contango("data", "import", "--format", "lean", SPXW.parents[3] / "indexoption", "--catalog", folder / "catalog")
    return run(folder / "catalog", book_on("SPX", folder), folder)


def test_spxw_minutes_without_the_index_are_refused(spxw):
    assert [(e.state, e.reasons[0]) for _, e in spxw.of(FeedState)] == [("refused", "no spot")]
    assert not spxw.of(ChainFrame)
    assert not spxw.of(Proposal)


def test_a_refused_chain_is_not_said_to_have_no_bids_when_it_has(spxw):
    assert [e.reasons for _, e in spxw.of(FeedState)] == [("no spot",)]


def test_spxw_minutes_beside_an_index_offer_no_crossed_or_one_sided_row(tmp_path):
    """The folder has no index; a made-up level beside the real quotes makes them frames."""
    tree = tmp_path / "Data"
    source: Quotes = {}
    for path in sorted(SPXW.glob("202101*_quote_european.zip")):
        copy = tree / path.relative_to(LEAN)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        source |= minute_quotes(path, "SPXW")
        level(tree / "index" / "usa" / "minute" / "spx" / f"{path.name[:8]}_trade.zip", 3750)
    contango("data", "import", "--format", "lean", tree / "indexoption", "--catalog", tmp_path / "catalog")
    offered = usable(tmp_path / "catalog", book_on("SPX", tmp_path), tmp_path)
    assert len(offered) > 20_000
    assert all(source[key].tradable for key in offered)
    crossed = [key for key, q in source.items() if q.bid is not None and q.ask is not None and q.bid > q.ask]
    assert len(crossed) == 56
    assert not set(crossed) & set(offered)


def level(path: Path, price: int) -> None:
    """Minute bars of one price, 8:30 to 15:15 in Chicago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    starts = range(8 * 60 + 30, 15 * 60 + 15)
    lines = [f"{minute * 60_000},{price},{price},{price},{price},0" for minute in starts]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.name[:8]}_spx_minute_trade.csv", "\n".join(lines))


def test_the_command_ends_with_a_report_and_the_same_digest(catalog, goog, tmp_path):
    done = contango("backtest", "--config", BOOK, "--catalog", catalog, "--out", tmp_path / "run")
    assert done.stdout.strip().splitlines()[-1] == f"digest: {goog.digest}"
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["frames"] == 2
