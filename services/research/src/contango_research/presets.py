"""Named sets of parameters that a book may begin from: the three styles, and what each source document chose.

A book lists them under ``presets``; later ones win over earlier ones, and the book's own keys over all. The
``source_…`` presets exist to reproduce published numbers: where they differ from the defaults, the defaults are the
better choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contango_common.domain.errors import UserError
from contango_signals.params import DEMO

Overrides = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preset:
    """``meaning`` is its sentence in the guide; ``overrides`` has the shape of a book."""

    meaning: str
    overrides: Overrides


STYLES = ("conservative", "balanced", "active")
DEFAULT: Overrides = {name: {} for name in DEMO}  # a preset that shapes one strategy leaves the others running

PRESETS: dict[str, Preset] = {
    "conservative": Preset(
        "half the risk, sold deltas further out, fewer and better paid entries, confidence asked for",
        {
            "risk": {
                "risk_per_trade_fraction": 0.01,
                "limits": {"heat_fraction": 0.05, "max_open_positions": 6, "max_positions_per_underlying": 4},
                "exits": {"stop": 1.5},
            },
            "signals": {
                "switches": {"multipliers": "on"},
                "fuzzy": {"base_units": 5, "min_coverage": 0.8},
                "select": {"per_scan": 1},
                "strategies": {
                    **DEFAULT,
                    "iron_condor": {
                        "short_delta": 0.12,
                        "min_iv_rank": 25.0,
                        "max_breach_odds": 0.25,
                        "max_open": 2,
                        "min_sessions_between": 7,
                        "min_confidence": 0.5,
                    },
                },
            },
        },
    ),
    "balanced": Preset("the defaults", {}),
    "active": Preset(
        "more positions and more often, sold deltas nearer, adjustments on",
        {
            "risk": {
                "risk_per_trade_fraction": 0.02,
                "limits": {"heat_fraction": 0.2, "max_open_positions": 24, "max_positions_per_underlying": 24},
            },
            "signals": {
                "switches": {"adjustments": "on"},
                "fuzzy": {"base_units": 15, "min_coverage": 0.7},
                "select": {"per_scan": 3},
                "strategies": {
                    **DEFAULT,
                    "iron_condor": {
                        "short_delta": 0.2,
                        "delta_max": 0.3,
                        "min_iv_rank": 5.0,
                        "max_breach_odds": 0.45,
                        "max_open": 6,
                        "min_sessions_between": 2,
                    },
                },
            },
        },
    ),
    "source_s0": Preset(
        "S0 as published: 60 bars and full covariance, 30/90 days of term structure, screener of the source",
        {
            "market_data": {"max_dte": 120},
            "signals": {
                "regimes": {"s0": {"source_s0": True}},
                "volatility": {"near_days": 30.0, "far_days": 90.0},
                "scoring": {"ev_model": "delta_binary"},
                "select": {"per_scan": 2, "detector": "s0"},
                "switches": {"multipliers": "on"},
                "strategies": {
                    "iron_condor": {
                        "dte_min": 30,
                        "dte_target": 38,
                        "dte_max": 45,
                        "delta_min": 0.2,
                        "delta_max": 0.3,
                        "short_delta": 0.25,
                        "short_delta_step": 0.04,
                        "min_iv_rank": None,
                        "min_iv_percentile": 50.0,
                        "min_credit_to_width": 0.25,
                        "min_open_interest": 100,
                        "min_volume": 10,
                        "max_leg_spread": 0.08,
                    },
                },
            },
        },
    ),
    "source_s1": Preset(
        "S1 as published: wide bands needed for VOLATILE, the intraday rules decide",
        {"signals": {"regimes": {"s1": {"require_wide_bands": True}}, "select": {"detector": "s1"}}},
    ),
    "source_s2": Preset(
        "S2 as published: calendars only in a very calm market, no size but the fuzzy one",
        {
            "signals": {
                "strategies": {
                    **DEFAULT,
                    "iron_condor": {
                        "dte_min": 30,
                        "dte_target": 38,
                        "dte_max": 45,
                        "min_credit_to_width": 0.10,
                        "min_entry_score": 40.0,
                    },
                    "calendar": {"max_iv_rank": 20.0, "max_vix": 12.0},
                },
                "fuzzy": {"base_units": 5},
            },
            "risk": {"exits": {"profit_target": 0.4, "stop": 1.0, "dte": 10}},
        },
    ),
    "source_s4": Preset(
        "S4 as published: confidence asked of bought options (a seller's confidence: the defaults do not ask), "
        "a stop at half the premium and a target of the whole of it",
        {
            "signals": {
                "strategies": {
                    "long_call": {"min_confidence": 0.75},
                    "bull_call_debit_spread": {"min_confidence": 0.60},
                    "protective_put": {"min_confidence": 0.40},
                    "covered_call": {"min_confidence": 0.50},
                    "long_straddle": {"min_confidence": 0.60},
                    "long_strangle": {"min_confidence": 0.60},
                },
            },
            "risk": {"exits": {"profit_target": 1.0, "stop": 0.5}},
        },
    ),
}


def begun(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The book's raw mapping on top of the presets that it names. UserError for an unknown name."""
    names = raw.get("presets") or ()
    if not isinstance(names, list | tuple):
        raise UserError("presets is a list of names")
    merged: dict[str, Any] = {}
    for name in names:
        if name not in PRESETS:
            raise UserError(f"presets: no preset is called {name!r}; there are {', '.join(PRESETS)}")
        merged = merge(merged, PRESETS[name].overrides)
    return merge(merged, raw)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings joined key by key, ``above`` winning; a list of strategies is read as a mapping of names.

    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        if key == "strategies":
            found[key] = _chosen(_named(old), value)
        elif isinstance(old, Mapping) and isinstance(value, Mapping):
            found[key] = merge(old, value)
        else:
            found[key] = value
    return found


def _chosen(old: Mapping[str, Any] | None, value: Any) -> Any:
    """Above says which strategies run; below gives their parameters where above is silent."""
    if old is None or not isinstance(value, Mapping | list | tuple):
        return value
    return {name: merge(old.get(name) or {}, own or {}) for name, own in _named(value).items()}


def _named(value: Any) -> Any:
    return dict.fromkeys(value) if isinstance(value, list | tuple) else value
