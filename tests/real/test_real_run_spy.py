"""Six downloads of SPY's chain through the commands: what is stale or from outside the sessions is never traded on."""

import csv
import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from contango_common.events.codec import decode
from contango_common.events.market import ChainFrame, FeedState
from contango_common.events.order import Filled, OrderSubmitted
from contango_common.events.signal import Proposal, Scan
from contango_common.runtime.canon import digest
from contango_market_data.catalog.store import Catalog
from contango_research.backtest import period_of, run_backtest
from contango_research.book import load_book

ROOT = Path(__file__).resolve().parents[2]
RAW = ROOT.parent / "shared" / "data" / "cboe_quotedata" / "raw"
BOOK = ROOT / "examples" / "spy_snapshots.yaml"
CONTANGO = Path(sys.executable).with_name("contango")
pytestmark = [
    pytest.mark.real,
    pytest.mark.xdist_group("real-run-spy"),
    pytest.mark.skipif(not RAW.is_dir(), reason=f"real market data is not at {RAW}"),
]
SNAPSHOTS = ("20250430_2035", "20250501_0828", "20250501_1649", "20250502_1847", "20250506_1809", "20250506_1814")
EVENING, BEFORE_OPEN = "April 30, 2025 at 8:35 PM EDT", "May 1, 2025 at 8:28 AM EDT"


def contango(*words: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CONTANGO, *map(str, words)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done


@dataclass(frozen=True)
class Run:
    """A catalog made through the command line, and the log of the book on it as (UTC minute, event)."""

    catalog: Path
    facts: list
    digest: str

    def of(self, kind: type) -> list:
        return [(minute, event) for minute, event in self.facts if type(event) is kind]


def run(folder: Path, source: Path, *options: str) -> Run:
    path = folder / "catalog"
    contango("data", "import", "--format", "cboe", source, "--catalog", path, *options)
    book, catalog = load_book(BOOK), Catalog.open(path)
    messages = run_backtest(catalog, book, period_of(catalog, book, None, None), folder / "blocks").log.messages
    facts = []
    for message in messages:
        envelope = decode(message.data)
        minute = str(np.datetime64(envelope.ts_ns, "ns"))[:16]
        facts += [(minute, event) for event in envelope.events]
    return Run(path, facts, digest(messages))


@pytest.fixture(scope="module")
def six(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("six")
    for name in SNAPSHOTS:
        (folder / f"SPY_{name}.csv.gz").write_bytes((RAW / f"SPY_{name}.csv.gz").read_bytes())
    return folder


@pytest.fixture(scope="module")
def kept(six, tmp_path_factory) -> Run:
    return run(tmp_path_factory.mktemp("kept"), six)


@pytest.fixture(scope="module")
def closed(six, tmp_path_factory) -> Run:
    return run(tmp_path_factory.mktemp("closed"), six, "-O", "after_hours=close")


OUTSIDE, COPY = "outside the session", "same quotes under a new timestamp"


def test_snapshots_from_outside_the_sessions_are_shown_with_the_reason_and_never_traded_on(kept):
    """The one of the morning repeats the evening before; the last one repeats few rows of five minutes before."""
    assert [(minute, e.state, e.reasons) for minute, e in kept.of(FeedState)] == [
        ("2025-05-01T00:35", "stale", (OUTSIDE,)),
        ("2025-05-01T12:28", "stale", (COPY,)),
        ("2025-05-01T20:49", "stale", (OUTSIDE,)),
    ]
    shown = ["2025-05-01T00:35", "2025-05-01T20:49", "2025-05-02T22:47", "2025-05-06T22:09", "2025-05-06T22:14"]
    assert [minute for minute, _ in kept.of(ChainFrame)] == shown
    assert not kept.of(Proposal)
    assert not kept.of(OrderSubmitted)


def test_the_command_ends_with_a_report_and_the_same_digest(kept, tmp_path):
    done = contango("backtest", "--config", BOOK, "--catalog", kept.catalog, "--out", tmp_path / "run")
    assert done.stdout.strip().splitlines()[-1] == f"digest: {kept.digest}"
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["frames"], summary["trades"], summary["refused"]) == (6, 0, len(kept.of(Scan)))
    assert (tmp_path / "run" / "report.html").stat().st_size > 1000


def test_every_refusal_names_the_feed_and_the_hour_among_its_reasons(kept):
    scans = kept.of(Scan)
    assert len(scans) == len({event.session_date for _, event in kept.of(ChainFrame)})
    for _, scan in scans:
        refusing = {gate for gate, ok in scan.gates.items() if not ok}
        assert {"feed_live", "session_time"} <= refusing


def test_flagged_rows_are_counted_on_the_frame(kept):
    """18 asks far above their bids on 30 April."""
    _, evening = kept.of(ChainFrame)[0]
    assert dict(zip(evening.flags, evening.flag_counts, strict=True)) == {
        "stub: ask above 10 x bid with a mid above 1": 18
    }


def test_put_at_their_close_the_evening_snapshots_may_be_traded_and_the_morning_one_may_not(closed):
    states = [(minute, e.state) for minute, e in closed.of(FeedState)]
    assert states == [("2025-04-30T20:00", "live"), ("2025-05-01T12:28", "stale"), ("2025-05-01T20:00", "live")]
    proposals, fills = closed.of(Proposal), closed.of(Filled)
    assert proposals
    assert fills
    assert {minute[11:] for minute, _ in [*proposals, *fills]} == {"20:00"}
    assert len(closed.of(ChainFrame)) == 4  # of the two of 6 May, the later one stands at the close


def quotes_by_hand(path: Path) -> dict[str, tuple[Decimal, Decimal]]:
    """Bid and ask of every contract of a download, read without the importer."""
    found = {}
    for row in csv.reader(gzip.decompress(path.read_bytes()).decode().splitlines()[4:]):
        found |= {row[at]: (Decimal(row[at + 3]), Decimal(row[at + 4])) for at in (1, 12)}
    return found


def test_what_was_filled_was_quoted_then_on_both_sides_and_uncrossed(closed):
    files = {"2025-05-01": "20250501_1649", "2025-05-02": "20250502_1847", "2025-05-06": "20250506_1814"}
    for minute, fill in closed.of(Filled):
        source = quotes_by_hand(RAW / f"SPY_{files[minute[:10]]}.csv.gz")
        for name, lots, micros in zip(fill.instruments, fill.leg_quantities, fill.leg_price_micros, strict=True):
            bid, ask = source[name]
            assert 0 < bid <= ask
            share = Decimal("0.53") * (ask - bid)
            assert Decimal(micros) / 1_000_000 == (bid + share if lots > 0 else ask - share)


def test_a_snapshot_before_the_opening_does_not_use_up_the_scan_of_its_session(closed):
    assert "2025-05-01T20:00" in [minute for minute, _ in closed.of(Scan)]


def restamped(six: Path, folder: Path, name: str, old: str, new: str) -> None:
    text = gzip.decompress((six / f"SPY_{name}.csv.gz").read_bytes()).decode()
    assert old in text
    (folder / f"SPY_{name}.csv").write_text(text.replace(old, new))


@pytest.fixture
def repeated(six, tmp_path) -> Run:
    """The same quotes at eleven and, with 358 contracts more listed, at noon of one session."""
    source = tmp_path / "source"
    source.mkdir()
    restamped(six, source, "20250430_2035", EVENING, "May 1, 2025 at 11:00 AM EDT")
    restamped(six, source, "20250501_0828", BEFORE_OPEN, "May 1, 2025 at 12:00 PM EDT")
    return run(tmp_path, source)


def test_the_same_quotes_under_a_new_timestamp_are_stale_although_contracts_were_added(repeated):
    assert [(minute, e.state) for minute, e in repeated.of(FeedState)] == [
        ("2025-05-01T15:00", "live"),
        ("2025-05-01T16:00", "stale"),
    ]
