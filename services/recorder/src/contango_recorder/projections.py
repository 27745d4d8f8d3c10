"""What each event says to its table: one function a tag, one line a tag below. Pure.

A function returns the values behind the key columns, in the order of ``schema.TABLES``, once per row. Lists become
PostgreSQL arrays, JSON travels as text. A tag that is not listed lands in ``events`` alone.
"""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any

import orjson

from contango_common.events import advice, fit, forecast, market, order, risk, signal, system
from contango_common.events.base import Event
from contango_recorder.schema import CONTEXT

Values = tuple[Any, ...]
Project = Callable[[Any], Iterable[Values]]


def json_text(value: object) -> str:
    """JSON for a jsonb column; keys that are not text are refused."""
    return orjson.dumps(value).decode()


def bars(e: market.Bars) -> Iterable[Values]:
    volumes = e.volume or (None,) * len(e.symbols)
    frames = (e.timeframe_s,) * len(e.symbols)
    return zip(e.symbols, frames, e.open, e.high, e.low, e.close, volumes, strict=True)


def chain_frame(e: market.ChainFrame) -> Iterable[Values]:
    flags, counts = list(e.flags), list(e.flag_counts)
    return [(e.underlying, e.spot, e.rows, e.session_date, e.closing, e.contracts, e.quotes, flags, counts)]


def feature_row(e: signal.FeatureRow) -> Iterable[Values]:
    return [(e.symbol, json_text(e.values), e.cadence)]


def regime_changed(e: signal.RegimeChanged) -> Iterable[Values]:
    """From before ``RegimeReport``: what it did not say is null."""
    return [
        (e.symbol, e.detector, e.version, e.label, e.previous, json_text(e.why), None, None, None, None, None, None)
    ]


def regime_report(e: signal.RegimeReport) -> Iterable[Values]:
    said = (e.symbol, e.detector, e.version, e.label, e.previous, json_text(e.why))
    since = (json_text(e.posterior), e.as_of_ns, e.stable_since_ns)
    return [(*said, *since, e.abstain, list(e.overlay), e.multiplier)]


def thresholds_adjusted(e: signal.ThresholdsAdjusted) -> Iterable[Values]:
    return [(e.symbol, e.threshold, e.old, e.new, e.percentile, e.multiplier, e.reason)]


def profile_built(e: signal.ProfileBuilt) -> Iterable[Values]:
    levels = (e.poc, e.value_low, e.value_high, e.volume, e.low_volume_below)
    return [(e.symbol, e.from_ns, e.bars, e.bin_fraction, *levels, json_text(e.low_areas))]


def strategies_selected(e: signal.StrategiesSelected) -> Iterable[Values]:
    return [(e.underlying, e.session_date, e.detector, e.label, list(e.selected), json_text(e.excluded))]


def gate_alert(e: signal.GateAlert) -> Iterable[Values]:
    return [(e.underlying, e.strategy, e.gate, e.killed_share, e.limit, e.sessions)]


def mixture_fitted(e: fit.MixtureFitted) -> Iterable[Values]:
    return [("mixture", e.symbol, e.sha, e.rows, None, e.model_dump_json())]


def mixture_absent(e: fit.MixtureAbsent) -> Iterable[Values]:
    return [("mixture", e.symbol, None, None, e.reason, e.model_dump_json())]


def ou_fitted(e: fit.OuFitted) -> Iterable[Values]:
    return [("ou", e.symbol, None, e.rows, e.reason, e.model_dump_json())]


def forecast_made(e: forecast.Forecast) -> Iterable[Values]:
    quantiles = [list(row) for row in e.variance_quantiles]
    horizons, levels = list(e.horizons_sessions), list(e.levels)
    made = (e.symbol, e.model, e.model_sha, e.input_hash, horizons, levels, quantiles)
    return [(*made, None, e.role, e.weight, e.backend)]


def forecast_absent(e: forecast.ForecastAbsent) -> Iterable[Values]:
    return [(e.symbol, e.model, None, None, None, None, None, e.reason, None, None, None)]


def direction_forecast(e: forecast.DirectionForecast) -> Iterable[Values]:
    probabilities = (e.prob_bull, e.prob_bear, e.prob_neutral, e.confidence)
    named = (e.symbol, e.model, e.model_sha, e.input_hash, e.horizon_s)
    return [(*named, *probabilities, e.role, e.weight, e.backend, e.neutral_band)]


def forecast_scored(e: forecast.ForecastScored) -> Iterable[Values]:
    scores = (e.resolved, e.loss, e.baseline_loss, e.skill, e.calibration_error, e.e_value)
    return [(e.symbol, e.model, e.model_sha, e.target, *scores)]


def direction_fitted(e: forecast.DirectionFitted) -> Iterable[Values]:
    return [("fitted", e.symbol, e.model, None, e.model_dump_json())]


def predictor_switched(e: forecast.PredictorSwitched) -> Iterable[Values]:
    return [("on" if e.on else "off", e.symbol, e.model, e.reason, e.model_dump_json())]


def drift_detected(e: forecast.DriftDetected) -> Iterable[Values]:
    return [("drift", e.symbol, e.model, f"{e.subject} {e.name}", e.model_dump_json())]


def advice_given(e: advice.AdviceGiven) -> Iterable[Values]:
    return [("given", e.proposal_id, e.advisor, e.stance, e.confidence, e.note, None, e.latency_ms, None, None)]


def advice_absent(e: advice.AdviceAbsent) -> Iterable[Values]:
    return [("absent", e.proposal_id, e.advisor, None, None, None, e.reason, None, None, None)]


def advice_scored(e: advice.AdviceScored) -> Iterable[Values]:
    return [("scored", e.proposal_id, e.advisor, e.stance, e.confidence, None, None, None, e.pnl_usd, e.score)]


def surface_fitted(e: signal.SurfaceFitted) -> Iterable[Values]:
    series = (e.underlying, e.root, e.expiry_date, e.expiry_ns)
    return [(*series, e.forward, e.atm_iv_annual, e.rms_vol, e.quotes, list(e.smile), e.reason)]


def scan(e: signal.Scan) -> Iterable[Values]:
    gates, kills, why, rows = json_text(e.gates), json_text(e.kills), json_text(e.why), json_text(e.rows)
    return [(e.underlying, e.strategy, e.candidates, e.proposed, gates, kills, why, rows, e.block, e.feasible)]


def proposal(e: signal.Proposal) -> Iterable[Values]:
    structure = (e.kind, e.underlying, list(e.instruments), list(e.ratios), e.multiplier, e.tick_micros)
    prices = (e.expiry_ns, e.last_trade_ns, e.mid_ticks, e.natural_ticks, e.limit_ticks, e.max_loss_ticks, e.score)
    reasons = (json_text(e.gates), json_text(e.why), e.regime, e.valid_until_ns, e.quantity_cap)
    changes = (json_text(e.multipliers), json_text(e.shadow_multipliers), e.adjusts, e.adjustment, e.closes)
    return [(e.proposal_id, e.strategy, *structure, *prices, *reasons, *changes, *context(e))]


def context(e: signal.Proposal | risk.TradeClosed) -> Values:
    """The trade's context in the order of ``schema.CONTEXT``."""
    return tuple(json_text(getattr(e, name)) for name in CONTEXT)


def approved(e: risk.Approved) -> Iterable[Values]:
    who = (e.proposal_id, e.position_id, e.strategy, e.underlying, e.quantity)
    sizes = (e.limit_ticks, e.max_loss_micros, json_text(e.sizes), json_text(e.limits))
    return [("approved", *who, None, [], *sizes, None, None)]


def refused(e: risk.Refused) -> Iterable[Values]:
    who = (e.proposal_id, None, e.strategy, e.underlying, None)
    return [("refused", *who, None, list(e.reasons), None, None, None, json_text(e.limits), None, None)]


def exit_requested(e: risk.ExitRequested) -> Iterable[Values]:
    who = (None, e.position_id, None, e.underlying, e.quantity)
    why = (e.reason, list(e.all_true))
    return [("exit_requested", *who, *why, None, None, None, None, e.closing_debit_ticks, e.urgency)]


def position_opened(e: risk.PositionOpened) -> Iterable[Values]:
    who = (e.position_id, e.proposal_id, e.strategy, e.underlying)
    return [(*who, e.quantity, e.entry_net_ticks, e.fees_micros)]


def trade_closed(e: risk.TradeClosed) -> Iterable[Values]:
    who = (e.position_id, e.proposal_id, e.strategy, e.underlying, list(e.instruments), list(e.ratios))
    cash = (e.entry_net_micros, e.exit_net_micros, e.fees_micros, e.pnl_micros, e.mid_pnl_micros, e.natural_pnl_micros)
    end = (e.exit_reason, list(e.exit_all_true), e.regime_at_entry, e.regime_at_exit)
    why = (json_text(e.entry_why), json_text(e.exit_why))
    return [(*who, e.quantity, e.opened_ns, *cash, e.max_loss_micros, *end, *why, e.adjusts, *context(e))]


def portfolio_marked(e: risk.PortfolioMarked) -> Iterable[Values]:
    money = (e.cash_micros, e.mid_micros, e.achievable_micros, e.natural_micros, e.equity_micros, e.high_water_micros)
    greeks = (e.delta_spy_shares, e.gamma_spy_shares, e.vega_usd_per_point, e.theta_usd_per_day)
    return [(*money, e.drawdown_fraction, e.open_positions, e.max_loss_micros, *greeks, e.stale_marks)]


def order_submitted(e: order.OrderSubmitted) -> Iterable[Values]:
    structure = (e.underlying, list(e.instruments), list(e.ratios), e.multiplier, e.tick_micros)
    return [(e.order_id, e.position_id, e.purpose, *structure, e.quantity, e.limit_ticks, e.valid_until_ns)]


def order_cancelled(e: order.OrderCancelled) -> Iterable[Values]:
    return [(e.order_id, "cancel_requested", None, [e.reason], None, None, None)]


def price_moved(e: order.WorkingPriceMoved) -> Iterable[Values]:
    return [(e.order_id, "price_moved", None, [e.reason], e.limit_ticks, None, None)]


def order_unknown(e: order.OrderUnknown) -> Iterable[Values]:
    return [(e.order_id, "unknown", e.state, [e.report], None, None, None)]


def order_done(e: order.OrderDone) -> Iterable[Values]:
    return [(e.order_id, "done", e.state, [e.reason], None, e.filled, None)]


def accepted(e: order.Accepted) -> Iterable[Values]:
    return [(e.order_id, "accepted", None, [], None, None, e.venue_id)]


def rejected(e: order.Rejected) -> Iterable[Values]:
    return [(e.order_id, "rejected", None, list(e.reasons), None, None, None)]


def cancelled(e: order.Cancelled) -> Iterable[Values]:
    return [(e.order_id, "cancelled", None, [e.reason], None, None, None)]


def filled(e: order.Filled) -> Iterable[Values]:
    legs = (list(e.instruments), list(e.leg_quantities), list(e.leg_price_micros))
    cash = (e.cash_micros, e.mid_cash_micros, e.natural_cash_micros, e.fees_micros)
    return [(e.order_id, e.fill_id, e.quantity, *legs, *cash, e.remaining)]


def expired(e: order.Expired) -> Iterable[Values]:
    legs = (list(e.instruments), list(e.quantities), list(e.leg_cash_micros))
    where = (e.underlying, e.root, e.expiry_ns, e.print_price)
    return [("expired", *where, *legs, e.cash_micros, e.fees_micros)]


def assigned(e: order.Assigned) -> Iterable[Values]:
    legs = ([e.instrument], [e.quantity], [e.cash_micros])
    return [("assigned", None, None, None, None, *legs, e.cash_micros, e.fees_micros)]


def control(e: Event) -> Iterable[Values]:
    """Everything that steers: ``subject`` is the feature, position or model meant, where there is one."""
    subject = getattr(e, "feature", None) or getattr(e, "position_id", None) or getattr(e, "model", None)
    return [(type(e).TAG, subject, getattr(e, "reason", None), e.model_dump_json())]


PROJECTIONS: MappingProxyType[type[Event], tuple[str, Project]] = MappingProxyType(
    {
        market.Bars: ("bars", bars),
        market.ChainFrame: ("frames", chain_frame),
        signal.FeatureRow: ("features", feature_row),
        signal.RegimeChanged: ("regimes", regime_changed),
        signal.RegimeReport: ("regimes", regime_report),
        signal.ThresholdsAdjusted: ("thresholds", thresholds_adjusted),
        signal.ProfileBuilt: ("profiles", profile_built),
        signal.StrategiesSelected: ("selections", strategies_selected),
        signal.GateAlert: ("gate_alerts", gate_alert),
        fit.MixtureFitted: ("fits", mixture_fitted),
        fit.MixtureAbsent: ("fits", mixture_absent),
        fit.OuFitted: ("fits", ou_fitted),
        signal.SurfaceFitted: ("surfaces", surface_fitted),
        signal.Scan: ("scans", scan),
        signal.Proposal: ("proposals", proposal),
        signal.FeatureFailed: ("control", control),
        forecast.Forecast: ("forecasts", forecast_made),
        forecast.ForecastAbsent: ("forecasts", forecast_absent),
        forecast.DirectionForecast: ("directions", direction_forecast),
        forecast.ForecastScored: ("forecast_scores", forecast_scored),
        forecast.DirectionFitted: ("model_facts", direction_fitted),
        forecast.PredictorSwitched: ("model_facts", predictor_switched),
        forecast.DriftDetected: ("model_facts", drift_detected),
        advice.AdviceGiven: ("advice", advice_given),
        advice.AdviceAbsent: ("advice", advice_absent),
        advice.AdviceScored: ("advice", advice_scored),
        risk.Approved: ("decisions", approved),
        risk.Refused: ("decisions", refused),
        risk.ExitRequested: ("decisions", exit_requested),
        risk.PositionOpened: ("positions", position_opened),
        risk.TradeClosed: ("trades", trade_closed),
        risk.PortfolioMarked: ("marks", portfolio_marked),
        risk.TradingHalted: ("control", control),
        risk.TradingResumed: ("control", control),
        order.OrderSubmitted: ("orders", order_submitted),
        order.OrderCancelled: ("order_events", order_cancelled),
        order.WorkingPriceMoved: ("order_events", price_moved),
        order.OrderUnknown: ("order_events", order_unknown),
        order.OrderDone: ("order_events", order_done),
        order.Accepted: ("order_events", accepted),
        order.Rejected: ("order_events", rejected),
        order.Cancelled: ("order_events", cancelled),
        order.Filled: ("fills", filled),
        order.Expired: ("settlements", expired),
        order.Assigned: ("settlements", assigned),
        system.ParametersChanged: ("control", control),
        system.TradingStarted: ("control", control),
        system.FeatureSwitched: ("control", control),
        system.Halt: ("control", control),
        system.Resume: ("control", control),
        system.CloseOrdered: ("control", control),
        system.ModelPromoted: ("control", control),
        system.ModelRolledBack: ("control", control),
    }
)
"""Event class → table and function."""
