"""Every example in a docstring of the mathematics runs."""

import doctest
import importlib
import pkgutil

import pytest

import contango_quant

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(contango_quant.__path__, "contango_quant.") if not module.ispkg
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
