"""Every example in a docstring of the earnings commands runs."""

import doctest
import importlib
import pkgutil

import pytest

import contango_research.earnings

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(contango_research.earnings.__path__, "contango_research.earnings.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
