"""What a probability of rising does to a purchase: it raises confidence, cuts size, or closes early.

    p > 0.7    confidence times a boost of at least 1
    p < 0.3    size times a factor of at most 1
    held, and the probability of the opposite move > 0.8: close

The published numbers are the defaults. Between the two nothing happens: both factors are 1.
"""

from typing import Literal

Side = Literal["long", "short"]


def effect(
    p: float, *, boost_above: float = 0.7, reduce_below: float = 0.3, boost: float = 1.25, reduce: float = 0.5
) -> tuple[float, float]:
    """(confidence multiplier ≥ 1, size factor ≤ 1) for the probability ``p`` in [0, 1] that the price will rise.

    Raises ValueError for a probability outside [0, 1], a boost below 1 or a reduction outside [0, 1].

    >>> effect(0.8), effect(0.5), effect(0.1)
    ((1.25, 1.0), (1.0, 1.0), (1.0, 0.5))
    """
    _probability(p)
    if not boost >= 1.0 or not 0.0 <= reduce <= 1.0:
        raise ValueError(f"boost must be at least 1 and reduce in [0, 1], got {boost!r} and {reduce!r}")
    return (boost if p > boost_above else 1.0), (reduce if p < reduce_below else 1.0)


def reversal(p: float, side: Side, above: float = 0.8) -> bool:
    """Whether the probability of the move against ``side`` is above ``above``; ``p`` is that of a rise.

    >>> reversal(0.1, "long"), reversal(0.9, "long"), reversal(0.9, "short")
    (True, False, True)
    """
    return (1.0 - _probability(p) if side == "long" else p) > above


def _probability(p: float) -> float:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"p must lie in [0, 1], got {p!r}")
    return p
