"""Evidence that a model beats its baseline, valid at whatever moment one looks: an e-value by betting. Pure.

    wealth_k ← wealth_k · (1 + min(κ_k, 0.9/bound_t) gain_t),      e = mean of the wealths

``gain_t`` is the baseline's loss less the model's, ``bound_t`` the most it could be in size, known when the forecast
was made. While no forecast is expected to gain, e has a mean of at most 1 at every time, so that e ≥ 20 ever happens
with a chance below 5 %; each stake κ is right for another size of skill, and their mean forgets none. The gains must
follow one another: each forecast is made when the outcome of the one before is known.

References:
    [1] A. Henzi, J. F. Ziegel, "Valid sequential inference on probability forecast performance", Biometrika 109 (2022)
        647-663.
    [2] I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", J. Royal Statistical
        Society B 86 (2024) 1-27.
"""

import math
from collections.abc import Sequence

STAKES = (0.25, 0.5, 1.0, 2.0)
MOST_LOST = 0.9  # of the wealth in one bet
MOST_LOG = math.log(1e12)  # more evidence than this is told as this much


def no_evidence() -> list[float]:
    """Logarithms of the wealths before the first bet."""
    return [0.0] * len(STAKES)


def take(log_wealth: Sequence[float], gain: float, bound: float) -> list[float]:
    """Logarithms of the wealths after one more ``gain``, at most ``bound`` in size. Raises ValueError where it is more.

    >>> [round(math.exp(x), 3) for x in take(no_evidence(), 0.5, 1.0)]
    [1.125, 1.25, 1.45, 1.45]
    """
    if not abs(gain) <= bound * (1.0 + 1e-9) + 1e-15:
        raise ValueError(f"gain must be at most {bound!r} in size, got {gain!r}")
    if bound == 0.0:
        return list(log_wealth)
    return [x + math.log1p(min(stake, MOST_LOST / bound) * gain) for x, stake in zip(log_wealth, STAKES, strict=True)]


def e_value(log_wealth: Sequence[float]) -> float:
    """The mean wealth, at most a million million.

    >>> e_value(no_evidence())
    1.0
    """
    return sum(math.exp(min(x, MOST_LOG)) for x in log_wealth) / len(log_wealth)
