"""The names a book may use, apart from the tables they stand for, so that parameters can check them without a cycle.

A test holds these names equal to those of the tables.
"""

from types import MappingProxyType
from typing import Literal

Switch = Literal["off", "shadow", "on"]

# Features that can be switched off, in shadow or on; every strategy is one more, by its own name.
FEATURES: MappingProxyType[str, str] = MappingProxyType(
    {
        "bank": "indicators on closed bars of every timeframe",
        "alignment": "agreement of the timeframes",
        "thresholds": "thresholds that move with volatility",
        "profile": "volume profile and key levels",
        "regime_s0": "Gaussian mixture of daily features",
        "regime_s1": "intraday rules",
        "regime_s2": "daily rules in five states",
        "multipliers": "position multipliers by regime and volatility index",
        "volatility": "term structure, implied less realised, reversion, premium",
        "divergence": "an index against its future, measured from a rolling basis",
        "fuzzy": "fuzzy confidence and the size it allows",
        "models": "forecasts of a served model, as far as it has earned weight",
        "direction": "the direction predictor on bars: confidence, sizes, early closes, as far as it has earned weight",
        "scoring": "scores that rank candidates",
        "selector": "strategies chosen by the regime",
        "feasibility": "alerts about gates that kill nearly everything",
        "adjustments": "rolls and hedges of open structures",
    }
)

# What is not shipped "on": these change sizes or positions and have not been shown to help.
SHIPPED: MappingProxyType[str, Switch] = MappingProxyType({"multipliers": "shadow", "adjustments": "shadow"})

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
    "iv_percentile",
    "term_structure",
    "forecast_fresh",
    "confidence",
    "rate_known",
    "drift",
    "max_open",
    "entry_spacing",
    "legs_quoted",
    "dte_window",
    "contract_tradable",
    "defined_risk",
    "premium_sign",
    "wing_width",
    "credit_to_width",
    "spread_to_mid",
    "leg_spread",
    "displayed_size",
    "open_interest",
    "volume",
    "breach_odds",
    "vrp",
    "entry_score",
    "rank",
)

# These guard against trading on nothing: no book may switch them off.
ALWAYS_ON = frozenset(
    {"trading_started", "parameters_valid", "not_halted", "feed_live", "rate_known", "legs_quoted", "defined_risk"}
)
