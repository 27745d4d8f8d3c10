"""How each fact changes the state: one small handler an event type. Facts that are not listed change nothing."""

from collections.abc import Callable
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.domain.instrument import Delivery, RootSpec, Settlement, Style, is_option_id, series_of
from contango_common.domain.sessions import Sessions
from contango_common.events.base import Event
from contango_common.events.forecast import Forecast, ForecastAbsent
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
from contango_common.events.risk import Approved, PositionOpened, TradeClosed, TradingHalted, TradingResumed
from contango_common.events.signal import FeatureRow, RegimeChanged, Scan, SurfaceFitted
from contango_common.events.system import FeatureSwitched, Halt, ParametersChanged, Resume, TradingStarted
from contango_signals import features as kernels
from contango_signals.config import parse
from contango_signals.params import SignalsParams
from contango_signals.state import ForecastSeen, OpenPosition, Rate, SmileSeen, State
from contango_signals.strategies.ema_cross import new_cross
from contango_signals.strategies.ema_cross import take as take_cross

DAILY_S = 86_400
LAPSE_SLACK_NS = 3_600_000_000_000  # a fill on the last valid frame is reported at that frame, never an hour later


def wants_features(p: SignalsParams) -> bool:
    """The kernel banks run for feature rows and for strategies on chains; an EMA cross alone does without."""
    return p.feature_row_every_s > 0 or p.strategies != ("ema_cross",)


def _parameters(state: State, event: ParametersChanged, at: At) -> None:
    try:
        p = parse(event.params)
    except UserError as error:
        state.params_error = str(error)  # the old ones stand, and nothing opens until valid ones come
        return
    old, state.params, state.params_error = state.params, p, None
    if _kernels(old) != _kernels(p):
        state.features, state.vol, state.crosses = {}, kernels.new_vol_index(p), {}
    kept = {symbol: cross for symbol, cross in state.crosses.items() if symbol in p.ema_symbols}
    wanted = p.ema_symbols if "ema_cross" in p.strategies else ()
    state.crosses = {s: kept[s] if s in kept else new_cross(p.ema_fast, p.ema_slow) for s in wanted}


def _kernels(p: SignalsParams) -> tuple[Any, ...]:
    """Everything that shapes the kernels: when it changes, they start anew."""
    return (
        *(p.ema_fast, p.ema_slow, p.sma, p.rsi, p.atr, p.adx, p.vol_window, p.bars_per_year, p.bar_timeframe_s),
        *(p.daily_sma, p.daily_adx, p.daily_atr, p.daily_vol_window, p.sessions_per_year),
        *(p.iv_rank_window_sessions, p.iv_rank_min_sessions, p.vol_symbol),
    )


def _bars(state: State, event: Bars, at: At) -> None:
    p, ts_ns, close = state.params, at.ts_ns, event.close
    daily = event.timeframe_s == DAILY_S
    if not daily and event.timeframe_s != p.bar_timeframe_s:
        return
    if state.crosses and not daily:
        _crosses(state, event, ts_ns)
    if not wants_features(p):
        return
    for i, symbol in enumerate(event.symbols):
        if symbol == p.vol_symbol:
            (kernels.take_vol_daily if daily else kernels.take_vol_close)(state.vol, close[i], ts_ns)
            continue
        features = state.features.get(symbol) or _new_symbol(state, symbol)
        if daily:
            kernels.take_daily(features, event.high[i], event.low[i], close[i], ts_ns)
        elif p.feature_row_every_s:  # only the rows speak of intraday features
            kernels.take_bar(features, event.high[i], event.low[i], close[i], ts_ns)


def _crosses(state: State, event: Bars, ts_ns: int) -> None:
    for symbol, close in zip(event.symbols, event.close, strict=True):
        cross = state.crosses.get(symbol)
        if cross is not None:
            take_cross(cross, close, ts_ns)


def _new_symbol(state: State, symbol: str) -> kernels.SymbolFeatures:
    state.features[symbol] = kernels.new_symbol(state.params)
    return state.features[symbol]


def _history(state: State, event: BarHistory, at: At) -> None:
    p, daily = state.params, event.timeframe_s == DAILY_S
    if not wants_features(p) or not (daily or event.timeframe_s == p.bar_timeframe_s):
        return
    if event.symbol == p.vol_symbol:
        if daily:
            kernels.take_vol_history(state.vol, event.columns())
        return
    features = state.features.get(event.symbol) or _new_symbol(state, event.symbol)
    kernels.take_history(features, event.columns(), daily)


def _chain(state: State, event: ChainFrame, at: At) -> None:
    state.session_date[event.underlying] = event.session_date


def _feed(state: State, event: FeedState, at: At) -> None:
    state.feeds[event.underlying] = event.state


def _sessions(state: State, event: SessionTable, at: At) -> None:
    wanted = state.params.calendar or (state.sessions.calendar if state.sessions else event.calendar)
    if event.calendar == wanted:
        state.sessions = Sessions(event.calendar, event.date, event.open_ns, event.close_ns)


def _asset(state: State, event: AssetListed, at: At) -> None:
    state.tick_micros[event.symbol] = event.tick_micros


def _root(state: State, event: RootListed, at: At) -> None:
    state.roots[event.root] = RootSpec(
        root=event.root,
        underlying=event.underlying,
        style=Style(event.style),
        settlement=Settlement(event.settlement),
        delivery=Delivery(event.delivery),
        multiplier=event.multiplier,
        deliverable_shares=event.deliverable_shares,
        tick_micros=event.tick_micros,
        increment_ticks=event.increment_ticks,
    )


def _rate(state: State, event: RateSet, at: At) -> None:
    state.rates[event.underlying] = Rate(event.rate_annual, event.div_yield_annual)


def _forecast(state: State, event: Forecast, at: At) -> None:
    state.forecasts[event.symbol] = ForecastSeen(
        ts_ns=at.ts_ns,
        horizons_sessions=list(event.horizons_sessions),
        levels=list(event.levels),
        variance_quantiles=[list(row) for row in event.variance_quantiles],
    )


def _no_forecast(state: State, event: ForecastAbsent, at: At) -> None:
    state.forecasts.setdefault(event.symbol, ForecastSeen()).absent = event.reason


def _started(state: State, event: TradingStarted, at: At) -> None:
    state.trading_started = True


def _switched(state: State, event: FeatureSwitched, at: At) -> None:
    state.switches[event.feature] = event.switch


def _halt(state: State, event: Halt, at: At) -> None:
    state.halted_by_person = True


def _resume(state: State, event: Resume, at: At) -> None:
    state.halted_by_person = False


def _risk_halt(state: State, event: TradingHalted, at: At) -> None:
    state.halted_by_risk, state.halted_until_ns = True, event.until_ns


def _risk_resume(state: State, event: TradingResumed, at: At) -> None:
    state.halted_by_risk, state.halted_until_ns = False, None


def _approved(state: State, event: Approved, at: At) -> None:
    lapses_ns = event.valid_until_ns + LAPSE_SLACK_NS
    gone = [k for k, p in state.positions.items() if p.lapses_ns is not None and p.lapses_ns < at.ts_ns]
    for key in gone:
        del state.positions[key]
    series = list(dict.fromkeys(series_of(name) for name in event.instruments if is_option_id(name)))
    state.positions[event.position_id] = OpenPosition(event.strategy, event.underlying, at.ts_ns, lapses_ns, series)


def _opened(state: State, event: PositionOpened, at: At) -> None:
    known = state.positions.get(event.position_id)
    opened_ns, series = (at.ts_ns, []) if known is None else (known.opened_ns, known.series)
    state.positions[event.position_id] = OpenPosition(event.strategy, event.underlying, opened_ns, None, series)
    state.last_opened_ns[f"{event.strategy}:{event.underlying}"] = opened_ns


def _closed(state: State, event: TradeClosed, at: At) -> None:
    state.positions.pop(event.position_id, None)


def _row(state: State, event: FeatureRow, at: At) -> None:
    if event.symbol in state.features:
        state.features[event.symbol].row_ns = at.ts_ns


def _regime(state: State, event: RegimeChanged, at: At) -> None:
    state.regimes[event.symbol] = event.label


def _surface(state: State, event: SurfaceFitted, at: At) -> None:
    for key in [key for key, seen in state.smiles.items() if seen.expiry_ns <= at.ts_ns]:
        del state.smiles[key]
    seen = SmileSeen(at.ts_ns, event.expiry_ns, event.forward, list(event.smile))
    state.smiles[f"{event.root}:{event.expiry_date}"] = seen


def _scan(state: State, event: Scan, at: At) -> None:
    date = state.session_date.get(event.underlying)
    if date is not None:
        state.scanned[f"{event.strategy}:{event.underlying}"] = date


EVOLVE: dict[type[Event], Callable[[State, Any, At], None]] = {
    ParametersChanged: _parameters,
    Bars: _bars,
    BarHistory: _history,
    ChainFrame: _chain,
    FeedState: _feed,
    SessionTable: _sessions,
    AssetListed: _asset,
    RootListed: _root,
    RateSet: _rate,
    Forecast: _forecast,
    ForecastAbsent: _no_forecast,
    TradingStarted: _started,
    FeatureSwitched: _switched,
    Halt: _halt,
    Resume: _resume,
    TradingHalted: _risk_halt,
    TradingResumed: _risk_resume,
    Approved: _approved,
    PositionOpened: _opened,
    TradeClosed: _closed,
    FeatureRow: _row,
    RegimeChanged: _regime,
    SurfaceFitted: _surface,
    Scan: _scan,
}
