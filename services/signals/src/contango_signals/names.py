"""The names a book may use, apart from the tables they stand for, so that parameters can check them without a cycle.

A test holds these names equal to those of the tables.
"""

STRATEGY_NAMES = ("iron_condor", "ema_cross")

GATE_NAMES = (
    "trading_started",
    "parameters_valid",
    "not_halted",
    "switched_on",
    "feed_live",
    "session_time",
    "history_ready",
    "regime_known",
    "regime_allowed",
    "vix_cap",
    "iv_rank",
    "forecast_fresh",
    "rate_known",
    "max_open",
    "entry_spacing",
    "legs_quoted",
    "dte_window",
    "contract_tradable",
    "defined_risk",
    "premium_sign",
    "wing_width",
    "credit_to_width",
    "spread_to_credit",
    "displayed_size",
    "breach_odds",
    "vrp",
)

# These guard against trading on nothing: no book may switch them off.
ALWAYS_ON = frozenset(
    {"trading_started", "parameters_valid", "not_halted", "feed_live", "rate_known", "legs_quoted", "defined_risk"}
)
