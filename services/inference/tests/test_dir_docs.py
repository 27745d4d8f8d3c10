"""Every example in a docstring of the direction predictor runs."""

import doctest
import importlib

import pytest

MODULES = ("trees", "direction.params", "direction.part")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"contango_inference.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
