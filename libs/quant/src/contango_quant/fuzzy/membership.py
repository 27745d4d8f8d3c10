"""Degrees of membership in [0, 1]: how far a number belongs to a fuzzy set.

Each takes a number or None; None (unknown) stays None. A number that is nan is unknown as well.

References:
    [1] L. A. Zadeh, "Fuzzy sets", Information and Control 8 (1965) 338-353.
"""

import math


def trapezoid(x: float | None, a: float, b: float, c: float, d: float) -> float | None:
    """0 up to a, rising to 1 at b, 1 up to c, falling to 0 at d (a ≤ b ≤ c ≤ d).

    >>> trapezoid(50.0, 30.0, 40.0, 60.0, 70.0), trapezoid(35.0, 30.0, 40.0, 60.0, 70.0)
    (1.0, 0.5)
    """
    if not a <= b <= c <= d:
        raise ValueError(f"corners must ascend, got {(a, b, c, d)}")
    if _unknown(x):
        return None
    assert x is not None
    if b <= x <= c:
        return 1.0
    if x <= a or x >= d:
        return 0.0
    return (x - a) / (b - a) if x < b else (d - x) / (d - c)


def linear(x: float | None, zero: float, one: float) -> float | None:
    """0 up to ``zero``, 1 from ``one`` on, a straight line between (zero < one).

    >>> linear(30.0, 0.0, 60.0)
    0.5
    """
    if not zero < one:
        raise ValueError(f"zero must lie below one, got {(zero, one)}")
    return None if _unknown(x) else min(max(((x or 0.0) - zero) / (one - zero), 0.0), 1.0)


def linear_decay(x: float | None, one: float, zero: float) -> float | None:
    """1 up to ``one``, 0 from ``zero`` on, a straight line between (one < zero).

    >>> linear_decay(21.0, 12.0, 30.0)
    0.5
    """
    if not one < zero:
        raise ValueError(f"one must lie below zero, got {(one, zero)}")
    return None if _unknown(x) else min(max((zero - (x or 0.0)) / (zero - one), 0.0), 1.0)


def gaussian(x: float | None, centre: float, width: float) -> float | None:
    """exp(−(x − centre)²/(2 width²)).

    >>> gaussian(0.5, 0.5, 0.2)
    1.0
    """
    if not width > 0.0:
        raise ValueError(f"width must be above 0, got {width!r}")
    return None if _unknown(x) else math.exp(-0.5 * (((x or 0.0) - centre) / width) ** 2)


def crossover(x: float | None, middle: float, slope: float) -> float | None:
    """Logistic fall from 1 to 0 through a half at ``middle``; a negative ``slope`` rises.

    >>> crossover(1.5, 1.5, 4.0)
    0.5
    """
    if _unknown(x):
        return None
    power = min(max(slope * ((x or 0.0) - middle), -700.0), 700.0)
    return 1.0 / (1.0 + math.exp(power))


def _unknown(x: float | None) -> bool:
    return x is None or x != x
