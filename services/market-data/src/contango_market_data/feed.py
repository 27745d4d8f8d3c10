"""The replay feed: a catalog as the ordered inputs of a run, one ``log.md`` message an instant.

Before the first frame comes one reference message: sessions, instruments, roots, rates, and the daily bars of before.
At an instant with expiring contracts the settlement print comes first, as a reference message of its own.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from contango_common.domain.errors import UserError
from contango_common.domain.instrument import RootSpec, Settlement, index_asset, root_spec
from contango_common.edge.calendar import expiry_instants, session_table
from contango_common.events.base import Event
from contango_common.events.market import (
    AssetListed,
    BarHistory,
    Bars,
    ChainFrame,
    FeedState,
    RateSet,
    RootListed,
    SessionTable,
    SettlementPrint,
)
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.inputs import Input
from contango_market_data.bars import bar_events
from contango_market_data.catalog.dates import to_date
from contango_market_data.catalog.store import Catalog
from contango_market_data.cut import COLUMNS, Snapshot, cut, read_session
from contango_market_data.listing import Window
from contango_market_data.params import MarketDataParams
from contango_market_data.snapshot_state import SnapshotState

MD, REFERENCE = "md", "reference"
_TICK = 0.01
_DAY_S = 86_400
_DAY_NS = _DAY_S * 1_000_000_000
_BASIS_POINT = 0.0001


@dataclass(frozen=True, slots=True)
class Span:
    """First and last session date of a run (yyyymmdd, both included)."""

    start: int
    end: int


class ReplayFeed:
    """Inputs from a catalog. The same catalog, parameters and span give the same inputs, byte for byte."""

    def __init__(self, catalog: Catalog, params: MarketDataParams, blocks: BlockStore, span: Span) -> None:
        self._catalog, self._params, self._blocks, self._span = catalog, params, blocks, span
        first = to_date(span.start) - timedelta(days=400)
        last = to_date(span.end) + timedelta(days=params.max_dte + 30)
        self.sessions = session_table(catalog.info.calendar, first, last)
        if self.sessions.last_on_or_before(span.end) is None:
            raise UserError(f"no session of {catalog.info.calendar} between {span.start} and {span.end}")
        self._specs: dict[str, RootSpec] = {}
        self._instants: dict[tuple[str, int], tuple[int, int]] = {}
        self._expiring: dict[tuple[int, str], int] = {}
        self._live: dict[str, bool] = {}
        self._said_rate = 0.0
        self._rate_days, self._rate_values = _rates(catalog)
        self._prints = _official_prints(catalog, params.underlying)

    def inputs(self) -> Iterator[Input]:
        """Everything that the edge puts on the log, in order."""
        number = 0
        for item in self._ordered():
            number += 1
            yield Input(item.source, item.ts_ns, f"in:{number}", item.events)
        if number == 0:
            raise UserError(
                f"catalog {self._catalog.path} holds nothing between {self._span.start} and {self._span.end}: "
                "give another --start/--end or import data"
            )

    # -- order -----------------------------------------------------------------------------------------------------

    def _ordered(self) -> Iterator[Input]:
        begun = False
        for ts_ns, events in self._instants_of_run():
            if not begun:
                begun = True
                yield Input(REFERENCE, ts_ns, "", tuple(self._reference(ts_ns)))
            for change in self._rate_changes(ts_ns):
                yield Input(REFERENCE, ts_ns, "", (change,))
            price = _price_of(events, self._params.underlying)
            for settlement in self._settlements(ts_ns, price):
                yield Input(REFERENCE, ts_ns, "", (settlement,))
            yield Input(MD, ts_ns, "", tuple(events))

    def _instants_of_run(self) -> Iterator[tuple[int, list[Event]]]:
        """(instant, events) ascending; at one instant bars stand before the feed's state, that before the chain."""
        streams = [bar_events(self._catalog, self._params, self.sessions, self._span.start, self._span.end)]
        if self._params.underlying is not None:
            streams.append(self._chain_events(self._params.underlying))
        ranked = [_ranked(rank, stream) for rank, stream in enumerate(streams)]
        for ts_ns, group in groupby(merge(*ranked, key=itemgetter(0, 1)), key=itemgetter(0)):
            events = [event for _, _, events in group for event in events]
            yield ts_ns, [*self._first_seen(events), *events]

    def _first_seen(self, events: list[Event]) -> Iterator[Event]:
        """A tradable asset without chains is live from its first bar on; its age tells when it is silent."""
        for event in events:
            for symbol in event.symbols if isinstance(event, Bars) else ():
                asset = self._params.assets.get(symbol)
                if asset is not None and asset.kind != "index" and symbol not in self._live:
                    self._live[symbol] = True
                    yield FeedState(underlying=symbol, state="live")

    # -- chains ----------------------------------------------------------------------------------------------------

    def _chain_events(self, underlying: str) -> Iterator[tuple[int, list[Event]]]:
        window = Window(self._params.max_dte, self._params.window_low, self._params.window_high)
        state = SnapshotState(underlying, self.sessions)
        for date, table in self._catalog.chains(underlying, self._span.start, self._span.end, COLUMNS):
            yield from self._chain_frames(date, table, window, state)

    def _chain_frames(
        self, date: int, table: Any, window: Window, state: SnapshotState
    ) -> Iterator[tuple[int, list[Event]]]:
        session = read_session(table)
        day = (to_date(date) - Date(1970, 1, 1)).days
        contracts = ""
        for snapshot in cut(session, window, day, self._instants_of, _TICK):
            verdict = state.judge(snapshot, date)
            events: list[Event] = list(verdict.changes)
            if verdict.usable and snapshot.spot is not None and len(snapshot.contracts["key"]):
                if not snapshot.same_listing or not contracts:
                    contracts = self._blocks.put(str(date), snapshot.contracts)
                    self._note_expiries(snapshot)
                events.append(self._frame(snapshot, contracts, date, verdict.closing))
            if events:
                yield snapshot.ts_ns, events

    def _frame(self, snapshot: Snapshot, contracts: str, date: int, closing: bool) -> ChainFrame:
        assert self._params.underlying is not None
        assert snapshot.spot is not None
        return ChainFrame(
            underlying=self._params.underlying,
            spot=snapshot.spot,
            roots=snapshot.roots,
            contracts=contracts,
            quotes=self._blocks.put(str(date), snapshot.quotes),
            rows=len(snapshot.contracts["key"]),
            session_date=date,
            closing=closing,
            flags=tuple(snapshot.flags),
            flag_counts=tuple(snapshot.flags.values()),
        )

    def _instants_of(self, root: str, expiry: int) -> tuple[int, int]:
        known = self._instants.get((root, expiry))
        if known is None:
            known = expiry_instants(self._spec(root), expiry, self.sessions)
            self._instants[root, expiry] = known
        return known

    def _spec(self, root: str) -> RootSpec:
        if root not in self._specs:
            assert self._params.underlying is not None
            self._specs[root] = root_spec(root, self._params.underlying)
        return self._specs[root]

    # -- reference -------------------------------------------------------------------------------------------------

    def _reference(self, first_ns: int) -> Iterator[Event]:
        table = self.sessions
        yield SessionTable(calendar=table.calendar, date=table.date, open_ns=table.open_ns, close_ns=table.close_ns)
        names = [*self._params.symbols]
        if self._params.underlying is not None and self._params.underlying not in names:
            names.append(self._params.underlying)
        for symbol in names:
            asset = self._params.assets.get(symbol) or index_asset(symbol)
            yield AssetListed(
                symbol=symbol,
                kind=str(asset.kind),  # type: ignore[arg-type]
                tick_micros=asset.tick_micros,
                lot_micros=asset.lot_micros,
                spy_equivalent=asset.spy_equivalent,
            )
        if self._params.underlying is not None:
            yield from self._option_reference(self._params.underlying, first_ns)
        for symbol in self._params.history_symbols:
            yield from self._history(symbol, first_ns)

    def _option_reference(self, underlying: str, first_ns: int) -> Iterator[Event]:
        for root in self._catalog.info.roots.get(underlying, ()):
            spec = self._spec(root)
            yield RootListed(
                root=spec.root,
                underlying=spec.underlying,
                style=spec.style.value,
                settlement=spec.settlement.value,
                delivery=spec.delivery.value,
                multiplier=spec.multiplier,
                deliverable_shares=spec.deliverable_shares,
                tick_micros=spec.tick_micros,
                increment_ticks=spec.increment_ticks,
            )
        self._said_rate = self._rate_at(first_ns)
        yield self._rate_set(underlying)

    def _rate_set(self, underlying: str) -> RateSet:
        return RateSet(
            underlying=underlying,
            rate_annual=self._said_rate,
            div_yield_annual=self._params.div_yield_annual,
        )

    def _rate_changes(self, ts_ns: int) -> Iterator[RateSet]:
        """The rate, when it has moved by a basis point or more since it was last said."""
        rate = self._rate_at(ts_ns)
        if self._params.underlying is not None and abs(rate - self._said_rate) >= _BASIS_POINT:
            self._said_rate = rate
            yield self._rate_set(self._params.underlying)

    def _rate_at(self, ts_ns: int) -> float:
        """The parameter, else the catalog's last rate not after the instant's day, else 0."""
        if self._params.rate_annual is not None:
            return self._params.rate_annual
        position = bisect_right(self._rate_days, ts_ns // _DAY_NS) - 1
        return self._rate_values[position] if position >= 0 else 0.0

    def _history(self, symbol: str, first_ns: int) -> Iterator[Event]:
        """Daily bars that closed before the session of the first frame opened."""
        if "1d" not in self._catalog.timeframes(symbol):
            return
        row = self.sessions.at(first_ns)
        until = first_ns - 1 if row is None else self.sessions.open_ns[row]
        bars = self._catalog.bars(symbol, "1d", None, until)
        if len(bars["ts_ns"]) == 0:
            return
        columns = {name: bars[name] for name in ("ts_ns", "open", "high", "low", "close", "volume")}
        digest = self._blocks.put("history", columns)
        yield BarHistory(symbol=symbol, timeframe_s=_DAY_S, rows=len(bars["ts_ns"]), bars=digest)

    # -- settlement ------------------------------------------------------------------------------------------------

    def _note_expiries(self, snapshot: Snapshot) -> None:
        columns = snapshot.contracts
        _, first = np.unique(columns["key"] >> 33, return_index=True)
        for row in first.tolist():
            root, date = snapshot.roots[int(columns["root"][row])], int(columns["expiry_date"][row])
            self._expiring[int(columns["expiry_ns"][row]), root] = date

    def _settlements(self, ts_ns: int, price: float | None) -> Iterator[SettlementPrint]:
        """Official prints where the catalog has them; else, for PM contracts, the underlying's price at the expiry.

        Contracts without either are not settled: whoever holds them is told by the expiry policy, not by a guess.
        """
        for expiry_ns, root in sorted(key for key in self._expiring if key[0] <= ts_ns):
            date = self._expiring.pop((expiry_ns, root))
            official = self._prints.get((root, date))
            is_pm = self._spec(root).settlement is Settlement.PM
            print_price = official if official is not None else price if is_pm and expiry_ns == ts_ns else None
            if print_price is not None:
                underlying = self._spec(root).underlying
                yield SettlementPrint(
                    underlying=underlying, root=root, expiry_ns=expiry_ns, price=print_price, expiry_date=date
                )


def _rates(catalog: Catalog) -> tuple[list[int], list[float]]:
    """Days since 1970 and the rate from each on: of one day's tenors the one nearest to 30 days."""
    table = catalog.rates()
    rows = [] if table is None else table.to_pylist()
    best: dict[int, tuple[int, float]] = {}
    for row in rows:
        day, distance = (row["date"] - Date(1970, 1, 1)).days, abs(row["tenor_days"] - 30)
        if day not in best or distance < best[day][0]:
            best[day] = (distance, float(row["rate_annual"]))
    days = sorted(best)
    return days, [best[day][1] for day in days]


def _official_prints(catalog: Catalog, underlying: str | None) -> dict[tuple[str, int], float]:
    table = None if underlying is None else catalog.settlements()
    if table is None:
        return {}
    return {
        (row["root"], int(row["expiry"].strftime("%Y%m%d"))): float(row["price"])
        for row in table.to_pylist()
        if row["underlying"] == underlying
    }


def _price_of(events: Iterable[Event], underlying: str | None) -> float | None:
    """The underlying's price at this instant: the close of its bar, else the chain's spot."""
    for event in events:
        if isinstance(event, Bars) and underlying in event.symbols:
            return event.close[event.symbols.index(underlying)]
        if isinstance(event, ChainFrame):
            return event.spot
    return None


def _ranked(rank: int, stream: Iterable[tuple[int, list[Event]]]) -> Iterator[tuple[int, int, list[Event]]]:
    for ts_ns, events in stream:
        yield ts_ns, rank, events
