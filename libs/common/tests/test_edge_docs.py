"""The examples in the edges' docstrings are true."""

import doctest
import importlib

import pytest

MODULES = ("clock", "environment", "health", "main", "metrics", "redact", "settings", "supervise")


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"contango_common.edge.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
