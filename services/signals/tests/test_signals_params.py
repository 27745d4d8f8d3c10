"""Parameters: defaults, ranges, and errors that name the key."""

import doctest
import importlib
import pkgutil

import pytest

import contango_signals
from contango_common.domain.errors import UserError
from contango_signals.config import parse
from contango_signals.params import SignalsParams


def test_a_missing_section_means_defaults() -> None:
    assert parse({}) == SignalsParams() == parse({"signals": SignalsParams().model_dump(mode="json")})


@pytest.mark.parametrize(
    ("section", "part"),
    [
        ({"valid_minutes": -1}, "signals.valid_minutes"),
        ({"strategies": {"iron_condor": {"dte_min": -1}}}, "iron_condor.dte_min = -1"),
        ({"strategies": {"iron_condor": {"nonsense": 1}}}, "iron_condor.nonsense"),
        ({"switches": {"fuzy": "on"}}, "no feature is called 'fuzy'"),
        ({"switches": {"fuzzy": "maybe"}}, "signals.switches.fuzzy"),
        ({"nonsense": 1}, "signals.nonsense"),
        ({"strategies": ["martingale"]}, "no strategy is called 'martingale'"),
        ({"gates_off": ["iv_rnk"]}, "no gate is called 'iv_rnk'"),
        ({"gates_off": ["feed_live"]}, "cannot be switched off"),
        ({"strategies": {"iron_condor": {"dte_target": 90}}}, "dte_min <= dte_target <= dte_max"),
        ({"strategies": {"iron_condor": {"wing_width_min": 0.005}}}, "iron_condor.wing_width_min"),
        ({"strategies": {"ema_cross": {"fast": 20, "slow": 20}}}, "fast must be below"),
        ({"regimes": {"s2": {"vix_crash": float("nan")}}}, "signals.regimes.s2.vix_crash"),
    ],
)
def test_errors_name_the_key(section: dict[str, object], part: str) -> None:
    with pytest.raises(UserError, match=part.replace("<", "[<]")):
        parse({"signals": section})


def test_examples_in_docstrings() -> None:
    """Of every module of the service."""
    attempted = 0
    for module in pkgutil.walk_packages(contango_signals.__path__, "contango_signals."):
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0, module.name
        attempted += result.attempted
    assert attempted > 20
