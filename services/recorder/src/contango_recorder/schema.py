"""The tables that the log is projected into: their columns, in order, beside the migrations that make them.

Every row begins with ``seq`` (the message's sequence), ``ordinal`` (the event's place in it) and ``ts`` (event time in
UTC to the microsecond). These three and, where one event makes several rows, ``symbol`` are the key.
"""

from types import MappingProxyType

KEY = ("seq", "ordinal", "ts")

CONTEXT = ("entry_parameters", "module_specific_params", "market_context", "alternatives")

_OWN = {
    "events": ("source", "tag", "cause", "of", "body"),
    "bars": ("symbol", "timeframe_s", "open", "high", "low", "close", "volume"),
    "frames": ("underlying", "spot", "rows", "session_date", "closing", "contracts", "quotes", "flags", "flag_counts"),
    "features": ("symbol", "values", "cadence"),
    "regimes": (
        *("symbol", "detector", "version", "label", "previous", "why"),
        *("posterior", "as_of_ns", "stable_since_ns", "abstain", "overlay", "multiplier"),
    ),
    "forecasts": (
        *("symbol", "model", "model_sha", "input_hash"),
        *("horizons_sessions", "levels", "variance_quantiles", "absent_reason", "role", "weight", "backend"),
    ),
    "directions": (
        *("symbol", "model", "model_sha", "input_hash", "horizon_s", "prob_bull", "prob_bear", "prob_neutral"),
        *("confidence", "role", "weight", "backend", "neutral_band"),
    ),
    "forecast_scores": (
        *("symbol", "model", "model_sha", "target", "resolved", "loss", "baseline_loss", "skill"),
        *("calibration_error", "e_value"),
    ),
    "model_facts": ("kind", "symbol", "model", "reason", "body"),
    "advice": (
        *("kind", "proposal_id", "advisor", "stance", "confidence", "note", "reason", "latency_ms", "pnl_usd", "score"),
    ),
    "surfaces": (
        *("underlying", "root", "expiry_date", "expiry_ns", "forward", "atm_iv_annual", "rms_vol", "quotes"),
        *("smile", "reason"),
    ),
    "scans": (
        *("underlying", "strategy", "candidates", "proposed", "gates", "kills", "why", "rows"),
        *("block", "feasible"),
    ),
    "proposals": (
        *("proposal_id", "strategy", "kind", "underlying", "instruments", "ratios", "multiplier", "tick_micros"),
        *("expiry_ns", "last_trade_ns", "mid_ticks", "natural_ticks", "limit_ticks", "max_loss_ticks", "score"),
        *("gates", "why", "regime", "valid_until_ns", "quantity_cap"),
        *("multipliers", "shadow_multipliers", "adjusts", "adjustment", "closes"),
        *CONTEXT,
    ),
    "decisions": (
        *("kind", "proposal_id", "position_id", "strategy", "underlying", "quantity", "reason", "reasons"),
        *("limit_ticks", "max_loss_micros", "sizes", "limits", "closing_debit_ticks", "urgency"),
    ),
    "orders": (
        *("order_id", "position_id", "purpose", "underlying", "instruments", "ratios", "multiplier", "tick_micros"),
        *("quantity", "limit_ticks", "valid_until_ns"),
    ),
    "order_events": ("order_id", "kind", "state", "reasons", "limit_ticks", "filled", "venue_id"),
    "fills": (
        *("order_id", "fill_id", "quantity", "instruments", "leg_quantities", "leg_price_micros", "cash_micros"),
        *("mid_cash_micros", "natural_cash_micros", "fees_micros", "remaining"),
    ),
    "settlements": (
        *("kind", "underlying", "root", "expiry_ns", "print_price", "instruments", "quantities", "leg_cash_micros"),
        *("cash_micros", "fees_micros"),
    ),
    "positions": (
        *("position_id", "proposal_id", "strategy", "underlying", "quantity"),
        *("entry_net_ticks", "fees_micros"),
    ),
    "trades": (
        *("position_id", "proposal_id", "strategy", "underlying", "instruments", "ratios", "quantity", "opened_ns"),
        *("entry_net_micros", "exit_net_micros", "fees_micros", "pnl_micros", "mid_pnl_micros", "natural_pnl_micros"),
        *("max_loss_micros", "exit_reason", "exit_all_true", "regime_at_entry", "regime_at_exit"),
        *("entry_why", "exit_why", "adjusts"),
        *CONTEXT,
    ),
    "marks": (
        *("cash_micros", "mid_micros", "achievable_micros", "natural_micros", "equity_micros", "high_water_micros"),
        *("drawdown_fraction", "open_positions", "max_loss_micros", "delta_spy_shares", "gamma_spy_shares"),
        *("vega_usd_per_point", "theta_usd_per_day", "stale_marks"),
    ),
    "thresholds": ("symbol", "threshold", "old", "new", "percentile", "multiplier", "reason"),
    "profiles": (
        *("symbol", "from_ns", "bars", "bin_fraction", "poc", "value_low", "value_high", "volume"),
        *("low_volume_below", "low_areas"),
    ),
    "selections": ("underlying", "session_date", "detector", "label", "selected", "excluded"),
    "gate_alerts": ("underlying", "strategy", "gate", "killed_share", "limit", "sessions"),
    "fits": ("kind", "symbol", "sha", "rows", "reason", "body"),
    "control": ("kind", "subject", "reason", "body"),
}

TABLES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType({name: KEY + own for name, own in _OWN.items()})
"""Table → all its columns."""

QUARANTINE = "quarantine"
QUARANTINE_COLUMNS = ("seq", "subject", "reason", "data")
"""Messages that could not be decoded or that the database refused, with their bytes."""
