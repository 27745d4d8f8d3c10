"""Rules that can never be true, found from the parameters alone and printed at start."""

from typing import Any

from contango_risk.params import RiskParams, StopBasis


def unreachable(params: RiskParams, signals: dict[str, Any] | None = None) -> list[str]:
    """One line per dead or doubtful rule; ``signals`` is that section of the parameters, for rules across both.

    >>> unreachable(RiskParams())
    []
    >>> unreachable(RiskParams.model_validate({"exits": {"dte": 21, "monitor_dte": 7}}))
    ['exits.monitor_dte 7 is never reached: exits.dte closes at 21 days or fewer']
    """
    return [*_exits(params), *_limits(params), *_entries(params, signals or {})]


def _exits(params: RiskParams) -> list[str]:
    p, found = params.exits, []
    if p.dte is not None and p.monitor_dte is not None and p.monitor_dte <= p.dte:
        found.append(f"exits.monitor_dte {p.monitor_dte} is never reached: exits.dte closes at {p.dte} days or fewer")
    if p.monitor_dte is not None and p.profit_target is None:
        found.append("exits.monitor_dte does nothing: it asks for a part of exits.profit_target, which is off")
    if p.monitor_dte is not None and p.profit_target is not None and p.monitor_pnl >= 1.0:
        found.append("exits.monitor_pnl 1.0 adds nothing to exits.profit_target")
    if p.stop_confirm_n > p.stop_confirm_m:
        found.append(f"exits.stop never fires: {p.stop_confirm_n} marks are wanted of the last {p.stop_confirm_m}")
    if p.stop is not None and p.stop_basis is StopBasis.PCT_MAX_LOSS and p.stop >= 1.0:
        found.append(f"exits.stop {p.stop:g} never fires: no loss is larger than 1 × the maximum loss")
    if p.stop is not None and p.stop_basis is StopBasis.PRICE_X_CREDIT and p.stop <= 1.0:
        found.append(f"exits.stop {p.stop:g} is true at once: the entry price is 1 × the credit")
    return found


def _limits(params: RiskParams) -> list[str]:
    p, found = params.limits, []
    if params.risk_per_trade_fraction > p.heat_fraction:
        found.append(
            f"risk_per_trade_fraction {params.risk_per_trade_fraction:g} never binds: "
            f"limits.heat_fraction {p.heat_fraction:g} is smaller"
        )
    if p.max_positions_per_underlying > p.max_open_positions:
        found.append("limits.max_positions_per_underlying never binds: limits.max_open_positions is smaller")
    for name in ("delta", "vega"):
        if getattr(p, f"trade_{name}") > getattr(p, f"book_{name}"):
            found.append(f"limits.trade_{name} never binds: limits.book_{name} is smaller")
    return found


def _entries(params: RiskParams, signals: dict[str, Any]) -> list[str]:
    strategies = signals.get("strategies") or {}
    return [line for name, keys in strategies.items() for line in _entry(params, name, keys)]


def _entry(params: RiskParams, name: str, keys: dict[str, Any]) -> list[str]:
    """Of one strategy, from its own parameters."""
    found, where = [], f"signals.strategies.{name}"
    dte_min, dte_max = keys.get("dte_min"), keys.get("dte_max")
    closing = params.exits.dte
    if closing is not None and dte_max is not None and dte_max <= closing:
        found.append(f"every entry is closed at once: {where}.dte_max {dte_max} is not above exits.dte {closing}")
    elif closing is not None and dte_min is not None and dte_min <= closing:
        found.append(f"entries of {dte_min} to {closing} days are closed at once by exits.dte: {where}.dte_min")
    credit, delta = keys.get("min_credit_to_width"), keys.get("delta_max")
    sides = 2 if name == "iron_condor" else 1
    if credit is not None and delta is not None and credit > 0.85 * _fair_credit(delta, sides):
        found.append(
            f"{where}.min_credit_to_width {credit:g} is hardly ever met with |delta| of at most {delta:g}: "
            f"the fair credit is about {_fair_credit(delta, sides):.2f} of the width"
        )
    return found


def _fair_credit(delta: float, sides: int) -> float:
    """Credit over width is about the odds of the spread's middle, a little under the sold leg's delta, per side."""
    return 0.9 * delta * sides
