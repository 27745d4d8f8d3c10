"""Size from confidence: the more confident and the calmer, the more units. Never rounded up.

    g = F·(1 − σ*)      units = ⌊base·g⌋

F: confidence in [0, 1]; σ*: percentile of realised volatility in [0, 1].
"""

import math

ROUNDING = 1e-9


def g(score: float, sigma: float) -> float:
    """The part of the base size that is left. ValueError outside [0, 1].

    >>> round(g(0.65, 0.30), 3)
    0.455
    """
    if not (0.0 <= score <= 1.0 and 0.0 <= sigma <= 1.0):
        raise ValueError(f"score and sigma must lie in [0, 1], got {score!r} and {sigma!r}")
    return score * (1.0 - sigma)


def quantity(base: int, part: float) -> int:
    """Whole units; a product that misses a whole number by rounding alone counts as that number.

    >>> quantity(5, 0.455), quantity(10, g(1.0, 0.9))
    (2, 1)
    """
    if base < 0 or not 0.0 <= part <= 1.0:
        raise ValueError(f"base must be at least 0 and part in [0, 1], got {base!r} and {part!r}")
    return math.floor(base * part + ROUNDING)
