"""How many trades it takes to know that a mean profit is above 0.

The one-sided t test at a confidence finds an effect d = mean/sd in n independent trades with probability

    power(n) = P(T > t),   T noncentral t with n − 1 degrees and noncentrality d √n,   t its critical value

Overlapping trades count as fewer. Premium sellers' profits are skewed to the left: the t test then finds
worthless strategies good more often than it promises, so the number is a lower bound for them.

References:
    [1] J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 2nd ed., 1988, ch. 2.
"""

import math

from scipy import special

from contango_quant.broadcast import POSITIVE
from contango_quant.stats.lines import count, number, share

MOST_TRADES = 1_000_000_000


def power_of_mean(trades: int, *, mean: float, spread: float, confidence: float = 0.95) -> float:
    """Probability that `trades` independent profits show a mean above 0 at `confidence`, one-sided.

    trades: at least 2; mean, spread (standard deviation, above 0): of one trade, one unit. Raises ValueError.

    >>> round(power_of_mean(64, mean=0.3125, spread=1.0), 3)
    0.796
    """
    n = count("trades", trades, 2)
    effect = number("mean", mean) / number("spread", spread, POSITIVE)
    return _power(n, effect, share("confidence", confidence))


def trades_needed(*, mean: float, spread: float, confidence: float = 0.95, power: float = 0.8) -> int | None:
    """Fewest independent trades that show a mean above 0 with the given power; None for a mean of 0 or less.

    None, too, where a thousand million would not do. Raises ValueError.

    >>> trades_needed(mean=10.0, spread=100.0)
    620
    """
    effect = number("mean", mean) / number("spread", spread, POSITIVE)
    share("confidence", confidence)
    share("power", power)
    if effect <= 0.0:
        return None
    high = 2
    while _power(high, effect, confidence) < power:
        high *= 2
        if high > MOST_TRADES:
            return None
    low = max(2, high // 2)
    while low < high:  # power rises with trades
        middle = (low + high) // 2
        if _power(middle, effect, confidence) < power:
            low = middle + 1
        else:
            high = middle
    return high


def _power(trades: int, effect: float, confidence: float) -> float:
    degrees = trades - 1.0
    shift = effect * math.sqrt(trades)
    critical = float(special.stdtrit(degrees, confidence))
    if abs(shift) > 30.0 or degrees > 1e5:  # the noncentral t is normal there, and its series is slow
        return float(special.ndtr((shift - critical) / math.sqrt(1.0 + 0.5 * critical**2 / degrees)))
    return 1.0 - float(special.nctdtr(degrees, shift, critical))
