"""Every example in a docstring of the monitor runs."""

import doctest
import importlib

import pytest

MODULES = ("drift", "evidence", "inputs", "outcome", "pairing", "record", "tell")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(f"contango_inference.monitor.{name}")).failed == 0
