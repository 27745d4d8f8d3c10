"""VXX in December 2016 through the commands: every price, mark and cent again by hand, from the vendor's file alone.

The hand calculation below reads the Parquet file and nothing of the house: prices in whole cents, money as exact
decimals. The log only says *what* was traded and when; at what price, and what came of it, is computed anew.
"""

import csv
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from contango_common.events.codec import decode
from contango_common.events.market import ChainFrame
from contango_common.events.order import Expired, Filled, OrderSubmitted, WorkingPriceMoved
from contango_common.events.risk import PortfolioMarked, TradeClosed
from contango_common.events.signal import Scan
from contango_common.runtime.canon import digest, read_canonical
from contango_market_data.catalog.store import Catalog
from contango_research.backtest import period_of, run_backtest
from contango_research.book import load_book
from contango_signals.strategies import iron_condor

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT.parent / "shared" / "data" / "optopsy_history" / "VXX_201612_eod.parquet"
BOOK = ROOT / "examples" / "vxx.yaml"
CONTANGO = Path(sys.executable).with_name("contango")
pytestmark = [
    pytest.mark.real,
    pytest.mark.xdist_group("real-run-vxx"),
    pytest.mark.skipif(not SOURCE.is_file(), reason=f"real market data is not at {SOURCE}"),
]
COMMISSION = Decimal("0.65")
CONCESSION = Decimal("0.53")  # share of each spread that an order of four legs pays
MULTIPLIER = 100


def contango(*words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CONTANGO, *map(str, words)], capture_output=True, text=True, timeout=240)
    assert not check or done.returncode == 0, done.stderr
    return done


# -- by hand -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quote:
    bid: int  # cents
    ask: int

    def price(self, sign: int, share: Decimal) -> Decimal:
        """Cents when ``share`` of the spread is paid; what nobody bids for is given away."""
        if sign > 0:
            return self.bid + share * (self.ask - self.bid)
        return self.ask - share * (self.ask - self.bid) if self.bid else Decimal(0)

    def mid(self, sign: int) -> Decimal:
        """A zero bid is no half of a mid: what is held is worth nothing then, what is owed costs the ask."""
        if not self.bid:
            return Decimal(0 if sign > 0 else self.ask)
        return Decimal(self.bid + self.ask) / 2


Legs = list[tuple[int, str]]  # signed contracts per unit, OCC symbol


class Hand:
    """The vendor's file as (date, symbol) -> quote."""

    def __init__(self, path: Path) -> None:
        self.spot: dict[str, Decimal] = {}
        self.quotes: dict[tuple[str, str], Quote] = {}
        table = pq.read_table(path, columns=["quote_ts", "root", "spot", "expiry", "strike", "right", "bid", "ask"])
        for row in table.to_pylist():
            day = str(row["quote_ts"])[:10]
            symbol = f"{row['root']}{row['expiry']:%y%m%d}{row['right']}{round(row['strike'] * 1000):08d}"
            self.spot[day] = Decimal(str(row["spot"]))
            self.quotes[day, symbol] = Quote(round(row["bid"] * 100), round(row["ask"] * 100))

    def cost(self, day: str, legs: Legs, share: Decimal = CONCESSION) -> Decimal:
        """Cents one unit costs, credits negative."""
        return sum((n * self.quotes[day, name].price(n, share) for n, name in legs), Decimal(0))

    def worth(self, day: str, legs: Legs) -> Decimal:
        """Dollars that one unit of a holding is worth at mid."""
        return sum((n * self.quotes[day, name].mid(n) for n, name in legs), Decimal(0)) * MULTIPLIER / 100

    def settled(self, day: str, legs: Legs) -> Decimal:
        """Dollars that one unit brings when it expires at the day's last price of the underlying."""
        total = Decimal(0)
        for n, name in legs:
            strike, is_call = Decimal(name[-8:]) / 1000, name[-9] == "C"
            total += n * max(Decimal(0), (self.spot[day] - strike) * (1 if is_call else -1))
        return total * MULTIPLIER


def legs_of(text: str) -> Legs:
    words = text.split()
    return [(int(sign), name) for sign, name in zip(words[::2], words[1::2], strict=True)]


def reverse(legs: Legs) -> Legs:
    return [(-n, name) for n, name in legs]


def usd(micros: int) -> Decimal:
    return Decimal(micros) / 1_000_000


# -- the run -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    folder: Path
    catalog: Path
    facts: list  # (day, source, event)
    trades: list[dict[str, str]]

    def of(self, kind: type) -> list:
        return [(day, event) for day, _, event in self.facts if type(event) is kind]


def facts_of(messages) -> list:
    found = []
    for message in messages:
        envelope = decode(message.data)
        day = str(np.datetime64(envelope.ts_ns, "ns"))[:10]
        found += [(day, envelope.source, event) for event in envelope.events]
    return found


@pytest.fixture(scope="module")
def hand() -> Hand:
    return Hand(SOURCE)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("vxx")
    units = (
        "-O",
        "tz=America/New_York",
        "-O",
        "eod_close=true",
        "-O",
        "theta_unit=per_year",
        "-O",
        "vega_unit=per_unit",
    )
    contango("data", "import", "--format", "parquet", SOURCE, "--catalog", folder / "catalog", *units)
    done = contango("backtest", "--config", BOOK, "--catalog", folder / "catalog", "--out", folder / "run")
    last = done.stdout.strip().splitlines()[-1]
    summary = json.loads((folder / "run" / "summary.json").read_text())
    assert last == f"digest: {summary['digest']}"
    with (folder / "run" / "trades.csv").open() as file:
        trades = list(csv.DictReader(file))
    assert summary["trades"] == len(trades)
    assert summary["frames"] == 20
    facts = facts_of(read_canonical(folder / "run" / "log.jsonl.gz"))
    return Run(folder / "run", folder / "catalog", facts, trades)


def variant(run: Run, folder: Path, signals: dict, exits: dict) -> list:
    """The facts of the same book with other entries and exits."""
    raw = yaml.safe_load(BOOK.read_text())
    own = {key: value for key, value in signals.items() if key in iron_condor.Params.model_fields}
    raw["signals"] |= {key: value for key, value in signals.items() if key not in own}
    raw["signals"]["strategies"]["iron_condor"] |= own
    raw["risk"] = {"exits": exits}
    path = folder / "book.yaml"
    path.write_text(yaml.safe_dump(raw))
    book, catalog = load_book(path), Catalog.open(run.catalog)
    return facts_of(run_backtest(catalog, book, period_of(catalog, book, None, None), folder / "blocks").log.messages)


def test_every_session_is_a_frame_and_the_gates_that_are_off_are_named(run, hand):
    frames = run.of(ChainFrame)
    assert [day for day, _ in frames] == sorted(hand.spot)
    assert all(event.closing and Decimal(str(event.spot)) == hand.spot[day] for day, event in frames)
    off = yaml.safe_load(BOOK.read_text())["signals"]["gates_off"]
    scans = [(day, scan) for day, scan in run.of(Scan) if scan.strategy == "iron_condor"]
    assert len(scans) == 20
    for _, scan in scans:
        assert not set(off) & set(scan.gates)
        looked = [gate for gate in off if gate not in ("breach_odds", "vrp", "displayed_size")]
        assert all(f"off.{gate}" in scan.why for gate in (off if scan.candidates else looked))


def test_condors_open_and_close(run):
    assert len(run.trades) >= 1
    for trade in run.trades:
        legs = legs_of(trade["legs"])
        assert [n for n, _ in legs] == [1, -1, -1, 1]
        names = [name for _, name in legs]
        assert [name[-9] for name in names] == list("PPCC")
        assert len({name[:-9] for name in names}) == 1  # one root and expiry
        strikes = [int(name[-8:]) for name in names]
        assert strikes == sorted(strikes)
        assert trade["session_opened"] < trade["session_closed"]


def test_entry_exit_commissions_and_pnl_are_those_of_the_hand_calculation(run, hand):
    """To the cent, and beyond: exact decimals."""
    for trade in run.trades:
        legs, units = legs_of(trade["legs"]), int(trade["quantity"])
        entry = -hand.cost(trade["session_opened"], legs) * units * MULTIPLIER / 100
        leave = -hand.cost(trade["session_closed"], reverse(legs)) * units * MULTIPLIER / 100
        fees = 2 * 4 * units * COMMISSION
        assert trade["exit_reason"] in ("profit", "monitor", "dte", "stop")
        assert Decimal(trade["entry_net_usd"]) == entry
        assert Decimal(trade["exit_net_usd"]) == leave
        assert Decimal(trade["fees_usd"]) == fees
        assert Decimal(trade["pnl_usd"]) == entry + leave - fees
    closed = run.of(TradeClosed)
    assert [usd(event.pnl_micros) for _, event in closed] == [Decimal(trade["pnl_usd"]) for trade in run.trades]


def test_every_order_fills_at_the_first_frame_that_meets_its_limit(run, hand):
    """Limits come from the log; whether a frame met them, from the file. No order trades at its own instant."""
    orders: dict[str, tuple[str, Legs, int | None]] = {}
    fills = {event.order_id: day for day, event in run.of(Filled)}
    days = sorted(hand.spot)
    limits: dict[str, dict[str, int | None]] = {}
    for day, _, event in run.facts:
        if type(event) is OrderSubmitted:
            orders[event.order_id] = (day, list(zip(event.ratios, event.instruments, strict=True)), None)
            limits[event.order_id] = {day: event.limit_ticks}
        elif type(event) is WorkingPriceMoved:
            limits[event.order_id][day] = event.limit_ticks
    assert len(fills) >= 2
    for order_id, day in fills.items():
        submitted, legs, _ = orders[order_id]
        assert day > submitted
        for frame in [frame for frame in days if submitted < frame <= day]:
            known = [limit for since, limit in sorted(limits[order_id].items()) if since < frame]
            meets = known[-1] is None or hand.cost(frame, legs) <= known[-1]
            assert meets == (frame == day), (order_id, frame)


def test_every_daily_mark_is_the_holding_at_mid(run, hand):
    """The book is marked on each frame from the session after a fill on; before that frame's own fills."""
    held: Counter[str] = Counter()
    cash = Decimal(1_000_000)
    marked = 0
    pending: list[Filled] = []
    today = ""
    for day, _source, event in run.facts:
        if day != today:
            for fill in pending:
                held.update(dict(zip(fill.instruments, fill.leg_quantities, strict=True)))
                cash += usd(fill.cash_micros - fill.fees_micros)
            pending, today = [], day
        if type(event) is Filled:
            pending.append(event)
        elif type(event) is Expired:
            raise AssertionError("nothing was held to its expiry in this run")
        elif type(event) is PortfolioMarked:
            legs = [(n, name) for name, n in held.items() if n]
            assert usd(event.mid_micros) == hand.worth(day, legs), day
            assert usd(event.cash_micros) == cash
            assert usd(event.equity_micros) == cash + hand.worth(day, legs)
            marked += bool(legs)
    opened, closed = run.trades[0]["session_opened"], max(trade["session_closed"] for trade in run.trades)
    assert marked == len([day for day in hand.spot if opened < day <= closed])


def test_held_to_the_expiry_a_condor_settles_at_the_closing_price_of_its_last_day(run, hand, tmp_path):
    entries = {"dte_min": 12, "dte_target": 16, "dte_max": 25, "min_credit_to_width": 0.05, "max_spread_to_mid": 2.0}
    held = {"profit_target": None, "stop": None, "dte": None, "monitor_dte": None, "last_trade_sessions": 0}
    facts = variant(run, tmp_path, {**entries, "max_open": 1}, held)
    fills = {e.order_id.rpartition(":")[0]: (day, e) for day, _, e in facts if type(e) is Filled}
    closed = [(day, e) for day, _, e in facts if type(e) is TradeClosed]
    assert closed
    for day, trade in closed:
        opened, fill = fills[trade.position_id]
        legs = list(zip(trade.ratios, trade.instruments, strict=True))
        assert trade.exit_reason == "expiry"
        assert day == f"20{legs[0][1][3:5]}-{legs[0][1][5:7]}-{legs[0][1][7:9]}"
        entry = -hand.cost(opened, legs) * trade.quantity * MULTIPLIER / 100
        assert usd(trade.entry_net_micros) == entry == usd(fill.cash_micros)
        assert usd(trade.exit_net_micros) == hand.settled(day, legs) * trade.quantity
        assert usd(trade.fees_micros) == 4 * trade.quantity * COMMISSION  # settlement is free by default
        assert usd(trade.pnl_micros) == entry + hand.settled(day, legs) * trade.quantity - usd(trade.fees_micros)


def test_a_saturday_expiry_settles_on_the_friday_before(run, hand, tmp_path):
    """VXX161217 last traded on the 16th; its holders were paid at that day's price."""
    entries = {"dte_min": 10, "dte_target": 12, "dte_max": 17, "min_credit_to_width": 0.05, "max_spread_to_mid": 2.0}
    held = {"profit_target": None, "stop": None, "dte": None, "monitor_dte": None, "last_trade_sessions": 0}
    facts = variant(run, tmp_path, {**entries, "max_open": 1}, held)
    fills = [e for _, _, e in facts if type(e) is Filled]
    assert fills[0].instruments[0].startswith("VXX161217")
    closed = [(day, e) for day, _, e in facts if type(e) is TradeClosed]
    assert closed[0][0] == "2016-12-16"
    legs = list(zip(closed[0][1].ratios, closed[0][1].instruments, strict=True))
    assert usd(closed[0][1].exit_net_micros) == hand.settled("2016-12-16", legs) * closed[0][1].quantity


def test_the_audit_finds_nothing(run):
    done = contango("audit", run.folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(a) bytes that differ from the manifest: none" in done.stdout
    assert "(b) first decision that differs: none" in done.stdout


def test_the_same_run_in_process_gives_the_same_digest(run, tmp_path):
    book, catalog = load_book(BOOK), Catalog.open(run.catalog)
    engine = run_backtest(catalog, book, period_of(catalog, book, None, None), tmp_path)
    assert digest(engine.log.messages) == json.loads((run.folder / "summary.json").read_text())["digest"]


@pytest.mark.heavy
def test_a_replay_through_nats_and_processes_gives_the_same_digest(run, tmp_path):
    contango("replay", "--config", BOOK, "--catalog", run.catalog, "--out", tmp_path / "replay")
    ours, theirs = (json.loads((path / "summary.json").read_text()) for path in (run.folder, tmp_path / "replay"))
    assert ours["digest"] == theirs["digest"]
