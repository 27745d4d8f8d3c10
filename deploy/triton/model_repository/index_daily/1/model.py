"""Triton asks for a class of this name; what it does stands in the package, where it is tested."""

from contango_inference.triton.served import TritonPythonModel

__all__ = ["TritonPythonModel"]
