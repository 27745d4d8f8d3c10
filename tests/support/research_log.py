"""Logs of invented runs: every fact a report looks at, in the order in which the house writes them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from contango_common.domain.sessions import DAY_NS
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, decode, encode
from contango_common.events.forecast import Forecast
from contango_common.events.market import Bars, ChainFrame, RootListed, SessionTable, SettlementPrint
from contango_common.events.order import Accepted, AccountSnapshot, Expired, Filled, OrderSubmitted
from contango_common.events.risk import (
    Approved,
    ExitRequested,
    PortfolioMarked,
    PositionOpened,
    Refused,
    TradeClosed,
)
from contango_common.events.signal import Proposal, RegimeChanged, Scan
from contango_common.events.system import ParametersChanged, TradingStarted
from contango_common.runtime.log import Message

CASH = 1_000_000_000_000
MONDAY_NS = 1_388_966_400_000_000_000  # 2014-01-06
HOUR_NS = 3_600_000_000_000
GATES = ("history_ready", "regime_known", "iv_rank", "vrp")
LABELS = ("LOW_VOL_RANGE", "BULL_TREND", "CRASH_MODE", "BEAR_TREND", "HIGH_VOL_RANGE")


@dataclass(frozen=True)
class Deal:
    """One condor: sold on a day, held for some days, bought back or settled. Money in micros."""

    day: int
    days_held: int
    units: int
    credit: int
    debit: int
    fee: int
    settled: bool = False
    reason: str = "profit"


deals = st.builds(
    Deal,
    day=st.integers(0, 20),
    days_held=st.integers(1, 8),
    units=st.integers(1, 9),
    credit=st.integers(1, 9_000_000_000),
    debit=st.integers(0, 20_000_000_000),
    fee=st.integers(0, 40_000_000),
    settled=st.booleans(),
    reason=st.sampled_from(("profit", "stop", "dte", "crash")),
)


@dataclass
class Book:
    cash: int = CASH
    held: dict[str, tuple[Deal, int]] = field(default_factory=dict)


@dataclass
class Story:
    """Writes messages; ``book`` is what risk knows of the broker's facts so far."""

    messages: list[Message] = field(default_factory=list)
    book: Book = field(default_factory=Book)
    due: dict[int, list[str]] = field(default_factory=dict)

    def say(self, source: str, ts_ns: int, *events: Event, cause: int = 0) -> int:
        seq = len(self.messages) + 1
        envelope = Envelope(ts_ns, source, cause, events, (0,) * len(events), "b1")
        self.messages.append(Message(seq, f"log.{source}", encode(envelope)))
        return seq


def price(day: int) -> float:
    return 2000.0 + 17.0 * ((day * 7) % 11) - 3.0 * day


def run_of(deals: Iterable[Deal] = (), days: int = 32, *, options: bool = True) -> list[Message]:
    """A whole run: ``days`` sessions with a frame at 15:00 and one at the close, 21:00 UTC."""
    story, by_day = Story(), {}
    for deal in deals:
        by_day.setdefault(deal.day, []).append(deal)
    start = MONDAY_NS + 15 * HOUR_NS
    first = story.say("control.research", start, ParametersChanged(params={}, reason="start"))
    story.say("broker", start, AccountSnapshot(cash_micros=CASH, instruments=(), quantities=()), cause=first)
    story.say("control.research", start, TradingStarted())
    story.say("reference", start, *_reference(days))
    for day in range(days):
        _morning(story, day, by_day.get(day, []), options)
        _close(story, day)
    return story.messages


def legs_of(key: int) -> tuple[str, ...]:
    """Four contracts that no other deal holds."""
    return tuple(f"SPXW140321{right}{(1000 + 20 * key + i) * 1000:08d}" for i, right in enumerate("PPCC"))


def _reference(days: int) -> list[Event]:
    dates, opens, closes = [], [], []
    for day in range(days):
        at = MONDAY_NS + day * DAY_NS
        dates.append(int(_date(at)))
        opens.append(at + 14 * HOUR_NS + HOUR_NS // 2)
        closes.append(at + 21 * HOUR_NS)
    root = RootListed(root="SPXW", underlying="SPX", style="european", settlement="pm", delivery="cash")
    return [SessionTable(calendar="TEST", date=tuple(dates), open_ns=tuple(opens), close_ns=tuple(closes)), root]


def _date(ts_ns: int) -> str:
    return str(np.datetime64(ts_ns, "ns"))[:10].replace("-", "")


def _frame(day: int, closing: bool) -> list[Event]:
    close = price(day) if closing else price(day) - 2.0
    prices = {"open": (close - 1.0,), "high": (close + 5.0,), "low": (close - 5.0,), "close": (close,)}
    bar: dict[str, Any] = {"symbols": ("SPX",), **prices}
    events: list[Event] = [Bars(timeframe_s=900, **bar)]
    if closing:
        events.append(Bars(timeframe_s=86_400, **bar))
    date = int(_date(MONDAY_NS + day * DAY_NS))
    chain = ChainFrame(
        underlying="SPX",
        spot=close,
        roots=("SPXW",),
        contracts="0" * 32,
        quotes="1" * 32,
        rows=4,
        session_date=date,
        closing=closing,
        flags=("crossed",) if day % 5 == 0 else (),
        flag_counts=(2,) if day % 5 == 0 else (),
    )
    return [*events, chain]


def _morning(story: Story, day: int, opening: list[Deal], options: bool) -> None:
    ts_ns = MONDAY_NS + day * DAY_NS + 15 * HOUR_NS
    leaving = [key for key in story.due.pop(day, []) if key in story.book.held]
    for key in leaving:
        if story.book.held[key][0].settled:
            _settle(story, key, ts_ns)
    frame = story.say("md", ts_ns, *_frame(day, closing=False))
    for key in leaving:
        if key in story.book.held:
            _buy_back(story, key, ts_ns, frame)
    if not options:
        return
    gates = {gate: not (day < 3 and gate == "iv_rank") and not (not opening and gate == "vrp") for gate in GATES}
    why = {"iv_rank": None if day < 3 else 40.0, "forecast_variance": 0.02}
    scan = Scan(
        underlying="SPX", strategy="condor", candidates=1, proposed=bool(opening), gates=gates, kills={}, why=why
    )
    if not opening:
        story.say("signals", ts_ns, scan, cause=frame)
        return
    proposals = [_proposal(story, day, i) for i in range(len(opening))]
    asked = story.say("signals", ts_ns, scan, *proposals, cause=frame)
    for i, (deal, proposal) in enumerate(zip(opening, proposals, strict=True)):
        _open(story, deal, proposal, asked, ts_ns, day, i)


def _proposal(story: Story, day: int, i: int) -> Proposal:
    return Proposal(
        proposal_id=f"condor:SPX:{day}.{i}",
        strategy="condor",
        kind="iron_condor",
        underlying="SPX",
        instruments=legs_of(10 * day + i),
        ratios=(1, -1, -1, 1),
        multiplier=100,
        tick_micros=10_000,
        expiry_ns=None,
        last_trade_ns=None,
        mid_ticks=-500.0,
        natural_ticks=-450,
        limit_ticks=-480,
        max_loss_ticks=2000,
        score=0.1,
        gates=dict.fromkeys(GATES, True),
        why={"vix": 15.0},
        regime="LOW_VOL_RANGE",
        valid_until_ns=MONDAY_NS + 400 * DAY_NS,
    )


def _open(story: Story, deal: Deal, proposal: Proposal, asked: int, ts_ns: int, day: int, i: int) -> None:
    key = proposal.proposal_id
    if i >= 3:
        refused = Refused(proposal_id=key, strategy="condor", underlying="SPX", reasons=("heat", "halted"), limits={})
        story.say("risk", ts_ns, refused, cause=asked)
        return
    shape = proposal.model_dump(
        include={"strategy", "underlying", "instruments", "ratios", "multiplier", "tick_micros"}
    )
    approved = Approved(
        proposal_id=key,
        position_id=key,
        quantity=deal.units,
        limit_ticks=-480,
        max_loss_micros=deal.units * 2_000_000_000,
        sizes={"risk_budget": deal.units},
        limits={},
        valid_until_ns=proposal.valid_until_ns,
        **shape,
    )
    seq = story.say("risk", ts_ns, approved, cause=asked)
    shape.pop("strategy")
    order = OrderSubmitted(
        order_id=f"{key}:o1",
        position_id=key,
        purpose="open",
        quantity=deal.units,
        limit_ticks=-480,
        valid_until_ns=None,
        **shape,
    )
    seq = story.say("execution", ts_ns, order, cause=seq)
    story.say("broker", ts_ns, Accepted(order_id=f"{key}:o1", venue_id=f"V{seq}"), cause=seq)
    filled = story.say("broker", ts_ns, _fill(f"{key}:o1", proposal.instruments, deal, deal.credit, +1), cause=seq)
    story.book.cash += deal.credit - deal.fee
    story.book.held[key] = (deal, ts_ns)
    opened = PositionOpened(
        position_id=key,
        proposal_id=key,
        strategy="condor",
        underlying="SPX",
        quantity=deal.units,
        entry_net_ticks=-1.0,
        fees_micros=deal.fee,
    )
    story.say("risk", ts_ns, opened, cause=filled)
    story.due.setdefault(day + deal.days_held, []).append(key)


def _fill(order_id: str, names: tuple[str, ...], deal: Deal, cash: int, side: int) -> Filled:
    lots = tuple(side * ratio * deal.units for ratio in (1, -1, -1, 1))
    return Filled(
        order_id=order_id,
        fill_id=f"{order_id}:f1",
        quantity=deal.units,
        instruments=names,
        leg_quantities=lots,
        leg_price_micros=(1, 2, 3, 4),
        cash_micros=cash,
        mid_cash_micros=cash + 1000,
        natural_cash_micros=cash - 5000,
        fees_micros=deal.fee,
        remaining=0,
    )


def _key_legs(key: str) -> tuple[str, ...]:
    day, _, i = key.rpartition(":")[2].partition(".")
    return legs_of(10 * int(day) + int(i))


def _buy_back(story: Story, key: str, ts_ns: int, frame: int) -> None:
    deal, _ = story.book.held[key]
    fill = _fill(f"{key}:x1", _key_legs(key), deal, -deal.debit, -1)
    filled = story.say("broker", ts_ns, fill, cause=frame)
    story.book.cash -= deal.debit + deal.fee
    story.say("risk", ts_ns, _closed(story, key, 2 * deal.fee, deal.reason), cause=filled)


def _settle(story: Story, key: str, ts_ns: int) -> None:
    deal, _ = story.book.held[key]
    seen = story.say("reference", ts_ns, SettlementPrint(underlying="SPX", root="SPXW", expiry_ns=ts_ns, price=2000.0))
    lots = tuple(ratio * deal.units for ratio in (1, -1, -1, 1))
    legs = (0, -deal.debit, 0, 0)
    expired = Expired(
        underlying="SPX",
        root="SPXW",
        expiry_ns=ts_ns,
        print_price=2000.0,
        instruments=_key_legs(key),
        quantities=lots,
        leg_cash_micros=legs,
        cash_micros=-deal.debit,
    )
    settled = story.say("broker", ts_ns, expired, cause=seen)
    story.book.cash -= deal.debit
    story.say("risk", ts_ns, _closed(story, key, deal.fee, "expiry"), cause=settled)


def _closed(story: Story, key: str, fees: int, reason: str) -> TradeClosed:
    deal, opened_ns = story.book.held.pop(key)
    pnl = deal.credit - deal.debit - fees
    return TradeClosed(
        position_id=key,
        proposal_id=key,
        strategy="condor",
        underlying="SPX",
        instruments=_key_legs(key),
        ratios=(1, -1, -1, 1),
        quantity=deal.units,
        opened_ns=opened_ns,
        entry_net_micros=deal.credit,
        exit_net_micros=-deal.debit,
        fees_micros=fees,
        pnl_micros=pnl,
        mid_pnl_micros=pnl + 2000,
        natural_pnl_micros=pnl - 9000,
        max_loss_micros=deal.units * 2_000_000_000,
        exit_reason=reason,
        exit_all_true=(reason,),
        regime_at_entry="LOW_VOL_RANGE",
        regime_at_exit="BULL_TREND",
        entry_why={"vix": 15.0, "iv_rank": None},
        exit_why={"pnl": pnl / 1e6},
    )


def _close(story: Story, day: int) -> None:
    ts_ns = MONDAY_NS + day * DAY_NS + 21 * HOUR_NS
    frame = story.say("md", ts_ns, *_frame(day, closing=True))
    forecast = Forecast(
        symbol="SPX",
        model="m1",
        model_sha="s",
        input_hash="h",
        horizons_sessions=(1, 5, 21),
        levels=(0.05, 0.5, 0.95),
        variance_quantiles=((0.001, 0.02, 0.3),) * 3,
    )
    story.say("forecast", ts_ns, forecast, cause=frame)
    if day % 4 == 0:
        label = LABELS[day // 4 % len(LABELS)]
        regime = RegimeChanged(symbol="SPX", detector="t", version=1, label=label, previous=None, why={})
        story.say("signals", ts_ns, regime, cause=frame)
    exits = [_exit(key, deal) for key, (deal, _) in story.book.held.items() if key in story.due.get(day + 1, [])]
    mid = -sum(deal.debit for deal, _ in story.book.held.values())
    equity = story.book.cash + mid
    mark = PortfolioMarked(
        cash_micros=story.book.cash,
        mid_micros=mid,
        achievable_micros=mid - 10,
        natural_micros=mid - 20,
        equity_micros=equity,
        high_water_micros=max(CASH, equity),
        drawdown_fraction=max(0.0, 1.0 - equity / max(CASH, equity)),
        open_positions=len(story.book.held),
        max_loss_micros=sum(deal.units * 2_000_000_000 for deal, _ in story.book.held.values()),
        delta_spy_shares=1.0,
        gamma_spy_shares=-0.5,
        vega_usd_per_point=-20.0,
        theta_usd_per_day=None if day % 7 == 3 else 5.0,
        stale_marks=0,
    )
    story.say("risk", ts_ns, *exits, mark, cause=frame)


def _exit(key: str, deal: Deal) -> ExitRequested:
    return ExitRequested(
        position_id=key,
        underlying="SPX",
        instruments=_key_legs(key),
        ratios=(1, -1, -1, 1),
        multiplier=100,
        tick_micros=10_000,
        quantity=deal.units,
        reason=deal.reason,
        all_true=(deal.reason,),
        closing_debit_ticks=100.0,
    )


def warming_up(messages: list[Message]) -> list[Message]:
    """The log with a scan of the warm-up behind TradingStarted, as a free-running session writes it."""
    start = next(i for i, m in enumerate(messages) if b"TradingStarted" in m.data)
    gates = {"trading_started": False, "iv_rank": True, "vrp": True}
    scan = Scan(
        underlying="SPX", strategy="condor", candidates=1, proposed=False, gates=gates, kills={}, why={"iv_rank": 1.0}
    )
    ts_ns = decode(messages[start].data).ts_ns - 1
    early = encode(Envelope(ts_ns, "signals", 1, (scan,), (0,), "b1"))
    kept = [*messages[: start + 1], Message(0, "log.signals", early), *messages[start + 1 :]]
    return [Message(seq, m.subject, m.data) for seq, m in enumerate(kept, 1)]


def changed(messages: list[Message], tag: str, nth: int, **values: Any) -> list[Message]:
    """The log with fields of its ``nth`` event of a kind replaced (a callable gets the old value)."""
    found = -1
    result = []
    for message in messages:
        envelope = decode(message.data)
        events = list(envelope.events)
        for i, event in enumerate(events):
            if tag == event.TAG:
                found += 1
                if found == nth:
                    new = {k: v(getattr(event, k)) if callable(v) else v for k, v in values.items()}
                    events[i] = event.model_copy(update=new)
        altered = Envelope(envelope.ts_ns, envelope.source, envelope.cause, tuple(events), envelope.of, envelope.build)
        result.append(Message(message.seq, message.subject, encode(altered)))
    assert found >= nth, f"the log has no {tag} number {nth}"
    return result
