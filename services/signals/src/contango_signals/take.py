"""How each fact changes the state: one small handler an event type. Facts that are not listed change nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.domain.instrument import Delivery, RootSpec, Settlement, Style, is_option_id, series_of
from contango_common.domain.sessions import Sessions
from contango_common.events.base import Event
from contango_common.events.fit import MixtureAbsent, MixtureFitted, OuFitted
from contango_common.events.forecast import BASELINE, DirectionForecast, Forecast, ForecastAbsent
from contango_common.events.market import (
    CRYPTO,
    AssetListed,
    BarHistory,
    Bars,
    ChainFrame,
    FeedState,
    RateSet,
    RootListed,
    SessionTable,
)
from contango_common.events.risk import (
    Approved,
    ExitRequested,
    PositionOpened,
    Refused,
    TradeClosed,
    TradingHalted,
    TradingResumed,
)
from contango_common.events.signal import (
    FeatureFailed,
    FeatureRow,
    GateAlert,
    ProfileBuilt,
    Proposal,
    RegimeReport,
    Scan,
    StrategiesSelected,
    SurfaceFitted,
    ThresholdsAdjusted,
)
from contango_common.events.system import FeatureSwitched, Halt, ParametersChanged, Resume, TradingStarted
from contango_signals import volindex
from contango_signals.bars import DAILY_S, join_index, symbol_of, take_bars, take_history, wants_banks
from contango_signals.config import parse
from contango_signals.feasibility import with_kills
from contango_signals.params import SignalsParams
from contango_signals.profile import Levels
from contango_signals.regimes.s0 import warmed
from contango_signals.state import (
    Asked,
    DirectionSeen,
    ForecastSeen,
    Mixture,
    ModelSeen,
    OpenPosition,
    Rate,
    Reversion,
    SmileSeen,
    State,
    Told,
)
from contango_signals.strategies.ema_cross import new_cross
from contango_signals.strategies.ema_cross import take as take_cross
from contango_signals.thresholds import apply

LAPSE_SLACK_NS = 3_600_000_000_000  # a fill on the last valid frame is reported at that frame, never an hour later


def _parameters(state: State, event: ParametersChanged, at: At) -> None:
    try:
        p = parse(event.params)
    except UserError as error:
        state.params_error = str(error)  # the old ones stand, and nothing opens until valid ones come
        return
    old, state.params, state.params_error = state.params, p, None
    if _kernels(old) != _kernels(p):
        state.symbols, state.crosses, state.divergence = {}, {}, None
        state.vol = volindex.new_vol_index(p.iv_rank_window_sessions, p.iv_rank_min_sessions)
    ema = p.strategies.get("ema_cross")
    crosses = {} if ema is None else {s: state.crosses.get(s) or new_cross(ema.fast, ema.slow) for s in p.assets}
    state.crosses = crosses


def _kernels(p: SignalsParams) -> tuple[Any, ...]:
    """Everything that shapes what bars leave behind: when it changes, they start anew."""
    return (
        *(p.bank, p.profile, p.volatility, p.fuzzy, p.regimes.s0, p.strategies.get("ema_cross")),
        *(p.bar_timeframe_s, p.sessions_per_year, p.iv_rank_window_sessions, p.iv_rank_min_sessions, p.vol_symbol),
    )


def _bars(state: State, event: Bars, at: At) -> None:
    daily = event.timeframe_s == DAILY_S
    if not daily and event.timeframe_s != state.params.bar_timeframe_s:
        return
    if state.crosses and not daily:
        _crosses(state, event, at.ts_ns)
    if wants_banks(state.params):
        take_bars(state, event, at.ts_ns)


def _crosses(state: State, event: Bars, ts_ns: int) -> None:
    for symbol, close in zip(event.symbols, event.close, strict=True):
        cross = state.crosses.get(symbol)
        if cross is not None:
            take_cross(cross, close, ts_ns)


def _history(state: State, event: BarHistory, at: At) -> None:
    if not wants_banks(state.params) or event.timeframe_s != DAILY_S:
        return
    if event.symbol == state.params.vol_symbol:
        volindex.take_history(state.vol, event.columns())
        join_index(state)
    elif event.symbol not in state.params.volatility.family:
        take_history(state, event.symbol, event.columns())


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
    state.tradable[event.symbol] = event.kind != "index"
    state.crypto[event.symbol] = event.kind in CRYPTO


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
    if event.role == "challenger":
        return
    if event.role == "champion":
        state.model_forecasts[event.symbol] = ModelSeen(
            event.model,
            at.ts_ns,
            event.weight,
            list(event.horizons_sessions),
            list(event.levels),
            [list(row) for row in event.variance_quantiles],
        )
        return
    state.forecasts[event.symbol] = ForecastSeen(
        ts_ns=at.ts_ns,
        horizons_sessions=list(event.horizons_sessions),
        levels=list(event.levels),
        variance_quantiles=[list(row) for row in event.variance_quantiles],
    )


def _no_forecast(state: State, event: ForecastAbsent, at: At) -> None:
    """A model that says nothing has no weight until it speaks again; the baseline's last word stands by its age."""
    model = state.model_forecasts.get(event.symbol)
    if model is not None and model.model == event.model:
        del state.model_forecasts[event.symbol]
    gone = [key for key, d in state.directions.items() if d.model == event.model and key.startswith(f"{event.symbol}:")]
    for key in gone:
        del state.directions[key]
    if event.model == BASELINE:
        state.forecasts.setdefault(event.symbol, ForecastSeen()).absent = event.reason


def _direction(state: State, event: DirectionForecast, at: At) -> None:
    if event.role == "challenger":
        return
    state.directions[f"{event.symbol}:{event.horizon_s}"] = DirectionSeen(
        event.model,
        at.ts_ns,
        event.horizon_s,
        event.prob_bull,
        event.prob_bear,
        event.prob_neutral,
        event.confidence,
        event.weight,
    )


def _started(state: State, event: TradingStarted, at: At) -> None:
    state.trading_started = True


def _switched(state: State, event: FeatureSwitched, at: At) -> None:
    state.switches[event.feature] = event.switch
    state.failed.pop(event.feature, None)
    state.failing.pop(event.feature, None)


def _failed(state: State, event: FeatureFailed, at: At) -> None:
    state.failing.pop(event.feature, None)
    state.failed[event.feature] = event.reason


def _halt(state: State, event: Halt, at: At) -> None:
    state.halted_by_person = True


def _resume(state: State, event: Resume, at: At) -> None:
    state.halted_by_person = False


def _risk_halt(state: State, event: TradingHalted, at: At) -> None:
    state.halted_by_risk, state.halted_until_ns = True, event.until_ns


def _risk_resume(state: State, event: TradingResumed, at: At) -> None:
    state.halted_by_risk, state.halted_until_ns = False, None


def _proposed(state: State, event: Proposal, at: At) -> None:
    stop, target = event.why.get("stop"), event.why.get("target")
    state.asked[event.proposal_id] = Asked(event.kind, stop, target, event.adjusts, _mark(event))


def _mark(event: Proposal) -> str:
    """What the adjusted position will have had: its kind, and the side in the proposal's name."""
    return "" if event.adjustment is None else ":".join(event.proposal_id.split(":")[3:5])


def _approved(state: State, event: Approved, at: At) -> None:
    lapses_ns = event.valid_until_ns + LAPSE_SLACK_NS
    gone = [k for k, p in state.positions.items() if p.lapses_ns is not None and p.lapses_ns < at.ts_ns]
    for key in gone:
        del state.positions[key]
    asked = state.asked.pop(event.proposal_id, None) or Asked("", None, None, None, "")
    state.positions[event.position_id] = OpenPosition(
        strategy=event.strategy,
        underlying=event.underlying,
        opened_ns=at.ts_ns,
        lapses_ns=lapses_ns,
        series=list(dict.fromkeys(series_of(name) for name in event.instruments if is_option_id(name))),
        kind=asked.kind,
        instruments=list(event.instruments),
        ratios=list(event.ratios),
        quantity=event.quantity,
        stop=asked.stop,
        target=asked.target,
        adjusts=asked.adjusts,
    )
    changed = state.positions.get(asked.adjusts or "")
    if changed is not None:
        changed.adjusted.append(asked.mark)
        state.positions[event.position_id].adjusted = list(changed.adjusted)  # a side is rolled once, not once a roll


def _exiting(state: State, event: ExitRequested, at: At) -> None:
    if event.position_id in state.positions:
        state.positions[event.position_id].closing = True


def _refused(state: State, event: Refused, at: At) -> None:
    state.asked.pop(event.proposal_id, None)


def _opened(state: State, event: PositionOpened, at: At) -> None:
    known = state.positions.get(event.position_id)
    if known is None:
        known = OpenPosition(event.strategy, event.underlying, at.ts_ns, None)
        state.positions[event.position_id] = known
    known.lapses_ns, known.quantity, known.entry_ticks = None, event.quantity, event.entry_net_ticks
    state.last_opened_ns[f"{event.strategy}:{event.underlying}"] = known.opened_ns


def _closed(state: State, event: TradeClosed, at: At) -> None:
    state.positions.pop(event.position_id, None)


def _row(state: State, event: FeatureRow, at: At) -> None:
    if event.symbol in state.symbols and event.cadence == "row":
        state.symbols[event.symbol].row_ns = at.ts_ns


def _regime(state: State, event: RegimeReport, at: At) -> None:
    symbol = symbol_of(state, event.symbol)
    symbol.told[event.detector] = Told(
        event.label, event.abstain, list(event.overlay), event.multiplier, event.stable_since_ns
    )


def _threshold(state: State, event: ThresholdsAdjusted, at: At) -> None:
    symbol = symbol_of(state, event.symbol)
    symbol.thresholds = apply(
        symbol.thresholds, event.threshold, event.new, event.percentile, at.ts_ns, state.params.thresholds
    )


def _profile(state: State, event: ProfileBuilt, at: At) -> None:
    areas = [list(area) for area in event.low_areas]
    symbol_of(state, event.symbol).levels = Levels(event.poc, event.value_low, event.value_high, areas, at.ts_ns)


def _mixture(state: State, event: MixtureFitted, at: At) -> None:
    symbol = symbol_of(state, event.symbol)
    mixture = Mixture(
        sha=event.sha,
        features=list(event.features),
        centre=list(event.centre),
        scale=list(event.scale),
        weights=list(event.weights),
        means=[list(row) for row in event.means],
        precisions=[[list(row) for row in table] for table in event.precisions],
        log_dets=list(event.log_dets),
        transition=[list(row) for row in event.transition],
        labels=list(event.labels),
        as_of_ns=at.ts_ns,
    )
    symbol.mixture = replace(mixture, posterior=warmed(mixture, symbol.daily))


def _no_mixture(state: State, event: MixtureAbsent, at: At) -> None:
    symbol_of(state, event.symbol).no_mixture = event.reason


def _ou(state: State, event: OuFitted, at: At) -> None:
    state.reversion = Reversion(event.mean, event.sd, event.half_life_days, event.adf_p, event.kpss_p)


def _selected(state: State, event: StrategiesSelected, at: At) -> None:
    state.selected[event.underlying] = event.session_date


def _alert(state: State, event: GateAlert, at: At) -> None:
    state.alerted[f"{event.strategy}:{event.underlying}:{event.gate}"] = True


def _surface(state: State, event: SurfaceFitted, at: At) -> None:
    for key in [key for key, seen in state.smiles.items() if seen.expiry_ns <= at.ts_ns]:
        del state.smiles[key]
    seen = SmileSeen(at.ts_ns, event.expiry_ns, event.forward, list(event.smile), event.atm_iv_annual)
    state.smiles[f"{event.root}:{event.expiry_date}"] = seen


def _scan(state: State, event: Scan, at: At) -> None:
    date = state.session_date.get(event.underlying)
    if date is not None:
        state.scanned[f"{event.strategy}:{event.underlying}"] = date
    with_kills(state.killed, state.alerted, event, state.params.select)


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
    DirectionForecast: _direction,
    TradingStarted: _started,
    FeatureSwitched: _switched,
    Halt: _halt,
    Resume: _resume,
    TradingHalted: _risk_halt,
    TradingResumed: _risk_resume,
    FeatureFailed: _failed,
    MixtureFitted: _mixture,
    MixtureAbsent: _no_mixture,
    OuFitted: _ou,
    Proposal: _proposed,
    Approved: _approved,
    ExitRequested: _exiting,
    Refused: _refused,
    PositionOpened: _opened,
    TradeClosed: _closed,
    FeatureRow: _row,
    RegimeReport: _regime,
    ThresholdsAdjusted: _threshold,
    ProfileBuilt: _profile,
    StrategiesSelected: _selected,
    GateAlert: _alert,
    SurfaceFitted: _surface,
    Scan: _scan,
}
