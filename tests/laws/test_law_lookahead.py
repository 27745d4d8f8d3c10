"""The look-ahead law: what is not yet known changes nothing.

Take any frame T of a run. Cut the data off after T, or let another future follow T, and run again: every message at
or before T is the same, byte for byte. The law is a function of a feed, so that feeds with a planted glimpse of the
future can be put before it too; it must find them out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contango_common.domain.sessions import DAY_NS
from contango_common.events.codec import decode
from contango_common.events.forecast import Forecast
from contango_common.events.market import Bars, ChainFrame, SessionTable
from contango_common.events.order import Filled
from contango_common.events.risk import ExitRequested, PortfolioMarked, TradeClosed
from contango_common.events.signal import FeatureRow, Proposal, RegimeReport, Scan
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.canon import line
from contango_common.runtime.engine import Engine
from contango_common.runtime.inputs import Input, with_control
from contango_common.runtime.log import Message
from contango_market_data.catalog.store import Catalog
from contango_market_data.feed import ReplayFeed
from contango_market_data.sample.build import build_sample
from contango_research.backtest import Period, open_feed, start_ns_of
from contango_research.book import Book
from contango_research.house import participants

pytestmark = pytest.mark.xdist_group("law-lookahead")

FIRST, LAST = date(2015, 8, 3), date(2015, 9, 11)
PERIOD = Period(20150803, 20150803, 20150911)
FRAMES = 6
FUTURE_NS = 2 * DAY_NS  # another future is followed this long: none of its messages counts

BOOK = Book.model_validate(
    {
        "name": "look-ahead",
        "market_data": {"history_symbols": ["SPX", "VIX"]},
        "signals": {
            "switches": {"selector": "off", "fuzzy": "off"},
            "gates_off": ["iv_rank", "regime_allowed", "breach_odds", "vrp", "credit_to_width", "vix_cap"],
            "strategies": {
                "iron_condor": {
                    "min_sessions_between": 0,
                    "max_open": 20,
                    "dte_min": 2,
                    "dte_target": 9,
                    "dte_max": 20,
                    "max_spread_to_mid": 3.0,
                }
            },
        },
        "risk": {
            "risk_per_trade_fraction": 0.004,
            "exits": {
                "profit_target": 0.15,
                "stop": 1.0,
                "stop_confirm_n": 1,
                "stop_confirm_m": 1,
                "dte": 1,
                "monitor_dte": None,
            },
        },
    }
)

Glimpse = Callable[[Iterator[Input]], Iterator[Input]]
"""What a feed adds of its own to the inputs of a catalog."""


# -- the data as it was, or might have been ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Until:
    """A catalog that ends with ``last_ns``."""

    base: Catalog
    last_ns: int

    @property
    def path(self) -> Path:
        return self.base.path

    @property
    def info(self):
        return self.base.info

    def timeframes(self, symbol: str) -> list[str]:
        return self.base.timeframes(symbol)

    def bar_groups(self, symbol: str, timeframe: str, start_ns=None, end_ns=None) -> Iterator[pa.Table]:
        for table in self.base.bar_groups(symbol, timeframe, start_ns, end_ns):
            yield self.known(table, "ts")

    def bars(self, symbol: str, timeframe: str, start_ns=None, end_ns=None):
        return Catalog.bars(self, symbol, timeframe, start_ns, end_ns)

    def chains(self, underlying: str, start_date=None, end_date=None, columns=None) -> Iterator[tuple[int, pa.Table]]:
        for day, table in self.base.chains(underlying, start_date, end_date, columns):
            cut = self.known(table, "quote_ts")
            if cut.num_rows:
                yield day, fresh_dictionaries(cut)

    def rates(self) -> pa.Table | None:
        table = self.base.rates()
        day = np.datetime64(self.last_ns, "ns").astype("M8[D]").astype(object)
        return None if table is None else table.filter(pc.less_equal(table.column("date"), pa.scalar(day)))

    def settlements(self) -> pa.Table | None:
        table = self.base.settlements()
        return None if table is None else self.known(table, "ts")

    def known(self, table: pa.Table, column: str) -> pa.Table:
        return table.filter(pa.array(instants(table, column) <= self.last_ns))


def fresh_dictionaries(table: pa.Table) -> pa.Table:
    """Words as a file that ended here would have them: none that occur later only."""
    for index, name in enumerate(table.schema.names):
        if pa.types.is_dictionary(table.schema.field(name).type):
            words = table.column(name).cast(pa.string()).combine_chunks().dictionary_encode()
            table = table.set_column(index, name, words)
    return table


@dataclass(frozen=True)
class Otherwise(Until):
    """A catalog that goes on after ``since_ns`` with prices that a seed made up, until ``last_ns``."""

    since_ns: int
    seed: int

    def known(self, table: pa.Table, column: str) -> pa.Table:
        table = super().known(table, column)
        after = instants(table, column) > self.since_ns
        if not after.any():
            return table
        groups = ("open", "high", "low", "close"), ("bid", "ask"), ("spot",), ("price",)
        for group in groups:
            factor = np.where(after, self.factors(table, column, group), 1.0)
            for name in (name for name in group if name in table.schema.names):
                values = table.column(name).to_numpy() * factor
                table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
        return table

    def factors(self, table: pa.Table, column: str, group: tuple[str, ...]) -> np.ndarray:
        """One factor a row; the spot has one an instant."""
        rng = np.random.default_rng([self.seed, len(group[0])])
        rows = rng.uniform(0.8, 1.25, table.num_rows)
        _, instant = np.unique(instants(table, column), return_inverse=True)
        return rows[instant] if group == ("spot",) else rows


@dataclass(frozen=True)
class Gap(Until):
    """A catalog in which no bar closes at ``missing_ns``."""

    missing_ns: int

    def known(self, table: pa.Table, column: str) -> pa.Table:
        table = super().known(table, column)
        return table.filter(pa.array(instants(table, column) != self.missing_ns)) if column == "ts" else table


@dataclass(frozen=True)
class LateRoot(Until):
    """A catalog in which, from ``since_ns`` on, some contracts have a root that was not there before."""

    since_ns: int

    def known(self, table: pa.Table, column: str) -> pa.Table:
        table = super().known(table, column)
        if column != "quote_ts" or "root" not in table.schema.names:
            return table
        late = (instants(table, column) >= self.since_ns) & (table.column("strike").to_numpy() % 50 == 0)
        words = pc.if_else(pa.array(late), pa.scalar("SPX"), table.column("root").cast(pa.string()))
        return table.set_column(
            table.schema.get_field_index("root"), "root", words.combine_chunks().dictionary_encode()
        )


def instants(table: pa.Table, column: str) -> np.ndarray:
    return table.column(column).cast(pa.int64()).to_numpy()


# -- the law -----------------------------------------------------------------------------------------------------------


def honest(inputs: Iterator[Input]) -> Iterator[Input]:
    return inputs


def log_of(catalog, folder: Path, glimpse: Glimpse = honest) -> list[Message]:
    """The log of the book on a catalog; the period stays the whole one, wherever the data ends."""
    blocks = BlockStore(folder)
    feed: ReplayFeed = open_feed(catalog, BOOK, PERIOD, blocks)
    engine = Engine(participants(blocks), "build")
    for _ in engine.run(with_control(glimpse(feed.inputs()), BOOK.params(), start_ns_of(feed, PERIOD), "law")):
        pass
    return engine.log.messages


def up_to(messages: list[Message], ts_ns: int) -> list[bytes]:
    return [line(message) for message in messages if orjson.loads(message.data)["ts_ns"] <= ts_ns]


def first_difference(whole: list[bytes], other: list[bytes]) -> str | None:
    for number, (ours, theirs) in enumerate(zip(whole, other, strict=False), 1):
        if ours != theirs:
            return f"message {number}:\n  whole data: {ours[:2000]!r}\n  other data: {theirs[:2000]!r}"
    return None if len(whole) == len(other) else f"{len(whole)} messages with the whole data, {len(other)} without"


class World:
    """One catalog, one feed; runs of it with less and with other data."""

    def __init__(self, catalog, folder: Path, glimpse: Glimpse = honest) -> None:
        self.catalog, self.folder, self.glimpse = catalog, folder, glimpse
        self.messages = log_of(catalog, folder, glimpse)
        self.envelopes = [decode(message.data) for message in self.messages]
        frames = [e.ts_ns for e in self.envelopes if e.source == "md"]
        self.frames = frames[:-1]  # after the last one nothing follows

    def truncated(self, ts_ns: int) -> str | None:
        """The law, with nothing after ``ts_ns``: what differs, None when it holds."""
        other = log_of(Until(self.catalog, ts_ns), self.folder, self.glimpse)
        return first_difference(up_to(self.messages, ts_ns), [line(message) for message in other])

    def otherwise(self, ts_ns: int, seed: int) -> str | None:
        """The law, with another future after ``ts_ns``."""
        catalog = Otherwise(self.catalog, ts_ns + FUTURE_NS, ts_ns, seed)
        other = log_of(catalog, self.folder, self.glimpse)
        assert len(other) >= len(up_to(self.messages, ts_ns))
        return first_difference(up_to(self.messages, ts_ns), up_to(other, ts_ns))

    def some_frames(self, seed: int) -> list[int]:
        return sorted(Random(seed).sample(self.frames, FRAMES))

    def count(self, kind: type) -> int:
        return sum(type(event) is kind for e in self.envelopes for event in e.events)


@pytest.fixture(scope="session")
def catalog(tmp_path_factory) -> Catalog:
    path = tmp_path_factory.mktemp("lookahead") / "catalog"
    build_sample(path, first=FIRST, last=LAST, processes=1)
    return Catalog.open(path)


@pytest.fixture(scope="session")
def world(catalog, tmp_path_factory) -> World:
    return World(catalog, tmp_path_factory.mktemp("lookahead-blocks"))


def test_the_run_has_something_to_look_ahead_for(world):
    """Trades, exits, refusals, forecasts and regimes: else the law would be true of nothing."""
    for kind, least in ((Proposal, 10), (Filled, 10), (ExitRequested, 5), (TradeClosed, 5), (Forecast, 20)):
        assert world.count(kind) >= least, kind
    for kind in (Scan, FeatureRow, PortfolioMarked, RegimeReport, ChainFrame, Bars):
        assert world.count(kind) > 0, kind
    assert len(world.frames) > 700


@pytest.mark.parametrize("which", range(FRAMES))
def test_data_cut_off_after_a_frame_changes_nothing_up_to_it(world, which):
    assert world.truncated(world.some_frames(seed=1)[which]) is None


@pytest.mark.parametrize("which", range(FRAMES))
def test_another_future_changes_nothing_before_it(world, which):
    assert world.otherwise(world.some_frames(seed=2)[which], seed=which) is None


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_frame_knows_what_comes_after_it(world, data):
    ts_ns = data.draw(st.sampled_from(world.frames))
    assert world.truncated(ts_ns) is None
    assert world.otherwise(ts_ns, data.draw(st.integers(0, 2**32 - 1))) is None


def test_closes_and_expiries_know_no_more_than_other_frames(world):
    """Daily bars and settlement prints come at these instants."""
    closing = [e.ts_ns for e in world.envelopes for event in e.events if type(event) is ChainFrame and event.closing]
    friday = next(ts for ts in closing[5:] if np.datetime64(ts, "ns").astype("M8[D]").astype(object).weekday() == 4)
    assert world.truncated(friday) is None
    assert world.otherwise(friday, seed=5) is None


def test_an_earlier_end_changes_no_decision_before_it(world, catalog):
    """With ``--end`` the session table on the log is shorter; nothing else may be different."""
    end = Period(PERIOD.warm_up, PERIOD.start, 20150821)
    blocks = BlockStore(world.folder)
    feed = open_feed(catalog, BOOK, end, blocks)
    engine = Engine(participants(blocks), "build")
    for _ in engine.run(with_control(feed.inputs(), BOOK.params(), start_ns_of(feed, end), "law")):
        pass
    other = engine.log.messages

    def decided(messages: list[Message]) -> list[bytes]:
        return [line(m) for m in messages if not any(type(e) is SessionTable for e in decode(m.data).events)]

    whole = decided(world.messages)
    assert first_difference(whole[: len(decided(other))], decided(other)) is None


def chain_instants(world: World) -> list[int]:
    """Chain frames with another one of their session after them."""
    found = [e.ts_ns for e in world.envelopes if any(type(event) is ChainFrame for event in e.events)]
    return [now for now, then in pairwise(found) if then - now < DAY_NS // 8]


def test_a_missing_bar_tells_nothing_of_the_bars_after_it(catalog, world, tmp_path):
    ts_ns = chain_instants(world)[20]
    gappy = World(Gap(catalog, world.frames[-1], ts_ns), tmp_path)
    assert gappy.truncated(ts_ns) is None


def test_a_root_that_is_quoted_later_in_the_session_is_not_named_before(catalog, world, tmp_path):
    ts_ns = chain_instants(world)[20]
    late = World(LateRoot(catalog, world.frames[-1], ts_ns + 1), tmp_path)
    assert late.truncated(ts_ns) is None


def test_whatever_the_prices_every_message_can_be_read_again(world, catalog):
    ts_ns = world.some_frames(seed=2)[3]
    for message in log_of(Otherwise(catalog, ts_ns + FUTURE_NS, ts_ns, 3), world.folder):
        decode(message.data)


# -- the law finds out who looks ---------------------------------------------------------------------------------------


def forming_bars(inputs: Iterator[Input]) -> Iterator[Input]:
    """Each 15-minute bar already holds what the next one will bring."""
    for now, then in pairwise_with_end(inputs):
        yield Input(now.source, now.ts_ns, now.key, tuple(peeked(event, then) for event in now.events))


def peeked(event, then: Input | None):
    ahead = next((e for e in then.events if type(e) is Bars and e.timeframe_s == 900), None) if then else None
    if type(event) is not Bars or event.timeframe_s != 900 or ahead is None or ahead.symbols != event.symbols:
        return event
    return event.model_copy(
        update={
            "high": tuple(map(max, event.high, ahead.high)),
            "low": tuple(map(min, event.low, ahead.low)),
            "close": ahead.close,
        }
    )


def early_quotes(inputs: Iterator[Input]) -> Iterator[Input]:
    """A chain's spot is the mean of its own and of the bar's that closes after it."""
    for now, then in pairwise_with_end(inputs):
        bars = next((e for e in then.events if type(e) is Bars), None) if then else None
        yield Input(now.source, now.ts_ns, now.key, tuple(moved(event, bars) for event in now.events))


def moved(event, bars: Bars | None):
    if type(event) is not ChainFrame or bars is None:
        return event
    return event.model_copy(update={"spot": 0.5 * (event.spot + bars.close[0])})


def pairwise_with_end(inputs: Iterator[Input]) -> Iterator[tuple[Input, Input | None]]:
    last = None
    for now, then in pairwise(inputs):
        yield now, then
        last = then
    if last is not None:
        yield last, None


@pytest.mark.parametrize("glimpse", [forming_bars, early_quotes])
def test_a_planted_glimpse_of_the_future_is_found_out(catalog, tmp_path, glimpse):
    planted = World(catalog, tmp_path, glimpse)
    chains = [e.ts_ns for e in planted.envelopes if any(type(event) is ChainFrame for event in e.events)]
    inside = [ts for ts, after in pairwise(chains) if after - ts < DAY_NS // 8]
    ts_ns = Random(3).choice(inside)
    assert planted.truncated(ts_ns) is not None
    assert planted.otherwise(ts_ns, seed=1) is not None
