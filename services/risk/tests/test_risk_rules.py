"""Dead rules are found from the parameters; the parameters refuse what they do not know."""

import pytest

from contango_common.domain.errors import UserError
from contango_risk.params import RiskParams, parse
from contango_risk.rules import unreachable


def _section(keys: dict[str, object]) -> dict[str, object]:
    return {"strategies": {"put_credit_spread": keys}}


@pytest.mark.parametrize(
    ("risk", "signals", "part"),
    [
        ({"exits": {"dte": 21, "monitor_dte": 7}}, {}, "exits.monitor_dte 7 is never reached"),
        ({"exits": {"profit_target": None}}, {}, "exits.monitor_dte does nothing"),
        ({"exits": {"stop_confirm_n": 4, "stop_confirm_m": 3}}, {}, "exits.stop never fires"),
        ({"exits": {"stop_basis": "pct_max_loss"}}, {}, "never fires"),
        ({"exits": {"stop_basis": "price_x_credit", "stop": 1.0}}, {}, "true at once"),
        ({"limits": {"heat_fraction": 0.01}}, {}, "risk_per_trade_fraction"),
        ({"limits": {"trade_vega": 600.0}}, {}, "limits.trade_vega never binds"),
        ({}, {"min_credit_to_width": 0.25, "delta_max": 0.30}, "put_credit_spread.min_credit_to_width 0.25 is hardly"),
        ({}, {"dte_min": 1, "dte_max": 5}, "every entry is closed at once"),
        ({}, {"dte_min": 1, "dte_max": 45}, "entries of 1 to 7 days"),
    ],
)
def test_dead_rules_are_found(risk: dict[str, object], signals: dict[str, object], part: str) -> None:
    assert any(part in line for line in unreachable(RiskParams.model_validate(risk), _section(signals)))


def test_defaults_have_no_dead_rule() -> None:
    signals: dict[str, object] = {"min_credit_to_width": 0.1, "delta_max": 0.25, "dte_min": 30, "dte_max": 60}
    assert unreachable(RiskParams(), _section(signals)) == []


@pytest.mark.parametrize(
    ("section", "part"),
    [
        ({"no_such": 1}, "risk.no_such"),
        ({"limits": {"heat_fraction": 2.0}}, "risk.limits.heat_fraction"),
        ({"exits": {"stop_basis": "guess"}}, "risk.exits.stop_basis"),
        ({"risk_per_trade_fraction": float("nan")}, "risk.risk_per_trade_fraction"),
    ],
)
def test_bad_parameters_are_one_clear_line(section: dict[str, object], part: str) -> None:
    with pytest.raises(UserError, match=part) as caught:
        parse({"risk": section})
    assert "\n" not in str(caught.value)
