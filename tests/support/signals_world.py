"""A small world for the signals fold: sessions, bars and an option chain from a formula, as messages of a log."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contango_common.domain.at import At
from contango_common.domain.blocks import Block
from contango_common.domain.chain import contract_key
from contango_common.domain.instrument import KNOWN_ROOTS
from contango_common.events.base import Event
from contango_common.events.forecast import Forecast
from contango_common.events.market import (
    AssetListed,
    BarHistory,
    Bars,
    ChainFrame,
    FeedState,
    RateSet,
    RootListed,
    SessionTable,
)
from contango_common.events.risk import Approved, PositionOpened
from contango_common.events.system import ParametersChanged, TradingStarted
from contango_common.runtime.fold import Fold, step
from contango_quant.pricing.black import black_price
from contango_signals.strategies import iron_condor

MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS
OPEN_MINUTE, CLOSE_MINUTE = 14 * 60 + 30, 21 * 60
START = np.datetime64("2015-01-05")  # a Monday
RATE, SPOT = 0.01, 2000.0


OWN = frozenset(iron_condor.Params.model_fields)


def book(**keys: Any) -> dict[str, Any]:
    """Parameters of a book that trades condors whatever the regime and the confidence, so that each gate speaks.

    Keys of the condor go to it, the others to the section.
    """
    own = {key: value for key, value in keys.items() if key in OWN}
    rest = {key: value for key, value in keys.items() if key not in OWN}
    switches = {"selector": "off", "fuzzy": "off", **rest.pop("switches", {})}
    strategies = {"iron_condor": own, **rest.pop("strategies", {})}
    return {"signals": {"strategies": strategies, "switches": switches, "feature_row_every_s": 1800, **rest}}


@dataclass(frozen=True)
class Message:
    """Events of one instant."""

    ts_ns: int
    events: tuple[Event, ...]
    source: str = "md"


@dataclass(frozen=True)
class Market:
    """What the world does: spot and index per session, implied volatility level and skew, quotes' half-width."""

    spots: tuple[float, ...] = (SPOT,) * 3
    vix: tuple[float, ...] = (18.0,) * 3
    vol: float = 0.18
    skew: float = -0.4
    half_ticks: int = 10
    size: int = 20
    expiry_days: tuple[int, ...] = (18, 46, 74)
    strike_step: int = 10
    every_minutes: int = 30
    params: dict[str, Any] = field(default_factory=book)
    feed: str = "live"
    forecast_vol: float = 0.15
    started: bool = True
    root: str = "SPXW"
    history: tuple[float, ...] = ()
    vix_history: tuple[float, ...] = ()


def date_of(day: np.datetime64) -> int:
    return int(str(day).replace("-", ""))


def weekdays(count: int) -> list[np.datetime64]:
    return [np.busday_offset(START, i) for i in range(count)]


def instant(day: np.datetime64, minute: int) -> int:
    return int(day.astype("datetime64[D]").astype(int)) * DAY_NS + minute * MINUTE_NS


def session_table(count: int = 300) -> SessionTable:
    days = weekdays(count)
    return SessionTable(
        calendar="XNYS",
        date=tuple(date_of(d) for d in days),
        open_ns=tuple(instant(d, OPEN_MINUTE) for d in days),
        close_ns=tuple(instant(d, CLOSE_MINUTE) for d in days),
    )


def root_listed(root: str, **changes: Any) -> RootListed:
    spec = KNOWN_ROOTS[root]
    fields = {
        "root": root,
        "underlying": spec.underlying,
        "style": str(spec.style),
        "settlement": str(spec.settlement),
        "delivery": str(spec.delivery),
        "increment_ticks": spec.increment_ticks,
    }
    return RootListed(**{**fields, **changes})


def history(symbol: str, closes: Sequence[float], swing: float = 0.004) -> BarHistory:
    """Daily bars that end the day before the world begins."""
    close = np.asarray(closes, dtype=np.float64)
    ts_ns = np.array([instant(START, CLOSE_MINUTE) - DAY_NS * (len(close) - i) for i in range(len(close))])
    block = {"ts_ns": ts_ns, "open": close, "high": close * (1 + swing), "low": close * (1 - swing), "close": close}
    event = BarHistory(symbol=symbol, timeframe_s=86_400, rows=len(close), bars=f"history-{symbol}")
    event.attach({event.bars: block})
    return event


def wave(count: int, level: float, swing: float) -> list[float]:
    """Closes that go nowhere: no trend, some movement."""
    return [level * (1.0 + swing * math.sin(0.9 * i) * (1.0 + 0.3 * math.sin(0.37 * i))) for i in range(count)]


def chain(market: Market, day: np.datetime64, ts_ns: int, spot: float) -> tuple[Block, Block]:
    """Contracts and quotes, sorted by expiry, strike, right."""
    rows: list[tuple[int, ...]] = []
    am = KNOWN_ROOTS[market.root].settlement == "am"
    for days in market.expiry_days:
        expiry = START + days
        expiry_ns = instant(expiry, OPEN_MINUTE if am else CLOSE_MINUTE)
        t_years = (expiry_ns - ts_ns) / (365 * DAY_NS)
        if t_years <= 0:
            continue
        last_ns = expiry_ns - DAY_NS if am else expiry_ns
        forward = spot * math.exp(RATE * t_years)
        low, high = (round(spot * f / market.strike_step) * market.strike_step for f in (0.75, 1.2))
        for strike in range(low, high + 1, market.strike_step):
            vol = max(0.05, market.vol + market.skew * math.log(strike / forward))
            for is_call in (0, 1):
                price = black_price(forward, strike, t_years, vol, math.exp(-RATE * t_years), bool(is_call))
                mid = round(price * 100)
                bid, ask = max(0, mid - market.half_ticks), mid + market.half_ticks
                date = date_of(expiry)
                key = contract_key(0, date, bool(is_call), strike * 1000)
                rows.append((key, 0, date, expiry_ns, last_ns, strike * 1000, is_call, bid, ask))
    names = ("key", "root", "expiry_date", "expiry_ns", "last_trade_ns", "strike_millis", "is_call")
    types = ("<i8", "<i4", "<i4", "<i8", "<i8", "<i4", "<i1")
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 9)
    contracts = {name: table[:, i].astype(t) for i, (name, t) in enumerate(zip(names, types, strict=True))}
    size = np.full(len(rows), market.size, dtype="<i4")
    quotes = {
        "bid_ticks": table[:, 7].astype("<i4"),
        "ask_ticks": table[:, 8].astype("<i4"),
        "bid_size": size,
        "ask_size": size,
    }
    return contracts, quotes


def frame(market: Market, day: np.datetime64, ts_ns: int, spot: float, closing: bool = False) -> ChainFrame:
    contracts, quotes = chain(market, day, ts_ns, spot)
    event = ChainFrame(
        underlying="SPX",
        spot=spot,
        roots=(market.root,),
        contracts=f"c{ts_ns}",
        quotes=f"q{ts_ns}",
        rows=len(contracts["key"]),
        session_date=date_of(day),
        closing=closing,
    )
    event.attach({event.contracts: contracts, event.quotes: quotes})
    return event


def bars(timeframe_s: int, **closes: float) -> Bars:
    """A bar a symbol, 0.2 % around its close."""
    values = tuple(closes.values())
    return Bars(
        timeframe_s=timeframe_s,
        symbols=tuple(closes),
        open=values,
        high=tuple(x * 1.002 for x in values),
        low=tuple(x * 0.998 for x in values),
        close=values,
    )


def forecast(vol: float) -> Forecast:
    horizons, factors = (1, 5, 10, 21, 32, 42), (0.6, 0.8, 1.0, 1.25, 1.8)
    return Forecast(
        symbol="SPX",
        model="test",
        model_sha="0",
        input_hash="0",
        horizons_sessions=horizons,
        levels=(0.05, 0.25, 0.5, 0.75, 0.95),
        variance_quantiles=tuple(tuple(vol * vol * f for f in factors) for _ in horizons),
    )


def setup(market: Market) -> list[Message]:
    """Everything before the first bar."""
    ts_ns = instant(START, OPEN_MINUTE) - MINUTE_NS
    reference: tuple[Event, ...] = (
        session_table(),
        AssetListed(symbol="SPX", kind="index", spy_equivalent=10.0),
        root_listed(market.root),
        RateSet(underlying="SPX", rate_annual=RATE, div_yield_annual=0.0),
        history("SPX", market.history or wave(260, market.spots[0], 0.01)),
        history("VIX", market.vix_history or wave(260, market.vix[0] * 0.95, 0.2)),
    )
    messages = [
        Message(ts_ns, (ParametersChanged(params=market.params, reason="start"),), "control.test"),
        Message(ts_ns, reference, "reference"),
        Message(ts_ns, (FeedState(underlying="SPX", state=market.feed),)),
        Message(ts_ns, (forecast(market.forecast_vol),), "forecast"),
    ]
    if market.started:
        messages.append(Message(ts_ns, (TradingStarted(),), "control.test"))
    return messages


def session(market: Market, index: int) -> list[Message]:
    """One session: 15-minute bars, chain frames on the half-hour from 10:00, daily bars at the close."""
    day = weekdays(index + 1)[index]
    spot, vix = market.spots[index], market.vix[index]
    messages = []
    for minute in range(OPEN_MINUTE + 15, CLOSE_MINUTE + 1, 15):
        ts_ns, closing = instant(day, minute), minute == CLOSE_MINUTE
        wobble = 1.0 + 0.001 * math.sin(0.7 * minute + index)
        events: list[Event] = [bars(900, SPX=spot * wobble, VIX=vix)]
        if closing:
            events.append(bars(86_400, SPX=spot * wobble, VIX=vix))
        if minute >= OPEN_MINUTE + 30 and (minute - OPEN_MINUTE) % market.every_minutes == 0:
            events.append(frame(market, day, ts_ns, spot * wobble, closing))
        messages.append(Message(ts_ns, tuple(events)))
    return messages


def messages_of(market: Market) -> list[Message]:
    """The whole log that goes into the fold."""
    return setup(market) + [m for i in range(len(market.spots)) for m in session(market, i)]


def play(fold: Fold, state: Any, messages: Iterable[Message], first_seq: int = 1) -> list[tuple[int, Event]]:
    """Facts with the sequence of the message they were decided on; ``state`` moves on."""
    facts = []
    for seq, message in enumerate(messages, first_seq):
        found, _ = step(fold, state, message.events, At(message.ts_ns, seq, message.source))
        facts += [(seq, fact) for fact in found]
    return facts


def approved(position_id: str, strategy: str, underlying: str, valid_until_ns: int, **changes: Any) -> Approved:
    """Risk's approval of one unit, as far as the signals fold looks at it."""
    known = {"proposal_id": position_id, "position_id": position_id, "strategy": strategy, "underlying": underlying}
    shape = {"instruments": (), "ratios": (), "quantity": 1, "valid_until_ns": valid_until_ns}
    return Approved.model_construct(**{**known, **shape, **changes})


def opened(position_id: str, strategy: str, underlying: str, **changes: Any) -> PositionOpened:
    """The first fill of it."""
    known = {"proposal_id": position_id, "position_id": position_id, "strategy": strategy, "underlying": underlying}
    return PositionOpened.model_construct(**{**known, "quantity": 1, "entry_net_ticks": 0.0, **changes})
