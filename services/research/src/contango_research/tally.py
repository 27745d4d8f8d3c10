"""The tally of a run: facts of the log, in order, projected into plain lists. Pure; no statistics here."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import log
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from contango_common.domain.sessions import Sessions
from contango_common.events import forecast, market, order, risk, signal, system
from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.runtime.log import Message
from contango_gateway.judgements import is_warm_up
from contango_research.decisions import Decision, Refusal, action_of, refusal_of

DAY_S = 86_400
E = TypeVar("E", bound=Event)


class Stamped(NamedTuple, Generic[E]):
    """A fact and when it became one."""

    ts_ns: int
    seq: int
    event: E


@dataclass(slots=True)
class Day:
    """One session with frames: its date (yyyymmdd), last frame, and the last price seen of every symbol.

    ``realised_variance`` of the underlying: squared log returns between its intraday closes, overnight included.
    """

    date: int
    last_ns: int
    frames: int = 0
    exposed_frames: int = 0
    realised_variance: float | None = None
    prices: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """Everything that summary and report need. Feed ``take`` with the messages of a run in log order."""

    frames: int = 0
    subjects: Counter[str] = field(default_factory=Counter)
    builds: set[str] = field(default_factory=set)
    first_ns: int | None = None
    last_ns: int | None = None
    started_ns: int | None = None
    underlying: str | None = None
    sessions: Sessions | None = None
    days: list[Day] = field(default_factory=list)
    first_prices: dict[str, float] = field(default_factory=dict)
    initial_cash_micros: int | None = None
    marks: list[Stamped[risk.PortfolioMarked]] = field(default_factory=list)
    trades: list[Stamped[risk.TradeClosed]] = field(default_factory=list)
    opened: list[Stamped[risk.PositionOpened]] = field(default_factory=list)
    fills: list[Stamped[order.Filled]] = field(default_factory=list)
    settled: list[Stamped[order.Expired]] = field(default_factory=list)
    assigned: list[Stamped[order.Assigned]] = field(default_factory=list)
    regimes: list[Stamped[signal.RegimeReport | signal.RegimeChanged]] = field(default_factory=list)
    selections: list[Stamped[signal.StrategiesSelected]] = field(default_factory=list)
    proposals: list[Stamped[signal.Proposal]] = field(default_factory=list)
    approvals: list[Stamped[risk.Approved]] = field(default_factory=list)
    alerts: list[Stamped[signal.GateAlert]] = field(default_factory=list)
    failures: list[Stamped[signal.FeatureFailed]] = field(default_factory=list)
    thresholds: list[Stamped[signal.ThresholdsAdjusted]] = field(default_factory=list)
    profiles: list[Stamped[signal.ProfileBuilt]] = field(default_factory=list)
    detector: str | None = None
    forecasts: list[Stamped[forecast.Forecast]] = field(default_factory=list)
    directions: list[Stamped[forecast.DirectionForecast]] = field(default_factory=list)
    absences: list[Stamped[forecast.ForecastAbsent]] = field(default_factory=list)
    scores: list[Stamped[forecast.ForecastScored]] = field(default_factory=list)
    drifts: list[Stamped[forecast.DriftDetected]] = field(default_factory=list)
    switched: list[Stamped[forecast.PredictorSwitched]] = field(default_factory=list)
    session_closes: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    scans: list[Stamped[signal.Scan]] = field(default_factory=list)
    adjustments: list[Stamped[signal.Scan]] = field(default_factory=list)
    warm_up_scans: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    gates: dict[str, None] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    flagged_frames: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    fees_micros: int = 0
    settlement_micros: int = 0
    _held: set[str] = field(default_factory=set)
    _frame: tuple[int, int] = (0, 0)
    _last_close: float | None = None

    def take(self, message: Message, envelope: Envelope) -> None:
        """One message of the log."""
        self.subjects[message.subject] += 1
        self.builds.add(envelope.build)
        ts_ns = envelope.ts_ns
        if self.first_ns is None:
            self.first_ns = ts_ns
        self.last_ns = ts_ns
        if envelope.source == "md":
            self._take_frame(message.seq, ts_ns)
        for event in envelope.events:
            kind = type(event)
            self.counts[kind.__name__] += 1
            handler = _HANDLERS.get(kind)
            if handler is not None:
                handler(self, event, ts_ns, message.seq)
            action = action_of(event, message.seq, ts_ns)
            if action is not None:
                self._decision(ts_ns).actions.append(action)

    def take_undecodable(self, message: Message, reason: str) -> None:
        """A message that is no event of ours: counted and told, nothing else."""
        self.subjects[message.subject] += 1
        self.flags[f"undecodable message: {reason}"[:200]] += 1

    def date_of(self, ts_ns: int) -> int:
        """Session date of an instant; the UTC date where the log has no session table."""
        found = self.sessions.local_date(ts_ns) if self.sessions is not None else None
        return found if found is not None else int(str(np.datetime64(ts_ns - 1, "ns"))[:10].replace("-", ""))

    @property
    def traded_days(self) -> list[Day]:
        """Sessions on which trading was allowed: all whose last frame is not before ``TradingStarted``."""
        started = self.started_ns
        return [] if started is None else [day for day in self.days if day.last_ns >= started]

    def _take_frame(self, seq: int, ts_ns: int) -> None:
        self.frames += 1
        self._frame = (ts_ns, seq)
        if self.decisions and self.decisions[-1].ts_ns == ts_ns:
            self.decisions[-1].frame = seq
        date = self.date_of(ts_ns)
        if not self.days or self.days[-1].date != date:
            self.days.append(Day(date, ts_ns))
        day = self.days[-1]
        day.last_ns = ts_ns
        if self.started_ns is not None:
            day.frames += 1
            day.exposed_frames += bool(self._held)

    def _decision(self, ts_ns: int) -> Decision:
        if not self.decisions or self.decisions[-1].ts_ns != ts_ns:
            frame_ns, seq = self._frame
            self.decisions.append(Decision(ts_ns, seq if frame_ns == ts_ns else None))
        return self.decisions[-1]


def _bars(tally: Tally, event: market.Bars, ts_ns: int, seq: int) -> None:
    if tally.underlying is None and event.symbols:
        tally.underlying = event.symbols[0]
    if not tally.days:
        return
    day, prices = tally.days[-1], tally.days[-1].prices
    for symbol, open_, close in zip(event.symbols, event.open, event.close, strict=True):
        if symbol == tally.underlying and event.timeframe_s < DAY_S:
            _move(tally, day, close)
        prices[symbol] = close
        if symbol not in tally.first_prices and tally.started_ns is not None and event.timeframe_s < DAY_S:
            tally.first_prices[symbol] = open_


def _move(tally: Tally, day: Day, close: float) -> None:
    if tally._last_close is not None and close > 0.0:
        day.realised_variance = (day.realised_variance or 0.0) + log(close / tally._last_close) ** 2
    tally._last_close = close if close > 0.0 else None


def _chain(tally: Tally, event: market.ChainFrame, ts_ns: int, seq: int) -> None:
    tally.underlying = event.underlying
    if tally.days:
        tally.days[-1].prices[event.underlying] = event.spot
    if tally.started_ns is not None:
        tally.first_prices.setdefault(event.underlying, event.spot)
    for flag, count in zip(event.flags, event.flag_counts, strict=True):
        tally.flags[flag] += count
        tally.flagged_frames[flag] += 1


def _feed(tally: Tally, event: market.FeedState, ts_ns: int, seq: int) -> None:
    if event.state != "live":
        for reason in event.reasons or (event.state,):
            tally.flags[f"feed {event.state}: {reason}"] += 1
            tally.flagged_frames[f"feed {event.state}: {reason}"] += 1


def _absent(tally: Tally, event: forecast.ForecastAbsent, ts_ns: int, seq: int) -> None:
    tally.flags[f"no forecast: {event.reason}"] += 1
    tally.absences.append(Stamped(ts_ns, seq, event))


def _session_row(tally: Tally, event: signal.FeatureRow, ts_ns: int, seq: int) -> None:
    close = event.values.get("close")
    if event.cadence == "session" and close is not None:
        tally.session_closes.setdefault(event.symbol, []).append((ts_ns, close))


def _sessions(tally: Tally, event: market.SessionTable, ts_ns: int, seq: int) -> None:
    tally.sessions = Sessions(event.calendar, event.date, event.open_ns, event.close_ns)


def _root(tally: Tally, event: market.RootListed, ts_ns: int, seq: int) -> None:
    tally.underlying = event.underlying


def _account(tally: Tally, event: order.AccountSnapshot, ts_ns: int, seq: int) -> None:
    if tally.initial_cash_micros is None:
        tally.initial_cash_micros = event.cash_micros


def _started(tally: Tally, event: system.TradingStarted, ts_ns: int, seq: int) -> None:
    if tally.started_ns is None:
        tally.started_ns = ts_ns


def _scan(tally: Tally, event: signal.Scan, ts_ns: int, seq: int) -> None:
    """A look for an entry; one at an open structure (``strategy:adjustment``) is no entry that was refused."""
    if ":" in event.strategy:
        tally.adjustments.append(Stamped(ts_ns, seq, event))
        return
    tally.scans.append(Stamped(ts_ns, seq, event))
    tally.warm_up_scans += is_warm_up(event)
    tally.gates |= dict.fromkeys(event.gates)
    _refused(tally, event, ts_ns, seq)


def _selected(tally: Tally, event: signal.StrategiesSelected, ts_ns: int, seq: int) -> None:
    tally.detector = event.detector
    tally.selections.append(Stamped(ts_ns, seq, event))


def _refused(tally: Tally, event: Event, ts_ns: int, seq: int) -> None:
    refusal = refusal_of(event, ts_ns)
    if refusal is not None:
        tally.refusals.append(refusal)
        tally.gates |= dict.fromkeys(refusal.reasons)


def _opened(tally: Tally, event: risk.PositionOpened, ts_ns: int, seq: int) -> None:
    tally.opened.append(Stamped(ts_ns, seq, event))
    tally._held.add(event.position_id)


def _closed(tally: Tally, event: risk.TradeClosed, ts_ns: int, seq: int) -> None:
    tally.trades.append(Stamped(ts_ns, seq, event))
    tally._held.discard(event.position_id)


def _filled(tally: Tally, event: order.Filled, ts_ns: int, seq: int) -> None:
    tally.fills.append(Stamped(ts_ns, seq, event))
    tally.fees_micros += event.fees_micros


def _expired(tally: Tally, event: order.Expired, ts_ns: int, seq: int) -> None:
    tally.settled.append(Stamped(ts_ns, seq, event))
    tally.fees_micros += event.fees_micros
    tally.settlement_micros += event.cash_micros


def _assigned(tally: Tally, event: order.Assigned, ts_ns: int, seq: int) -> None:
    tally.assigned.append(Stamped(ts_ns, seq, event))
    tally.fees_micros += event.fees_micros
    tally.settlement_micros += event.cash_micros


def _into(name: str) -> Callable[[Tally, Any, int, int], None]:
    def keep(tally: Tally, event: Any, ts_ns: int, seq: int) -> None:
        getattr(tally, name).append(Stamped(ts_ns, seq, event))

    return keep


_HANDLERS: dict[type[Event], Callable[[Tally, Any, int, int], None]] = {
    market.Bars: _bars,
    market.ChainFrame: _chain,
    market.FeedState: _feed,
    market.SessionTable: _sessions,
    market.RootListed: _root,
    forecast.Forecast: _into("forecasts"),
    forecast.ForecastAbsent: _absent,
    forecast.DirectionForecast: _into("directions"),
    forecast.ForecastScored: _into("scores"),
    forecast.DriftDetected: _into("drifts"),
    forecast.PredictorSwitched: _into("switched"),
    signal.FeatureRow: _session_row,
    signal.Scan: _scan,
    signal.RegimeChanged: _into("regimes"),
    signal.RegimeReport: _into("regimes"),
    signal.StrategiesSelected: _selected,
    signal.Proposal: _into("proposals"),
    signal.GateAlert: _into("alerts"),
    signal.FeatureFailed: _into("failures"),
    signal.ThresholdsAdjusted: _into("thresholds"),
    signal.ProfileBuilt: _into("profiles"),
    risk.Approved: _into("approvals"),
    risk.PortfolioMarked: _into("marks"),
    risk.PositionOpened: _opened,
    risk.TradeClosed: _closed,
    risk.Refused: _refused,
    order.AccountSnapshot: _account,
    order.Filled: _filled,
    order.Expired: _expired,
    order.Assigned: _assigned,
    system.TradingStarted: _started,
}
