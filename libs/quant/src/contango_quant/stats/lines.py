"""Checks that the statistics share: one-dimensional columns, levels and counts, named in the error."""

import math

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import ANY, Floats, floats


def line(name: str, values: ArrayLike, sign: int = ANY) -> Floats:
    """`values` as a float64 column (n,), finite and of the given sign; ValueError naming the argument.

    >>> line("returns", [[1.0]])
    Traceback (most recent call last):
        ...
    ValueError: returns must be one-dimensional, got shape (1, 1)
    """
    column = floats(name, values, sign)
    if column.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {column.shape}")
    return column


def same_length(**columns: Floats) -> None:
    """ValueError that lists the lengths unless all columns are equally long.

    >>> same_length(x=np.zeros(2), y=np.zeros(3))
    Traceback (most recent call last):
        ...
    ValueError: columns must be equally long, got x 2, y 3
    """
    if len({column.shape[0] for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {column.shape[0]}" for name, column in columns.items())
        raise ValueError(f"columns must be equally long, got {lengths}")


def share(name: str, value: float) -> float:
    """`value` strictly between 0 and 1; ValueError naming the argument.

    >>> share("level", 0.9)
    0.9
    """
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must be between 0 and 1, got {value!r}")
    return value


def number(name: str, value: float, sign: int = ANY) -> float:
    """One finite number of the given sign as float; ValueError naming the argument.

    >>> number("years", 2)
    2.0
    """
    scalar = floats(name, value, sign)
    if scalar.ndim:
        raise ValueError(f"{name} must be one number, got shape {scalar.shape}")
    return float(scalar)


def count(name: str, value: int, least: int) -> int:
    """An integer of at least `least`; ValueError naming the argument.

    >>> count("window", 1, 2)
    Traceback (most recent call last):
        ...
    ValueError: window must be an integer of at least 2, got 1
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    return value


def scaled(column: Floats) -> tuple[Floats, float]:
    """The column over a power of two that brings its largest size into [½, 1), and that power.

    No digit is lost, and squares and products of huge or tiny values neither overflow nor vanish.

    >>> scaled(np.array([3.0, -1.0]))
    (array([ 0.75, -0.25]), 4.0)
    """
    largest = float(np.abs(column).max()) if column.size else 0.0
    if largest == 0.0:
        return column, 1.0
    exponent = min(max(math.frexp(largest)[1], -1022), 1023)
    return np.ldexp(column, -exponent), math.ldexp(1.0, exponent)
