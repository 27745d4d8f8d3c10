"""Parameters: defaults, ranges, and errors that name the key."""

import doctest
import importlib

import pytest

from contango_common.domain.errors import UserError
from contango_signals.config import parse
from contango_signals.params import SignalsParams


def test_a_missing_section_means_defaults() -> None:
    assert parse({}) == SignalsParams() == parse({"signals": SignalsParams().model_dump(mode="json")})


@pytest.mark.parametrize(
    ("section", "part"),
    [
        ({"dte_min": -1}, "signals.dte_min"),
        ({"nonsense": 1}, "signals.nonsense"),
        ({"strategies": ["martingale"]}, "no strategy is called 'martingale'"),
        ({"gates_off": ["iv_rnk"]}, "no gate is called 'iv_rnk'"),
        ({"gates_off": ["feed_live"]}, "cannot be switched off"),
        ({"dte_target": 90}, "dte_min <= dte_target <= dte_max"),
        ({"wing_width_min": 0.005}, "signals.wing_width_min"),
        ({"ema_fast": 20, "ema_slow": 20}, "ema_fast must be below"),
        ({"max_vix": float("nan")}, "signals.max_vix"),
    ],
)
def test_errors_name_the_key(section: dict[str, object], part: str) -> None:
    with pytest.raises(UserError, match=part.replace("<", "[<]")):
        parse({"signals": section})


@pytest.mark.parametrize("module", ["params", "config", "breach", "regime"])
def test_examples_in_docstrings(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"contango_signals.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
